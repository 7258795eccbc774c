"""`tool_mode`: models without tools are asked to write their calls as JSON, when maker or server says that they are."""

from __future__ import annotations

import asyncio
import json

import pytest

from pygent import AsyncAgent, OpenAIModel
from pygent.errors import ModelStatusError, SettingsError
from pygent.events import Event, TextDelta, ToolCallDelta
from pygent.messages import Message, ToolCall, ToolCallFunction
from pygent.settings import Settings
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, KEY, MakeModel

BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a shell command.",
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    },
}


def says(reply: str, *calls: tuple[str, dict[str, str]]) -> list[Message]:
    """What makes the parrot say this."""
    written = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return [Message.user(json.dumps({"reply": reply, "calls": written}))]


@pytest.mark.parametrize("stream", [True, False])
async def test_calls_are_asked_for_and_taken_as_json(
    server: MisbehavingServer, make_model: MakeModel, stream: bool
) -> None:
    """The request offers no tools but describes them; the JSON that comes is a call, and nobody sees it as words."""
    events: list[Event] = []
    model = make_model(tool_mode="json", stream=stream)
    reply = await model.chat(says("Looking.", ("bash", {"cmd": "ls"})), "fault:parrot", [BASH], emit=events.append)
    sent = server.log[0].body

    assert [(call.function.name, call.function.arguments) for call in reply.tool_calls] == [("bash", '{"cmd": "ls"}')]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Looking."]
    assert not any(isinstance(event, ToolCallDelta) for event in events)
    assert "tools" not in sent
    assert "Run a shell command." in sent["messages"][0]["content"]
    assert sent["response_format"]["type"] == "json_schema"


async def test_a_server_that_knows_no_format_is_asked_by_words_alone(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """It refuses the schema, then the bare wish; from then on it is not asked any more."""
    model = make_model(tool_mode="json")
    for _ in range(2):
        assert (await model.chat(HI, "fault:noformat", [BASH])).content == HELLO

    asked = [request.body.get("response_format", {}).get("type") for request in server.log]
    assert asked == ["json_schema", "json_object", None, None]


async def test_without_tools_there_is_nothing_to_write(server: MisbehavingServer, make_model: MakeModel) -> None:
    """The question is an ordinary one."""
    await make_model(tool_mode="json").chat(HI, "fault:ok", [])

    assert server.log[0].body["messages"] == [{"role": "user", "content": "hi"}]
    assert "response_format" not in server.log[0].body


async def test_a_model_that_has_no_tools_is_asked_for_json(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Its server says so once; other models of the server are still offered them."""
    model = make_model()
    for _ in range(2):
        assert (await model.chat(HI, "fault:notools", [BASH])).content == HELLO
    await model.chat(HI, "fault:ok", [BASH])

    assert ["tools" in request.body for request in server.log] == [True, False, False, True]


@pytest.mark.parametrize("fault", ["notools", "nousage", "noformat"])
async def test_many_learn_at_once(make_model: MakeModel, fault: str) -> None:
    """Whoever was on the way when somebody else learnt something asks again, too."""
    model = make_model(tool_mode="json" if fault == "noformat" else "auto")
    replies = await asyncio.gather(*(model.chat(HI, f"fault:{fault}", [BASH]) for _ in range(10)))

    assert [reply.content for reply in replies] == [HELLO] * 10


async def test_the_users_own_format_is_not_ours_to_leave_out(server: MisbehavingServer, make_model: MakeModel) -> None:
    """A refusal of it is the user's to hear, and is asked once."""
    model = make_model(options={"response_format": {"type": "json_object"}})
    with pytest.raises(ModelStatusError, match="response_format"):
        await model.chat([Message.user("Answer in JSON.")], "fault:noformat", [BASH])

    assert len(server.log) == 1


async def test_options_of_tools_do_not_go_where_no_tools_are(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Where calls are written as JSON, its format is ours, and a choice among tools means nothing."""
    options = {"tool_choice": "auto", "response_format": {"type": "json_object"}, "seed": 7}
    await make_model(tool_mode="json", options=options).chat(HI, "fault:ok", [BASH])
    sent = server.log[0].body

    assert sent["response_format"]["type"] == "json_schema"
    assert "tool_choice" not in sent
    assert sent["seed"] == 7


async def test_a_history_with_calls_is_plain_also_when_no_tools_are_offered(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """A model without tools never sees what only those with tools understand."""
    call = ToolCall(id="a", function=ToolCallFunction(name="bash", arguments='{"cmd": "ls"}'))
    history = [*HI, Message.assistant(tool_calls=[call]), Message.tool("a", "nothing"), Message.user("and now?")]
    await make_model(tool_mode="json").chat(history, "fault:ok", [])

    assert [message["role"] for message in server.log[0].body["messages"]] == ["user", "assistant", "user"]


async def test_native_means_native(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Who wants the protocol's own way or none gets the server's refusal."""
    with pytest.raises(ModelStatusError, match="support tools"):
        await make_model(tool_mode="native").chat(HI, "fault:notools", [BASH])

    assert len(server.log) == 1


async def test_an_agent_works_with_a_model_without_tools(server: MisbehavingServer) -> None:
    """The tool runs, its answer goes back as words, and a strict server takes every request."""
    settings = Settings(base_url=server.base_url, api_key=KEY, tool_mode="json")  # type: ignore[arg-type] # parsed
    async with AsyncAgent("fault:parrot", settings=settings) as agent:
        await agent.step(says("", ("bash", {"cmd": "echo $((6 * 7))"}))[0])
        await agent.step()

    assert agent.history[-2].role == "tool" or agent.history[-1].role == "tool"
    assert "42" in server.log[1].body["messages"][-1]["content"]
    assert {message["role"] for message in server.log[1].body["messages"]} == {"system", "user", "assistant"}


def test_a_mode_that_does_not_exist_is_refused() -> None:
    """The error names it, and those that do."""
    with pytest.raises(SettingsError, match="tool_mode='magic' must be one of auto, native, json"):
        OpenAIModel("http://localhost:1/v1", "k", tool_mode="magic")  # type: ignore[arg-type]
