"""Cancelling is safe anywhere: a run is cut at each of its loop steps, and once more during the cleanup."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from pathlib import Path

import pytest

from pygent import AsyncAgent, LocalRuntime, Tool
from pygent.testing import ScriptedModel, cancel_sweep, check_history, tool_call

OLD, NEW = "old\n" * 20_000, "new\n" * 20_000


async def glance(rt: LocalRuntime) -> str:
    """Look at something small."""
    return await rt.read_file("story.txt") and "seen"


class Run:
    """A streamed reply, three parallel tools, a file being written, and a command with grandchildren."""

    def __init__(self) -> None:
        self.completed = False
        self.folder = tempfile.TemporaryDirectory(prefix="pygent-sweep-")
        self.workspace = Path(self.folder.name)
        (self.workspace / "story.txt").write_text(OLD)
        self.model = ScriptedModel(
            [
                "Let me look at that first, it takes a few words to say so.",
                [tool_call("glance"), tool_call("glance"), tool_call("glance")],
                [
                    tool_call("write_file", path="story.txt", content=NEW),
                    tool_call("bash", cmd="(sleep 300 & sleep 300) & setsid sleep 300 & echo started", timeout=5),
                ],
            ]
        )
        self.runtime = LocalRuntime(self.workspace)

    async def run(self) -> None:
        agent = self.agent = AsyncAgent(self.model, runtime=self.runtime)
        agent.tools.append(Tool.from_function(glance, parallel=True))
        await agent.step("look")
        await agent.run_until_stop("go on", max_steps=2)
        self.completed = True

    async def check(self) -> None:
        if hasattr(self, "agent"):
            check_history(self.agent.history)
            assert not self.agent.is_busy
            self.agent.model = ScriptedModel(["still here"])
            assert (await self.agent.step("are you there?")).text == "still here"
        await self.runtime.cleanup()
        await asyncio.to_thread(self.check_machine)

    def check_machine(self) -> None:
        assert (self.workspace / "story.txt").read_text() in (OLD, NEW)
        assert [path.name for path in self.workspace.iterdir()] == ["story.txt"]
        assert processes_in(str(self.workspace)) == []
        self.folder.cleanup()


def processes_in(folder: str) -> list[str]:
    """The processes whose working directory is this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == folder:
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_run_may_be_cancelled_at_any_step(capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is cut, the history is valid, files are whole, nothing runs on, and the next step works."""
    gc.collect()  # earlier tests may have left descriptors to the collector
    before = len(os.listdir("/proc/self/fd"))
    runs: list[Run] = []

    def make() -> Run:
        runs.append(Run())
        return runs[-1]

    points = cancel_sweep(make)

    with capsys.disabled():
        print(f"\ncancelled at each of {points} loop steps, and again at the next")
    assert runs[-1].completed
    assert not any(run.completed for run in runs[: points // 2])
    runs.clear()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before
