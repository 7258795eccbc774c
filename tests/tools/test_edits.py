"""Exact replacements: made as asked, or refused with the reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import ToolError
from pygent.tools.edits import MAX_COMPARED, Edit, diff, replace


@pytest.mark.parametrize(
    ("data", "old", "new", "everywhere", "edit"),
    [
        pytest.param(b"a b c", "b", "x", False, Edit(b"a x c", 1, 1), id="once"),
        pytest.param(b"a\nb\nc\n", "b\n", "", False, Edit(b"a\nc\n", 1, 2), id="delete"),
        pytest.param(b"a", "a", "b", False, Edit(b"b", 1, 1), id="no-newline-at-the-end"),
        pytest.param(b"x\ny x\nx", "x", "z", True, Edit(b"z\ny z\nz", 3, 1), id="everywhere"),
        pytest.param(b"a", "a", "a a", True, Edit(b"a a", 1, 1), id="everywhere-is-once"),
        pytest.param(b"a\r\nb\r\n", "a\nb\n", "c\nd\n", False, Edit(b"c\r\nd\r\n", 1, 1), id="crlf-file"),
        pytest.param(b"a\r\nb\r\n", "a\r\nb", "a\r\nx\r\nb", False, Edit(b"a\r\nx\r\nb\r\n", 1, 1), id="crlf-both"),
        pytest.param(b"a\nb\n", "a\r\nb", "c\r\nd", False, Edit(b"c\nd\n", 1, 1), id="crlf-for-lf-file"),
        pytest.param(b"a\r\nb\nc\n", "b\n", "x\n", False, Edit(b"a\r\nx\nc\n", 1, 2), id="mixed-line-ends"),
        pytest.param(b"\xe9 a \xff", "a", "b", False, Edit(b"\xe9 b \xff", 1, 1), id="other-bytes-stay"),
        pytest.param("caf\u00e9 \u2028 x".encode(), "é \u2028", "e", False, Edit(b"cafe x", 1, 1), id="unicode"),
    ],
)
def test_replaces_exactly(data: bytes, old: str, new: str, everywhere: bool, edit: Edit) -> None:
    """What was asked for changes, and no other byte."""
    assert replace(data, old, new, everywhere=everywhere) == edit


FILE = b"""\
def area(width, height):
\tif width < 0:
\t\traise ValueError(width)

\treturn width * height


def volume(width, height, depth):
    return area(width, height) * depth
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param("", "x", "`old` is empty; use write_file", id="empty"),
        pytest.param("depth", "depth", "`old` and `new` are the same", id="nothing-to-do"),
        pytest.param(
            "width, height", "w, h", "in the file 3 times, at lines 1, 8, 9; add lines around it", id="ambiguous"
        ),
        pytest.param(
            "    if width < 0:\n        raise ValueError(width)",
            "x",
            "Line 2 and what follows differ from it only in whitespace (the file has tabs there):\n"
            "     2\t\tif width < 0:\n     3\t\t\traise ValueError(width)",
            id="spaces-for-tabs",
        ),
        pytest.param(
            "\treturn area(width, height) * depth", "x", "Line 9 .*the file has spaces, not tabs", id="tabs-for-spaces"
        ),
        pytest.param(
            "return width * height   \n", "x", "Line 5 .*only in whitespace:\n     5\t\treturn", id="end-of-line"
        ),
        pytest.param("     8\tdef volume(width", "x", "Leave out the line numbers", id="line-numbers"),
        pytest.param("return 0", "return width * height", "`new` is there already, at line 5", id="done-before"),
        pytest.param(
            "\n\ndef volume(width, heigth, depth):\n    pass",
            "x",
            "similar lines are:\n     6\t\n     7\t\n     8\tdef volume(width, height, depth):\n     9\t    return",
            id="similar",
        ),
        pytest.param("import os", "x", "Nothing in it is similar; read the file again", id="nothing-like-it"),
    ],
)
def test_refuses_with_the_reason(old: str, new: str, reason: str) -> None:
    """The model learns what is wrong and what the file has instead."""
    with pytest.raises(ToolError) as caught:
        replace(FILE, old, new)

    assert reason in str(caught.value) or re.search(reason, str(caught.value), re.DOTALL), str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n", b"\0\xff\xfe"], ids=["empty", "blank", "binary"])
def test_refuses_in_any_file(data: bytes) -> None:
    """Files without anything to compare are no trouble."""
    with pytest.raises(ToolError, match="Nothing in it is similar"):
        replace(data, "some text", "x")


def test_overlapping_places_are_ambiguous() -> None:
    """`aa` is twice in `aaa`: which one is meant cannot be known."""
    with pytest.raises(ToolError, match="2 times, at lines 1, 1"):
        replace(b"aaa", "aa", "b")


def test_many_places_are_not_all_listed() -> None:
    """A hopelessly ambiguous text does not flood the model."""
    with pytest.raises(ToolError, match="more than 1000 times") as caught:
        replace(b"x\n" * 5_000, "x", "y")

    assert len(str(caught.value)) < 300
    assert replace(b"x\n" * 5_000, "x", "y", everywhere=True) == Edit(b"y\n" * 5_000, 5_000, 1)


text = st.text(alphabet="ab \t\n\r", max_size=12)


@given(text, text, text)
def test_an_edit_is_an_exact_replacement(data: str, old: str, new: str) -> None:
    """Whatever is asked for, the result is the one replacement, or nothing is changed."""
    raw = data.encode()
    try:
        edit = replace(raw, old, new)
    except ToolError:
        return

    assert edit.data != raw
    assert edit.places == 1
    if "\r" not in data + old + new:
        assert edit.data.decode() == data.replace(old, new)


def test_diff_is_unified() -> None:
    """People see what changed, in the form they know."""
    assert diff("a.py", b"1\n2\n", b"1\n3\n") == "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n 1\n-2\n+3"
    assert diff("a.py", None, b"1\n") == "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+1"
    assert diff("a.py", b"1\n", b"1\n") is None
    assert diff("a.py", b"", b"1\n" * (2 * MAX_COMPARED + 1)) is None
