"""`visible`: text of others, made safe to show on a terminal; all that models, tools and users say passes here.

A terminal obeys control characters: they can clear the screen, retitle the window, fill the clipboard, or make text
look like something else. What is shown here is what is there.
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1: ESC, BEL, CR, CSI …
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"  # drawn as nothing
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # marks that change their neighbours
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # zero width, line separators, direction
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of single scripts
    "\U000e0000-\U000e0fff"  # tags and variation selectors: whole sentences can hide in them
    "\ud800-\udfff"  # half characters, which cannot be encoded
    "]"
)


def visible(text: str) -> str:
    r"""Return `text` with each character that a terminal obeys or hides written out, such as `\x1b`.

    Newlines and tabs stay, and `\r\n` becomes a newline; a lone `\r`, which overwrites the line, is written out.
    """
    return _HIDDEN.sub(_written_out, text.replace("\r\n", "\n"))


def one_line(text: str, width: int = 200) -> str:
    r"""Return `text` in one line of at most `width` characters: line ends are written out, a long end `...`."""
    line = visible(text.rstrip()[: width + 1]).replace("\n", "\\n").replace("\t", "    ")
    return line if len(line) <= width else f"{line[: max(width - 3, 0)]}..."[:width]


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x0D:
        return "\\r"

    if code <= 0xFF:
        return f"\\x{code:02x}"

    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
