"""What an agent is given: many kinds are understood, and nonsense is refused at once, in words that help."""

from __future__ import annotations

from typing import Any

import pytest

from pygent import Approval, AsyncAgent, Message, ModelResponseError, Runtime
from pygent.testing import ScriptedModel, tool_call


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param("hi", id="text"),
        pytest.param(Message.user("hi"), id="message"),
        pytest.param([{"type": "text", "text": "hi"}], id="parts"),
    ],
)
async def test_a_request_has_many_forms(request_: Any) -> None:
    """A text, a message, or content parts."""
    agent = AsyncAgent(ScriptedModel(["hello"]))

    await agent.step(request_)

    assert agent.history[1].text == "hi"


@pytest.mark.parametrize("request_", [5, b"hi", {"role": "user", "content": "hi"}, ["hi", 5]])
async def test_what_is_no_request_is_refused(request_: Any) -> None:
    """Anything else is a TypeError that shows it, and the agent is as before."""
    agent = AsyncAgent(ScriptedModel([]))

    with pytest.raises(TypeError, match="is no request"):
        await agent.step(request_)

    assert len(agent.history) == 1
    assert not agent.is_busy


async def test_a_history_of_plain_dicts_is_understood() -> None:
    """Conversations as the original and the OpenAI SDK keep them can be gone on with."""
    before = [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]
    agent = AsyncAgent(ScriptedModel(["b"]), history=before)  # type: ignore[arg-type] # typed for Messages

    await agent.step()

    assert [message.text for message in agent.history] == ["s", "a", "b"]


def test_a_synchronous_runtime_is_refused() -> None:
    """An AsyncAgent cannot await a Runtime, and says what to pass."""
    with Runtime(use_docker=False) as runtime, pytest.raises(TypeError, match="async_runtime"):
        AsyncAgent(ScriptedModel(), runtime=runtime)  # type: ignore[arg-type] # that is the point


async def test_an_approver_may_be_a_plain_function() -> None:
    """One that only decides need not be a coroutine."""

    async with AsyncAgent(
        ScriptedModel([tool_call("bash", cmd="ls")]), approver=lambda tool, call: Approval(allowed=False, reason="no")
    ) as agent:
        await agent.step("go")

    assert agent.history[-1].text == "not run: no"


@pytest.mark.parametrize("verdict", [True, None, "yes"])
async def test_an_approver_must_return_an_approval(verdict: Any) -> None:
    """Nothing else counts as a yes: the error says what to return, and nothing is run."""

    async def approver(tool: object, call: object) -> Any:
        return verdict

    async with AsyncAgent(ScriptedModel([tool_call("bash", cmd="ls")]), approver=approver) as agent:
        with pytest.raises(TypeError, match=r"return Approval\(allowed=True\)"):
            await agent.step("go")


@pytest.mark.parametrize("role", ["user", "system", "tool"])
async def test_a_model_speaks_as_the_assistant(role: str) -> None:
    """A reply in another role is refused and does not enter the history."""

    class Confused:
        def chat(self, messages, model, tools):  # type: ignore[no-untyped-def]
            return {"role": role, "content": "x", "tool_call_id": "1"}

    agent = AsyncAgent(Confused())

    with pytest.raises(ModelResponseError, match=role):
        await agent.step("hi")

    assert len(agent.history) == 2
