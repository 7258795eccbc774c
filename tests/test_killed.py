"""`kill -9` of a program in the midst of a run: two seconds later nothing of it is alive, whatever the moment was."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .thorough import THOROUGH, takes_long

MOMENTS = 300 if THOROUGH else 30

AT_ONCE = 6
"""So many programs run side by side: they get into each other's way, as on a machine that is at work."""

LONGEST = 1.5
"""Seconds until the last moment: about two rounds of the run below."""

SECONDS = 2.0

HOST = """
import asyncio, os, sys, tempfile
from pygent import AsyncAgent, LocalRuntime
from pygent.testing import ScriptedModel, tool_call

COMMANDS = [
    "setsid -f {nap} >/dev/null 2>&1; nohup {nap} >/dev/null 2>&1 & echo daemons",
    "{nap} & {nap} | cat & (sh -c '{nap} & {nap}') & echo children",
    "setsid {nap} & (setsid sh -c '({nap} &) ; {nap}' &); trap '' HUP INT; {nap}",
]

async def run(nap):
    while True:
        calls = [tool_call("bash", cmd=cmd.format(nap=nap)) for cmd in COMMANDS]
        files = [tool_call("write_file", path="story", content="x" * 100_000)]
        async with AsyncAgent(ScriptedModel([files + calls, "Done."]), runtime=RUNTIME()) as agent:
            await agent.run_until_stop("hello", step_timeout=0.6)
            await agent.runtime.cleanup()

RUNTIME = lambda: LocalRuntime(sandbox=sys.argv[1])
for line in sys.stdin:
    folder, nap = line.strip().split(" ", 1)
    pid = os.fork()  # what is imported need not be imported again
    if pid == 0:
        tempfile.tempdir = folder
        asyncio.run(run(nap))
    print(pid, flush=True)
"""


class Victim:
    """A program in the midst of a run, whose processes and folders have a token in their names."""

    def __init__(self, folder: Path) -> None:
        self.token = str(secrets.randbelow(9 * 10**8) + 10**8)
        self.folder = folder / self.token
        self.folder.mkdir()
        self.pid = 0
        self.was_at_work = False
        self.left: list[str] = []
        self.seconds = 0.0

    def kill_after(self, seconds: float) -> None:
        """Kill it, and wait for the end of all the others, or not longer than they may live."""
        time.sleep(seconds)
        self.was_at_work = len(self.living()) > 1
        os.kill(self.pid, signal.SIGKILL)
        killed = time.monotonic()
        while (left := self.living()) and time.monotonic() < killed + SECONDS:
            time.sleep(0.02)
        self.left, self.seconds = left, time.monotonic() - killed

    def living(self) -> list[str]:
        """What is there of it, processes and files; the watcher, which names the folder, is one of them."""
        found = [f"{place}/{name}" for place, _, names in os.walk(self.folder) for name in names]
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue

            if self.token.encode() in line:
                found.append(f"{path.parent.name}: {line!r:.200}")
        return found


def kill_some(folder: Path, moments: Sequence[float], sandbox: str) -> list[Victim]:
    """Start a program for each moment, and kill it then."""
    victims = [Victim(folder) for _ in moments]
    with subprocess.Popen(
        [sys.executable, "-c", HOST, sandbox], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        for victim in victims:
            host.stdin.write(f"{victim.folder} sleep {victim.token}\n")
            victim.pid = int(host.stdout.readline())
        try:
            with ThreadPoolExecutor(len(victims)) as threads:
                list(threads.map(Victim.kill_after, victims, moments))
        finally:
            host.kill()
    return victims


@pytest.mark.timeout(60 + MOMENTS)
@pytest.mark.parametrize("sandbox", ["none", pytest.param("bwrap", marks=takes_long)])
def test_nothing_outlives_a_killed_program(tmp_path: Path, sandbox: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed at any moment, a program leaves no process, in whatever session, and no file: two seconds later."""
    seed = int(os.environ.get("PYGENT_SEED", secrets.randbelow(10**6)))
    print(f"seed {seed}: PYGENT_SEED={seed} repeats the moments")
    chance = random.Random(seed)
    moments = [chance.uniform(0, LONGEST) for _ in range(MOMENTS)]
    victims: list[Victim] = []
    for start in range(0, MOMENTS, AT_ONCE):
        victims += kill_some(tmp_path, moments[start : start + AT_ONCE], sandbox)

    with capsys.disabled():
        longest = max(victim.seconds for victim in victims)
        print(f"\n{MOMENTS} programs killed, sandbox={sandbox}: all was gone after {longest:.2f} s at most")
    assert sum(victim.was_at_work for victim in victims) > MOMENTS / 3
    assert {moment: victim.left for moment, victim in zip(moments, victims, strict=True) if victim.left} == {}
