"""A reply that is a tool call written as text becomes that call, and whoever watched is told."""

from __future__ import annotations

from pygent import Message, OpenAIModel, TextDelta, ToolCallsRescued
from pygent.events import Event
from pygent.tools import builtin_tools

from ..completions_server import completions_server

CALL = '```json\n{"name": "bash", "arguments": {"cmd": "ls"}}\n```'
TOOLS = [tool.spec for tool in builtin_tools()]


async def ask(text: str, tools: list[object]) -> tuple[Message, list[Event]]:
    events: list[Event] = []
    with completions_server(Message.assistant(text)) as server:
        model = OpenAIModel(server.base_url, "key")
        return await model.chat([Message.user("list the files")], "small", tools, emit=events.append), events


async def test_a_written_call_is_made() -> None:
    """The text goes, the call comes, and an event tells viewers to forget the text."""
    reply, events = await ask(CALL, TOOLS)

    assert reply.content is None
    assert [call.function.name for call in reply.tool_calls] == ["bash"]
    assert events == [TextDelta(text=CALL), ToolCallsRescued(names=("bash",))]


async def test_a_quoted_call_stays_text() -> None:
    """Words around it make it a quotation, and without tools there is nothing to call."""
    for text, tools in ((f"For example:\n{CALL}", TOOLS), (CALL, [])):
        reply, events = await ask(text, tools)

        assert (reply.text, reply.tool_calls) == (text, ())
        assert events == [TextDelta(text=text)]
