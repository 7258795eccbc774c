"""Output items become a message, with nothing lost that a server may want back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pygent.errors import ModelResponseError
from pygent.messages import Message, ToolCall
from pygent.models.response.events import PartialResponse
from pygent.models.response.output_items import parse_output, replay_of
from pygent.testing.server.response import items as wire_items

AUTHOR = "http://localhost/v1 small"
OUTPUT = [wire_items.THOUGHT, wire_items.said("Well."), {**wire_items.THOUGHT, "id": "rs_2"}, wire_items.LIST]

KEPT: dict[str, tuple[list[Any], bool]] = {
    "a thought and a call": (OUTPUT, True),
    "a thought to be read": ([wire_items.OPEN_THOUGHT, wire_items.LIST], True),
    "a call of the server's own": ([{"type": "web_search_call", "id": "ws_1"}, wire_items.said()], True),
    "a message with a phase": ([wire_items.said(phase="commentary"), wire_items.LIST], True),
    "no thoughts": ([wire_items.said(), wire_items.LIST], False),
    "nothing": ([], False),
    "a thought that is but a reference": ([{**wire_items.THOUGHT, "encrypted_content": None}, wire_items.LIST], False),
    "a thought at the end": ([wire_items.LIST, wire_items.THOUGHT], False),
}


@pytest.mark.parametrize(("output", "is_kept"), KEPT.values(), ids=KEPT)
def test_what_is_kept(output: list[Any], is_kept: bool) -> None:
    """All of an output, if the message does not say it all, and the server would take it back."""
    kept = {"responses": {"author": AUTHOR, "output": output}}

    assert replay_of(output, author=AUTHOR) == (kept if is_kept else None)


def call_of(**fields: Any) -> ToolCall:
    return parse_output(
        [{"type": "function_call", "name": "bash", "arguments": "{}", "call_id": "a", **fields}]
    ).tool_calls[0]


def test_odd_calls() -> None:
    """Arguments may be an object or missing, an id may be missing: there is always a call to answer."""
    assert call_of(arguments={"cmd": "ls"}).function.arguments == '{"cmd": "ls"}'
    assert call_of(arguments=None).function.arguments == "{}"
    assert call_of(arguments="").function.arguments == "{}"
    assert call_of(call_id=None, id="fc_1").id == "fc_1"
    assert call_of(call_id=None).id.startswith("call_")
    assert call_of(name=None).function.name == ""


def test_calls_have_ids_of_their_own() -> None:
    """The second of two calls with one id gets another."""
    first, second = parse_output([wire_items.LIST, wire_items.LIST]).tool_calls

    assert first.id == "call_1"
    assert second.id.startswith("call_")
    assert second.id != first.id


def test_an_odd_id_can_be_kept_and_sent() -> None:
    """Half a character in an id is replaced, as it is elsewhere; an id that is no text is replaced as a whole."""
    assert call_of(call_id="\ud800").id == "\ufffd"
    assert call_of(call_id={"a": 1}).id.startswith("call_")


@pytest.mark.parametrize("depth", [150, 250, 900, 970, 990])
@pytest.mark.parametrize(
    "item",
    [
        '{"type": "function_call", "id": DEEP, "call_id": DEEP, "name": DEEP, "arguments": DEEP}',
        '{"type": "hologram", "x": DEEP}, {"type": "message", "content": "hi"}',
        '{"type": DEEP}',
    ],
    ids=["call", "unknown", "type"],
)
def test_deep_output_is_a_message_or_a_model_error(item: str, depth: int) -> None:
    """Nothing in an item is nested too deeply for the steps that come after its decoding."""
    reply = PartialResponse("author")
    body = f'{{"output": [{item}]}}'.replace("DEEP", "[" * depth + "]" * depth)
    try:
        reply.add_completion(body.encode())
    except ModelResponseError:
        assert depth > 190
    else:
        assert msgspec.json.encode(reply.message())
        assert repr(reply.message())


MESSAGES: dict[str, tuple[list[Any], Message]] = {
    "nothing": ([], Message.assistant("")),
    "a content that is a text": ([{"type": "message", "content": "hi"}], Message.assistant("hi")),
    "parts that are texts": ([{"type": "message", "content": ["h", {"text": "i"}]}], Message.assistant("hi")),
    "parts that are nothing": ([{"type": "message", "content": [None, 3, {}, {"text": 1}]}], Message.assistant("")),
    "an unknown item": ([{"type": "hologram", "content": "x"}, {"content": "y"}], Message.assistant("")),
    "a thought in the words": (
        [wire_items.said("<think>hm</think>hi")],
        Message(role="assistant", content="hi", reasoning="hm"),
    ),
    "a thought told twice": (
        [{**wire_items.OPEN_THOUGHT, "summary": wire_items.THOUGHT["summary"]}],
        Message(role="assistant", content="", reasoning="Look, then count."),
    ),
}


@pytest.mark.parametrize(("output", "message"), MESSAGES.values(), ids=MESSAGES)
def test_odd_output(output: list[Any], message: Message) -> None:
    """What is understood of it is the message."""
    assert parse_output(output) == message
