"""The terminal as it is: `open_console` makes rich's console for progress, `terminal_descriptor` finds the keyboard."""

from __future__ import annotations

import locale
import os
import sys
from typing import IO, NamedTuple

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the caller know; rich would redirect standard output, whichever stream broke, and exit."""
        raise BrokenPipeError


def open_console(file: IO[str]) -> Console:
    """Return a console that writes data as it is: no markup, no highlighting, no emoji codes; colour on terminals only.

    In the C locale all beyond ASCII is written out, whatever the encoding of the stream would allow.
    """
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        plain = {"encoding": "ascii"} if _is_c_locale() else {}
        reconfigure(errors="backslashreplace", **plain)
    return _Console(file=file, markup=False, highlight=False, emoji=False)


def is_ascii(console: Console) -> bool:
    """Whether only ASCII should be drawn."""
    return "utf" not in console.encoding.lower()


class Marks(NamedTuple):
    """The signs that lines are drawn with."""

    bullet: str = "●"
    gutter: str = "│"
    corner: str = "└"
    dot: str = "·"


def marks_of(console: Console) -> Marks:
    """Return the signs that this console can show."""
    return Marks("*", "|", "|", "-") if is_ascii(console) else Marks()


def is_animated(console: Console) -> bool:
    """Whether lines can be redrawn."""
    return console.is_terminal and not console.is_dumb_terminal and os.isatty(console.file.fileno())


def terminal_descriptor() -> int | None:
    """Return a descriptor to read the keyboard from: standard input, or the controlling terminal; None: there is none.

    Standard error must be a terminal, too: it shows the question.
    """
    if not sys.stderr.isatty():
        return None

    if os.isatty(0):
        return 0

    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return None


def _is_c_locale() -> bool:
    """Whether the user chose the C locale; Python itself then pretends UTF-8 for characters, not for messages."""
    try:
        return locale.setlocale(locale.LC_MESSAGES, "") in ("C", "POSIX")
    except locale.Error:  # a locale that this machine does not have
        return False
