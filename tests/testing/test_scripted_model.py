"""`ScriptedModel` plays each kind of reply, and is as strict as a server can be."""

from __future__ import annotations

import pytest

from pygent import Message, ModelError, TextDelta
from pygent.events import Event
from pygent.testing import ScriptedModel, tool_call

ASK = [Message.user("hi")]


async def test_replies_are_played_in_order() -> None:
    """Texts, messages, calls and functions become replies; what was asked is remembered."""
    model = ScriptedModel(
        [
            "a b",
            Message.assistant("m"),
            tool_call("bash", cmd="ls"),
            [tool_call("x"), tool_call("x")],
            lambda asked: asked[-1],
        ]
    )
    heard: list[Event] = []

    replies = [await model.chat(ASK, "any", [], emit=heard.append) for _ in range(5)]

    assert [reply.text for reply in replies] == ["a b", "m", "", "", "hi"]
    assert replies[2].tool_calls[0].function.arguments == '{"cmd":"ls"}'
    assert len({call.id for reply in replies for call in reply.tool_calls}) == 3
    assert "".join(event.text for event in heard if isinstance(event, TextDelta)) == "a bmhi"
    assert model.requests == [tuple(ASK)] * 5


async def test_errors_are_raised_and_the_end_is_one() -> None:
    """An error in the script is raised; asking beyond its end is a ModelError."""
    model = ScriptedModel([ConnectionResetError("gone")])

    with pytest.raises(ConnectionResetError):
        await model.chat(ASK, "any", [])
    with pytest.raises(ModelError, match="no reply number 2"):
        await model.chat(ASK, "any", [])


async def test_an_invalid_conversation_fails_at_once() -> None:
    """A call without its answer is refused, as a strict server does."""
    model = ScriptedModel(["never"])

    with pytest.raises(AssertionError, match="no answers"):
        await model.chat([Message.assistant(tool_calls=[tool_call("x")])], "any", [])
