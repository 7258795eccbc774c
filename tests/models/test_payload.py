"""A conversation as bytes: for most servers a plain join, for some with what they want back of their own replies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.messages import Message, ToolCall, ToolCallFunction
from pygent.models.chat.payload import encode_conversation
from pygent.providers import PROVIDERS, Provider

SIGNATURE = {"google": {"thought_signature": "c2ln"}}
DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "c2ln", "index": 0}]
CALL = ToolCall(id="a", function=ToolCallFunction(name="bash", arguments='{"cmd": "ls"}'), extra_content=SIGNATURE)
SECOND = ToolCall(id="b", function=ToolCallFunction(name="stop"))
CALLING = Message(
    role="assistant",
    content="Looking.",
    reasoning="hm",
    tool_calls=(CALL, SECOND),
    replay={"reasoning_details": DETAILS, "unknown": 1},
)
SAYING = Message(role="assistant", content="Done.", reasoning="well", replay={"reasoning_details": DETAILS})
CONVERSATION = [
    Message.system("s"),
    Message.user("u"),
    CALLING,
    Message.tool("a", "x"),
    Message.tool("b", "y"),
    SAYING,
    Message.user("v"),
]


def sent(provider: str) -> list[dict[str, Any]]:
    return [json.loads(message) for message in encode_conversation(CONVERSATION, PROVIDERS[provider])]


PLAIN = [message.to_dict() for message in CONVERSATION]
EXTRAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai": ({}, {}),
    "groq": ({}, {}),
    "ollama": ({}, {}),
    "deepseek": ({"reasoning_content": "hm"}, {}),
    "llamacpp": ({"reasoning_content": "hm"}, {}),
    "vllm": ({"reasoning": "hm"}, {}),
    "openrouter": ({"reasoning_details": DETAILS}, {"reasoning_details": DETAILS}),
    "gemini": (
        {"tool_calls": [{**PLAIN[2]["tool_calls"][0], "extra_content": SIGNATURE}, PLAIN[2]["tool_calls"][1]]},
        {},
    ),
}


@pytest.mark.parametrize(("provider", "extras"), EXTRAS.items(), ids=EXTRAS)
def test_each_server_is_sent_what_it_wants(provider: str, extras: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Reasoning goes with calls only, opaque fields with every reply that had them; nobody else gets any."""
    calling, saying = extras
    expected = [*PLAIN[:2], {**PLAIN[2], **calling}, *PLAIN[3:5], {**PLAIN[5], **saying}, PLAIN[6]]

    assert sent(provider) == expected


def test_reasoning_stays_with_its_calls() -> None:
    """A later word of the user does not change what was sent before: the server can keep what it computed of it."""
    earlier = encode_conversation(CONVERSATION[:4], PROVIDERS["deepseek"])

    assert encode_conversation(CONVERSATION, PROVIDERS["deepseek"])[:4] == earlier


def test_calls_without_a_thought_say_so() -> None:
    """DeepSeek refuses a conversation in which the field is missing from a call, also where the thought was empty."""
    (message,) = encode_conversation([Message.assistant(tool_calls=[SECOND])], PROVIDERS["deepseek"])

    assert json.loads(message)["reasoning_content"] == ""


def test_what_was_encoded_before_is_used_again() -> None:
    """A message is encoded once in its life, for every server that wants no more of it."""
    for provider in (None, PROVIDERS["openai"], PROVIDERS["openrouter"]):
        encoded = encode_conversation([CONVERSATION[0], Message.assistant("a")], provider)

        assert encoded[0] is CONVERSATION[0].encoded


def test_plain_dicts_are_passed_on() -> None:
    """They are what the caller made them, fields that we do not know included; half an emoji is replaced."""
    written = {"role": "assistant", "content": "a\ud83d", "custom": [1]}

    for provider in (None, PROVIDERS["deepseek"]):
        assert [json.loads(message) for message in encode_conversation([written], provider)] == [
            {"role": "assistant", "content": "a?", "custom": [1]}
        ]


CALLS = st.builds(
    ToolCall,
    id=st.text(),
    function=st.builds(ToolCallFunction, name=st.text(), arguments=st.text()),
    extra_content=st.none() | st.dictionaries(st.text(), st.text()),
)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=st.none() | st.text(),
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    reasoning=st.none() | st.text(),
    replay=st.none() | st.fixed_dictionaries({"reasoning_details": st.lists(st.dictionaries(st.text(), st.text()))}),
)


@given(st.lists(MESSAGES, max_size=5), st.sampled_from([None, *PROVIDERS.values()]))
def test_nothing_is_lost_by_what_is_added(messages: list[Message], provider: Provider | None) -> None:
    """Without what a server wants beside it, each message is the plain one; for nobody in particular, to the byte."""
    encoded = encode_conversation(messages, provider)
    if provider is None:
        assert encoded == [message.encoded for message in messages]

    for message, data in zip(messages, encoded, strict=True):
        fields = json.loads(data)
        for call in fields.get("tool_calls", ()):
            call.pop("extra_content", None)
        if provider is not None:
            for name in {provider.reasoning_field, *provider.replays} - {""}:
                fields.pop(name, None)
        plain = json.loads(message.encoded)
        if provider is not None and provider.short_call_ids:  # these are other ids, see below
            for call in [*fields.get("tool_calls", ()), *plain.get("tool_calls", ())]:
                del call["id"]
        assert fields == plain


def test_a_server_that_wants_short_ids_gets_them_in_pairs() -> None:
    """Mistral takes nine letters and digits; whoever made an id, call and answer go on belonging together."""
    calls = [
        ToolCall(id=call_id, function=ToolCallFunction(name="bash")) for call_id in ("call_" + "f" * 32, "aB3456789")
    ]
    history = [Message.assistant(tool_calls=calls), *(Message.tool(call.id, "done") for call in calls)]
    asked, first, second = map(json.loads, encode_conversation(history, PROVIDERS["mistral"]))
    ids = [call["id"] for call in asked["tool_calls"]]

    assert ids == [first["tool_call_id"], second["tool_call_id"]]
    assert ids[1] == "aB3456789"
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call_id) for call_id in ids)
    assert encode_conversation(history, None) == [message.encoded for message in history]
