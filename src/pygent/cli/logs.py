"""The log of a run: warnings as lines on the terminal, and everything in `PYGENT_LOG_FILE`."""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from ..errors import SettingsError
from .escape import one_line


class _Warnings(logging.Handler):
    """Shows a warning as one line, above what moves, and without its traceback."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            self._console.print(Text(f"pygent: {one_line(record.getMessage(), 500)}", style="yellow"), soft_wrap=True)


def show_warnings(console: Console) -> None:
    """Show what is logged as a warning or worse."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Warnings):
            root.removeHandler(handler)
    root.addHandler(_Warnings(console))


def write_log(path: str) -> None:
    """Append the log to a file that only its owner can read.

    Raises:
        SettingsError: the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise SettingsError(f"the log file {path!r} cannot be written: {error.strerror}") from error

    handler = logging.StreamHandler(os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("pygent").setLevel(logging.INFO)
