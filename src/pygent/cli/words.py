"""`Words`: text that comes in pieces, broken into lines between its words, as a terminal would not do it."""

from __future__ import annotations

import re

from rich.cells import cell_len

MAX_WORD = 200
"""Characters without a space that are held back at most: the terminal breaks what is longer."""


class Words:
    """Wraps a stream of text: put pieces in, get out what can be shown now.

    A word is held back until it ends, for only then it is known whether it fits. Spaces at a break are dropped; all
    else stays as it is: line ends, indentation, code.
    """

    def __init__(self, width: int) -> None:
        self._width = max(width, 1)
        self._column = 0
        self._spaces = ""
        self._word = ""

    def feed(self, text: str) -> str:
        """Take a piece, and return what can be shown."""
        *whole, self._word = re.split(r"(\s)", self._word + text)
        shown = "".join(self._placed(part) for part in whole)
        if len(self._word) > MAX_WORD:
            shown += self.end()
        return shown

    def end(self) -> str:
        """Return what was held back."""
        word, self._word = self._word, ""
        return self._placed(word)

    def _placed(self, part: str) -> str:
        """A word with the spaces before it, or with a line end instead."""
        if part == "\n":
            self._column, self._spaces = 0, ""
            return part

        if part.isspace():
            self._spaces += part.expandtabs(4)
            return ""

        if not part:
            return ""

        width = cell_len(part)
        if self._column and self._column + len(self._spaces) + width > self._width:
            lead, self._column = "\n", 0
        else:
            lead = self._spaces
        self._spaces = ""
        self._column = (self._column + len(lead.strip("\n")) + width - 1) % self._width + 1
        return lead + part
