"""`Working`: the moving lines below the last that stands: what goes on, for how long, and the end of what it prints."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Console, ConsoleOptions, RenderResult
from rich.spinner import Spinner
from rich.text import Text

from .escape import one_line

LINES = 6
MAX_LINE = 1000


class Working:
    """A renderable that says what goes on; told by the writer's thread, drawn by the one of `rich.live`."""

    def __init__(self, ascii_only: bool = False) -> None:
        self._spinner = Spinner("line" if ascii_only else "dots")
        self._label = ""
        self._since = time.monotonic()
        self._call_id: str | None = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._open = ""  # the last line, not ended yet

    def tell(self, label: str, call_id: str | None = None) -> None:
        """Something else goes on; of the call with this id the output is shown."""
        if label != self._label or call_id != self._call_id:
            self._label, self._since = label, time.monotonic()
            self._forget_lines(call_id)

    def heard(self, call_id: str, text: str) -> None:
        """The call printed something; only its end is kept."""
        if call_id != self._call_id:
            return

        *whole, self._open = (self._open + text[-LINES * MAX_LINE :]).split("\n")
        self._lines.extend(whole)
        self._open = self._open[-MAX_LINE:]

    def forget(self, call_id: str) -> None:
        """The call has ended."""
        if call_id == self._call_id:
            self._forget_lines(None)

    def _forget_lines(self, call_id: str | None) -> None:
        self._call_id, self._open = call_id, ""
        self._lines.clear()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [*self._lines, self._open] if self._open else list(self._lines)
        width = max(options.max_width - 4, 1)
        for line in lines[-LINES:]:
            yield Text(f"  {one_line(line.rsplit(chr(13), 1)[-1] or line, width)}", style="dim", no_wrap=True)
        self._spinner.update(text=Text(f"{self._label} {time.monotonic() - self._since:.0f} s", style="dim"))
        yield self._spinner
