"""Messages: the wire shape, encoded once, and the many forms in which a custom model may answer."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import Message, ToolCall, ToolCallFunction, Usage
from pygent.messages import as_user_message

CALL = ToolCall(id="call_1", function=ToolCallFunction(name="bash", arguments='{"cmd":"ls"}'))
CALL_DICT = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": '{"cmd":"ls"}'}}


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        pytest.param(Message.system("s"), {"role": "system", "content": "s"}, id="system"),
        pytest.param(Message.user("é"), {"role": "user", "content": "é"}, id="user"),
        pytest.param(
            Message.user([{"type": "text", "text": "t"}]),
            {"role": "user", "content": [{"type": "text", "text": "t"}]},
            id="parts",
        ),
        pytest.param(
            Message.user(["t", {"type": "image_url", "image_url": {"url": "u"}}]),
            {
                "role": "user",
                "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "u"}}],
            },
            id="texts-among-parts",
        ),
        pytest.param(
            Message(
                role="assistant",
                content="a",
                reasoning="r",
                usage=Usage(total_tokens=1),
                finish_reason="stop",
                replay={"reasoning_details": [1]},
            ),
            {"role": "assistant", "content": "a"},
            id="what-describes-a-reply-is-not-sent",
        ),
        pytest.param(
            Message.assistant(tool_calls=[CALL]),
            {"role": "assistant", "content": None, "tool_calls": [CALL_DICT]},
            id="calls",
        ),
        pytest.param(
            Message.assistant(tool_calls=[msgspec.structs.replace(CALL, extra_content={"google": {}})]),
            {"role": "assistant", "content": None, "tool_calls": [CALL_DICT]},
            id="what-is-attached-to-calls-is-not-sent",
        ),
        pytest.param(
            Message.tool("call_1", "out"), {"role": "tool", "content": "out", "tool_call_id": "call_1"}, id="answer"
        ),
    ],
)
def test_wire_shape(message: Message, wire: dict[str, Any]) -> None:
    """A message is sent as the OpenAI chat shape has it, no more and no less."""
    assert message.to_dict() == wire
    assert json.loads(message.encoded) == wire


def test_encoded_once() -> None:
    """The bytes are made at the first use and kept."""
    message = Message.user("hello")

    assert message.encoded is message.encoded


def test_messages_cannot_be_changed() -> None:
    """A message is a fact: assigning to it fails."""
    with pytest.raises(AttributeError):
        Message.user("a").content = "b"  # type: ignore[misc] # that is the point


def test_lone_surrogates_are_replaced() -> None:
    """Half an emoji, as a tool may cut it, does not make a conversation unsendable."""
    assert json.loads(Message.user("a\ud83db").encoded)["content"] == "a?b"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.text(), st.lists(st.text(max_size=20), max_size=3), JSON_VALUES)
def test_journal_round_trip(content: str, reasoning: str, names: list[str], opaque: Any) -> None:
    """A whole message survives being written as JSON and read back, what we cannot read in it included."""
    calls = tuple(
        ToolCall(id=str(number), function=ToolCallFunction(name=name), extra_content=opaque)
        for number, name in enumerate(names)
    )
    message = Message(
        role="assistant",
        content=content,
        reasoning=reasoning,
        tool_calls=calls,
        usage=Usage(total_tokens=3),
        replay={"reasoning_details": opaque},
    )

    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


def test_a_call_looks_the_same_to_viewers_as_ever() -> None:
    """Its type is told, and what nobody attached is not."""
    assert json.loads(msgspec.json.encode(CALL)) == CALL_DICT


TEXTS: dict[str, tuple[Message, str]] = {
    "text": (Message.assistant("a"), "a"),
    "nothing": (Message.assistant(), ""),
    "parts": (Message.user(["a", {"type": "image_url", "image_url": {"url": "u"}}, "b"]), "ab"),
    "refusal": (Message(role="assistant", content="", refusal="I can't"), "I can't"),
    "refusal-without-content": (Message(role="assistant", refusal="I can't"), "I can't"),
    "words-before-a-refusal": (Message(role="assistant", content="a", refusal="I can't"), "a"),
}


@pytest.mark.parametrize(("message", "text"), TEXTS.values(), ids=TEXTS)
def test_the_text_is_what_was_said(message: Message, text: str) -> None:
    """Who reads an answer reads a refusal, too."""
    assert message.text == text


def test_a_request_may_be_a_list_of_words_and_images() -> None:
    """Words need no part around them."""
    assert as_user_message(["a", {"type": "text", "text": "b"}]).content == (
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    )

    with pytest.raises(TypeError, match="a list of texts and content parts"):
        as_user_message(["a", 5])  # type: ignore[list-item] # that is the point


def test_usage_adds_up() -> None:
    """Usage is added field by field."""
    assert Usage(prompt_tokens=1, total_tokens=1) + Usage(prompt_tokens=2, cached_tokens=3) == Usage(
        prompt_tokens=3, total_tokens=1, cached_tokens=3
    )


@pytest.mark.parametrize(
    ("written", "sent"),
    {
        "an object": ('{"cmd":  "ls"}', '{"cmd":  "ls"}'),
        "nothing": ("", "{}"),
        "a line break in a string": ('{"cmd": "a\nb"}', '{"cmd":"a\\nb"}'),
        "half a character": ('{"cmd": "\\ud800"}', '{"cmd":"?"}'),
        "no number": ('{"cmd": NaN}', '{"cmd":null}'),
        "a list": ("[1]", '{"not_an_object":"[1]"}'),
        "cut off": ('{"cmd": "l', '{"not_an_object":"{\\"cmd\\": \\"l"}'),
    }.values(),
)
def test_arguments_that_no_server_takes_back_are_mended(written: str, sent: str) -> None:
    """What is an object stays as it was written; what is none goes back inside of one."""
    assert ToolCallFunction(name="bash", arguments=written).sendable().arguments == sent


@pytest.mark.parametrize(
    ("written", "sent"), [("bash", "bash"), ("", "unnamed"), ("my tool!", "my_tool_"), ("é", "_"), ("x" * 65, "x" * 64)]
)
def test_names_that_no_server_takes_back_are_mended(written: str, sent: str) -> None:
    """The history keeps what the model wrote."""
    call = ToolCall(id="a", function=ToolCallFunction(name=written))

    assert Message.assistant(tool_calls=[call]).to_dict()["tool_calls"][0]["function"]["name"] == sent
    assert call.function.name == written
