"""The loop: what an agent does with a model's replies, and what holds when it is cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pygent import (
    AgentBusy,
    Approval,
    AsyncAgent,
    Limits,
    LocalRuntime,
    Message,
    ModelError,
    Persona,
    RuntimeUnavailable,
    SessionError,
    Settings,
    TextDelta,
    Tool,
    ToolCall,
    ToolError,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    Usage,
)
from pygent.agent import NUDGE
from pygent.events import Event, MessageAdded, StepStarted, ToolOutputDelta, TurnStarted
from pygent.testing import ScriptedModel, check_history, tool_call
from pygent.tool_calls import MAX_CALLS, UNANSWERED


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path) as runtime:
        yield runtime


def recorded(agent: AsyncAgent) -> list[Event]:
    events: list[Event] = []
    agent.events.subscribe(events.append)
    return events


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages]


class Gate:
    """A tool that says when it was entered and then waits to be let on."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, rt: object) -> str:
        self.entered.set()
        await self.open.wait()
        return "through"

    def tool(self, name: str = "gate", *, parallel: bool = False) -> Tool:
        async def gate(rt: object) -> str:
            return await self(rt)

        return Tool.from_function(gate, name=name, description="Wait.", parallel=parallel)


# one step


async def test_step_appends_question_and_reply(runtime: LocalRuntime) -> None:
    """A step without tools leaves the user's words and the reply at the end of the history, and returns the reply."""
    agent = AsyncAgent(ScriptedModel(["hello"]), runtime=runtime)

    reply = await agent.step("hi")

    assert reply.text == "hello"
    assert [message.role for message in agent.history] == ["system", "user", "assistant"]
    assert agent.history[-1] is reply


async def test_step_runs_the_tools_and_stops_there(runtime: LocalRuntime, tmp_path: Path) -> None:
    """A step is one model turn and its tools: the results are in the history, and the model was asked once."""
    model = ScriptedModel(
        [[tool_call("write_file", path="a.txt", content="1"), tool_call("bash", cmd="cat a.txt")], "done"]
    )
    agent = AsyncAgent(model, runtime=runtime)

    await agent.step("write a file")

    assert (tmp_path / "a.txt").read_text() == "1"
    assert agent.history[-1].text == "$ cat a.txt\n1"
    assert len(model.requests) == 1
    assert (await agent.step()).text == "done"


async def test_documented_custom_model_runs_as_written() -> None:
    """A model in the original's shape, plain and without `emit`, gets dicts and may return the compat types."""
    from pygent import openai_compat

    class BashModel:
        def chat(self, messages, model, tools):  # type: ignore[no-untyped-def] # as documented
            call = openai_compat.ToolCall(
                id="1",
                type="function",
                function=openai_compat.ToolCallFunction(
                    name="bash", arguments=json.dumps({"cmd": messages[-1]["content"]})
                ),
            )
            return openai_compat.Message(role="assistant", content=None, tool_calls=[call])

    async with AsyncAgent(BashModel()) as agent:  # type: ignore[arg-type] # a documented custom model
        await agent.step("echo hi there")

    assert agent.history[-1].text == "$ echo hi there\nhi there"


# the run


async def test_run_goes_on_until_the_model_answers_in_words(runtime: LocalRuntime) -> None:
    """Steps repeat while the model calls tools; an answer in words gives the word back to the user."""
    model = ScriptedModel([tool_call("bash", cmd="echo 1"), tool_call("bash", cmd="echo 2"), "both ran"])
    agent = AsyncAgent(model, runtime=runtime)
    events = recorded(agent)

    reply = await agent.run_until_stop("run both")

    assert reply is not None
    assert reply.text == "both ran"
    assert agent.stop_reason == "reply"
    assert [event.number for event in events if isinstance(event, StepStarted)] == [1, 2, 3]
    assert isinstance(events[0], TurnStarted)
    assert isinstance(events[-1], TurnFinished)
    assert (events[-1].reason, events[-1].answer, events[-1].steps, events[-1].usage) == (
        "reply",
        "both ran",
        3,
        Usage(total_tokens=3),
    )


@pytest.mark.parametrize(
    ("call", "reason", "answer"),
    [
        pytest.param(tool_call("stop", summary="all done"), "stop", "all done", id="stop"),
        pytest.param(tool_call("continue", question="which one?"), "continue", "which one?", id="continue"),
        pytest.param(tool_call("stop"), "stop", "", id="nothing-said"),
        pytest.param(
            Message.assistant("I found two.", tool_calls=[tool_call("continue", question="which one?")]),
            "continue",
            "I found two.\n\nwhich one?",
            id="words-and-a-question",
        ),
    ],
)
async def test_final_tools_end_the_run(
    runtime: LocalRuntime, call: ToolCall | Message, reason: str, answer: str
) -> None:
    """`stop` and `continue` end the run, and what they say belongs to the answer."""
    agent = AsyncAgent(ScriptedModel([call]), runtime=runtime)
    events = recorded(agent)

    await agent.run_until_stop("go")

    assert agent.stop_reason == reason
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.answer == answer


async def test_replies_in_words_are_nudged_until_stop(runtime: LocalRuntime) -> None:
    """With `max_non_tool_replies=None` words do not end the run: the model is told to go on."""
    model = ScriptedModel(["thinking", "still", tool_call("stop")])
    agent = AsyncAgent(model, runtime=runtime)

    await agent.run_until_stop("go", max_non_tool_replies=None)

    assert agent.stop_reason == "stop"
    assert texts(agent.history[1:6]) == ["go", "thinking", NUDGE, "still", NUDGE]


@pytest.mark.parametrize(
    ("limits", "arguments", "reason"),
    [
        pytest.param(Limits(), {"max_steps": 2}, "max_steps", id="argument"),
        pytest.param(Limits(max_steps=2), {"max_steps": 9}, "max_steps", id="the-smaller-wins"),
        pytest.param(Limits(max_tokens=2), {}, "tokens", id="tokens"),
    ],
)
async def test_counted_limits_end_the_run(
    runtime: LocalRuntime, limits: Limits, arguments: dict[str, int], reason: str
) -> None:
    """At a limit the run ends without an error, and says which limit it was."""
    model = ScriptedModel([tool_call("bash", cmd="true")] * 5)
    agent = AsyncAgent(model, runtime=runtime, limits=limits)

    reply = await agent.run_until_stop("go", **arguments)  # type: ignore[arg-type] # the table's values fit

    assert agent.stop_reason == reason
    assert len(model.requests) == 2
    assert reply is not None
    check_history(agent.history)


async def test_zero_steps_means_zero(runtime: LocalRuntime) -> None:
    """0 is a limit like any other: nothing is asked and nothing is returned."""
    model = ScriptedModel([])

    assert await AsyncAgent(model, runtime=runtime).run_until_stop("go", max_steps=0) is None
    assert model.requests == []


@pytest.mark.parametrize(("limit", "reason"), [("max_time", "max_time"), ("step_timeout", "step_timeout")])
async def test_timeouts_cut_a_tool_that_hangs(runtime: LocalRuntime, limit: str, reason: str) -> None:
    """A time limit is real: it ends a step in the middle of a tool, and the call is answered."""
    agent = AsyncAgent(ScriptedModel([tool_call("gate")]), runtime=runtime, tools=[Gate().tool()])

    await agent.run_until_stop("go", **{limit: 0.05})  # type: ignore[arg-type] # both are floats

    assert agent.stop_reason == reason
    assert agent.history[-1].text == UNANSWERED
    assert not agent.is_busy


async def test_a_failing_model_leaves_a_history_to_go_on_from(runtime: LocalRuntime) -> None:
    """After a ModelError the user's words are kept, and `step()` asks again."""
    agent = AsyncAgent(ScriptedModel([ModelError("down"), "up again"]), runtime=runtime)
    events = recorded(agent)

    with pytest.raises(ModelError, match="down"):
        await agent.run_until_stop("hello?")

    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.reason == "error"
    assert (await agent.step()).text == "up again"
    assert texts(agent.history[1:]) == ["hello?", "up again"]


# tools


async def test_parallel_calls_overlap_and_answer_in_order(runtime: LocalRuntime) -> None:
    """Neighbouring parallel calls run together; their answers stand in the order of the calls."""
    first, second = Gate(), Gate()
    tools = [first.tool("first", parallel=True), second.tool("second", parallel=True)]
    agent = AsyncAgent(ScriptedModel([[tool_call("first"), tool_call("second")]]), runtime=runtime, tools=tools)
    step = asyncio.create_task(agent.step("go"))
    await first.entered.wait()
    await second.entered.wait()

    second.open.set()
    await wait_for_answers(agent, 1)
    first.open.set()
    await step

    assert [message.tool_call_id for message in agent.history[-2:]] == ["call_first_1", "call_second_2"]
    assert texts(agent.history[-2:]) == ["through", "through"]


async def wait_for_answers(agent: AsyncAgent, count: int) -> None:
    """Wait until this many answers have come."""
    answered = asyncio.Event()

    def look(event: Event) -> None:
        nonlocal count
        count -= isinstance(event, ToolFinished)
        if count <= 0:
            answered.set()

    with agent.events.subscribe(look):
        await answered.wait()


async def test_other_calls_run_one_after_the_other(runtime: LocalRuntime) -> None:
    """A tool that is not parallel starts when the call before it has ended."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([[tool_call("gate"), tool_call("gate")]]), runtime=runtime, tools=[gate.tool()])
    events = recorded(agent)
    step = asyncio.create_task(agent.step("go"))
    await gate.entered.wait()

    assert sum(isinstance(event, ToolStarted) for event in events) == 1

    gate.open.set()
    await step
    kinds = [type(event) for event in events if isinstance(event, ToolStarted | ToolFinished)]
    assert kinds == [ToolStarted, ToolFinished, ToolStarted, ToolFinished]


async def test_one_failing_call_keeps_the_others(runtime: LocalRuntime) -> None:
    """An error in one of three parallel calls is that call's answer, and no one else's."""

    async def fail(rt: object) -> str:
        raise ToolError("no such page")

    async def crash(rt: object) -> str:
        raise ZeroDivisionError("division by zero")

    async def work(rt: object) -> str:
        return "fine"

    tools = [Tool.from_function(function, description="x", parallel=True) for function in (fail, crash, work)]
    agent = AsyncAgent(
        ScriptedModel([[tool_call("fail"), tool_call("crash"), tool_call("work")]]), runtime=runtime, tools=tools
    )
    events = recorded(agent)

    await agent.step("go")

    answers = texts(agent.history[-3:])
    assert answers[0] == "no such page"
    assert "ZeroDivisionError: division by zero" in answers[1]
    assert answers[2] == "fine"
    assert [event.is_error for event in events if isinstance(event, ToolFinished)] == [True, True, False]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        pytest.param([tool_call("fly")], "there is no tool 'fly'; the tools are: gate", id="unknown-tool"),
        pytest.param([tool_call("gate", '{"now": ')], "argument", id="broken-json"),
        pytest.param([tool_call("gate", surprise=1)], "surprise", id="unknown-argument"),
        pytest.param(
            Message(role="assistant", tool_calls=(tool_call("gate"),), finish_reason="length"),
            "cut off",
            id="cut-off-reply",
        ),
    ],
)
async def test_bad_calls_are_answered_not_run(runtime: LocalRuntime, reply: Message, answer: str) -> None:
    """A call that cannot be run is answered with what the model can repair; its tool is never entered."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([reply]), runtime=runtime, tools=[gate.tool()])

    await agent.step("go")

    assert answer in agent.history[-1].text
    assert not gate.entered.is_set()


async def test_too_many_calls_are_capped(runtime: LocalRuntime) -> None:
    """Beyond the cap calls are answered, not run."""

    async def count(rt: object) -> str:
        return "counted"

    agent = AsyncAgent(ScriptedModel([[tool_call("count")] * (MAX_CALLS + 1)]), runtime=runtime, tools=[count])

    await agent.step("go")

    answers = texts(agent.history[-MAX_CALLS - 1 :])
    assert answers[:-1] == ["counted"] * MAX_CALLS
    assert "too many calls" in answers[-1]


async def test_approver_decides_and_its_reason_reaches_the_model(runtime: LocalRuntime, tmp_path: Path) -> None:
    """A refused call is not run; the model is told why. Others run."""

    async def no_removing(tool: Tool, call: ToolCall) -> Approval:
        return Approval("rm" not in call.function.arguments, "deleting is not allowed here")

    (tmp_path / "keep").touch()
    calls = [tool_call("bash", cmd="rm keep"), tool_call("bash", cmd="ls")]
    agent = AsyncAgent(ScriptedModel([calls]), runtime=runtime, approver=no_removing)

    await agent.step("go")

    assert agent.history[-2].text == "not run: deleting is not allowed here"
    assert agent.history[-1].text == "$ ls\nkeep"


async def test_a_broken_approver_runs_nothing_and_is_seen(runtime: LocalRuntime) -> None:
    """An approver that raises ends the step with its own error, also among parallel calls; all are answered."""

    async def broken(tool: Tool, call: ToolCall) -> Approval:
        raise LookupError("no policy")

    gate = Gate()
    calls = [tool_call("gate"), tool_call("gate")]
    agent = AsyncAgent(ScriptedModel([calls]), runtime=runtime, approver=broken, tools=[gate.tool(parallel=True)])

    with pytest.raises(LookupError, match="no policy"):
        await agent.step("go")

    assert texts(agent.history[-2:]) == [UNANSWERED] * 2
    assert not gate.entered.is_set()


async def test_output_of_a_command_is_told_while_it_runs(runtime: LocalRuntime) -> None:
    """What a command prints arrives as events before it ends, and equals what the result says."""
    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="echo one; echo two")]), runtime=runtime)
    events = recorded(agent)

    await agent.step("go")

    told = "".join(event.text for event in events if isinstance(event, ToolOutputDelta))
    assert told == "one\ntwo\n"


async def test_no_runtime_is_an_error_not_an_answer(tmp_path: Path) -> None:
    """Without a place to run, the step raises; the history stays valid."""
    blocked = tmp_path / "file"
    blocked.touch()
    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="ls")]), runtime=LocalRuntime(blocked))

    with pytest.raises(RuntimeUnavailable):
        await agent.step("go")

    check_history(agent.history)


# cutting off


async def test_history_is_valid_while_tools_run(runtime: LocalRuntime) -> None:
    """At every moment each call has one answer, also while it runs."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([[tool_call("gate"), tool_call("gate")]]), runtime=runtime, tools=[gate.tool()])
    step = asyncio.create_task(agent.step("go"))
    await gate.entered.wait()

    check_history(agent.history)

    gate.open.set()
    await step


async def test_cancelled_tool_leaves_valid_history(runtime: LocalRuntime) -> None:
    """Every tool call has an answer, even when the step was cancelled; the next step works."""
    gate = Gate()
    calls = [tool_call("gate"), tool_call("gate")]
    agent = AsyncAgent(ScriptedModel([calls, "sorry"]), runtime=runtime, tools=[gate.tool()])
    events = recorded(agent)
    step = asyncio.create_task(agent.step("go"))
    await gate.entered.wait()

    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step

    assert texts(agent.history[-2:]) == [UNANSWERED] * 2
    assert sum(isinstance(event, MessageAdded) and event.message.role == "tool" for event in events) == 2
    assert (await agent.step("what happened?")).text == "sorry"


async def test_interrupt_ends_the_run_normally(runtime: LocalRuntime) -> None:
    """`interrupt()` ends a run in the middle of a tool: it returns, says why, and the agent can be used again."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([tool_call("gate"), "yes?"]), runtime=runtime, tools=[gate.tool()])
    run = asyncio.create_task(agent.run_until_stop("go"))
    await gate.entered.wait()

    agent.interrupt()
    await run

    assert agent.stop_reason == "interrupted"
    assert agent.history[-1].text == UNANSWERED
    assert (await agent.step("hello")).text == "yes?"
    assert agent.stop_reason == "reply"


async def test_interrupting_twice_is_interrupting_once(runtime: LocalRuntime) -> None:
    """An impatient second `interrupt()`, or an `aclose()`, while the first is being cleaned up changes nothing."""
    entered, cleaning, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(rt: object) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await cleaned.wait()

    agent = AsyncAgent(ScriptedModel([tool_call("slow")]), runtime=runtime, tools=[slow])
    run = asyncio.create_task(agent.run_until_stop("go"))
    await entered.wait()
    agent.interrupt()
    await cleaning.wait()

    agent.interrupt()
    await agent.aclose()
    cleaned.set()
    await run

    assert agent.stop_reason == "interrupted"


async def test_an_approver_may_end_the_run(runtime: LocalRuntime) -> None:
    """Interrupted between two awaits, the run ends at once: the model is not asked again."""

    async def enough(tool: Tool, call: ToolCall) -> Approval:
        agent.interrupt()
        return Approval(allowed=False, reason="enough")

    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="ls"), "never"]), runtime=runtime, approver=enough)
    events = recorded(agent)

    await agent.run_until_stop("go")

    assert agent.stop_reason == "interrupted"
    assert sum(isinstance(event, StepStarted) for event in events) == 1


async def test_interrupted_words_are_remembered(runtime: LocalRuntime) -> None:
    """What the user saw of a reply before the interruption is in the history, marked."""

    class Endless:
        async def chat(self, messages, model, tools, *, emit):  # type: ignore[no-untyped-def]
            emit(TextDelta(text="Once upon"))
            emit(TextDelta(text=" a time"))
            await asyncio.Event().wait()

    agent = AsyncAgent(Endless(), runtime=runtime)
    agent.events.subscribe(lambda event: agent.interrupt() if event == TextDelta(text=" a time") else None)

    reply = await agent.step("tell me")

    assert reply.text == "Once upon a time [interrupted]"
    assert agent.stop_reason == "interrupted"


async def test_a_step_cut_off_returns_its_own_reply(runtime: LocalRuntime) -> None:
    """What a limit leaves of a step is what this step said, never an older reply."""
    gate = Gate()
    limits = Limits(step_timeout=0.1)
    agent = AsyncAgent(ScriptedModel([tool_call("gate")]), runtime=runtime, tools=[gate.tool()], limits=limits)

    assert [call.function.name for call in (await agent.step("go")).tool_calls] == ["gate"]

    class Silent:
        async def chat(self, messages, model, tools, *, emit):  # type: ignore[no-untyped-def]
            await asyncio.Event().wait()

    agent = AsyncAgent(Silent(), runtime=runtime, limits=limits)
    agent.history.append(Message.assistant("an older reply"))

    assert await agent.step() == Message.assistant("")


async def test_interrupting_an_idle_agent_does_nothing(runtime: LocalRuntime) -> None:
    """Between runs `interrupt()` has no effect, also not on the next run."""
    agent = AsyncAgent(ScriptedModel(["a", "b"]), runtime=runtime)
    agent.interrupt()
    await agent.step("1")

    agent.interrupt()

    assert (await agent.step("2")).text == "b"


async def test_steering_reaches_the_next_call_of_the_model(runtime: LocalRuntime) -> None:
    """Words said to the agent at work come before the next reply, and keep the run going."""
    model = ScriptedModel(["first answer", "second answer"])
    agent = AsyncAgent(model, runtime=runtime)

    def steer(event: Event) -> None:
        if isinstance(event, StepStarted) and event.number == 1:
            agent.steer("shorter, please")

    agent.events.subscribe(steer)
    reply = await agent.run_until_stop("explain")

    assert reply is not None
    assert reply.text == "second answer"
    assert texts(model.requests[1][-2:]) == ["first answer", "shorter, please"]


async def test_a_second_step_is_refused(runtime: LocalRuntime) -> None:
    """An agent does one thing at a time, and says so without disturbing the first."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([tool_call("gate")]), runtime=runtime, tools=[gate.tool()])
    step = asyncio.create_task(agent.step("go"))
    await gate.entered.wait()

    with pytest.raises(AgentBusy):
        await agent.step("me too")
    with pytest.raises(AgentBusy):
        await agent.run_until_stop("and me")

    gate.open.set()
    await step
    assert texts(agent.history[1:2]) == ["go"]
    assert agent.history[-1].text == "through"


# seen from outside


async def test_stream_yields_all_events_of_a_run(runtime: LocalRuntime) -> None:
    """`stream` gives the run's events from TurnStarted to TurnFinished, then ends."""
    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="true"), "done"]), runtime=runtime)

    async with agent.stream("go") as events:
        seen = [event async for event in events]

    assert isinstance(seen[0], TurnStarted)
    assert isinstance(seen[-1], TurnFinished)
    assert TextDelta(text="done") in seen


async def test_leaving_a_stream_ends_its_run(runtime: LocalRuntime) -> None:
    """Breaking out of the loop cancels the run; nothing is left behind and the history is valid."""
    gate = Gate()
    agent = AsyncAgent(ScriptedModel([tool_call("gate"), "again"]), runtime=runtime, tools=[gate.tool()])

    async with agent.stream("go") as events:
        async for event in events:
            if isinstance(event, ToolStarted):
                break

    assert not agent.is_busy
    check_history(agent.history)
    assert (await agent.step("once more")).text == "again"


async def test_an_error_of_the_run_leaves_the_stream(runtime: LocalRuntime) -> None:
    """A run that fails ends the events and raises where the block is left."""
    agent = AsyncAgent(ScriptedModel([ModelError("down")]), runtime=runtime)
    seen: list[Event] = []

    with pytest.raises(ModelError, match="down"):
        async with agent.stream("go") as events:
            seen += [event async for event in events]

    assert isinstance(seen[-1], TurnFinished)


# making one


async def test_a_name_is_the_name_of_a_model() -> None:
    """A text as `model` names the model at the settings' server; `model_name` overrides it."""
    settings = Settings.from_env({"OPENAI_API_KEY": "k", "PYGENT_MODEL": "from-settings"})

    assert AsyncAgent(settings=settings).model_name == "from-settings"
    assert AsyncAgent("gpt-x", settings=settings).model_name == "gpt-x"
    assert AsyncAgent("gpt-x", model_name="gpt-y", settings=settings).model_name == "gpt-y"


async def test_persona_and_prompt_make_the_system_message() -> None:
    """The first message speaks of the persona, unless a prompt of one's own replaces it."""
    persona = AsyncAgent(ScriptedModel(), persona=Persona("Ada", "a careful mathematician"))
    assert persona.history[0].text.startswith("You are Ada, a careful mathematician.")
    assert AsyncAgent(ScriptedModel(), system_prompt="Be brief.").history[0] == Message.system("Be brief.")
    assert AsyncAgent(ScriptedModel(), system_msg="Be brief.").history[0] == Message.system("Be brief.")


async def test_own_runtime_is_removed_and_a_given_one_is_kept(tmp_path: Path) -> None:
    """`aclose` removes the temporary workspace that the agent made; a runtime passed in stays usable."""
    async with AsyncAgent(ScriptedModel([tool_call("bash", cmd="pwd")])) as agent:
        await agent.step("where?")
        workspace = Path(agent.runtime.workspace)
        assert workspace.is_dir()
    assert not workspace.exists()
    await agent.aclose()

    async with LocalRuntime(tmp_path) as runtime:
        async with AsyncAgent(ScriptedModel([]), runtime=runtime):
            pass
        assert await runtime.bash("echo still here") == "$ echo still here\nstill here"


async def test_history_goes_on_from_what_was_given(runtime: LocalRuntime) -> None:
    """A given history is copied and continued."""
    before = [Message.system("s"), Message.user("a"), Message.assistant("b")]
    agent = AsyncAgent(ScriptedModel(["d"]), runtime=runtime, history=before)

    await agent.step("c")

    assert texts(agent.history) == ["s", "a", "b", "c", "d"]
    assert len(before) == 3


async def test_history_file_carries_a_conversation_over(tmp_path: Path, runtime: LocalRuntime) -> None:
    """With `PYGENT_HISTORY_FILE` the next agent goes on where the last one stopped."""
    settings = Settings.from_env({"PYGENT_HISTORY_FILE": str(tmp_path / "history.json")})
    await AsyncAgent(ScriptedModel(["hello"]), runtime=runtime, settings=settings).step("my name is Ada")
    model = ScriptedModel(["Ada"])

    await AsyncAgent(model, runtime=runtime, settings=settings).step("what is my name?")

    assert texts(model.requests[0][1:]) == ["my name is Ada", "hello", "what is my name?"]


@pytest.mark.parametrize("content", ["no JSON", '[{"role":"system","content":"s"},{"role":"user","content":"u"}]'])
async def test_a_history_file_that_was_not_read_is_not_written(
    tmp_path: Path, runtime: LocalRuntime, content: str
) -> None:
    """What is in the file outlives an agent that could not read it, or was cancelled before it had."""
    path = tmp_path / "history.json"
    path.write_text(content)
    settings = Settings.from_env({"PYGENT_HISTORY_FILE": str(path)})
    step = asyncio.create_task(AsyncAgent(ScriptedModel(), runtime=runtime, settings=settings).step("hello"))
    await asyncio.sleep(0)

    if content != "no JSON":
        step.cancel()
    with pytest.raises((SessionError, asyncio.CancelledError)):
        await step

    assert path.read_text() == content


async def test_a_replaced_tool_is_offered(runtime: LocalRuntime) -> None:
    """The model is told of the tools that there are, also when a new one takes the place in memory of an old one."""
    names = [f"tool{number}" for number in range(20)]
    model = ScriptedModel("ok" for _ in names)
    agent = AsyncAgent(model, runtime=runtime, tools=[])
    for name in names:
        agent.tools.clear()
        agent.tools.append(Tool(name=name, description="", parameters={"type": "object"}, func=print))
        await agent.step("go")

    assert [tools[0]["function"]["name"] for tools in model.tools] == names


async def test_tool_list_is_the_same_object_until_it_changes(runtime: LocalRuntime) -> None:
    """A model may cache the encoded tools by identity."""
    given: list[object] = []

    class Remembering:
        async def chat(self, messages, model, tools, *, emit):  # type: ignore[no-untyped-def]
            given.append(tools)
            return "ok"

    async def more(rt: object) -> str:
        return ""

    agent = AsyncAgent(Remembering(), runtime=runtime)
    await agent.step("1")
    await agent.step("2")
    agent.tools.append(Tool.from_function(more, description="More."))
    await agent.step("3")

    assert given[0] is given[1]
    assert given[1] is not given[2]


def test_two_tools_of_one_name_are_refused() -> None:
    """A server would refuse them at each request, and a call could mean either."""
    with pytest.raises(ValueError, match="'gate'"):
        AsyncAgent(ScriptedModel(), tools=[Gate().tool(), Gate().tool()])


def test_repr_tells_the_state(tmp_path: Path) -> None:
    """An agent shows who it is, its model, whether it works, and how long the conversation is."""
    agent = AsyncAgent(ScriptedModel(), model_name="m", runtime=LocalRuntime(tmp_path))

    assert repr(agent) == "<AsyncAgent 'Pygent' model='m' idle messages=1>"
