"""A mark finds what a command started, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pygent.runtimes import LocalRuntime
from pygent.runtimes.marks import VARIABLE, alive, find, sweep

from .conftest import Nap, within


def test_only_marked_processes_are_found_and_killed(nap: Nap) -> None:
    """Number 1 is not number 10, and an unmarked neighbour lives on."""
    commands = [{VARIABLE: "run-a:1:"}, {VARIABLE: "run-a:10:"}, {VARIABLE: "outer:3: run-a:1:"}, {"OTHER": "x"}]
    processes = [subprocess.Popen(nap.command.split(), env={**os.environ, **env}) for env in commands]
    one, ten, nested, unmarked = processes
    try:
        assert find("run-a:1:") == tuple(sorted((one.pid, nested.pid)))
        assert find("run-a:") == tuple(sorted((one.pid, ten.pid, nested.pid)))
        assert find("outer:3:") == (nested.pid,)
        sweep("run-a:1:")
        assert [process.wait() for process in (one, nested)] == [-9, -9]
        assert (ten.poll(), unmarked.poll()) == (None, None)
        sweep("nobody has this:")
        assert (ten.poll(), unmarked.poll()) == (None, None)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_session_is_found_and_killed_by_its_number(nap: Nap) -> None:
    """All that live in a session are found, whatever their environment or group; zombies and neighbours are not."""
    script = f"set -m; env -i {nap.command} & {nap.command} & wait"
    leader = subprocess.Popen(["bash", "-c", script], start_new_session=True)
    neighbour = subprocess.Popen(nap.command.split())
    try:
        assert within(5, lambda: len(find("nobody has this:", {leader.pid})) == 3)
        assert neighbour.pid not in find("nobody has this:", {leader.pid})
        assert find("nobody has this:") == ()
        sweep("nobody has this:", {leader.pid})
        assert find("nobody has this:", {leader.pid}) == ()  # a zombie until we wait for it
        assert leader.wait() == -9
        assert neighbour.poll() is None
    finally:
        for process in (leader, neighbour):
            process.kill()
            process.wait()


def test_session_with_a_leader_is_not_one_that_was_left() -> None:
    """A process that has the number shows that it was given anew: nobody may be killed by it then."""
    leader = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        assert not alive(leader.pid)
    finally:
        leader.kill()
        leader.wait()
    assert not alive(leader.pid)


async def test_agent_in_an_agent_is_found_by_both_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of a Pygent that runs in a command of another carries both marks, so the outer one ends it, too."""
    monkeypatch.setenv(VARIABLE, "outer:1:")
    async with LocalRuntime(tmp_path) as runtime:
        marks = (await runtime.exec(f"echo ${VARIABLE}")).output.split()

    assert marks[0] == "outer:1:"
    assert marks[1].endswith(":1:")
    assert len(marks) == 2


async def test_background_process_is_never_overlooked(runtime: LocalRuntime) -> None:
    """A process in the middle of an exec shows no environment for a moment; it is found all the same."""
    for _ in range(100):
        result = await runtime.exec("sleep 5 >/dev/null 2>&1 &")
        assert len(result.background) == 1
