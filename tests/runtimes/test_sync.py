"""`Runtime`, the synchronous face: everything that the asynchronous one does, from wherever it is called."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from pygent import AsyncRuntime, LocalRuntime, Runtime, RuntimeUnavailable, Settings, WorkspaceError, portal


@pytest.fixture(autouse=True)
def own_portal() -> Iterator[None]:
    """Each test has a loop of its own, and its end is part of the test."""
    portal.shutdown()
    yield
    portal.shutdown()


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """A runtime on this machine, in a temporary workspace."""
    with Runtime(use_docker=False) as opened:
        yield opened


def test_every_method_has_its_twin() -> None:
    """The face has every public name of `AsyncRuntime`, with the same parameters; not `jobs`, to be awaited."""
    for name, member in vars(AsyncRuntime).items():
        if name.startswith("_") or name == "jobs":
            continue

        twin = getattr(Runtime, name)
        assert inspect.isroutine(member) == inspect.isroutine(twin), name
        if inspect.isroutine(member):
            assert inspect.signature(twin) == inspect.signature(member), name
            assert not inspect.iscoroutinefunction(twin), name


def test_commands_and_files(runtime: Runtime, tmp_path: Path) -> None:
    """Commands run and files are kept, as with the asynchronous runtime."""
    (tmp_path / "given.txt").write_text("given")
    printed: list[str] = []

    assert runtime.write_file("a/b.txt", "text\n") == "Wrote a/b.txt (5 bytes)"
    runtime.write_bytes("c.bin", b"\xff")
    runtime.upload(tmp_path / "given.txt")
    assert runtime.bash("cat a/b.txt") == "$ cat a/b.txt\ntext"
    assert runtime.exec("echo more; exit 3", on_output=printed.append).exit_code == 3
    assert "".join(printed) == "more\n"
    assert (runtime.read_file("a/b.txt"), runtime.read_bytes("c.bin")) == ("text\n", b"\xff")
    assert runtime.read_file("c.bin", binary=True) == "/w=="
    assert runtime.list_files() == ["a/b.txt", "c.bin", "given.txt"]
    runtime.export("a", tmp_path / "out")
    assert (tmp_path / "out/b.txt").read_text() == "text\n"


def test_errors_are_the_same(runtime: Runtime) -> None:
    """What the asynchronous method raises the synchronous one raises."""
    with pytest.raises(WorkspaceError, match=r"missing\.txt"):
        runtime.read_file("missing.txt")


def test_cleanup_removes_a_temporary_workspace() -> None:
    """After `cleanup()` nothing is left; it may be called again, and the runtime is of no use then."""
    runtime = Runtime(use_docker=False)
    assert runtime.workspace == ""
    runtime.open()
    workspace = Path(runtime.workspace)
    assert (runtime.kind, runtime.notice, workspace.is_dir()) == ("local", None, True)

    runtime.cleanup()
    runtime.cleanup()

    assert not workspace.exists()
    with pytest.raises(RuntimeUnavailable, match="cleaned up"):
        runtime.bash("true")


def test_forgotten_runtime_is_cleaned_up() -> None:
    """A runtime that nobody holds any more leaves nothing behind."""
    runtime = Runtime(use_docker=False)
    runtime.open()
    workspace = Path(runtime.workspace)

    del runtime
    gc.collect()
    portal.shutdown()

    assert not workspace.exists()


def test_environment_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Runtime()` is where the environment says; arguments and settings come before it."""
    (tmp_path / "given.txt").write_text("given")
    monkeypatch.setenv("PYGENT_USE_DOCKER", "0")
    monkeypatch.setenv("PYGENT_WORKSPACE", str(tmp_path / "env"))
    monkeypatch.setenv("PYGENT_INIT_FILES", str(tmp_path / "given.txt"))

    with Runtime() as by_environment, Runtime(workspace=tmp_path / "argument") as by_argument:
        assert Path(by_environment.workspace) == tmp_path / "env"
        assert by_environment.list_files() == ["given.txt"]
        assert Path(by_argument.workspace) == tmp_path / "argument"
    with Runtime(settings=Settings(use_docker=False)) as by_settings:
        assert by_settings.list_files() == []


async def test_inside_a_running_loop(no_blocking_calls: BlockBuster) -> None:
    """It works where a loop runs already, and warns that this one stands still."""
    no_blocking_calls.deactivate()  # to block is what a synchronous call does
    runtime = Runtime(use_docker=False)
    with pytest.warns(RuntimeWarning, match=r"await LocalRuntime\.open instead"):
        runtime.open()
    assert runtime.bash("echo hi") == "$ echo hi\nhi"
    runtime.cleanup()


def test_many_threads(runtime: Runtime) -> None:
    """Eight threads share a runtime; their commands run side by side."""
    everyone_is_there = "touch $NAME; until [ $(ls | wc -l) = 8 ]; do sleep 0.05; done; echo met"

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda n: runtime.exec(f"NAME={n}; {everyone_is_there}").output, range(8))
        assert list(answers) == ["met\n"] * 8


# A face for a tool in a worker thread, whose calls run on the loop of the agent.


@pytest.fixture
async def local(tmp_path: Path) -> LocalRuntime:
    """An asynchronous runtime, used on the test's own loop."""
    return LocalRuntime(tmp_path / "workspace")


async def test_tool_calls_back(local: LocalRuntime) -> None:
    """A plain function in a thread uses the agent's runtime; the calls run on the agent's loop."""
    seen: list[object] = []
    face = Runtime.wrapping(local, asyncio.get_running_loop())

    def tool() -> str:
        face.write_file("a.txt", "text")
        face.exec("echo hi", on_output=lambda _: seen.append(threading.current_thread()))
        return face.bash("cat a.txt")

    assert await asyncio.to_thread(tool) == "$ cat a.txt\ntext"
    assert set(seen) == {threading.current_thread()}
    assert face.async_runtime is local
    await local.cleanup()


async def test_tool_whose_call_is_over(local: LocalRuntime) -> None:
    """When the tool's call was cancelled, what its thread waits for ends at once, and it can start nothing more."""
    face = Runtime.wrapping(local, asyncio.get_running_loop())
    running = asyncio.Event()

    def error_of(func: Callable[[], object]) -> str:
        with pytest.raises(RuntimeUnavailable) as error:
            func()
        return str(error.value)

    thread = asyncio.create_task(
        asyncio.to_thread(error_of, lambda: face.exec("echo started; sleep 60", on_output=lambda _: running.set()))
    )
    await running.wait()
    face.disconnect()

    assert "call is over" in await thread
    assert "call is over" in await asyncio.to_thread(error_of, lambda: face.exec("touch made"))
    assert "running=0" in repr(local)
    assert await local.list_files() == []
    await local.cleanup()


async def test_tool_on_the_loop(local: LocalRuntime) -> None:
    """Called on the loop that it would wait for, it is an error at once."""
    face = Runtime.wrapping(local, asyncio.get_running_loop())

    with pytest.raises(RuntimeError, match="call it from a tool's own thread"):
        face.bash("true")


def test_tool_that_outlives_the_loop(tmp_path: Path) -> None:
    """A thread that goes on after the loop has ended is told so, before and during a call."""
    asked = threading.Event()

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
            handle = super().call_soon_threadsafe(*args, **kwargs)
            asked.set()
            return handle

    loop = Loop()
    face = Runtime.wrapping(LocalRuntime(tmp_path), loop)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(face.bash, "true")
        asked.wait()
        loop.close()
        with pytest.raises(RuntimeUnavailable, match="call is over"):
            call.result()
    with pytest.raises(RuntimeUnavailable, match="call is over"):
        face.bash("true")
