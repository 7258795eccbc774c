"""`Agent`, the synchronous face: the same agent, from scripts, threads and running loops."""

from __future__ import annotations

import gc
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from pygent import (
    Agent,
    AgentBusy,
    AsyncAgent,
    Event,
    LocalRuntime,
    Message,
    ModelError,
    Runtime,
    RuntimeUnavailable,
    Settings,
    StepStarted,
    TextDelta,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
    portal,
)
from pygent.testing import ScriptedModel, tool_call

from .completions_server import completions_server

TWINS = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}

LOCAL = Settings(use_docker=False)


@pytest.fixture(autouse=True)
def own_portal() -> Iterator[None]:
    """Each test has a loop of its own, and its end is part of the test."""
    portal.shutdown()
    yield
    portal.shutdown()


def agent(*replies: object) -> Agent:
    """An agent with a script, whose commands run on this machine."""
    return Agent(ScriptedModel(replies), settings=LOCAL)  # type: ignore[arg-type] # replies of all kinds


def public(cls: type) -> dict[str, Callable[..., object]]:
    members = inspect.getmembers(cls, inspect.isfunction)
    return {name: member for name, member in members if not name.startswith("_") or name in ("__init__", *TWINS)}


def test_every_method_has_its_twin() -> None:
    """The face has every method of `AsyncAgent`, and no other, with the same parameters and defaults."""
    asynchronous = {TWINS.get(name, name): member for name, member in public(AsyncAgent).items()}
    synchronous = {name: getattr(Agent, name) for name in (*public(Agent), "__enter__", "__exit__")}

    assert synchronous.keys() == asynchronous.keys()
    for name, member in synchronous.items():
        theirs = inspect.signature(asynchronous[name]).parameters.values()
        ours = inspect.signature(member).parameters.values()
        assert [(each.name, each.kind, each.default) for each in ours] == [
            (each.name, each.kind, each.default) for each in theirs
        ], name
        assert not inspect.iscoroutinefunction(member), name


def test_every_attribute_has_its_twin() -> None:
    """The face shows the async agent's attributes, and changes them there."""
    with agent() as face:
        theirs = face.async_agent
        for name in (name for name in vars(theirs) if not name.startswith("_") and name != "runtime"):
            assert getattr(face, name) is getattr(theirs, name), name

        assert face.runtime.async_runtime is theirs.runtime
        face.model_name = "another"
        assert theirs.model_name == "another"
        assert repr(face) == "<Agent 'Pygent' model='another' idle messages=1>"


def test_documented_snippet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lines that the original's documentation shows work as they stand."""
    monkeypatch.setenv("PYGENT_USE_DOCKER", "0")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    reply = Message.assistant(tool_calls=(tool_call("bash", cmd="echo 'Hello'"),))
    with completions_server(reply) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)

        ag = Agent()
        ag.step("echo 'Hello'")
        ag.runtime.cleanup()

    assert [message.role for message in ag.history] == ["system", "user", "assistant", "tool"]
    assert ag.history[-1].text == "$ echo 'Hello'\nHello"
    ag.close()


def test_run_until_stop() -> None:
    """A run goes on until it is done, and leaves its files in a workspace that can be looked into."""
    with agent(tool_call("bash", cmd="echo hi > a.txt"), "Done.") as face:
        reply = face.run_until_stop("write a file", max_steps=5)

        assert reply is not None
        assert (reply.text, face.stop_reason, face.is_busy) == ("Done.", "reply", False)
        assert face.runtime.read_file("a.txt") == "hi\n"
        assert face.usage.total_tokens == 2
        workspace = Path(face.runtime.workspace)

    assert not workspace.exists()
    face.close()


def test_errors_are_the_same() -> None:
    """What the asynchronous method raises the synchronous one raises."""
    with agent(ModelError("no answer")) as face, pytest.raises(ModelError, match="no answer"):
        face.step("hello")


def test_stream() -> None:
    """A stream is an iterator of events, from the start of the run to its end."""
    with agent(tool_call("bash", cmd="echo hi"), "All done.") as face:
        with face.stream("hello") as events:
            seen = list(events)

        assert isinstance(seen[-1], TurnFinished)
        assert [event.text for event in seen if isinstance(event, TextDelta)] == ["All ", "done."]
        assert [event.output for event in seen if isinstance(event, ToolFinished)] == ["$ echo hi\nhi"]


def test_stream_left_early() -> None:
    """Leaving the block ends the run and its commands."""
    with agent(tool_call("bash", cmd="echo hi; sleep 60")) as face:
        with face.stream("hello") as events:
            next(event for event in events if isinstance(event, ToolOutputDelta))

        assert (face.is_busy, face.stop_reason) == (False, "cancelled")
        assert "running=0" in repr(face.runtime)


def test_stream_raises() -> None:
    """An error of the run is raised when the block is left; one of the block goes on."""
    with agent(ModelError("no answer"), "Hello.") as face:
        with pytest.raises(ModelError, match="no answer"), face.stream("hello") as events:
            assert isinstance(list(events)[-1], TurnFinished)

        with pytest.raises(ValueError, match="mine"), face.stream("hello"):
            raise ValueError("mine")


def test_interrupt_from_another_thread() -> None:
    """`interrupt()` of another thread ends the run normally."""
    with agent(tool_call("bash", cmd="echo hi; sleep 60")) as face:
        running = threading.Event()
        face.events.subscribe(lambda event: running.set() if isinstance(event, ToolOutputDelta) else None)
        face.interrupt()  # while nothing runs it does nothing
        with ThreadPoolExecutor(1) as thread:
            run = thread.submit(face.run_until_stop, "hello")
            running.wait()
            face.interrupt()
            run.result()

        assert face.stop_reason == "interrupted"


def test_interrupt_from_a_subscriber() -> None:
    """A subscriber, which is called on the background loop, may interrupt, too."""
    with agent(tool_call("bash", cmd="sleep 60")) as face:
        face.events.subscribe(lambda event: face.interrupt() if isinstance(event, ToolStarted) else None)
        face.run_until_stop("hello")

        assert face.stop_reason == "interrupted"


def test_subscriber_that_would_wait_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    """A subscriber that calls the face it hears from is told at once; the run goes on."""

    def ask_back(event: Event) -> None:
        if isinstance(event, StepStarted):
            face.step("again")

    with agent("Hello.") as face:
        face.events.subscribe(ask_back)
        assert face.step("hello").text == "Hello."

    assert "await AsyncAgent.step instead" in caplog.text


def test_steer() -> None:
    """What is said to the agent at work is the user's word in the next question."""
    with agent(tool_call("bash", cmd="true"), "Done.") as face:
        face.events.subscribe(lambda event: face.steer("faster") if isinstance(event, ToolStarted) else None)
        face.run_until_stop("hello")

        assert [message.text for message in face.history if message.role == "user"] == ["hello", "faster"]


def test_second_step_at_once_is_refused() -> None:
    """Two threads cannot drive one agent at a time."""
    with agent(tool_call("bash", cmd="echo hi; sleep 60")) as face:
        running = threading.Event()
        face.events.subscribe(lambda event: running.set() if isinstance(event, ToolOutputDelta) else None)
        with ThreadPoolExecutor(1) as thread:
            step = thread.submit(face.step, "hello")
            running.wait()
            with pytest.raises(AgentBusy):
                face.step("me too")
            face.interrupt()
            step.result()


def test_agents_in_many_threads() -> None:
    """Eight threads, each with an agent of its own, work at once."""

    def work(number: int) -> str:
        with agent(tool_call("bash", cmd=f"echo {number}"), "Done.") as face:
            face.run_until_stop("hello")
            return face.history[-2].text

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(8))) == [f"$ echo {number}\n{number}" for number in range(8)]


async def test_inside_a_running_loop(no_blocking_calls: BlockBuster) -> None:
    """Inside a running loop it works, and one warning at the user's line names `AsyncAgent`."""
    no_blocking_calls.deactivate()  # to block is what a synchronous call does
    face = agent("One.", tool_call("bash", cmd="echo two"), "Three.")
    with pytest.warns(RuntimeWarning, match=r"await AsyncAgent\.step instead") as warnings:
        face.step("hello")
    assert [warning.filename for warning in warnings] == [__file__]

    with face.stream("hello") as events:
        assert isinstance(list(events)[-1], TurnFinished)
    face.close()


def test_plain_tool_calls_back() -> None:
    """A tool that is a plain function uses the runtime of the agent that called it."""

    def shout(rt: Runtime, text: str) -> str:
        """Say it loudly."""
        rt.write_file("said.txt", text)
        return rt.exec("tr a-z A-Z < said.txt").output

    with Agent(ScriptedModel([tool_call("shout", text="hey")]), tools=[shout], settings=LOCAL) as face:
        face.step("shout")

        assert face.history[-1].text == "HEY"
        assert face.runtime.read_file("said.txt") == "hey"


def test_runtime_that_was_given(tmp_path: Path) -> None:
    """A runtime that the user passes, of either kind, stays the user's to clean up."""
    runtime = Runtime(use_docker=False)
    with Agent(ScriptedModel([tool_call("bash", cmd="touch a")]), runtime=runtime) as face:
        face.step("hello")
        assert face.runtime is runtime
    assert runtime.list_files() == ["a"]
    runtime.cleanup()

    with Agent(ScriptedModel([]), runtime=LocalRuntime(tmp_path)) as face:
        face.runtime.write_file("b", "")
    assert (tmp_path / "b").exists()


def test_runtime_that_only_the_agent_holds() -> None:
    """`Agent(runtime=Runtime())` keeps its runtime; so does the runtime's face its agent."""
    face = Agent(ScriptedModel([tool_call("bash", cmd="touch a")]), runtime=Runtime(use_docker=False))
    gc.collect()
    face.step("hello")
    assert face.runtime.list_files() == ["a"]

    assert agent().runtime.bash("echo hi") == "$ echo hi\nhi"


def test_forgotten_agent_is_closed() -> None:
    """An agent that nobody holds any more leaves nothing behind."""
    face = agent()
    face.runtime.open()
    workspace = Path(face.runtime.workspace)

    del face
    gc.collect()
    portal.shutdown()

    assert not workspace.exists()


def test_closed_agent_is_of_no_use() -> None:
    """After `close()`, which may be called again, there is no place for commands any more."""
    face = agent(tool_call("bash", cmd="true"))
    face.close()
    face.close()

    with pytest.raises(RuntimeUnavailable, match="cleaned up"):
        face.step("hello")
