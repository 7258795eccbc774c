"""`Jobs`: commands that go on in the background of a runtime, each under a name, with what it has printed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Protocol

from ..cleanup import finish
from ..errors import RuntimeUnavailable, WorkspaceError
from .command import CommandResult, OnOutput, check_seconds
from .output import HeadTail

_log = logging.getLogger("pygent.runtimes")

MOMENT = 0.2
"""Seconds that a start waits, so that a command that fails at once says so; and a first line, for those after it."""

MAX_RUNNING = 32

MAX_KEPT = 32
"""How many jobs that have ended can still be asked; older ones are forgotten."""

END_SECONDS = 10.0
"""How long we wait for the end of a job that is killed; a runtime should need less."""

_MAX_TITLE = 200


class Shell(Protocol):
    """What a job needs of its runtime."""

    async def _exec_until(self, stop: asyncio.Future[None], cmd: str, on_output: OnOutput) -> CommandResult: ...


class Job:
    """A command that goes on while nobody waits for it.

    It lives on the event loop that started it, and ends with that at the latest. It can be asked, awaited and killed
    from every loop and thread. While it runs it keeps its runtime alive.

    Attributes:
        id: its name, such as `job-1`; empty while somebody waits for it in the foreground.
        cmd: the command.
        result: what it came to; None: it is running, was killed, or could not be run.
        error: why it could not be run.
    """

    def __init__(self, shell: Shell, cmd: str, on_output: OnOutput | None) -> None:
        self.id = ""
        self.cmd = cmd
        self.result: CommandResult | None = None
        self.error: Exception | None = None
        self._on_output = on_output
        self._unread = HeadTail()
        self._is_silent = True
        self._started = time.monotonic()
        self._ended: float | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._lock = threading.Lock()  # around what is unread and who is waiting; never held across an await
        self._loop = asyncio.get_running_loop()
        self._stop: asyncio.Future[None] = self._loop.create_future()
        self._task = self._loop.create_task(self._run(shell), name="pygent-job")

    def __repr__(self) -> str:
        return f"<Job {self.id or '(foreground)'} {self.state}: {self.cmd:.60}>"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._ended is None and not self._loop.is_closed()

    @property
    def state(self) -> str:
        """How it fares, in a few words: `running for 3.2s`, `exit 0 after 15s`, `killed after 1.0s`."""
        seconds = (self._ended or time.monotonic()) - self._started
        span = f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
        if self.is_running:
            return f"running for {span}"

        if self.error is not None:
            return f"not run: {self.error}"

        code = self.result.exit_code if self.result else None
        return f"killed after {span}" if code is None else f"exit {code} after {span}"

    @property
    def title(self) -> str:
        """The command, shortened to one line."""
        line = self.cmd.strip().split("\n", 1)[0][:_MAX_TITLE]
        return line if line == self.cmd.strip() else f"{line} …"

    def take_output(self) -> str:
        """Return what it has printed since this was last called; of much, the beginning and the end."""
        with self._lock:
            unread, self._unread = self._unread, HeadTail()
        return unread.excerpt().text

    async def wait(self, timeout: float | None = None, *, for_output: bool = False) -> None:
        """Wait for its end, or also for output that nobody has taken; at most `timeout` seconds.

        Raises:
            ValueError: `timeout` is not a number (NaN).
        """
        check_seconds("timeout", timeout)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (change := self._next_change(for_output)) is not None:
                    try:
                        await change
                    finally:
                        with self._lock:
                            self._waiting.discard(change)

    async def kill(self) -> None:
        """End it and all that it started, as the timeout of a command does, and wait for that."""
        self._tell(partial(_settle, self._stop))
        await self._wait_for_end()

    async def abort(self) -> None:
        """End it and all that it started, as the cancellation of a command does, and wait for that."""
        self._tell(self._task.cancel)
        await self._wait_for_end()

    def mute(self) -> None:
        """Tell what it prints to nobody any more; it is kept until somebody takes it."""
        self._on_output = None

    async def _wait_for_end(self) -> None:
        if self._loop.is_running():  # one that stands still does not get to it
            await self.wait(END_SECONDS)
            if self.is_running:
                _log.warning("%r does not end, although it was told to", self)

    def _tell(self, func: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # its event loop is closed
            self._loop.call_soon_threadsafe(func)

    def _next_change(self, for_output: bool) -> asyncio.Future[None] | None:
        """Return what will be done when something has changed; None: what is waited for is there."""
        with self._lock:
            if not self.is_running or (for_output and self._unread.total_bytes):
                return None

            change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(change)
            return change

    # On its event loop.

    async def _run(self, shell: Shell) -> None:
        try:
            result = await shell._exec_until(self._stop, self.cmd, self._hear)
            if self._is_silent and result.output:  # a runtime that says everything at the end
                self._hear(result.output)
            if not result.timed_out:  # one that ended by itself while it was told to is not killed
                self.result = result
        except Exception as error:  # who asks is told
            self.error = error
        finally:
            self._ended = time.monotonic()
            self._wake()

    def _hear(self, text: str) -> None:
        self._is_silent = False
        with self._lock:
            self._unread.feed(text.encode("utf-8", "replace"))
        self._wake()
        if self._on_output is None:
            return

        try:
            self._on_output(text)
        except Exception:
            _log.exception("on_output failed; it is not called again")
            self._on_output = None

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for change in waiting:
            with suppress(RuntimeError):  # the waiter's event loop is closed
                change.get_loop().call_soon_threadsafe(_settle, change)


class Jobs:
    """The jobs of one runtime, in the order of their start."""

    def __init__(self, shell: Shell) -> None:
        self._shell = weakref.ref(shell)
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def __repr__(self) -> str:
        return f"<Jobs running={sum(job.is_running for job in self)} ended={sum(not job.is_running for job in self)}>"

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            WorkspaceError: there is none of this name; it tells those that there are.
        """
        if job_id in self._jobs:
            return self._jobs[job_id]

        raise WorkspaceError(f"there is no job {job_id!r}; the jobs are: {', '.join(self._jobs) or 'none'}")

    def overview(self) -> str:
        """List the jobs and their states, a line each: for a model to read."""
        lines = [f"{job.id}: {job.state}: $ {job.title}" for job in self]
        return "\n".join(lines) or "There are no jobs. Start one with bash and background=true."

    async def start(self, cmd: str, on_output: OnOutput | None = None) -> Job:
        """Start a command and return after a moment; it is among the jobs unless it has ended already.

        Args:
            cmd: text for `sh -c`.
            on_output: receives what it prints until this returns.

        Raises:
            RuntimeUnavailable: it could not be started.
            WorkspaceError: the shell cannot take it, or too many jobs are running.
        """
        if not self._has_room():
            raise WorkspaceError(f"{MAX_RUNNING} jobs are running, and that is as many as may; end one with job_kill")

        job = self._new(cmd, on_output)
        self._adopt(job)
        try:
            await job.wait(MOMENT)
        except asyncio.CancelledError:  # nobody learns its name
            job.mute()
            try:
                await finish(job.abort())
            finally:
                self._jobs.pop(job.id, None)
            raise

        job.mute()
        if not job.is_running:
            self._jobs.pop(job.id, None)
        if job.error is not None:
            raise job.error

        return job

    async def run(self, cmd: str, timeout: float, on_output: OnOutput | None = None) -> Job:
        """Run a command in the foreground; if it has not ended after `timeout` seconds, it goes on as a job.

        When too many jobs are running it is killed instead. Who cancels this ends the command, as with `exec`.

        Args:
            cmd: text for `sh -c`.
            timeout: seconds to wait for its end.
            on_output: receives what it prints until this returns.

        Raises:
            RuntimeUnavailable: it could not be started.
            WorkspaceError: the shell cannot take it.
        """
        check_seconds("timeout", timeout)
        job = self._new(cmd, on_output)
        try:
            await job.wait(timeout)
            if job.is_running and self._has_room():
                self._adopt(job)
                job.mute()
            elif job.is_running:
                await job.kill()
        except asyncio.CancelledError:
            job.mute()
            await finish(job.abort())
            raise

        if job.error is not None:
            raise job.error

        return job

    async def close(self) -> None:
        """End all that run, at once; what they printed can still be asked for."""
        await asyncio.gather(*(job.abort() for job in self if job.is_running))

    def _new(self, cmd: str, on_output: OnOutput | None) -> Job:
        shell = self._shell()
        if shell is None:
            raise RuntimeUnavailable("the runtime of these jobs is gone")

        return Job(shell, cmd, on_output)

    def _has_room(self) -> bool:
        return sum(job.is_running for job in self) < MAX_RUNNING

    def _adopt(self, job: Job) -> None:
        """Give a job a name and a place; forget the oldest of too many that have ended."""
        job.id = f"job-{next(self._numbers)}"
        self._jobs[job.id] = job
        ended = [job.id for job in self if not job.is_running]
        for job_id in ended[:-MAX_KEPT]:
            self._jobs.pop(job_id, None)


def _settle(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
