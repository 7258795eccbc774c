"""`HistoryFile`: a conversation kept in one JSON file between runs (`PYGENT_HISTORY_FILE`)."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .errors import SessionError
from .messages import Message, encode_json

_log = logging.getLogger("pygent.session")


class HistoryFile:
    """A conversation as a JSON list of messages, replaced as a whole at each save: never half-written.

    Args:
        path: the file; it need not exist yet. It is made readable by its owner alone.
        started_with: a history that the caller gave explicitly; then the file is only written, not read.

    Attributes:
        is_loaded: whether the file was read, or need not be.
    """

    def __init__(self, path: str | os.PathLike[str], started_with: Sequence[Message] | None = None) -> None:
        self._path = Path(path)
        self.is_loaded = started_with is not None
        self._warned = False

    async def load_once(self, history: list[Message]) -> list[Message]:
        """Return the saved conversation at the first call if there is one, else `history`.

        Raises:
            SessionError: the file cannot be read or is not a list of messages; it is left as it is.
        """
        if self.is_loaded:
            return history

        saved = await asyncio.to_thread(self._read)
        self.is_loaded = True
        return saved or history

    async def save(self, history: Sequence[Message]) -> None:
        """Write the conversation. If that fails the first time a warning is logged, and work goes on in memory."""
        try:
            await asyncio.to_thread(self._write, encode_json(tuple(history)))
        except OSError as error:
            if not self._warned:
                self._warned = True
                _log.warning("cannot save the history to %s: %s", self._path, error)

    def _read(self) -> list[Message]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Message])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise SessionError(
                f"cannot read the history file {self._path}: {error}; move it away to start anew"
            ) from error

    def _write(self, data: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)  # noqa: PTH105 - the name is a str, from mkstemp
        except BaseException:
            os.unlink(temporary)  # noqa: PTH108 - the same
            raise
