"""Tools for models that have none: what they are told, what they are held to, and what their JSON means."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.images import image_part
from pygent.messages import Message, ToolCall, ToolCallFunction
from pygent.models.chat.json_tools import parse_json_reply, plain_conversation, response_format

BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {
            "type": "object",
            "properties": {"cmd": {"type": "string"}},
            "required": ["cmd"],
            "additionalProperties": False,
        },
    },
}
STOP = {"type": "function", "function": {"name": "stop"}}
TOOLS = [BASH, STOP]
IMAGE = image_part(b"\xff\xd8\xff")


def call(call_id: str, name: str = "bash", arguments: str = '{"cmd": "ls"}') -> ToolCall:
    return ToolCall(id=call_id, function=ToolCallFunction(name=name, arguments=arguments))


def written(reply: str, *calls: tuple[str, Any]) -> str:
    """The JSON that is asked for; words beside calls are what another model said."""
    words = {"reply": reply} if reply or not calls else {}
    listed = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps({**words, "calls": listed} if calls else words, ensure_ascii=False)


def text_part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


LS = ("bash", {"cmd": "ls"})
USER = Message.user("hi")
CONVERSATIONS: dict[str, tuple[list[Any], list[tuple[str, Any]]]] = {
    "words": ([USER, Message.assistant("hello")], [("user", "hi"), ("assistant", written("hello"))]),
    "a-call": (
        [USER, Message.assistant("Looking.", tool_calls=[call("a")]), Message.tool("a", "x")],
        [("user", "hi"), ("assistant", written("Looking.", LS)), ("user", "Result of bash:\n\nx")],
    ),
    "several-calls": (
        [
            USER,
            Message.assistant(tool_calls=[call("a"), call("b", "stop", "{}")]),
            Message.tool("a", "x"),
            Message.tool("b", "y"),
        ],
        [
            ("user", "hi"),
            ("assistant", written("", LS, ("stop", {}))),
            ("user", "Result of call 1, bash:\n\nx\n\nResult of call 2, stop:\n\ny"),
        ],
    ),
    "words-behind-an-answer": (
        [Message.assistant(tool_calls=[call("a")]), Message.tool("a", "x"), Message.user("and?")],
        [("assistant", written("", LS)), ("user", "Result of bash:\n\nx\n\nand?")],
    ),
    "an-empty-answer": (
        [Message.assistant(tool_calls=[call("a")]), Message.tool("a", "")],
        [("assistant", written("", LS)), ("user", "Result of bash:")],
    ),
    "an-answer-to-nothing": ([Message.tool("z", "x")], [("user", "Result of an earlier call:\n\nx")]),
    "neighbours": (
        [USER, Message.user("you"), Message.assistant("a"), Message.assistant("b", tool_calls=[call("a")])],
        [("user", "hi\n\nyou"), ("assistant", written("a\n\nb", LS))],
    ),
    "images": (
        [Message.user(["What?", IMAGE]), USER],
        [("user", [text_part("What?"), IMAGE, text_part("hi")])],
    ),
    "an-image-alone": ([Message.user([IMAGE])], [("user", [IMAGE])]),
    "arguments-that-are-no-json": (
        [Message.assistant(tool_calls=[call("a", arguments='{"cmd": ')])],
        [("assistant", written("", ("bash", '{"cmd": ')))],
    ),
    "a-refusal": (
        [Message(role="assistant", content="", refusal="I can't")],
        [("assistant", written("I can't"))],
    ),
    "a-later-system-message": ([USER, Message.system("s")], [("user", "hi"), ("system", "s")]),
    "plain-dicts": (
        [
            {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "stop"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "x"},
        ],
        [("assistant", written("", ("stop", {}))), ("user", "Result of stop:\n\nx")],
    ),
}


@pytest.mark.parametrize(("messages", "plain"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_without_tools(messages: list[Any], plain: list[tuple[str, Any]]) -> None:
    """Calls are the JSON that is asked for, answers are said by the user, and roles take turns."""
    instructions, *rest = plain_conversation(messages, TOOLS)

    assert instructions.role == "system"
    assert [(message.role, message.to_dict()["content"]) for message in rest] == plain


def test_the_tools_are_described_in_the_system_message() -> None:
    """Behind what it said before: the form of a reply, and each tool with its arguments."""
    for message in (Message.system("Be kind."), Message(role="developer", content="Be kind.")):
        first, second = plain_conversation([message, USER], TOOLS)
        described = first.text

        assert first.role == message.role
        assert described.startswith("Be kind.\n\nYou can use tools.")
        assert '- bash: Run a command.\n  {"type":"object","properties":{"cmd":{"type":"string"}}' in described
        assert "- stop: \n" in described
        assert "JSON" in described  # some servers want the word where an object is wished for
        assert second is USER


def test_without_tools_only_what_is_past_is_rewritten() -> None:
    """Nothing is asked for, so replies in words stay words."""
    messages = [USER, Message.assistant("a"), USER, Message.assistant(tool_calls=[call("a")]), Message.tool("a", "x")]

    assert [message.text for message in plain_conversation(messages, [])] == [
        "hi",
        "a",
        "hi",
        written("", LS),
        "Result of bash:\n\nx",
    ]


WORDS = st.text() | st.lists(st.builds(text_part, st.text()), max_size=2).map(tuple)
CALLS = st.lists(st.builds(call, st.sampled_from("ab"), st.text(), st.text()), max_size=2).map(tuple)
MESSAGES = st.one_of(
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=WORDS),
    st.builds(Message, role=st.just("assistant"), content=st.none() | st.text(), tool_calls=CALLS),
    st.builds(Message, role=st.just("tool"), content=WORDS, tool_call_id=st.sampled_from("abc")),
)


@given(st.lists(MESSAGES, max_size=8), st.sampled_from([[], TOOLS]))
def test_any_conversation_can_be_sent_to_a_strict_server(messages: list[Message], tools: list[Any]) -> None:
    """No tools, no calls, and never twice the same role; what was said is still there."""
    plain = plain_conversation(messages, tools)
    sent = [json.loads(message.encoded) for message in plain]

    assert all(message.keys() <= {"role", "content"} for message in sent)
    assert {message["role"] for message in sent} <= {"system", "user", "assistant"}
    assert all(isinstance(message["content"], str | list) for message in sent)
    assert all(one["role"] != other["role"] for one, other in pairwise(sent))
    said = "".join(message.text for message in plain)
    assert all(
        message.text in said for message in messages if isinstance(message.content, str) and message.role != "assistant"
    )


def schema_of(tools: list[Any]) -> Any:
    return response_format(tools, "json_schema")["json_schema"]["schema"]


REPLIES: dict[str, tuple[Any, bool]] = {
    "words": ({"reply": "hi"}, True),
    "a-call": ({"calls": [{"name": "bash", "arguments": {"cmd": "ls"}}]}, True),
    "two": ({"calls": [{"name": "bash", "arguments": {"cmd": "ls"}}, {"name": "stop", "arguments": {}}]}, True),
    "both": ({"reply": "hi", "calls": [{"name": "stop", "arguments": {}}]}, False),
    "neither": ({}, False),
    "no-call": ({"calls": []}, False),
    "unknown-tool": ({"calls": [{"name": "rm", "arguments": {}}]}, False),
    "arguments-of-another": ({"calls": [{"name": "stop", "arguments": {"cmd": "ls"}}]}, False),
    "no-arguments": ({"calls": [{"name": "stop"}]}, False),
    "something-else": ({"reply": "", "thoughts": ""}, False),
}


@pytest.mark.parametrize(("reply", "fits"), REPLIES.values(), ids=REPLIES)
def test_the_schema_allows_what_is_asked_for_and_nothing_else(reply: Any, fits: bool) -> None:
    """A server that holds a model to it gets calls of offered tools, with arguments of theirs."""
    validator = jsonschema.Draft202012Validator(schema_of(TOOLS))
    validator.check_schema(validator.schema)

    assert validator.is_valid(reply) is fits


def test_references_lead_to_where_their_schema_went() -> None:
    """A tool's parameters may refer to their own parts, and to themselves."""
    parameters = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Point"}, "inner": {"$ref": "#"}},
        "required": ["at"],
        "additionalProperties": False,
        "$defs": {"Point": {"type": "array", "items": {"type": "integer"}}},
    }
    tool = {"type": "function", "function": {"name": "draw", "parameters": parameters}}
    validator = jsonschema.Draft202012Validator(schema_of([tool, BASH]))

    def fits(arguments: Any) -> bool:
        return validator.is_valid({"calls": [{"name": "draw", "arguments": arguments}]})

    assert fits({"at": [1], "inner": {"at": [2]}})
    assert not fits({"at": ["a"]})
    assert not fits({"at": [1], "inner": {}})


def test_servers_that_know_less_are_asked_for_less() -> None:
    """An object of any kind, or nothing: then the words of the system message must do."""
    assert response_format(TOOLS, "json_object") == {"type": "json_object"}
    assert response_format(TOOLS, "") is None
    assert response_format([], "json_schema") is None


ASKED = written("Looking.", LS)
MEANT: dict[str, tuple[str, str | None, list[tuple[str, str]]]] = {
    "a-call-and-words": (ASKED, "Looking.", [("bash", '{"cmd": "ls"}')]),
    "a-call": (written("", LS), None, [("bash", '{"cmd": "ls"}')]),
    "words": (written("hi"), "hi", []),
    "nothing": (written(""), "", []),
    "spread-out": (json.dumps(json.loads(ASKED), indent=2) + "\n", "Looking.", [("bash", '{"cmd": "ls"}')]),
    "fence": (f"```json\n{ASKED}\n```", "Looking.", [("bash", '{"cmd": "ls"}')]),
    "fence-on-a-line": (f"```{ASKED}```", "Looking.", [("bash", '{"cmd": "ls"}')]),
    "half-an-emoji": (r'{"reply": "a\ud83c"}', "a\ufffd", []),
    "half-an-emoji-in-a-call": (
        r'{"calls": [{"name": "bash", "arguments": {"cmd": "\ud83c"}}]}',
        None,
        [("bash", '{"cmd": "\ufffd"}')],
    ),
    "raw-newline": ('{"reply": "a\nb", "calls": []}', "a\nb", []),
    "words-and-no-calls": ('{"reply": "hi", "calls": []}', "hi", []),
    "no-calls": ('{"calls": []}', "", []),
    "one-call-without-a-list": (
        '{"reply": null, "calls": {"name": "stop", "arguments": {}}}',
        None,
        [("stop", "{}")],
    ),
    "null": ('{"reply": "hi", "calls": null}', "hi", []),
    "no-arguments": ('{"reply": "", "calls": [{"name": "stop"}]}', None, [("stop", "{}")]),
    "other-field-names": ('{"reply": "", "calls": [{"tool": "stop", "args": {}}]}', None, [("stop", "{}")]),
    "arguments-as-text": (written("", ("bash", '{"cmd": "ls"}')), None, [("bash", '{"cmd": "ls"}')]),
    "unknown-tool": (written("", ("rm", {})), None, [("rm", "{}")]),
    "wrong-arguments": (written("", ("bash", {"cmd": 5})), None, [("bash", '{"cmd": 5}')]),
    "bare-call": ('{"name": "bash", "arguments": {"cmd": "ls"}}', None, [("bash", '{"cmd": "ls"}')]),
    "tagged-call": ('<tool_call>{"name": "stop", "arguments": {}}</tool_call>', None, [("stop", "{}")]),
}


@pytest.mark.parametrize(("text", "words", "calls"), MEANT.values(), ids=MEANT)
def test_the_json_is_what_it_means(text: str, words: str | None, calls: list[tuple[str, str]]) -> None:
    """Words and calls, whatever the small slips; a wrong call is one, so that the model learns what is wrong."""
    reply = parse_json_reply(Message(role="assistant", content=text, reasoning="hm", finish_reason="stop"), TOOLS)

    assert reply.content == words
    assert [(call.function.name, call.function.arguments) for call in reply.tool_calls] == calls
    assert all(call.id.startswith("call_") for call in reply.tool_calls)
    assert (reply.reasoning, reply.finish_reason) == ("hm", "stop")


TEXTS = {
    "an argument twice": '{"calls": [{"name": "bash", "arguments": {"cmd": "ls", "cmd": "rm"}}]}',
    "a type of something else": '{"calls": [{"type": "example", "name": "bash", "arguments": {"cmd": "ls"}}]}',
    "empty": "",
    "words": "hello",
    "number": "42",
    "list": "[]",
    "empty-object": "{}",
    "other-object": '{"answer": 42}',
    "more-than-was-asked": '{"reply": "a", "calls": [], "mood": "calm"}',
    "no-words": '{"reply": 7, "calls": []}',
    "no-calls": '{"reply": "a", "calls": 7}',
    "calls-of-nothing": '{"reply": "a", "calls": [7]}',
    "call-without-a-name": '{"reply": "a", "calls": [{"arguments": {}}]}',
    "cut-off": ASKED[:-5],
    "words-before": f"Sure: {ASKED}",
    "words-behind": f"{ASKED} Done.",
    "unknown-call": '{"name": "rm", "arguments": {}}',
    "deep": '{"reply": ' + "[" * 100_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_anything_else_is_text(text: str) -> None:
    """Words are no error: the message is left as it is."""
    message = Message.assistant(text)

    assert parse_json_reply(message, TOOLS) is message


@pytest.mark.parametrize(
    "message",
    [Message.assistant(ASKED, tool_calls=[call("a")]), Message(role="assistant", content="", refusal=ASKED)],
    ids=["calls", "refusal"],
)
def test_what_needs_no_reading_is_left_alone(message: Message) -> None:
    """Calls of the protocol's own, and refusals."""
    assert parse_json_reply(message, TOOLS) is message


@given(
    st.text(),
    st.lists(st.tuples(st.text(), st.dictionaries(st.text(), st.none() | st.integers() | st.text())), max_size=3),
)
def test_what_is_asked_for_comes_back_whole(words: str, calls: list[tuple[str, Any]]) -> None:
    """A reply that a model was shown as its own means what it meant."""
    before = Message.assistant(
        words, tool_calls=[call(str(n), name, json.dumps(args)) for n, (name, args) in enumerate(calls)]
    )
    *_, shown = plain_conversation([before], TOOLS)
    after = parse_json_reply(Message.assistant(shown.text), TOOLS)

    assert after.text == words
    assert [(call.function.name, json.loads(call.function.arguments)) for call in after.tool_calls] == calls
    assert len({call.id for call in after.tool_calls}) == len(calls)
