"""`ReplayModel`: plays recorded replies, and records them. A cassette is JSON Lines: a header, then a reply a line."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from ..errors import ModelError, SettingsError
from ..events import Emit, ReasoningDelta, TextDelta, ToolCallDelta
from ..messages import JSON, Message, encode_json
from .base import Model
from .custom import ask

T = TypeVar("T")

CASSETTE_VERSION = 1


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a cassette: the version of its format, and where its replies came from, for people."""

    pygent_cassette: int
    provenance: str = ""


class ReplayModel:
    """Answers with the replies of a cassette, in their order, whatever it is asked. It needs no network.

    Args:
        cassette: a file, or its lines; a file is read at the first use.
        delay: seconds between the words, for people who watch.

    Attributes:
        provenance: where the replies came from; empty until the cassette is read.
    """

    def __init__(self, cassette: str | os.PathLike[str] | Iterable[str], *, delay: float = 0.0) -> None:
        self.provenance = ""
        self._name = "the cassette"
        self._path: Path | None = None
        self._replies: list[Message] | None = None
        self._played = 0
        self._delay = delay
        if isinstance(cassette, str | os.PathLike):
            self._path = Path(cassette)
            self._name = f"cassette {self._path}"
        else:
            self._insert(cassette)

    def __repr__(self) -> str:
        held = "unread" if self._replies is None else f"{self._played}/{len(self._replies)}"
        return f"<ReplayModel {self._name} {held}>"

    @staticmethod
    def record(model: object, path: str | os.PathLike[str], *, provenance: str = "") -> Model:
        """Wrap a model so that each reply is appended to the cassette at `path`; it is made if there is none."""
        return _Recorder(model, Path(path), provenance)

    async def load(self) -> None:
        """Read the cassette now; `chat` does so by itself.

        Raises:
            SettingsError: it cannot be read, or a line is not what belongs there; the text says which.
        """
        if self._replies is not None or self._path is None:
            return

        try:
            text = await asyncio.to_thread(self._path.read_text, encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"{self._name} cannot be read: {error}") from error

        self._insert(text.split("\n"))  # splitlines() would also split at U+2028, which JSON may hold

    async def chat(
        self,
        messages: Sequence[Message],  # noqa: ARG002 - the answers are known already
        model: str,
        tools: Sequence[JSON],  # noqa: ARG002 - the same
        *,
        emit: Emit | None = None,
    ) -> Message:
        """Return the next reply.

        Raises:
            ModelError: all replies were played.
            SettingsError: the cassette cannot be read.
        """
        await self.load()
        replies = self._replies or []
        if self._played >= len(replies):
            raise ModelError(f"{self._name} holds {len(replies)} replies, and all were played", model=model, attempts=0)

        reply = replies[self._played]
        self._played += 1
        if emit is not None:
            await self._perform(reply, emit)
        return reply

    async def _perform(self, reply: Message, emit: Emit) -> None:
        """Emit a reply as a stream would bring it, word by word."""
        for words, delta in ((reply.reasoning or "", ReasoningDelta), (reply.text, TextDelta)):
            for word in re.findall(r"\S+\s*|\s+", words):
                emit(delta(text=word))
                await asyncio.sleep(self._delay)
        for index, call in enumerate(reply.tool_calls):
            emit(ToolCallDelta(index=index, name=call.function.name, arguments=call.function.arguments))

    def _insert(self, lines: Iterable[str]) -> None:
        header, *replies = [*_numbered(lines)] or [(1, "")]
        self.provenance = _header(header[1], self._name).provenance
        self._replies = [
            _decoded(line, Message, f"{self._name}, line {number} is no reply") for number, line in replies
        ]


class _Recorder:
    """Passes on to a model and keeps what it replies."""

    def __init__(self, model: object, path: Path, provenance: str) -> None:
        self._model = model
        self._path = path
        self._provenance = provenance

    def __repr__(self) -> str:
        return f"<recording {self._model!r} to {self._path}>"

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        await asyncio.to_thread(self._begin)  # before the model is asked: a reply may be dear
        reply = await ask(self._model, messages, model, tools, emit)
        await asyncio.to_thread(self._append, reply)
        return reply

    def _begin(self) -> None:
        """Make the cassette, or see that what is there is one."""
        header = _Header(pygent_cassette=CASSETTE_VERSION, provenance=self._provenance)
        try:
            with self._path.open("a+b") as file:
                file.seek(0)
                first = file.readline()
                if not first:
                    file.write(msgspec.json.encode(header) + b"\n")
        except OSError as error:
            raise SettingsError(f"cannot record to {self._path}: {error}") from error

        if first:
            _header(first.decode("utf-8", "replace"), f"cassette {self._path}")

    def _append(self, reply: Message) -> None:
        with self._path.open("ab") as file:
            file.write(encode_json(reply) + b"\n")


def _numbered(lines: Iterable[str]) -> list[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _header(line: str, name: str) -> _Header:
    header = _decoded(line, _Header, f"{name}, line 1 is no header")
    if header.pygent_cassette != CASSETTE_VERSION:
        raise SettingsError(
            f"{name} has the format {header.pygent_cassette}; this version of Pygent plays format {CASSETTE_VERSION}"
        )

    return header


def _decoded(line: str, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise SettingsError(f"{where}: {error}") from error
