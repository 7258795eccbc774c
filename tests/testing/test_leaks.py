"""Nothing is left: what `no_leaks` finds, what it says, and what it does not take for a leak."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from pygent import AsyncAgent, LocalRuntime, Runtime
from pygent.models import OpenAIModel
from pygent.testing import ScriptedModel, tool_call
from pygent.testing.leaks import TAG, no_leaks, tagged
from pygent.testing.server import MisbehavingServer

from .. import interpreter

SHORT = 0.15


async def test_task_is_named(no_blocking_calls: BlockBuster) -> None:
    """A task that goes on is told by its name, its function and its place."""
    with pytest.raises(AssertionError) as caught:
        async with no_leaks(patience=SHORT):
            task = asyncio.create_task(forever(), name="watch the tests")
    task.cancel()

    assert "task 'watch the tests' of forever at " in str(caught.value)
    assert Path(__file__).name in str(caught.value)


async def forever() -> None:
    await asyncio.Event().wait()


def leak_file(stack: ExitStack, folder: Path) -> str:
    file = stack.enter_context((folder / "kept").open("w"))
    return f"descriptor {file.fileno()}: {folder / 'kept'}"


def leak_connection(stack: ExitStack, folder: Path) -> str:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = server.getsockname()[1]
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    return f"connection {client.fileno()}: 127.0.0.1:{client.getsockname()[1]} to 127.0.0.1:{port}"


def leak_listener(stack: ExitStack, folder: Path) -> str:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return f"socket {server.fileno()}: 127.0.0.1:{server.getsockname()[1]}, not connected"


def leak_thread(stack: ExitStack, folder: Path) -> str:
    stop = threading.Event()
    threading.Thread(target=stop.wait, name="worker", daemon=True).start()
    stack.callback(stop.set)
    return "thread 'worker' at "


def leak_child(stack: ExitStack, folder: Path) -> str:
    child = stack.enter_context(subprocess.Popen(["sleep", "61.5"]))
    stack.callback(child.kill)
    return f"process {child.pid}: sleep 61.5"


def leak_daemon(stack: ExitStack, folder: Path) -> str:
    """Of a parent that has ended, in a session of its own."""
    subprocess.run(["sh", "-c", f"setsid -f sh -c 'echo $$ >{folder}/pid; exec sleep 62.5'"], check=True)
    while not (text := Path(folder, "pid").read_text() if Path(folder, "pid").exists() else ""):
        time.sleep(0.01)
    stack.callback(os.kill, int(text), 9)
    while b"62.5" not in Path(f"/proc/{int(text)}/cmdline").read_bytes():
        time.sleep(0.01)
    return f"process {int(text)}: sleep 62.5"


def leak_zombie(stack: ExitStack, folder: Path) -> str:
    child = subprocess.Popen(["true"])
    stack.callback(child.wait)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return f"process {child.pid}: true, ended, but nobody waited for it"


LEAKS: list[Callable[[ExitStack, Path], str]] = [
    leak_file,
    leak_connection,
    leak_listener,
    leak_thread,
    leak_child,
    leak_daemon,
    leak_zombie,
]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_leak_is_told(leak: Callable[[ExitStack, Path], str], tmp_path: Path) -> None:
    """What is left is told exactly: what it is, which, and where it leads."""
    with ExitStack() as stack:
        with pytest.raises(AssertionError) as caught, no_leaks(patience=SHORT):
            told = leak(stack, tmp_path)

        assert str(caught.value).startswith(f"the block left behind:\n  {told}") or f"\n  {told}" in str(caught.value)


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
async def test_what_was_there_before_is_no_leak(leak: Callable[[ExitStack, Path], str], tmp_path: Path) -> None:
    """What was open before the block may be open after it."""
    with ExitStack() as stack:
        await asyncio.to_thread(leak, stack, tmp_path)
        async with no_leaks(patience=SHORT):
            await asyncio.sleep(0)


async def test_what_is_ending_gets_a_moment() -> None:
    """A task, a thread and a process that end by themselves soon after the block are no leak."""
    async with no_leaks():
        asyncio.create_task(asyncio.sleep(0.1))  # noqa: RUF006 - it ends before it can be collected
        threading.Thread(target=time.sleep, args=(0.1,)).start()
        process = await asyncio.create_subprocess_exec("sleep", "0.1")
        del process


async def test_one_for_another_is_a_leak(tmp_path: Path) -> None:
    """That something else was closed in the block makes nothing good."""
    before = open(tmp_path / "before", "w")  # noqa: SIM115 - it is to be left open
    with pytest.raises(AssertionError, match="after"):  # noqa: PT012 - what the block does is the point
        async with no_leaks(patience=SHORT):
            before.close()
            after = open(tmp_path / "after", "w")  # noqa: SIM115 - the same
    after.close()


async def test_second_of_the_same_is_a_leak(tmp_path: Path) -> None:
    """Two descriptors that lead to one place are more than one."""
    with open(os.devnull), pytest.raises(AssertionError, match=r"descriptor \d+: /dev/null"):
        async with no_leaks(patience=SHORT):
            second = open(os.devnull)  # noqa: SIM115 - it is to be left open
    second.close()


async def test_error_of_the_block_is_not_hidden() -> None:
    """A block that raises is not checked: its error is what counts."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the same
        async with no_leaks(patience=SHORT):
            task = asyncio.create_task(forever())
            raise ZeroDivisionError
    task.cancel()


async def test_in_a_coroutine_it_wants_to_be_awaited() -> None:
    """Where an event loop runs, the plain `with` is refused: nothing could end while it waits."""
    with pytest.raises(RuntimeError, match="use 'async with'"), no_leaks():
        pass


async def test_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag is gone after the block; one of an outer block or agent stays."""
    for before in (None, "of-an-agent:1:"):
        monkeypatch.delenv("PYGENT_EXEC_ID", raising=False)
        if before is not None:
            monkeypatch.setenv("PYGENT_EXEC_ID", before)
        async with no_leaks():
            with tagged():
                assert os.environ["PYGENT_EXEC_ID"] == f"{before or ''} {TAG}".strip()
            assert os.environ["PYGENT_EXEC_ID"].endswith(TAG)
        assert os.environ.get("PYGENT_EXEC_ID") == before


def test_tag_stays_until_the_last_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks may end in any order: the tag is there while one of them goes on, and then it is gone."""
    monkeypatch.setenv("PYGENT_EXEC_ID", "of-an-agent:1:")
    with tagged():  # the plugin has one open, perhaps
        first, second = ExitStack(), ExitStack()
        first.enter_context(tagged())
        second.enter_context(tagged())
        first.close()
        assert TAG in os.environ["PYGENT_EXEC_ID"]
        second.close()
    assert os.environ["PYGENT_EXEC_ID"] == "of-an-agent:1:"


def test_tag_is_all_that_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others do to the variable meanwhile stays: a mark that they add, and that they remove it."""
    monkeypatch.delenv("PYGENT_EXEC_ID", raising=False)
    with tagged():
        os.environ["PYGENT_EXEC_ID"] += " another:"
    assert os.environ["PYGENT_EXEC_ID"] == "another:"
    with tagged():
        del os.environ["PYGENT_EXEC_ID"]
    assert "PYGENT_EXEC_ID" not in os.environ


async def test_tag_is_gone_when_entering_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation while the block begins leaves no tag."""
    monkeypatch.delenv("PYGENT_EXEC_ID", raising=False)
    entering = asyncio.create_task(no_leaks().__aenter__())
    await asyncio.sleep(0)
    assert TAG in os.environ["PYGENT_EXEC_ID"]
    entering.cancel()
    await asyncio.wait([entering])

    assert entering.cancelled()
    assert "PYGENT_EXEC_ID" not in os.environ


async def test_background_of_an_earlier_runtime_is_told() -> None:
    """What a runtime leaves running that was opened before the block is found, if it was opened with the tag."""
    with tagged():
        async with LocalRuntime() as runtime:
            with pytest.raises(AssertionError, match="sleep 596"):
                async with no_leaks(patience=SHORT):
                    await runtime.exec("setsid -f sleep 596 >/dev/null 2>&1")


async def test_busy_thread_of_a_pool_is_a_leak() -> None:
    """A thread of the event loop's pool that is stuck in a function is told, idle ones are not."""
    stop = threading.Event()
    try:
        with pytest.raises(AssertionError, match=r"thread 'asyncio_\d+' at "):
            async with no_leaks(patience=SHORT):
                asyncio.get_running_loop().run_in_executor(None, stop.wait)
    finally:
        stop.set()


async def test_runtime_leaves_nothing() -> None:
    """A runtime that was cleaned up leaves nothing, idle threads of its pool not counted; one that was not, does."""
    async with no_leaks(), LocalRuntime() as runtime:
        await runtime.exec("sleep 600 >/dev/null 2>&1 &")
    with pytest.raises(AssertionError, match="sleep 599"):  # noqa: PT012 - the same
        async with no_leaks(patience=SHORT):
            runtime = LocalRuntime()
            await runtime.exec("setsid -f sleep 599 >/dev/null 2>&1")
    await runtime.cleanup()


async def test_agent_leaves_nothing() -> None:
    """An agent that was at work leaves nothing but the connection to its server, which the event loop keeps for all."""
    async with MisbehavingServer() as server:
        ask = AsyncAgent(OpenAIModel(server.base_url, "sk-test"), model_name="fault:ok").step
        await ask("warm up")
        async with no_leaks():
            await ask("hello")
            commands = [tool_call("bash", cmd="setsid -f sleep 600 >/dev/null 2>&1; sleep 600 & echo hi")]
            async with AsyncAgent(ScriptedModel([commands, "Done."])) as agent:
                await agent.run_until_stop("hello")


def test_synchronous_faces_leave_nothing() -> None:
    """The background loop of the synchronous faces stays until the program ends, and is no leak; a command is."""
    with no_leaks():
        runtime = Runtime(use_docker=False)
        runtime.bash("true")
        runtime.cleanup()
    runtime = Runtime(use_docker=False)
    with pytest.raises(AssertionError, match="sleep 598"), no_leaks(patience=SHORT):
        runtime.bash("sleep 598 >/dev/null 2>&1 &")
    runtime.cleanup()


def test_where_there_is_no_proc() -> None:
    """Without `/proc` tasks and threads are still found, and nothing is made up."""
    program = """
import asyncio, threading
from pygent.testing import machine
from pygent.testing.leaks import TAG, no_leaks, tagged
machine.PROC = "/nowhere"
async def main():
    async with no_leaks(patience=0.1):
        threading.Thread(target=threading.Event().wait, daemon=True, name="worker").start()
        asyncio.create_task(asyncio.sleep(60), name="sleeper")
with no_leaks(patience=0.1):
    kept = open("/dev/null")
kept.close()
try:
    asyncio.run(main())
except AssertionError as error:
    print(error)
"""
    said = interpreter.run(program)

    assert [line.split(" at ")[0].split(" of ")[0] for line in said] == [
        "the block left behind:",
        "  task 'sleeper'",
        "  thread 'worker'",
    ]
