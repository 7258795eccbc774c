"""Cancelling is safe anywhere: a run is cut at each of its loop steps, and once more during the cleanup."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pygent import AsyncAgent, LocalRuntime, Tool
from pygent.events import Emit
from pygent.messages import JSON, Message
from pygent.models import OpenAIModel
from pygent.testing import ScriptedModel, cancel_sweep, check_history, tool_call
from pygent.testing.leaks import no_leaks
from pygent.testing.server import MisbehavingServer

from .thorough import THOROUGH

OLD, NEW = "old\n" * 20_000, "new\n" * 20_000

STRIDE = 1 if THOROUGH else 3
"""Steps between two points of the sweep; PYGENT_THOROUGH=1 sweeps them all."""


async def glance(rt: LocalRuntime) -> str:
    """Look at something small."""
    return await rt.read_file("story.txt") and "seen"


class FirstFromServer:
    """A model whose first reply comes from a server, as a stream; the others are scripted."""

    def __init__(self, base_url: str, *replies: object) -> None:
        self._server = OpenAIModel(base_url, "sk-test", max_retries=0)
        self._script = ScriptedModel(replies)  # type: ignore[arg-type] # they are replies
        self._was_asked = False

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        if self._was_asked:
            return await self._script.chat(messages, model, tools, emit=emit)

        self._was_asked = True
        return await self._server.chat(messages, "fault:ok", tools, emit=emit)


class Run:
    """A streamed reply, three parallel tools, a file being written, and a command with grandchildren."""

    def __init__(self, base_url: str) -> None:
        self.completed = False
        self.base_url = base_url
        self.folder = tempfile.TemporaryDirectory(prefix="pygent-sweep-")
        self.workspace = Path(self.folder.name)
        (self.workspace / "story.txt").write_text(OLD)
        self.model = FirstFromServer(
            base_url,
            [tool_call("glance"), tool_call("glance"), tool_call("glance")],
            [
                tool_call("write_file", path="story.txt", content=NEW),
                tool_call("bash", cmd="(sleep 300 & sleep 300) & setsid sleep 300 & echo started", timeout=5),
            ],
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
            self.agent.model = FirstFromServer(self.base_url)
            assert (await self.agent.step("are you there?")).text.startswith("Hello")
            check_history(self.agent.history)
        await self.runtime.cleanup()
        await asyncio.to_thread(self.check_files)

    def check_files(self) -> None:
        assert (self.workspace / "story.txt").read_text() in (OLD, NEW)
        assert [path.name for path in self.workspace.iterdir()] == ["story.txt"]
        self.folder.cleanup()


async def uncut(base_url: str) -> None:
    run = Run(base_url)
    await run.run()
    await run.check()
    assert run.completed


class Watched:
    """Makes runs, and sees each time that the one before has left nothing, now that its event loop is closed."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.runs: list[Run] = []
        self._block: no_leaks | None = None

    def __call__(self) -> Run:
        self.see_what_is_left()
        self._block = no_leaks()
        self._block.__enter__()
        self.runs.append(Run(self.base_url))
        return self.runs[-1]

    def see_what_is_left(self) -> None:
        if self._block is None:
            return

        try:
            self._block.__exit__(None, None, None)
        except AssertionError as error:
            error.add_note(f"left by run number {len(self.runs)}")
            raise


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server on an event loop of its own, so that its steps are not swept."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with MisbehavingServer() as server:
            found.append(server.base_url)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    yield found[0]
    stop.set()
    thread.join()


@pytest.mark.timeout(900 if THOROUGH else 60)
@pytest.mark.parametrize("twice", [True, False], ids=["again at the next step", "once"])
def test_a_run_may_be_cancelled_at_any_step(base_url: str, twice: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is cut, the history is valid, files are whole, nothing runs on or stays open; the next step works."""
    asyncio.run(uncut(base_url))  # the first run of all imports what it needs, which takes steps of its own
    make = Watched(base_url)
    started = time.monotonic()
    points = cancel_sweep(make, stride=STRIDE, first=1 if twice else STRIDE // 2 + 1, twice=twice)
    make.see_what_is_left()

    took = time.monotonic() - started
    with capsys.disabled():
        print(f"\ncancelled {'twice' if twice else 'once'} at {points} points, {STRIDE} loop steps apart: {took:.1f} s")
    assert make.runs[-1].completed
    assert sum(run.completed for run in make.runs) < points / 2
    assert points > 70 / STRIDE
