"""Values of a type that no server should send, at every place of a chunk, a completion and an error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import pytest

from pygent.errors import ModelError
from pygent.events import AnyEvent
from pygent.messages import Message
from pygent.models.chat.deltas import PartialReply
from pygent.models.http.faults import status_error
from pygent.testing.server.chat.chunks import STOP, calls, completion, delta, piece, said

Place: TypeAlias = tuple[str | int, ...]
"""The keys and positions that lead to a value."""

ODD: list[Any] = [
    None, True, False, 0, -1, 7, 10**30, 1.5, "", "x", "0", "\ud800", "9" * 5000,
    [], [[]], [None], ["x"], [{}], {}, {"x": 1}, {"": None},
    {"type": "text", "text": None}, {"message": None}, {"code": []},
]  # fmt: skip

CHUNKS: dict[str, Any] = {
    "words": delta(role="assistant", content="hello", refusal="no", reasoning="hm", reasoning_content="hm"),
    "parts": said([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]}]),
    "call": calls(piece('{"a": 1}', name="bash", id="a", index=0), piece("{}", name="grep", id="b", index=1)),
    "replayed": delta(
        reasoning_details=[{"type": "reasoning.text", "text": "hm", "signature": "c2ln", "index": 0}],
        tool_calls=[piece("{}", name="bash", id="a", index=0, extra_content={"google": {"thought_signature": "c2ln"}})],
    ),
    "usage": {
        "choices": [],
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    },
    "end": delta("stop"),
    "error": {"error": {"message": "it burns", "type": "server_error", "code": 500, "status": "X", "param": None}},
    "error in a choice": {"choices": [{"index": 0, "error": {"message": "it burns", "code": 502}, "delta": {}}]},
    "detail": {"detail": [{"msg": "bad"}]},
    "message": {"choices": [{"message": {"content": "hello", "tool_calls": [piece("{}", name="bash")]}}]},
}

COMPLETION = completion(
    {"content": "hello", "refusal": None, "reasoning": "hm", "tool_calls": [piece('{"a": 1}', name="bash", id="a")]}
)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a value of JSON, the whole of it first."""
    yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


def variants(value: Any) -> Iterator[Any]:
    """The value with each odd value at each place."""
    for place in places(value):
        for odd in ODD:
            changed: list[Any] = [copy.deepcopy(value)]
            target: Any = changed
            *way, last = (0, *place)
            for key in way:
                target = target[key]
            target[last] = odd
            yield changed[0]


def check(message: Message) -> None:
    """The message is what its type says, can be kept in a journal, and can be sent."""
    kept = msgspec.json.encode(message)
    assert msgspec.json.encode(msgspec.json.decode(kept, type=Message)) == kept
    assert json.loads(message.encoded)["role"] == "assistant"
    assert all(call.id for call in message.tool_calls)


@pytest.mark.parametrize("name", CHUNKS)
def test_no_value_in_a_chunk_breaks_the_merge(name: str) -> None:
    """A chunk with an odd value is understood, passed over or refused; what follows is merged as ever."""
    for odd in variants(CHUNKS[name]):
        reply = PartialReply()
        try:
            events = [*reply.add(odd), *reply.add(said("more")), *reply.add(CHUNKS["call"]), *reply.add(STOP)]
        except ModelError:
            continue

        check(reply.message())
        for event in events:
            assert msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent) == event


def test_no_value_in_a_completion_breaks_it() -> None:
    """The same for replies that are not streamed."""
    for odd in variants(COMPLETION):
        reply = PartialReply()
        try:
            reply.add_completion(json.dumps(odd).encode())
        except ModelError:
            continue

        check(reply.message())


@pytest.mark.parametrize("status", [302, 400, 429, 500])
def test_no_value_in_an_error_breaks_it(status: int) -> None:
    """A refusal is an error of ours, whatever its body holds; its text is a text."""
    for odd in variants(CHUNKS["error"]):
        error = status_error(status, {}, json.dumps(odd).encode())

        assert error.status == status
        assert isinstance(error.code, str | None)
        str(error).encode()


ODD_HEADERS = [
    "",
    " ",
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "soon",
    "\xff",
    "1,2",
    "99999999999999999999",
    "Thu, 32 Foo 2020 25:00:00 GMT",
]
NAMES = ["retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "location"]


@pytest.mark.parametrize("value", ODD_HEADERS, ids=ascii)
@pytest.mark.parametrize("name", NAMES)
def test_no_header_breaks_an_error(name: str, value: str) -> None:
    """Nonsense in a header is silence, and never a wait without end."""
    error = status_error(429, {name: value}, b"{}")

    assert error.retry_after is None or 0 < error.retry_after < float("inf")
    assert error.should_retry is None
