"""`no_leaks`: a block after which nothing is left of what was done in it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import thread as pools
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from .. import portal
from ..runtimes.marks import VARIABLE
from ..threads import call_in_daemon
from .machine import Process, describe, descriptors, started_processes

PAUSE = 0.02

_LOOKING = "pygent-no-leaks"  # the threads that look for what is left are not part of it

TAG = f"no-leaks-{uuid.uuid4().hex}:"
"""By which the processes that this program starts are known, wherever they hide."""


class no_leaks:  # noqa: N801 - it reads like a statement, as contextlib's `suppress` does
    """Check that a block leaves nothing: no task, thread, child process, open file or connection more than before.

        async with no_leaks():
            async with AsyncAgent(model) as agent:
                await agent.step("hello")

    What is just ending gets some time. What was open before the block may be open after it, such as the connections
    that were used already; threads of a pool that wait for work belong to the pool. Daemons, whose parents have ended,
    are found by a tag in the environment that they inherit: who opens a runtime before the block, and wants to hear of
    what that leaves in the background, opens it in a `with tagged():`. The pytest plugin does so for all tests.

    With `with` it can be used where no event loop runs, and knows nothing of tasks. Descriptors, connections and
    processes are looked for in `/proc`; where there is none, as on macOS and Windows, only tasks and threads are.
    A block that raises is not checked.

    Args:
        patience: seconds that what is ending may take.

    Raises:
        AssertionError: what was left, one a line: names of tasks and threads, commands, files, addresses.
    """

    def __init__(self, *, patience: float = 2.0) -> None:
        self._patience = patience
        self._tagged = tagged()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._threads: set[threading.Thread] = set()
        self._processes: set[Process] = set()
        self._descriptors: dict[int, str] = {}

    async def __aenter__(self) -> Self:
        self._tagged.__enter__()
        try:
            self._tasks = asyncio.all_tasks()
            await call_in_daemon(self._begin, _LOOKING)
        except BaseException:
            self._tagged.__exit__(None, None, None)
            raise

        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._tagged.__exit__(None, None, None)
        if error is not None:
            return

        deadline = time.monotonic() + self._patience
        while left := [*self._left_tasks(), *await call_in_daemon(self._left, _LOOKING)]:
            _give_up_at(deadline, left)
            await asyncio.sleep(PAUSE)
            await call_in_daemon(gc.collect, _LOOKING)

    def __enter__(self) -> Self:
        if portal.running_loop() is not None:
            raise RuntimeError("an event loop runs here, and could end nothing while this waits; use 'async with'")

        if "pygent.sync" in sys.modules or "pygent.runtimes.sync" in sys.modules:
            portal.call(_nothing)  # the faces' background loop, which stays until the program ends, is no leak
        self._tagged.__enter__()
        try:
            self._begin()
        except BaseException:
            self._tagged.__exit__(None, None, None)
            raise

        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._tagged.__exit__(None, None, None)
        if error is not None:
            return

        deadline = time.monotonic() + self._patience
        while left := self._left():
            _give_up_at(deadline, left)
            time.sleep(PAUSE)
            gc.collect()

    # These block for some milliseconds.

    def _begin(self) -> None:
        gc.collect()  # or garbage of before that goes meanwhile would hide what comes in its place
        self._threads = set(threading.enumerate())
        self._processes = started_processes(TAG)
        self._descriptors = descriptors()

    def _left(self) -> list[str]:
        return [*self._left_threads(), *self._left_processes(), *self._left_descriptors()]

    def _left_tasks(self) -> Iterator[str]:
        for task in asyncio.all_tasks() - self._tasks - {asyncio.current_task()}:
            function = getattr(task.get_coro(), "__qualname__", "?")
            yield f"task {task.get_name()!r} of {function}{_place(*task.get_stack(limit=1))}"

    def _left_threads(self) -> Iterator[str]:
        frames = sys._current_frames()
        for thread in set(threading.enumerate()) - self._threads:
            frame = frames.get(thread.ident or 0)
            if thread.name != _LOOKING and not _waits_for_work(frame):
                yield f"thread {thread.name!r}{_place(frame)}"

    def _left_processes(self) -> Iterator[str]:
        return map(str, started_processes(TAG) - self._processes)

    def _left_descriptors(self) -> Iterator[str]:
        now = descriptors()
        surplus = Counter(now.values()) - Counter(self._descriptors.values())  # some lead to the same place
        for descriptor, target in now.items():
            if surplus[target] > 0 and self._descriptors.get(descriptor) != target:
                surplus[target] -= 1
                yield describe(descriptor, target)


_tagging = threading.Lock()
_tagged_blocks = 0  # of which the last to end takes the tag away, in whatever order they end


@contextmanager
def tagged() -> Iterator[None]:
    """Give what this program starts in the block, and what that starts, a tag by which `no_leaks` finds it."""
    _count_block(+1)
    try:
        yield
    finally:
        _count_block(-1)


def _count_block(change: int) -> None:
    """Put the tag beside what else is in the variable, or take it from there: others change it meanwhile, too."""
    global _tagged_blocks
    with _tagging:
        _tagged_blocks += change
        now = os.environ.get(VARIABLE, "")
        marks = [mark for mark in now.split() if mark != TAG] + [TAG] * (_tagged_blocks > 0)
        if marks:
            os.environ[VARIABLE] = " ".join(marks)
        else:
            os.environ.pop(VARIABLE, None)


def _give_up_at(deadline: float, left: list[str]) -> None:
    if time.monotonic() > deadline:
        raise AssertionError("\n  ".join(["the block left behind:", *left]))


def _place(frame: FrameType | None = None) -> str:
    return f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


def _waits_for_work(frame: FrameType | None) -> bool:
    """Whether a thread belongs to a pool and has nothing to do."""
    while frame is not None and frame.f_code is not pools._WorkItem.run.__code__:
        if frame.f_code is pools._worker.__code__:
            return True

        frame = frame.f_back
    return False


async def _nothing() -> None:
    """Let the background loop start."""
