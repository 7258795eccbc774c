"""`play`: makes the project, lets the agent work on it, and runs the tests before and after: what is told is true."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...agent import AsyncAgent
from ...events import Emit, TurnFinished
from ...messages import JSON, Message
from ...models import ReplayModel
from ...runtimes import AsyncRuntime, LocalRuntime
from ...settings import Settings
from ..describe import Block
from ..result import ExitCode
from ..views import View, shown
from .project import FILES, PROMPT, TEST_COMMAND

CASSETTE = Path(__file__).with_name("lost_cent.jsonl")

TITLE = "pygent demo: a coding agent mends a small project"

PACE = 0.02
"""Seconds between the words, for people who watch."""

PAUSE = 0.5
"""Seconds before each reply, for the same people."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """What running the project's tests gave."""

    __test__ = False  # not one of pytest's

    passed: bool
    total: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the demo ended.

    Attributes:
        before: the tests before the agent came.
        after: the tests when it was done.
        files: what the project's files hold at the end.
        turn: the agent's own account.
    """

    before: TestRun
    after: TestRun
    files: Mapping[str, str]
    turn: TurnFinished


class _Paced:
    """Plays the cassette, and thinks for a moment before each reply, so that a person can read along."""

    def __init__(self, replay: ReplayModel) -> None:
        self._replay = replay

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        await asyncio.sleep(PAUSE)
        return await self._replay.chat(messages, model, tools, emit=emit)


async def play(view: View, *, folder: str | None, paced: bool, cassette: Path = CASSETTE) -> Ending | int:
    """Play the demo; the exit status is returned instead if a signal, or nobody who reads, ended it.

    Args:
        view: where it is shown.
        folder: an empty folder for the project, which stays; None: a temporary one.
        paced: whether to take time.
        cassette: what the model replies.

    Raises:
        PygentError: the demo could not be played to its end.
    """
    replay = ReplayModel(cassette, delay=PACE if paced else 0.0)
    runtime = LocalRuntime(folder, env={"PATH": f"{Path(sys.executable).parent}:{os.defpath}"})
    agent = AsyncAgent(_Paced(replay) if paced else replay, runtime=runtime, settings=Settings())
    async with shown(agent, view) as show:
        await replay.load()
        for name, content in FILES.items():
            await runtime.write_file(name, content)
        show.writer.say(partial(view.greet, _greeting(replay, runtime)))
        before = await _run_tests(runtime)
        await agent.run_until_stop(PROMPT)
        after = await _run_tests(runtime)
        files = {name: await runtime.read_file(name) for name in FILES}
    if show.exit_code is not None or show.end is None:
        return show.exit_code or ExitCode.FAILED

    return Ending(before=before, after=after, files=files, turn=show.end)


def _greeting(replay: ReplayModel, runtime: AsyncRuntime) -> list[Block]:
    return [
        ("bold", TITLE),
        ("dim", replay.provenance),
        ("dim", f"The rest is real: the loop, the tools, the commands, the files in {runtime.workspace}"),
        ("", ""),
        ("bold magenta", f"> {PROMPT}"),
    ]


async def _run_tests(runtime: AsyncRuntime) -> TestRun:
    result = await runtime.exec(TEST_COMMAND, timeout=60)
    total = re.search(r"^Ran (\d+) tests?", result.output, re.MULTILINE)
    failed = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", result.output))
    return TestRun(passed=result.exit_code == 0, total=int(total[1]) if total else 0, failed=failed)
