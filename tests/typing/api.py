"""Users' code, which mypy reads and nobody runs: what is typical must be free of errors, casts and ignores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Literal, assert_never, assert_type

from pygent import (
    Agent,
    AgentBusy,
    APIError,
    Approval,
    AsyncAgent,
    AsyncRuntime,
    AuthenticationError,
    CommandResult,
    ContextLengthError,
    Event,
    EventsDropped,
    FallbackModel,
    Hub,
    Limits,
    LocalRuntime,
    Message,
    MessageAdded,
    Model,
    ModelConnectionError,
    ModelError,
    ModelReplaced,
    ModelResponseError,
    ModelStatusError,
    ModelTimeout,
    OpenAIModel,
    OpenAIResponsesModel,
    PathOutsideWorkspace,
    Persona,
    PygentError,
    QuotaError,
    RateLimitError,
    ReasoningDelta,
    ReplayModel,
    RetryScheduled,
    Runtime,
    RuntimeOpened,
    RuntimeUnavailable,
    SandboxDead,
    SessionError,
    SessionLocked,
    Settings,
    SettingsError,
    StepStarted,
    StreamInterrupted,
    StreamRestarted,
    TaskError,
    TaskNotFound,
    TextDelta,
    Timeouts,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallFunction,
    ToolCallsRescued,
    ToolError,
    ToolFinished,
    ToolOutput,
    ToolOutputDelta,
    ToolStarted,
    TooManyTasks,
    TurnFinished,
    TurnStarted,
    Usage,
    WorkspaceError,
    __version__,
    image_part,
    open_runtime,
    register_tool,
    tool,
)
from pygent.approval import Approver, allow_all
from pygent.events import AnyEvent, Emit, decode_event
from pygent.messages import JSON
from pygent.testing import ScriptedModel, check_history, tool_call
from pygent.tools import builtin_tools

assert_type(__version__, str)


# An agent in an asyncio program.


async def ask() -> str:
    async with AsyncAgent() as agent:
        reply = await agent.run_until_stop("Write hello.py, then run it.", max_steps=10, max_time=60.0)
        assert_type(reply, Message | None)
        assert_type(agent.stop_reason, str | None)
        assert_type(agent.history, list[Message])
        assert_type(agent.events, Hub)
        assert_type(agent.usage, Usage)
        return reply.text if reply else ""


async def step_by_step(runtime: AsyncRuntime) -> Message:
    agent = AsyncAgent(
        OpenAIModel(base_url="http://localhost:11434/v1", api_key="none"),
        model_name="qwen3",
        runtime=runtime,
        tools=[*builtin_tools(), count_lines, plain],
        persona=Persona("Ada", "a patient reviewer"),
        approver=only_reading,
        limits=Limits(max_steps=30, step_timeout=120, max_time=900, max_tokens=200_000),
        settings=Settings(model="qwen3"),
        history=[Message.system("Be brief."), Message.user(["Hello", image_part("sketch.png", detail="low")])],
    )
    reply = await agent.step("And now?")
    agent.steer("use pytest")
    agent.interrupt()
    await agent.aclose()
    return reply


async def many(prompts: Sequence[str]) -> list[Message | None]:
    async def one(prompt: str) -> Message | None:
        async with AsyncAgent("gpt-4.1-mini", system_prompt="Answer in one line.") as agent:
            return await agent.run_until_stop(prompt)

    return await asyncio.gather(*(one(prompt) for prompt in prompts))


# Without asyncio.


def in_a_script() -> str:
    with Agent(system_msg="You are a friendly bot") as agent:
        assert_type(agent.step("echo hello"), Message)
        assert_type(agent.run_until_stop("fix the test"), Message | None)
        assert_type(agent.runtime, Runtime)
        agent.events.subscribe(print)
        with agent.stream("Which Python is this?") as events:
            for event in events:
                assert_type(event, Event)
        return agent.runtime.read_file("hello.py")


def a_workspace_alone() -> str:
    runtime = Runtime(use_docker=False)
    assert_type(runtime.bash("ls"), str)
    assert_type(runtime.exec("ls", timeout=5), CommandResult)
    runtime.write_file("a.txt", "a")
    runtime.cleanup()
    return runtime.workspace


# Tools.


@tool
async def count_lines(rt: AsyncRuntime, path: str) -> str:
    """Count the lines of a file."""
    text = await rt.read_file(path)
    if not text:
        raise ToolError(f"{path} is empty")

    return str(len(text.splitlines()))


@tool(name="look", description="Look.", parallel=True, final=False)
def look(rt: Runtime, what: Literal["here", "there"] = "here") -> ToolOutput:
    return ToolOutput(rt.bash(f"ls {what}"), display=what, is_error=False)


def plain(rt: Runtime, number: int) -> str:
    return str(number)


assert_type(count_lines, Tool)
assert_type(look, Tool)
assert_type(register_tool("plain", "Say a number.", {"type": "object", "properties": {}}, plain), Tool)
assert_type(look.name, str)


# Who may run what.


async def only_reading(tool: Tool, call: ToolCall) -> Approval:
    if tool.name == "read_file":
        return Approval(allowed=True)

    return Approval(False, f"not allowed: {call.function.name} {call.function.arguments}")


approvers: list[Approver] = [only_reading, allow_all]


# Models.


class Streaming:
    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        if emit is not None:
            emit(TextDelta(text="Hello"))
        return Message.assistant("Hello", tool_calls=[])


class InTheShapeOfTheOriginal:
    def chat(self, messages: list[dict[str, Any]], model: str, tools: list[dict[str, Any]]) -> Message:
        function = ToolCallFunction(name="bash", arguments='{"cmd": "ls"}')
        return Message(role="assistant", content=None, tool_calls=(ToolCall(id="1", function=function),))


models: list[Model] = [Streaming(), OpenAIModel(), ReplayModel("cassette.jsonl"), ScriptedModel(["Hello"])]
models += [
    OpenAIResponsesModel(timeouts=Timeouts(total=60)),
    FallbackModel(["openai:gpt-4.1", (OpenAIModel(), "small"), Streaming()]),
]

AsyncAgent(Streaming())
AsyncAgent(InTheShapeOfTheOriginal())
Agent(InTheShapeOfTheOriginal())


# Runtimes.


async def on_this_machine() -> CommandResult:
    async with LocalRuntime("project", env={"LANG": "C"}) as runtime:
        await runtime.write_bytes("a.bin", b"\0")
        assert_type(await runtime.read_bytes("a.bin"), bytes)
        assert_type(await runtime.list_files("."), list[str])
        result = await runtime.exec("make", timeout=600, on_output=print)
        return result if result.exit_code == 0 and not result.timed_out else await runtime.exec("make clean")


class InMemory(AsyncRuntime):
    kind = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: Any = None) -> CommandResult:
        return CommandResult(output=cmd, exit_code=0)

    async def read_bytes(self, path: str, *, limit_bytes: int = 1 << 20) -> bytes:
        if path not in self.files:
            raise WorkspaceError(f"no such file: {path}")

        return self.files[path]

    async def write_bytes(self, path: str, data: bytes) -> None:
        self.files[path] = data

    async def cleanup(self) -> None:
        self.files.clear()


runtimes: list[AsyncRuntime] = [InMemory(), open_runtime(use_docker=False, workspace="project")]


# Events.


def show(event: AnyEvent) -> str:
    """A match over all events is exhaustive, and type checkers see that."""
    match event:
        case TurnStarted(prompt=text) | TextDelta(text=text) | ReasoningDelta(text=text) | ToolOutputDelta(text=text):
            return text
        case StepStarted(number=number) | EventsDropped(count=number):
            return str(number)
        case MessageAdded(message=message):
            return message.text
        case ToolCallDelta(index=index, name=name, arguments=arguments):
            return f"{index} {name} {arguments}"
        case StreamRestarted(reason=reason) | RetryScheduled(reason=reason) | ModelReplaced(reason=reason):
            return reason
        case ToolCallsRescued(names=names):
            return ", ".join(names)
        case RuntimeOpened(kind=kind, workspace=workspace, notice=notice):
            return notice or f"{kind} {workspace}"
        case ToolStarted(call=call):
            return call.function.name
        case ToolFinished(name=name, output=output, display=display, duration=seconds):
            return f"{name} {display or output} {seconds:.1f} s"
        case TurnFinished(reason=reason, answer=answer, steps=steps, usage=usage):
            return f"{reason} after {steps} steps and {usage.total_tokens} tokens: {answer}"
    assert_never(event)


async def watch(agent: AsyncAgent) -> None:
    with agent.events.subscribe(lambda event: print(event.__class__.__name__)):
        async with agent.stream("fix the test") as events:
            async for event in events:
                assert_type(event, Event)


def read_back(lines: Iterator[bytes]) -> list[AnyEvent]:
    return [decode_event(line) for line in lines]


# Errors.


async def with_care(agent: AsyncAgent) -> str:
    try:
        await agent.step()
    except RateLimitError as error:
        return f"wait {error.retry_after or 1} s"
    except (AuthenticationError, QuotaError, ContextLengthError) as error:
        return f"{error.status} {error.code} {error.body}"
    except ModelStatusError as error:
        return f"{error.status} {error.request_id} after {error.attempts} attempts"
    except StreamInterrupted as error:
        return error.partial.text if error.partial else ""
    except (ModelTimeout, ModelConnectionError, ModelResponseError) as error:
        return f"{error.model}: {error}"
    except (RuntimeUnavailable, SandboxDead, PathOutsideWorkspace):
        return "no place to work"
    except (TaskNotFound, TooManyTasks, TaskError, SessionLocked, SessionError, SettingsError, AgentBusy):
        return "later"
    except PygentError:
        return "never"
    return "done"


same: type[ModelError] = APIError


# Tests of one's own.


async def test_it() -> None:
    agent = AsyncAgent(ScriptedModel([tool_call("bash", cmd="ls"), "There are no files."]), runtime=InMemory())
    await agent.run_until_stop("What is here?")
    check_history(agent.history)
