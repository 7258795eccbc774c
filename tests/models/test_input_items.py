"""Messages become input items, and what was output goes back as it came, to whom it came from."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pygent.messages import Message, ToolCall, ToolCallFunction
from pygent.models.response.input_items import encode_input, response_tools
from pygent.models.response.output_items import parse_output, replay_of
from pygent.testing.server import problem_of_response_request
from pygent.testing.server.response import items as wire_items

AUTHOR = "http://localhost/v1 small"
CALL = ToolCall(id="call_1", function=ToolCallFunction(name="bash", arguments='{"cmd": "ls"}'))
CALL_ITEM = {"type": "function_call", "call_id": "call_1", "name": "bash", "arguments": '{"cmd": "ls"}'}
ANSWER = {"type": "function_call_output", "call_id": "call_1", "output": "a.py"}
HI = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


def conversation(messages: list[Any], *, author: str | None) -> Any:
    return json.loads(b"{%s}" % encode_input(messages, author=author))


def replied(text: str, number: int = 0) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "type": "message",
        "id": f"msg_pygent_{number}",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


CONVERSATIONS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a text": ([Message.user("hi")], {"input": [HI]}),
    "a dict": ([{"role": "user", "content": "hi"}], {"input": [HI]}),
    "instructions": ([Message.system("be good"), Message.user("hi")], {"instructions": "be good", "input": [HI]}),
    "a late system message stays in its place": (
        [Message.user("hi"), Message.system("be good")],
        {"input": [HI, {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "be good"}]}]},
    ),
    "nothing but a system message": (
        [Message.system("be good")],
        {"input": [{"type": "message", "role": "system", "content": [{"type": "input_text", "text": "be good"}]}]},
    ),
    "a tool loop": (
        [Message.user("hi"), Message.assistant("Well.", tool_calls=[CALL]), Message.tool("call_1", "a.py")],
        {"input": [HI, replied("Well.", 1), CALL_ITEM, ANSWER]},
    ),
    "an empty reply": ([Message.user("hi"), Message.assistant(""), Message.user("hi")], {"input": [HI, HI]}),
    "a refusal": (
        [Message.user("hi"), Message(role="assistant", content="", refusal="No."), Message.user("hi")],
        {"input": [HI, {**replied("", 1), "content": [{"type": "refusal", "refusal": "No."}]}, HI]},
    ),
    "images and files": (
        [
            Message.user(
                [
                    {"type": "text", "text": "hi"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                    {"type": "image_url", "image_url": "https://host/a.png"},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA"}},
                ]
            )
        ],
        {
            "input": [
                {
                    **HI,
                    "content": [
                        {"type": "input_text", "text": "hi"},
                        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
                        {"type": "input_image", "image_url": "https://host/a.png", "detail": "auto"},
                        {"type": "input_file", "filename": "a.pdf", "file_data": "AA"},
                    ],
                }
            ]
        },
    ),
    "an answer with an image": (
        [
            Message.user("hi"),
            Message.assistant(tool_calls=[CALL]),
            Message(role="tool", tool_call_id="call_1", content=({"type": "text", "text": "see"},)),
        ],
        {"input": [HI, CALL_ITEM, {**ANSWER, "output": [{"type": "input_text", "text": "see"}]}]},
    ),
    "an answer without words": (
        [Message.user("hi"), Message.assistant(tool_calls=[CALL]), Message.tool("call_1", "")],
        {"input": [HI, CALL_ITEM, {**ANSWER, "output": ""}]},
    ),
}


@pytest.mark.parametrize(("messages", "fields"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_in_items(messages: list[Any], fields: dict[str, Any]) -> None:
    """Each message has its items, which the strictest server takes."""
    assert conversation(messages, author=AUTHOR) == fields
    assert problem_of_response_request({"model": "small", "store": False, **fields}) is None


def test_parts_of_this_api_stay_as_they_are() -> None:
    """Who writes input parts means them."""
    part = {"type": "input_file", "file_url": "https://host/a.pdf"}

    assert conversation([Message.user([part])], author=None)["input"][0]["content"] == [part]


def test_tools_say_that_they_are_not_strict() -> None:
    """Unless they say that they are; what is no function stays as it is."""
    function = {"name": "bash", "description": "Run.", "parameters": {"type": "object"}}
    tools = [
        {"type": "function", "function": function},
        {"type": "function", "function": {**function, "strict": True}},
        {"type": "web_search"},
    ]

    assert response_tools(tools) == [
        {"type": "function", "strict": False, **function},
        {"type": "function", **function, "strict": True},
        {"type": "web_search"},
    ]


OUTPUT = [wire_items.THOUGHT, wire_items.said("Well."), {**wire_items.THOUGHT, "id": "rs_2"}, wire_items.LIST]


def reply(output: list[Any]) -> Message:
    return msgspec.structs.replace(parse_output(output), replay=replay_of(output, author=AUTHOR))


def after(message: Message, author: str | None = AUTHOR) -> list[Any]:
    """The items of a conversation that goes on after this reply."""
    answers = [Message.tool(call.id, "a.py") for call in message.tool_calls]
    fields = conversation([Message.user("hi"), message, *answers], author=author)
    assert problem_of_response_request({"model": "small", "store": False, **fields}) is None
    items: list[Any] = fields["input"]
    return items[1 : len(items) - len(answers)]


def test_output_goes_back_as_it_came() -> None:
    """Thoughts, words and calls, in their order, with all that only the server understands."""
    assert after(reply(OUTPUT)) == OUTPUT


def test_output_goes_back_after_a_journal() -> None:
    """What was written to a file and read again is as good."""
    kept = msgspec.json.decode(msgspec.json.encode(reply(OUTPUT)), type=Message)

    assert after(kept) == OUTPUT


def test_a_message_is_encoded_once() -> None:
    """But anew for another server, model or place, and a changed copy knows nothing of it."""
    message = reply(OUTPUT)
    conversation([message], author=AUTHOR)
    message.replay["responses"]["output"][1]["content"].clear()  # type: ignore[index] # nobody does: to see who looks
    copy = msgspec.structs.replace(message, content="Oh.")

    assert conversation([message], author=AUTHOR)["input"] == OUTPUT
    assert conversation([message], author=None)["input"] == [replied("Well."), CALL_ITEM]
    assert conversation([copy], author=AUTHOR)["input"] == [replied("Oh."), CALL_ITEM]
    assert conversation([*[Message.user("hi")] * 2, copy], author=AUTHOR)["input"][2:] == [replied("Oh.", 2), CALL_ITEM]


PLAIN = [replied("Well.", 1), CALL_ITEM]

CHANGES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "its words": ({"content": "Oh."}, [replied("Oh.", 1), CALL_ITEM]),
    "no calls any more": ({"tool_calls": ()}, [replied("Well.", 1)]),
    "a new id": (
        {"tool_calls": (ToolCall(id="b", function=CALL.function),)},
        [PLAIN[0], {**CALL_ITEM, "call_id": "b"}],
    ),
    "no thoughts any more": ({"replay": None}, PLAIN),
    "fields of another protocol": ({"replay": {"reasoning_details": [{}]}}, PLAIN),
    "an odd replay": ({"replay": {"responses": {"author": AUTHOR, "output": "x"}}}, PLAIN),
}


@pytest.mark.parametrize(("change", "items"), CHANGES.values(), ids=CHANGES)
def test_a_changed_message_is_what_it_says(change: dict[str, Any], items: list[Any]) -> None:
    """A thought whose consequence was changed would be refused, so it stays away."""
    assert after(msgspec.structs.replace(reply(OUTPUT), **change)) == items


@pytest.mark.parametrize("author", ["http://localhost/v1 large", "https://elsewhere/v1 small", None])
def test_thoughts_go_to_their_author_alone(author: str | None) -> None:
    """Another server or model cannot read them, and would refuse the conversation."""
    assert after(reply(OUTPUT), author) == PLAIN
