"""Messages: the wire shape, encoded once, and the many forms in which a custom model may answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import Message, ModelResponseError, ToolCall, ToolCallFunction, Usage
from pygent.messages import parse_message

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
            Message(role="assistant", content="a", reasoning="r", usage=Usage(total_tokens=1), finish_reason="stop"),
            {"role": "assistant", "content": "a"},
            id="what-describes-a-reply-is-not-sent",
        ),
        pytest.param(
            Message.assistant(tool_calls=[CALL]),
            {"role": "assistant", "content": None, "tool_calls": [CALL_DICT]},
            id="calls",
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


@given(st.text(), st.text(), st.lists(st.text(max_size=20), max_size=3))
def test_journal_round_trip(content: str, reasoning: str, names: list[str]) -> None:
    """A whole message survives being written as JSON and read back."""
    calls = tuple(ToolCall(id=str(n), function=ToolCallFunction(name=name)) for n, name in enumerate(names))
    message = Message(
        role="assistant", content=content, reasoning=reasoning, tool_calls=calls, usage=Usage(total_tokens=3)
    )

    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


SDK_MESSAGE = SimpleNamespace(
    role="assistant",
    content=None,
    tool_calls=[
        SimpleNamespace(id="call_1", type="function", function=SimpleNamespace(name="bash", arguments='{"cmd":"ls"}'))
    ],
)


class Dumpable:
    """An object of the OpenAI SDK, as far as we use it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def model_dump(self) -> dict[str, Any]:
        return self.fields


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        pytest.param(Message.assistant("a"), Message.assistant("a"), id="message"),
        pytest.param("a", Message.assistant("a"), id="text"),
        pytest.param({"content": "a"}, Message.assistant("a"), id="dict"),
        pytest.param(
            {"role": "assistant", "content": None, "tool_calls": [CALL_DICT]},
            Message.assistant(tool_calls=[CALL]),
            id="calls",
        ),
        pytest.param(
            {"content": "", "tool_calls": [{"id": "call_1", "function": {"name": "bash", "arguments": {"cmd": "ls"}}}]},
            Message.assistant("", tool_calls=[CALL]),
            id="decoded-arguments",
        ),
        pytest.param(SDK_MESSAGE, Message.assistant(tool_calls=[CALL]), id="attributes"),
        pytest.param(
            Dumpable({"role": "assistant", "content": "a", "refusal": None}), Message.assistant("a"), id="sdk-message"
        ),
        pytest.param(
            Dumpable(
                {
                    "choices": [{"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
                    "usage": {
                        "prompt_tokens": 2,
                        "completion_tokens": 1,
                        "prompt_tokens_details": {"cached_tokens": 1},
                    },
                }
            ),
            Message(
                role="assistant",
                content="a",
                finish_reason="stop",
                usage=Usage(prompt_tokens=2, completion_tokens=1, total_tokens=3, cached_tokens=1),
            ),
            id="sdk-completion",
        ),
        pytest.param(
            {"content": "a", "reasoning_content": "r"},
            Message(role="assistant", content="a", reasoning="r"),
            id="reasoning",
        ),
    ],
)
def test_whatever_a_custom_model_returns(reply: object, message: Message) -> None:
    """A Message, a text, a dict or an SDK object: all mean the same."""
    assert parse_message(reply) == message


@pytest.mark.parametrize(
    "reply",
    [
        None,
        7,
        [],
        {},
        {"tool_calls": [{"id": "1"}]},
        object(),
        {"choices": [{}]},
        {"content": 5},
        {"content": ["text"]},
        {"content": "a", "role": "robot"},
        {"tool_calls": [{"id": None, "function": {"name": "bash"}}]},
        {"tool_calls": [{"id": "1", "function": {"name": None}}]},
    ],
    ids=lambda reply: repr(reply)[:20],
)
def test_what_is_no_reply_is_refused(reply: object) -> None:
    """Anything else is a ModelResponseError that shows what came."""
    with pytest.raises(ModelResponseError, match="the model returned"):
        parse_message(reply)


def test_usage_adds_up() -> None:
    """Usage is added field by field."""
    assert Usage(prompt_tokens=1, total_tokens=1) + Usage(prompt_tokens=2, cached_tokens=3) == Usage(
        prompt_tokens=3, total_tokens=1, cached_tokens=3
    )
