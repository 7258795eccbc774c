"""Whatever a tool returns becomes bounded text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import ToolOutput
from pygent.redaction import Redactor
from pygent.settings.values import Secret
from pygent.tools.results import MAX_TEXT, NO_OUTPUT, as_output, shorten


@dataclass
class Point:
    x: int
    when: Any = None


class Record(msgspec.Struct):
    x: int


class Model:
    def model_dump(self) -> dict[str, int]:
        return {"x": 1}


class Color(Enum):
    RED = "r"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param(None, NO_OUTPUT, id="none"),
        pytest.param("", NO_OUTPUT, id="empty"),
        pytest.param(b"caf\xc3\xa9 \xff", "café \ufffd", id="bytes"),
        pytest.param(bytearray(b"x"), "x", id="bytearray"),
        pytest.param(True, "true", id="bool"),
        pytest.param(42, "42", id="int"),
        pytest.param(2.5, "2.5", id="float"),
        pytest.param({"a": [1, None]}, '{"a":[1,null]}', id="dict"),
        pytest.param((1, "é"), '[1,"é"]', id="tuple"),
        pytest.param(Point(1, Path("a")), '{"x":1,"when":"a"}', id="dataclass"),
        pytest.param(Record(1), '{"x":1}', id="struct"),
        pytest.param(Model(), '{"x":1}', id="pydantic"),
        pytest.param([Model()], '[{"x":1}]', id="pydantic-inside"),
        pytest.param(date(2024, 2, 29), "2024-02-29", id="date"),
        pytest.param(Path("a/b"), "a/b", id="path"),
        pytest.param(Point, str(Point), id="class"),
        pytest.param({Color.RED: 1j}, '{"r":"1j"}', id="odd-inside"),
        pytest.param({(1, 2): 3}, '{"(1, 2)":3}', id="odd-key"),
        pytest.param(["\ud800"], "['\\ud800']", id="no-utf-8"),
        pytest.param(LOOP, "[[...]]", id="contains-itself"),
    ],
)
def test_results_become_text(result: Any, text: str) -> None:
    """Text stays text, records and containers become JSON, and nothing is an error."""
    assert as_output(result) == ToolOutput(text)


def test_a_tool_output_is_kept_and_bounded() -> None:
    """A tool may say more than text; both texts have the same bound."""
    output = as_output(ToolOutput("x" * (MAX_TEXT + 1), "y" * (MAX_TEXT + 1), is_error=True))

    assert "[… 1 characters omitted …]" in output.text
    assert "[… 1 characters omitted …]" in (output.display or "")
    assert output.is_error
    assert as_output(ToolOutput("a", "b")) == ToolOutput("a", "b")


@given(st.text(max_size=60), st.integers(0, 40))
def test_the_middle_is_cut_out_and_counted_exactly(text: str, limit: int) -> None:
    """What is left and what is said to be omitted make up the whole; the beginning and the end survive."""
    result = shorten(text, limit)

    if len(text) <= limit:
        assert result == text
    else:
        omitted = len(text) - limit
        head, tail = result.split(f"\n[… {omitted} characters omitted …]\n", 1)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) + omitted + len(tail) == len(text)
        assert abs(len(head) - len(tail)) <= 1


@pytest.mark.parametrize("byte", [b"x", b"\xff"], ids=["text", "binary"])
def test_of_very_many_bytes_only_the_ends_are_decoded(byte: bytes) -> None:
    """What a tool returns is turned into text on the event loop, so its size must not matter."""
    text = as_output(b"<" + byte * (50 << 20) + b">").text

    head, tail = text.split(f"\n[… {(50 << 20) + 2 - 2 * (MAX_TEXT // 2 - 50):,} bytes omitted …]\n")
    assert (head[0], tail[-1]) == ("<", ">")
    assert len(head) == len(tail) == MAX_TEXT // 2 - 50


@pytest.mark.parametrize("filler", ["x", "é", "語", "😀"])
@pytest.mark.parametrize("key", ["sk-0123456789abcdef", "schlüssel-漢字-0123456789"])
def test_no_half_secret_is_left_where_bytes_are_cut(filler: str, key: str) -> None:
    """Wherever the cut falls, of a secret that it goes through nothing is seen, however many bytes a character has."""
    redact = Redactor({"KEY": Secret(key)})
    cut = MAX_TEXT // 2 - 50
    for shift in range(len(key.encode()) + 4):
        side = (filler * cut).encode()[: (cut - shift) // len(filler.encode()) * len(filler.encode())]
        text = as_output(side + key.encode() + (filler * 4 * MAX_TEXT).encode() + key.encode() + side, redact).text

        left = re.sub(r"\n\[… [0-9,]+ bytes omitted …\]\n", "", text).replace("[redacted:KEY]", "")
        assert set(left) == {filler}, shift


async def later() -> str:
    return ""


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(later, "returned a coroutine and did not await it; write it, and each decorator", id="coroutine"),
        pytest.param(lambda: (number for number in [1]), "returned a generator; return one result", id="generator"),
    ],
)
def test_what_is_no_result_yet_is_refused(make: Callable[[], Any], problem: str) -> None:
    """The author is told how to write it, and Python warns of nothing besides."""
    with pytest.raises(TypeError, match=problem):
        as_output(make())
