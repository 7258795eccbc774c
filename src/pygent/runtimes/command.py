"""What a command says and comes to: `OnOutput` and `CommandResult`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import msgspec

OnOutput: TypeAlias = Callable[[str], None]
"""Receives what a command prints, while it runs; called on the event loop, must not block."""


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to; one that fails or times out is a result, not an exception.

    Attributes:
        output: what it printed, both streams in one as on a terminal; the middle is cut out when it is long.
        exit_code: its exit status; negative: the signal that ended it; None: it was killed at the timeout.
        timed_out: whether it was killed because its time was over.
        omitted_bytes: how many bytes of the output were cut out.
        duration: seconds from start to end.
        background: process ids that it left running.
    """

    output: str = ""
    exit_code: int | None = None
    timed_out: bool = False
    omitted_bytes: int = 0
    duration: float = 0.0
    background: tuple[int, ...] = ()

    def render(self, cmd: str, timeout: float | None = None) -> str:
        """Show command and result as a person would see them on a terminal: for a model to read."""
        lines = [f"$ {cmd}"]
        if self.output:
            lines.append(self.output.rstrip("\n"))
        if self.timed_out:
            lines.append(f"[timeout after {timeout:g}s]" if timeout is not None else "[timeout]")
        elif self.exit_code:
            lines.append(f"[exit {self.exit_code}]")
        return "\n".join(filter(None, (*lines, self.left)))

    @property
    def left(self) -> str:
        """What to tell a model of the processes that the command left running; empty: nothing."""
        if not self.background:
            return ""

        pids = ", ".join(map(str, self.background))
        return f"[still running in the background: {pids}; redirect their output to a file to see it]"


def check_seconds(name: str, value: float | None) -> None:
    """See that a time to wait is one; None is no limit, and less than 0 is 0.

    Raises:
        ValueError: it is no number.
    """
    if value is not None and math.isnan(value):
        raise ValueError(f"{name}={value!r} is not allowed; it is a number of seconds, or None")
