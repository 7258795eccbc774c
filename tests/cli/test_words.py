"""The model's words are broken between words, and nothing of them is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pygent.cli.words import MAX_WORD, Words


def wrapped(text: str, width: int, piece: int = 1) -> str:
    words = Words(width)
    return "".join(words.feed(text[start : start + piece]) for start in range(0, len(text), piece)) + words.end()


def test_breaks_between_words() -> None:
    """A word that does not fit any more goes to the next line as a whole."""
    assert wrapped("the quick brown fox", 10) == "the quick\nbrown fox"


def test_keeps_what_fits_as_it_is() -> None:
    """Line ends, indentation and inner spaces of short lines are the author's."""
    code = "def f():\n    return  1\n\n\nx\n"

    assert wrapped(code, 40) == code


def test_counts_cells_not_characters() -> None:
    """Wide characters take two places."""
    assert wrapped("日本 日本 日本", 10) == "日本 日本\n日本"


def test_does_not_hold_back_a_word_without_end() -> None:
    """A text without spaces is shown while it comes."""
    assert Words(80).feed("x" * (MAX_WORD + 1)) == "x" * (MAX_WORD + 1)


@given(
    st.text(st.sampled_from("ab é日\n\t "), max_size=120),
    st.integers(min_value=1, max_value=30),
    st.integers(min_value=1, max_value=7),
)
def test_loses_no_word(text: str, width: int, piece: int) -> None:
    """However it is cut into pieces, the same words come out in the same lines."""
    shown = wrapped(text, width, piece)

    assert shown.split() == text.split()
    assert shown == wrapped(text, width, 1000)


@given(st.lists(st.text(st.sampled_from("abé日"), min_size=1, max_size=5)), st.integers(min_value=10, max_value=30))
def test_lines_fit(words: list[str], width: int) -> None:
    """No line of words that fit is broken by the terminal."""
    assert all(cell_len(line) <= width for line in wrapped(" ".join(words), width).split("\n"))
