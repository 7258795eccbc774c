"""Tool calls in pieces: each dialect of numbering them, in any mixture that a server may send, found by hypothesis."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygent.events import TextDelta, ToolCallDelta
from pygent.models.chat.deltas import PartialReply
from pygent.testing.server.chat.chunks import calls, piece, said

Call: TypeAlias = tuple[str, str]
"""A tool's name, and the arguments as the model wrote them."""

Piece: TypeAlias = tuple[int, str]
"""The number of a call, and some of its arguments."""


@st.composite
def conversations(draw: st.DrawFn, *, mixed: bool) -> tuple[list[Call], list[Piece]]:
    """Some calls, and their arguments in pieces: mixed, as of a model that makes several at once, or in turn."""
    values = st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers() | st.none(), max_size=3)
    asked = [
        (f"tool_{number}", json.dumps(value, ensure_ascii=draw(st.booleans())))
        for number, value in enumerate(draw(st.lists(values, min_size=1, max_size=4)))
    ]
    queues = []
    for number, (_, text) in enumerate(asked):
        cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=4)))
        queues.append([(number, text[start:end]) for start, end in pairwise([0, *cuts, len(text)])])
    pieces: list[Piece] = []
    while any(queues):
        begun = len({number for number, _ in pieces})
        ready = [queue for queue in queues[: begun + 1] if queue]  # a call begins when those before it have begun
        pieces.append(draw(st.sampled_from(ready if mixed else ready[:1])).pop(0))
    return asked, pieces


Fields: TypeAlias = Callable[[int, bool], dict[str, Any]]

MIXED: dict[str, Fields] = {
    "index, the id once": lambda number, first: {"index": number, **({"id": f"c{number}"} if first else {})},
    "index and no id": lambda number, first: {"index": number},
    "index and an empty id": lambda number, first: {"index": number, "id": f"c{number}" if first else ""},
    "index and id": lambda number, first: {"index": number, "id": f"c{number}"},
    "id": lambda number, first: {"id": f"c{number}"},
    "id and null": lambda number, first: {"id": f"c{number}", "index": None},
    "id, the index always 0": lambda number, first: {"index": 0, "id": f"c{number}"},
    "index as text": lambda number, first: {"index": str(number), "id": f"c{number}" if first else None},
    "index with gaps": lambda number, first: {"index": 7 * number + 3, "id": f"c{number}" if first else None},
    "index from the end": lambda number, first: {"index": 99 - number, "id": f"c{number}" if first else None},
    "index, one id for all": lambda number, first: {"index": number, **({"id": "same"} if first else {})},
}
"""What a piece says of the call that it belongs to, by the call's number and whether it is the first of it."""

IN_TURN: dict[str, Fields] = {
    **MIXED,
    "nothing": lambda number, first: {},
    "an id at the start": lambda number, first: {"id": f"c{number}"} if first else {},
    "an id at the start, the index always 0": lambda number, first: {"index": 0, "id": f"c{number}" if first else None},
}
"""The same where calls come one after the other: with that, the name at the start says enough."""


def check(asked: list[Call], pieces: list[Piece], fields: Fields, sizes: list[int], *, always_named: bool) -> None:
    """Send the pieces, so many in each chunk with words in between, and compare."""
    reply, started = PartialReply(), set[int]()
    shown = [""] * len(asked)
    words, sizes = "", [*sizes]
    while pieces:
        size = sizes.pop() if sizes else 1
        chunk, pieces = pieces[:size], pieces[size:]
        parts = []
        for number, text in chunk:
            first = number not in started
            started.add(number)
            parts.append(piece(text, name=asked[number][0] if first or always_named else None, **fields(number, first)))
        for event in [*reply.add(calls(*parts)), *reply.add(said("w"))]:
            match event:
                case ToolCallDelta(index=index, arguments=text):
                    shown[index] += text
                case TextDelta(text=text):
                    words += text
    message = reply.message()

    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == asked
    assert shown == [text for _, text in asked]
    assert len({call.id for call in message.tool_calls}) == len(asked)
    assert message.content == words


SIZES = st.lists(st.integers(1, 3), max_size=8)


@pytest.mark.parametrize("always_named", [False, True], ids=["named once", "always named"])
@pytest.mark.parametrize("dialect", MIXED)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_mixed_pieces_find_their_calls(dialect: str, always_named: bool, data: st.DataObject) -> None:
    """Several calls written at once are told apart, however the server numbers them and in whatever chunks."""
    asked, pieces = data.draw(conversations(mixed=True))
    check(asked, pieces, MIXED[dialect], data.draw(SIZES), always_named=always_named)


@pytest.mark.parametrize("dialect", IN_TURN)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_pieces_in_turn_find_their_calls(dialect: str, data: st.DataObject) -> None:
    """Calls that come one after the other are told apart even by servers that do not number them."""
    asked, pieces = data.draw(conversations(mixed=False))
    check(asked, pieces, IN_TURN[dialect], data.draw(SIZES), always_named=False)
