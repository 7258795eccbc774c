"""Replies: never silent, each call with an id of its own, and the many forms in which a custom model may answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from pygent import Message, ModelResponseError, ToolCall, ToolCallFunction, Usage
from pygent.replies import never_silent, parse_message, parse_usage, with_new_call_ids, with_own_ids

CALL = ToolCall(id="call_1", function=ToolCallFunction(name="bash", arguments='{"cmd":"ls"}'))
CALL_DICT = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": '{"cmd":"ls"}'}}


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


def test_calls_get_ids_of_their_own() -> None:
    """A missing id, one that was used before, and the second of two that are the same are replaced; others stay."""
    ids = ["", "old", "a", "a", "b"]
    calls = with_own_ids([msgspec.structs.replace(CALL, id=call_id) for call_id in ids], used=["old"])
    own = [call.id for call in calls]

    assert len({"old", *own}) == 1 + len(ids)
    assert (own[2], own[4]) == ("a", "b")
    assert {call.function for call in calls} == {CALL.function}


def test_a_reply_with_ids_of_its_own_stays_as_it_is() -> None:
    """So does one without calls."""
    for reply in (Message.assistant("a"), Message.assistant(tool_calls=[CALL])):
        assert with_new_call_ids(reply, [Message.user("hi")]) is reply


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


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), -1, 10**30, "7", None, [1]])
def test_an_odd_count_is_none(odd: object) -> None:
    """What is no number of tokens, or one that no journal can hold, counts nothing; the others still count."""
    usage = parse_usage({"prompt_tokens": odd, "completion_tokens": 3, "total_tokens": odd})

    assert usage == Usage(prompt_tokens=0, completion_tokens=3, total_tokens=3)
    assert msgspec.json.encode(usage)
