"""A key that the agent knows is not seen in what its tools print: not by the model, not by viewers."""

from __future__ import annotations

import msgspec
import pytest

from pygent import AsyncAgent, OpenAIModel, Settings
from pygent.events import Event, MessageAdded
from pygent.testing import ScriptedModel, tool_call
from pygent.testing.server import MisbehavingServer

KEY = "sk-hidden-1234567890"


def told_by_tools(events: list[Event]) -> str:
    """All that is seen beside what the model itself said."""
    seen = [event for event in events if not (isinstance(event, MessageAdded) and event.message.role == "assistant")]
    return b"".join(map(msgspec.json.encode, seen)).decode()


async def test_a_key_of_the_settings_is_hidden() -> None:
    """It came from a file that a command found; the model reads the name of its variable instead."""
    events: list[Event] = []
    model = ScriptedModel([tool_call("bash", cmd="printf 'sk-hidden-'; sleep 0.1; echo 1234567890"), "done"])
    async with AsyncAgent(model, settings=Settings(api_key=KEY)) as agent:  # type: ignore[arg-type] # parsed
        agent.events.subscribe(events.append)
        await agent.run_until_stop("show it")

    assert KEY not in told_by_tools(events)
    assert "[redacted:OPENAI_API_KEY]" in agent.history[-2].text


async def test_a_key_of_the_model_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is given in code, and to a model that was changed after the agent was made."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with MisbehavingServer() as server, AsyncAgent(ScriptedModel([]), settings=Settings()) as agent:
        agent.model = OpenAIModel(server.base_url, KEY)
        agent.model_name = f'fault:call:bash:{{"cmd": "echo {KEY}"}}'
        await agent.step("show it")

    assert KEY not in agent.history[-1].text
    assert "[redacted:" in agent.history[-1].text
