"""`Process`: one shell command, from its start until nothing of it is left that should not be."""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from ..cleanup import finish
from ..errors import RuntimeUnavailable
from .command import CommandResult, OnOutput
from .enclosure import Enclosure
from .marks import alive, find, sweep, without_first
from .output import HeadTail
from .threads import Threads
from .workspace import Workspace

_log = logging.getLogger("pygent.runtimes")

SHELL = "/bin/sh"

MAX_ARGUMENT_BYTES = (128 << 10) - 1
"""The longest single argument that Linux takes (`MAX_ARG_STRLEN`, less its NUL)."""

READ_BYTES = 64 << 10
"""Read per turn of the event loop: what a pipe holds, and little enough that a flood does not starve the others."""

DRAIN_SECONDS = 0.25
"""After the command has exited: how long its output may stay open, which a background process can do for ever."""

GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL at a timeout."""

BURIAL_SECONDS = 2.0
"""After SIGKILL: how long each step of waiting for the end may take."""

STATUS_LOST = 255
"""The exit code when the host program took the child's status first, by `SIGCHLD` ignored or a wait for any child."""


class Process:
    """A command on this machine, in a session of its own, its output in a pipe of ours.

    The pipe is not asyncio's, and neither is the waiting: asyncio takes a process for running until the last of its
    children has closed the pipe, so one `sleep 1000 &` would hold everything up.

    Args:
        cmd: text for `sh -c`, without NUL.
        workspace: where it starts.
        env: its whole environment; must hold `mark`.
        mark: by which it and what it starts are found; see `marks`.
        threads: for what would block the event loop.
        on_output: receives the output as it comes; one that fails is logged and not called again.
        bounds: shell commands that come first, on the same line; see `bounds`.
        enclosure: inside of which it runs; None: on this machine as it is.

    Attributes:
        left_session: the number of its session, if somebody was still in it when the command had ended.
    """

    def __init__(
        self,
        cmd: str,
        *,
        workspace: Workspace,
        env: Mapping[str, str],
        mark: str,
        threads: Threads,
        on_output: OnOutput | None = None,
        bounds: bytes = b"",
        enclosure: Enclosure | None = None,
    ) -> None:
        self._cmd = bounds + cmd.encode("utf-8", "replace")
        self._enclosure = enclosure
        self._workspace = workspace
        self._env = env
        self._mark = mark
        self._threads = threads
        self._on_output = on_output
        self._output = HeadTail()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._popen: subprocess.Popen[bytes] | None = None
        self._pipe = self._pidfd = -1
        self._killed = False
        self.left_session: int | None = None
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._silent: asyncio.Future[None] = self._loop.create_future()  # nobody holds the pipe's other end any more

    async def run(self, timeout: float | None, stop: asyncio.Future[None] | None = None) -> CommandResult:
        """Start the command and wait for its end.

        When `timeout` seconds are over or `stop` is done it is asked to end, and killed when it has not after a while;
        when the caller is cancelled, it is killed.

        Raises:
            RuntimeUnavailable: it could not be started.
        """
        started = time.monotonic()
        exit_code: int | None = None
        background: tuple[int, ...] = ()
        completed = False
        try:
            await finish(self._start())  # not to be cut short: a child that nobody knows of could not be killed
            reasons = [self._exited] if stop is None else [self._exited, stop]
            await asyncio.wait(reasons, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if self._exited.done():
                await asyncio.wait([self._silent], timeout=DRAIN_SECONDS)
                exit_code = self._reap()
                background = await self._left_running()
                completed = True
            else:
                self._signal(signal.SIGTERM)
                await asyncio.wait([self._exited, self._silent], timeout=GRACE_SECONDS)
        finally:
            try:
                if not completed:
                    self.kill()
                    await finish(self._bury())
            finally:
                self._close()
        self._tell(self._decoder.decode(b"", final=True))
        excerpt = self._output.excerpt()
        return CommandResult(
            output=excerpt.text,
            exit_code=exit_code,
            timed_out=not completed,
            omitted_bytes=excerpt.omitted_bytes,
            duration=time.monotonic() - started,
            background=background,
        )

    def kill(self) -> None:
        """Kill the command's process group at once, or as soon as it has one; may be called from any thread."""
        self._killed = True
        self._signal(signal.SIGKILL)

    # Start.

    async def _start(self) -> None:
        try:
            popen = await self._threads.run(self._spawn)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise RuntimeUnavailable(f"cannot start a command in {self._workspace.path}: {error}") from error

        self._loop.add_reader(self._pipe, self._read)
        try:
            self._pidfd = os.pidfd_open(popen.pid)
            self._loop.add_reader(self._pidfd, self._on_exit)
        except (AttributeError, OSError):  # not Linux, or a sandbox that forbids it
            threading.Thread(target=self._wait_in_thread, name="pygent-wait", daemon=True).start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start the shell; blocks until it runs, which is why it happens in a thread."""
        self._workspace.check()
        arguments, stdin = _invocation(self._cmd)
        with stdin:
            self._pipe, write_end = os.pipe()
            try:
                if self._enclosure is None:
                    self._popen = self._popen_of(arguments, stdin, write_end)
                else:
                    with self._enclosure.around(arguments) as (inside, descriptors):
                        self._popen = self._popen_of(inside, stdin, write_end, descriptors)
            finally:
                os.close(write_end)
        os.set_blocking(self._pipe, False)
        if self._killed:
            self.kill()
        return self._popen

    def _popen_of(
        self, arguments: Sequence[str | bytes], stdin: IO[bytes], output: int, descriptors: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a shell command is what was asked for
            arguments,
            stdin=stdin,
            stdout=output,
            stderr=output,
            cwd=self._workspace.cwd,
            env=self._env,
            pass_fds=descriptors,
            start_new_session=True,
        )

    # Listen.

    def _read(self) -> None:
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return

        if not data:
            self._loop.remove_reader(self._pipe)
            self._silent.set_result(None)
            return

        self._output.feed(data)
        if self._on_output is not None:
            self._tell(self._decoder.decode(data))

    def _tell(self, text: str) -> None:
        if self._on_output is None or not text:
            return

        try:
            self._on_output(text)
        except Exception:
            _log.exception("on_output failed; it is not called again")
            self._on_output = None

    def _on_exit(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
        if not self._exited.done():
            self._exited.set_result(None)

    def _wait_in_thread(self) -> None:
        self._reap()
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._on_exit)

    # End.

    async def _left_running(self) -> tuple[int, ...]:
        """What the command left in the background; looked for only at a sign of life, as it takes milliseconds."""
        if self._popen is None or (self._enclosure is not None and self._silent.done()):
            return ()  # the first process of a namespace holds the pipe, too, and is the last to end

        session = self._popen.pid
        if alive(session):
            self.left_session = session
        elif self._silent.done():
            return ()

        found = await self._threads.run(find, self._mark, (session,))
        return found if self._enclosure is None else await self._threads.run(without_first, found)

    def _signal(self, number: int) -> bool:
        """Send a signal to the command's process group; return whether there is one."""
        if self._popen is None:
            return False

        if self._popen.returncode is not None and self.left_session is None:
            return False  # its status is taken and its group empty: the number may be somebody else's by now

        try:
            os.killpg(self._popen.pid, number)
        except OSError:  # it is gone; macOS says so of a group of zombies by EPERM
            return False

        return True

    async def _bury(self) -> None:
        """After the kill: get those that fled the group, too, and wait for the end of all; bounded in time."""
        if self._popen is None:
            return

        await asyncio.wait([self._threads.run(sweep, self._mark, (self._popen.pid,))], timeout=BURIAL_SECONDS)
        await asyncio.wait([self._exited, self._silent], timeout=BURIAL_SECONDS)
        if self._exited.done():
            self._reap()
        else:
            _log.warning("process %d does not end, although it was killed", self._popen.pid)

    def _reap(self) -> int | None:
        """Take the child's status, and return it as an exit code; does not block once the child has exited."""
        if self._popen is None:
            return None

        if self._popen.returncode is None:
            try:
                _, status = os.waitpid(self._popen.pid, 0)  # Popen.wait() would take a lost status for success
                self._popen.returncode = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                self._popen.returncode = STATUS_LOST
        return self._popen.returncode

    def _close(self) -> None:
        for descriptor in (self._pipe, self._pidfd):
            if descriptor >= 0:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)


def _invocation(cmd: bytes) -> tuple[list[str | bytes], IO[bytes]]:
    """Return the shell's arguments and its standard input, which is empty unless it has to carry a long command."""
    if len(cmd) <= MAX_ARGUMENT_BYTES:
        return [SHELL, "-c", cmd], open(os.devnull, "rb")  # noqa: PTH123 - the caller closes it

    script = tempfile.TemporaryFile()  # noqa: SIM115 - the same
    script.write(cmd)
    script.seek(0)
    return [SHELL, "-c", 'eval "$(cat)" </dev/null'], script
