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
from pygent.messages import as_user_message, never_silent, parse_message, with_new_call_ids

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


SILENT: dict[str, tuple[dict[str, Any], str]] = {
    "filtered": ({"finish_reason": "content_filter"}, "[the server's content filter withheld this reply]"),
    "out-of-tokens": (
        {"finish_reason": "length", "content": None},
        "[this reply reached its limit of tokens before it said anything]",
    ),
    "out-of-tokens-while-thinking": (
        {"finish_reason": "length", "reasoning": "hm"},
        "[this reply reached its limit of tokens while the model was still thinking]",
    ),
    "only-a-thought": ({"finish_reason": "stop", "reasoning": "hm"}, "[the model thought, and said nothing]"),
    "nothing": ({"finish_reason": "stop"}, "[the model said nothing]"),
    "blank": ({"content": " \n"}, "[the model said nothing]"),
}


@pytest.mark.parametrize(("fields", "words"), SILENT.values(), ids=SILENT)
def test_silence_is_explained(fields: dict[str, Any], words: str) -> None:
    """A reply that says nothing says why, and keeps all that it holds otherwise."""
    reply = Message(**{"role": "assistant", "content": "", **fields})

    assert never_silent(reply) == msgspec.structs.replace(reply, content=words)


@pytest.mark.parametrize(
    "reply",
    [
        Message.assistant("a"),
        Message.assistant(tool_calls=[CALL]),
        Message(role="assistant", content="", refusal="I can't"),
        Message(role="assistant", content="a", finish_reason="content_filter"),
    ],
    ids=["words", "calls", "refusal", "cut-words"],
)
def test_what_says_something_stays_as_it_is(reply: Message) -> None:
    """Words, calls and refusals explain themselves."""
    assert never_silent(reply) is reply


def test_a_call_with_a_new_id_keeps_its_signature() -> None:
    """Only the id is ours to change."""
    signed = msgspec.structs.replace(CALL, extra_content={"google": {"thought_signature": "x"}})
    reply = with_new_call_ids(Message.assistant(tool_calls=[signed]), [Message.assistant(tool_calls=[CALL])])

    assert reply.tool_calls[0].id != CALL.id
    assert reply.tool_calls[0].extra_content == signed.extra_content


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
        pytest.param(
            {
                "content": None,
                "reasoning_details": [{"type": "reasoning.text"}],
                "tool_calls": [{**CALL_DICT, "extra_content": {"google": {}}}],
            },
            Message(
                role="assistant",
                tool_calls=(msgspec.structs.replace(CALL, extra_content={"google": {}}),),
                replay={"reasoning_details": [{"type": "reasoning.text"}]},
            ),
            id="what-its-server-wants-back",
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
