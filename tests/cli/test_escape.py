"""What others say cannot command the terminal."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.cli.escape import one_line, visible

TABLE = {
    "plain": ("a <b> [c] é 日本 👍", "a <b> [c] é 日本 👍"),
    "newline and tab": ("a\n\tb", "a\n\tb"),
    "windows line end": ("a\r\nb", "a\nb"),
    "overwriting": ("rm -rf /\rls", "rm -rf /\\rls"),
    "clear screen": ("\x1b[2J", "\\x1b[2J"),
    "title": ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
    "clipboard": ("\x1b]52;c;aGk=\x1b\\", "\\x1b]52;c;aGk=\\x1b\\"),
    "link": ("\x1b]8;;http://x\x07y", "\\x1b]8;;http://x\\x07y"),
    "one-byte CSI": ("\x9b31m", "\\x9b31m"),
    "backspace": ("ab\x08c", "ab\\x08c"),
    "delete": ("\x7f", "\\x7f"),
    "right to left": ("\u202eevil", "\\u202eevil"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "zero width": ("a\u200bb\u200dc\ufeff", "a\\u200bb\\u200dc\\ufeff"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "hidden tags": ("\U000e0041", "\\U000e0041"),
    "variation selector": ("a\U000e0100", "a\\U000e0100"),
    "invisible filler": ("\u3164", "\\u3164"),
    "half an emoji": ("\ud83d", "\\ud83d"),
}


@pytest.mark.parametrize(("text", "shown"), TABLE.values(), ids=TABLE)
def test_shows_what_is_there(text: str, shown: str) -> None:
    """Each character is shown, or written out where a terminal would obey or hide it."""
    assert visible(text) == shown


def test_no_control_or_format_character_of_unicode_survives() -> None:
    """Whatever Unicode calls control, format, surrogate or separator of lines is written out."""
    dangerous = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char not in "\n\t"
    ]

    assert [char for char in dangerous if char in visible(f"a{char}b")] == []


@given(st.text(st.characters(), max_size=50))
def test_is_harmless_stable_and_can_be_written(text: str) -> None:
    """What comes out can be encoded, obeys nothing, and is itself shown as it is."""
    shown = visible(text)

    shown.encode()
    assert visible(shown) == shown
    assert all(unicodedata.category(char) not in {"Cc", "Cf"} or char in "\n\t" for char in shown)


@given(st.text(st.characters(), max_size=300), st.integers(min_value=2, max_value=100))
def test_one_line_is_one_line(text: str, width: int) -> None:
    """However long and many-lined a text is, it becomes one line that fits."""
    line = one_line(text, width)

    assert len(line) <= width
    assert len(line.splitlines()) <= 1


def test_one_line_says_that_it_is_cut() -> None:
    """The end of a cut line shows that there is more; leading spaces stay."""
    assert one_line("  abc\ndef", 100) == "  abc\\ndef"
    assert one_line("abcdefgh", 6) == "abc..."
