"""An agent works wherever its program was started, and whatever numbers it is given."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pygent import LocalRuntime

WORK = """
import asyncio
from pygent import Agent, AsyncAgent, Settings
from pygent.testing import ScriptedModel, tool_call

def script():
    return ScriptedModel([tool_call("bash", cmd="echo hi >file; cat file; cd ~ 2>/dev/null; echo $?"), "Done."])

async def work():
    async with AsyncAgent(script(), settings=Settings.load()) as agent:
        await agent.run_until_stop("go")
        print(agent.history[-2].text.splitlines()[1], agent.runtime.workspace.startswith("/tmp/pygent-"))

asyncio.run(work())
with Agent(script(), settings=Settings.load()) as agent:
    agent.run_until_stop("go")
    print(agent.history[-2].text.splitlines()[1], agent.runtime.workspace.startswith("/tmp/pygent-"))
"""

NOBODY = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid\n"

GONE = "import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)\n"

PLACES: dict[str, tuple[str, dict[str, str | None]]] = {
    "no HOME": ("", {"HOME": None}),
    "no HOME, no entry in passwd": (NOBODY, {"HOME": None}),
    "a HOME that is not there": ("", {"HOME": "/nonexistent/home"}),
    "a HOME that cannot be written": ("", {"HOME": "/proc"}),
    "a HOME that is no folder": ("", {"HOME": "/dev/null"}),
    "a relative HOME": ("", {"HOME": "home"}),
    "a folder that was deleted": (GONE, {}),
    "nothing but a PATH": (GONE + NOBODY, {name: None for name in os.environ if name != "PATH"}),
}
"""What the program does first, and its variables."""


@pytest.mark.parametrize(("first", "variables"), PLACES.values(), ids=PLACES)
def test_agent_works_in_strange_places(first: str, variables: dict[str, str | None]) -> None:
    """Without a home, or in a folder that is gone, both faces work, in a temporary workspace, without a complaint."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp", **variables}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", first + WORK],
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=50,
    )

    complaints = [line for line in done.stderr.splitlines() if "commands run on this machine" not in line]
    assert (done.stdout, complaints) == ("hi True\n" * 2, [])


@pytest.mark.parametrize("timeout", [1e6, 1e30, math.inf], ids=str)
async def test_huge_timeout_is_a_long_time(tmp_path: Path, timeout: float) -> None:
    """A timeout beyond all measure is no error, and no other one."""
    async with LocalRuntime(tmp_path) as runtime:
        result = await runtime.exec("sleep 0.05; echo done", timeout=timeout)

        assert (result.output, result.timed_out) == ("done\n", False)
        assert "done" in await runtime.bash("echo done", timeout=timeout)


@pytest.mark.parametrize("timeout", [0, -1, -1e30, -math.inf], ids=str)
async def test_no_time_is_no_time(tmp_path: Path, timeout: float) -> None:
    """0 means 0, and so does less; neither means no limit."""
    async with LocalRuntime(tmp_path) as runtime:
        assert (await runtime.exec("sleep 600", timeout=timeout)).timed_out
