"""Turns: how they begin, overlap with nothing, and end, whoever ends them and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pygent import AsyncAgent, Limits, LocalRuntime, Message, Settings, TextDelta, Tool, TurnFinished, TurnStarted
from pygent.events import Event
from pygent.testing import ScriptedModel, check_history, tool_call


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path) as runtime:
        yield runtime


class Talker:
    """Says a few words and then no more."""

    async def chat(self, messages, model, tools, *, emit):  # type: ignore[no-untyped-def]
        emit(TextDelta(text="Once upon"))
        await asyncio.Event().wait()


def ending(agent: AsyncAgent) -> list[Event]:
    ends: list[Event] = []
    agent.events.subscribe(lambda event: ends.append(event) if isinstance(event, TurnStarted | TurnFinished) else None)
    return ends


async def test_a_step_is_a_turn_of_one_step(runtime: LocalRuntime) -> None:
    """`step` begins and ends like a run; if the model would go on, its limit of one step is why it ended."""
    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="true"), "done"]), runtime=runtime)
    ends = ending(agent)

    await agent.step("go")
    await agent.step()

    assert [event.reason for event in ends if isinstance(event, TurnFinished)] == ["max_steps", "reply"]


async def test_what_came_of_a_run_that_was_cut_off_is_returned(runtime: LocalRuntime) -> None:
    """A run cut off in its first reply returns the words that were heard."""
    agent = AsyncAgent(Talker(), runtime=runtime)

    reply = await agent.run_until_stop("tell me", max_time=0.05)

    assert reply is not None
    assert reply.text == "Once upon [interrupted]"
    assert agent.stop_reason == "max_time"


async def test_there_is_no_answer_when_a_run_is_cut_off(runtime: LocalRuntime) -> None:
    """What was said on the way is no answer; the words that ended a run are."""
    said = Message.assistant("First I look.", tool_calls=[tool_call("bash", cmd="true")])
    agent = AsyncAgent(ScriptedModel([said, "There it is."]), runtime=runtime)
    ends = ending(agent)

    await agent.run_until_stop("go", max_steps=1)
    assert agent.answer == ""
    await agent.run_until_stop()
    assert agent.answer == "There it is."

    assert [event.answer for event in ends if isinstance(event, TurnFinished)] == ["", "There it is."]


async def test_limits_may_allow_more_steps_than_the_default(runtime: LocalRuntime) -> None:
    """Twenty steps are the default of a run, not a bound on what an agent's limits may say."""
    agent = AsyncAgent(
        ScriptedModel([tool_call("stop_not") for _ in range(30)]),
        runtime=runtime,
        limits=Limits(max_steps=25),
        tools=[],
    )

    await agent.run_until_stop("go")

    assert agent.stop_reason == "max_steps"
    assert sum(message.role == "assistant" for message in agent.history) == 25


async def test_interrupt_counts_from_the_first_moment(runtime: LocalRuntime, tmp_path: Path) -> None:
    """Also while the history file is still being read: the model is not asked."""
    settings = Settings.from_env({"PYGENT_HISTORY_FILE": str(tmp_path / "history.json")})
    model = ScriptedModel(["never"])
    agent = AsyncAgent(model, runtime=runtime, settings=settings)
    run = asyncio.create_task(agent.run_until_stop("go"))
    while not agent.is_busy:
        await asyncio.sleep(0)

    agent.interrupt()
    await run

    assert agent.stop_reason == "interrupted"
    assert model.requests == []


async def test_closing_waits_for_the_end_of_the_run() -> None:
    """After `aclose` nothing runs any more, and the run has returned as interrupted."""
    agent = AsyncAgent(Talker())
    run = asyncio.create_task(agent.run_until_stop("go"))
    while not agent.is_busy:
        await asyncio.sleep(0)

    await agent.aclose()

    assert not agent.is_busy
    await run
    assert agent.stop_reason == "interrupted"


async def test_a_tool_may_close_its_agent() -> None:
    """`aclose` inside a tool ends the run, removes the workspace, and does not wait for itself."""

    async def leave(rt: object) -> str:
        await agent.aclose()
        return "gone"

    agent = AsyncAgent(ScriptedModel([tool_call("leave")]), tools=[leave])
    await agent.runtime.open()
    workspace = Path(agent.runtime.workspace)

    await agent.run_until_stop("go")

    assert agent.stop_reason == "interrupted"
    assert not workspace.exists()
    check_history(agent.history)


async def test_late_steering_comes_before_the_next_request(runtime: LocalRuntime) -> None:
    """What was said after the last reply of a run was said before the next request, and stands there."""
    agent = AsyncAgent(ScriptedModel(["a", "b"]), runtime=runtime)
    await agent.step("1")
    agent.steer("2")

    await agent.step("3")

    assert [message.text for message in agent.history[1:]] == ["1", "a", "2", "3", "b"]


async def test_a_stream_takes_the_limits_of_a_run(runtime: LocalRuntime) -> None:
    """`stream` has the arguments of `run_until_stop`."""
    agent = AsyncAgent(Talker(), runtime=runtime)

    async with agent.stream("go", max_time=0.05) as events:
        seen = [event async for event in events]

    assert isinstance(seen[-1], TurnFinished)
    assert seen[-1].reason == "max_time"


async def test_to_end_a_turn_no_runtime_is_needed(tmp_path: Path) -> None:
    """`stop` works where there is no place to run commands."""
    (tmp_path / "file").touch()
    agent = AsyncAgent(
        ScriptedModel([tool_call("stop", summary="nothing to do")]), runtime=LocalRuntime(tmp_path / "file")
    )

    await agent.run_until_stop("go")

    assert agent.stop_reason == "stop"


async def test_call_ids_are_unique_whatever_a_model_sends(runtime: LocalRuntime) -> None:
    """Ids that are empty, twice in a reply, or used before are replaced: the conversation stays sendable."""

    async def note(rt: object) -> str:
        return "noted"

    def calling(*ids: str) -> Message:
        return Message.assistant(tool_calls=[tool_call("note", id=name) for name in ids])

    replies = [calling("1", "1", ""), calling("1"), "done"]

    class Careless:
        async def chat(self, messages, model, tools):  # type: ignore[no-untyped-def]
            return replies.pop(0)

    agent = AsyncAgent(Careless(), runtime=runtime, tools=[Tool.from_function(note, description="Note.")])

    await agent.run_until_stop("go")

    check_history(agent.history)
    assert [message.text for message in agent.history if message.role == "tool"] == ["noted"] * 4
