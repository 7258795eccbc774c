"""One call of a tool: every way to end is an answer, and cancelling is always possible."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from pygent import LocalRuntime, Runtime, RuntimeUnavailable, Tool, ToolError, ToolOutput, WorkspaceError
from pygent.tools import call_tool
from pygent.tools.results import MAX_TEXT, NO_OUTPUT

request_id = contextvars.ContextVar("request_id", default="none")


class Mode(Enum):
    READ = "r"


@dataclass
class Breaking:
    place: str

    def __post_init__(self) -> None:
        raise KeyError(self.place)


def tool_of(func: Callable[..., Any]) -> Tool:
    return Tool.from_function(func, name="probe", description="Probe.")


async def call(func: Callable[..., Any], runtime: LocalRuntime, /, **arguments: Any) -> ToolOutput:
    return await call_tool(tool_of(func), arguments, runtime)


def in_both_ways(plain: Callable[..., Any]) -> list[Any]:
    """A plain function, and a coroutine function that does the same."""

    async def coroutine(rt: object) -> Any:
        return plain(rt)

    return [pytest.param(plain, id="function"), pytest.param(coroutine, id="coroutine")]


# what it is given


async def test_a_coroutine_gets_the_runtime_and_typed_arguments(runtime: LocalRuntime) -> None:
    """The function runs on the event loop, with its arguments as annotated."""

    async def func(rt: object, mode: Mode, size: int = 3) -> str:
        return f"{rt is runtime} {mode} {size} {threading.current_thread() is threading.main_thread()}"

    assert await call(func, runtime, mode="r") == ToolOutput("True Mode.READ 3 True")


async def test_a_plain_function_gets_a_synchronous_runtime_in_a_thread(runtime: LocalRuntime) -> None:
    """Its calls on the runtime come back to the event loop, which goes on meanwhile."""

    def func(rt: Runtime, name: str) -> str:
        assert threading.current_thread() is not threading.main_thread()
        rt.write_file(name, "hello")
        return rt.bash(f"cat {name}")

    assert await call(func, runtime, name="a.txt") == ToolOutput("$ cat a.txt\nhello")


@pytest.mark.parametrize("func", in_both_ways(lambda rt: request_id.get()))
async def test_context_variables_are_seen(func: Callable[..., Any], runtime: LocalRuntime) -> None:
    """What the caller set for this request is there in the tool."""
    request_id.set("r-1")

    assert (await call(func, runtime)).text == "r-1"


async def test_arguments_that_the_function_refuses_are_an_answer(
    runtime: LocalRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the schema says less than the annotation, the model is told, and no failure is logged."""

    async def func(rt: object, mode: Mode) -> str:
        raise AssertionError("not run")

    output = await call(func, runtime, mode="x")

    assert output == ToolOutput("invalid arguments: mode: Invalid enum value 'x'", is_error=True)
    assert not caplog.records


@pytest.mark.parametrize("tell", [True, False], ids=["heard", "unheard"])
async def test_output_is_heard_while_the_tool_runs(runtime: LocalRuntime, tell: bool) -> None:
    """What a function passes to `on_output` is heard on the event loop, in order; also if nobody listens."""
    heard: list[tuple[str, bool]] = []

    def listen(text: str) -> None:
        heard.append((text, threading.current_thread() is threading.main_thread()))

    async def coroutine(rt: object, *, on_output: Callable[[str], None]) -> None:
        on_output("a")
        on_output("b")

    def plain(rt: object, *, on_output: Callable[[str], None]) -> None:
        on_output("c")
        on_output("d")

    for func in (coroutine, plain):
        assert await call_tool(tool_of(func), {}, runtime, on_output=listen if tell else None) == ToolOutput(NO_OUTPUT)

    assert heard == ([(text, True) for text in "abcd"] if tell else [])


# how it ends


@pytest.mark.parametrize("func", in_both_ways(lambda rt: {"a": 1}))
async def test_results_become_text(func: Callable[..., Any], runtime: LocalRuntime) -> None:
    """A function may return what is handy."""
    assert await call(func, runtime) == ToolOutput('{"a":1}')


def fails(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def plain(rt: object) -> None:
        raise error

    return plain


@pytest.mark.parametrize("is_async", [True, False], ids=["coroutine", "function"])
@pytest.mark.parametrize(
    ("error", "text", "logged"),
    [
        pytest.param(ToolError("no such table: cats"), "no such table: cats", False, id="tool-error"),
        pytest.param(ToolError(), "ToolError", False, id="tool-error-without-text"),
        pytest.param(WorkspaceError("a.txt: no such file"), "a.txt: no such file", False, id="workspace"),
        pytest.param(RuntimeUnavailable("it is gone"), "it is gone", False, id="runtime"),
        pytest.param(ValueError("bad"), "ValueError: bad", True, id="exception"),
        pytest.param(KeyError("k"), "KeyError: 'k'", True, id="key-error"),
        pytest.param(ValueError, "ValueError", True, id="exception-without-text"),
        pytest.param(SystemExit(3), "SystemExit: 3", True, id="exit"),
        pytest.param(KeyboardInterrupt, "KeyboardInterrupt", True, id="interrupt"),
        pytest.param(asyncio.CancelledError, "CancelledError", True, id="cancelled"),
        pytest.param(GeneratorExit, "GeneratorExit", True, id="generator-exit"),
        pytest.param(
            BaseExceptionGroup("two", [SystemExit(1), ValueError("x")]),
            "BaseExceptionGroup: two (2 sub-exceptions)",
            True,
            id="group",
        ),
    ],
)
async def test_whatever_is_raised_is_an_answer(
    error: Any, text: str, logged: bool, is_async: bool, runtime: LocalRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    """The model reads what happened; the traceback of a bug goes to the log and nowhere else."""

    async def coroutine(rt: object) -> None:
        raise error

    output = await call(coroutine if is_async else fails(error), runtime)

    assert output.is_error
    assert output.text.startswith(text)
    assert "Traceback" not in output.text
    assert [record.exc_info is not None for record in caplog.records if record.name == "pygent.tools"] == [
        True
    ] * logged


async def test_stop_iteration_from_a_thread_is_an_answer(runtime: LocalRuntime) -> None:
    """The one exception that no future can hold does not leave the call waiting for ever."""
    assert await call(fails(StopIteration("x")), runtime) == ToolOutput("StopIteration: x", is_error=True)


async def test_an_error_without_words_is_an_answer(runtime: LocalRuntime) -> None:
    """An exception whose own text cannot be made does not leave the call waiting for ever."""

    class Speechless(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert await call(fails(Speechless()), runtime) == ToolOutput("Speechless", is_error=True)


async def test_a_type_that_breaks_is_an_answer(runtime: LocalRuntime) -> None:
    """The code of an argument's class is part of the tool: what it raises is told, not thrown at the agent."""

    async def look(rt: object, at: Breaking) -> None: ...

    assert await call(look, runtime, at={"place": "x"}) == ToolOutput("KeyError: 'x'", is_error=True)


async def test_a_coroutine_that_a_plain_function_returns_is_a_mistake(runtime: LocalRuntime) -> None:
    """A plain decorator around `async def` is told apart from a result, and nothing is left un-awaited."""

    async def inner(rt: object) -> str:
        return "never"

    def decorated(rt: object) -> Any:
        return inner(rt)

    output = await call(decorated, runtime)
    gc.collect()

    assert output.is_error
    assert "its function returned a coroutine and did not await it" in output.text
    assert "`async def`" in output.text


async def test_long_errors_are_bounded(runtime: LocalRuntime) -> None:
    """An error is cut like any other output."""
    output = await call(fails(ToolError("x" * (2 * MAX_TEXT))), runtime)

    assert len(output.text) < MAX_TEXT + 100


# how it is cancelled


async def test_a_cancelled_coroutine_cleans_up_first(runtime: LocalRuntime) -> None:
    """The call is over when the tool's own cleanup is, and a second cancel does not cut that short."""
    entered, cleaning, clean = asyncio.Event(), asyncio.Event(), asyncio.Event()
    steps: list[str] = []

    async def func(rt: object) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await clean.wait()
            steps.append("clean")

    running = asyncio.create_task(call(func, runtime))
    await entered.wait()
    running.cancel()
    await cleaning.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    clean.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert steps == ["clean"]


async def test_a_tool_that_ignores_its_cancellation_is_left_behind(
    runtime: LocalRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    """The call ends after the grace period; the tool is logged as leaked, and no longer heard."""
    entered, release, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    heard: list[str] = []

    async def stubborn(rt: object, *, on_output: Callable[[str], None]) -> None:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                on_output("no")
        on_output("too late")
        ended.set()

    running = asyncio.create_task(call_tool(tool_of(stubborn), {}, runtime, on_output=heard.append, grace=0.05))
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert "pygent-tool-probe was cancelled, does not end" in caplog.text
    gc.collect()  # nobody but the call's module holds it now
    release.set()
    await ended.wait()
    assert heard == ["no"]


async def test_a_timeout_around_a_call_is_a_timeout(runtime: LocalRuntime) -> None:
    """Limits of the agent work on tools."""

    async def func(rt: object) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call(func, runtime)


async def test_a_tool_that_cancels_itself_does_not_cancel_its_caller(runtime: LocalRuntime) -> None:
    """A cancellation that nobody outside asked for is the tool's failure."""

    async def func(rt: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    output = await call(func, runtime)

    assert output == ToolOutput("CancelledError: the tool cancelled itself", is_error=True)
    this = asyncio.current_task()
    assert this is not None
    assert this.cancelling() == 0


async def test_cancelling_a_plain_function_returns_at_once(runtime: LocalRuntime) -> None:
    """Its thread is left to finish, without the runtime; neither its output nor its result is heard."""
    entered, returned = asyncio.Event(), asyncio.Event()
    loop, release = asyncio.get_running_loop(), threading.Event()
    heard: list[str] = []

    def blocked(rt: Runtime, *, on_output: Callable[[str], None]) -> str:
        on_output("begun")
        loop.call_soon_threadsafe(entered.set)
        release.wait()
        on_output("too late")
        with pytest.raises(RuntimeUnavailable, match="call is over"):
            rt.write_file("late.txt", "too late")
        loop.call_soon_threadsafe(returned.set)
        return "nobody hears"

    running = asyncio.create_task(call_tool(tool_of(blocked), {}, runtime, on_output=heard.append))
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    release.set()
    await returned.wait()
    assert heard == ["begun"]


async def test_sibling_calls_do_not_know_of_a_failure(runtime: LocalRuntime) -> None:
    """One failing call among several that run together takes nothing from the others."""
    failed = asyncio.Event()

    async def failing(rt: object) -> None:
        failed.set()
        raise ValueError("mine")

    async def waiting(rt: object) -> str:
        await failed.wait()
        return "fine"

    outputs = await asyncio.gather(*(call(func, runtime) for func in (waiting, failing, waiting)))

    assert [output.text for output in outputs] == ["fine", "ValueError: mine", "fine"]


PROGRAM = """
import asyncio, threading
from pygent import LocalRuntime, Tool
from pygent.tools import call_tool

async def main():
    loop, entered = asyncio.get_running_loop(), asyncio.Event()

    def stuck(rt):
        loop.call_soon_threadsafe(entered.set)
        threading.Event().wait()

    async with LocalRuntime() as runtime:
        call = asyncio.create_task(call_tool(Tool.from_function(stuck), {}, runtime))
        await entered.wait()
        call.cancel()
        await asyncio.wait([call])

asyncio.run(main())
print("bye")
"""


async def test_a_stuck_plain_function_does_not_keep_the_program_from_ending() -> None:
    """After a cancelled call the program can end, however long the thread would go on."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )

    async with asyncio.timeout(30):
        output, _ = await program.communicate()

    assert (program.returncode, output.decode()) == (0, "bye\n")
