"""`LocalRuntime`: commands and files on this machine, in a folder."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import sys
import tempfile
import threading
import uuid
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from ..cleanup import finish
from ..errors import RuntimeUnavailable, WorkspaceError
from ..settings import OnTimeout, SandboxMode
from . import bubblewrap
from .base import MAX_FILE_BYTES, AsyncRuntime
from .bounds import MAX_FILE_BYTES_WRITTEN, MAX_OPEN_FILES, bounds
from .command import CommandResult, OnOutput, check_seconds
from .enclosure import Enclosure
from .environment import UNATTENDED, inherited
from .marks import VARIABLE, alive, sweep
from .process import Process
from .threads import Threads
from .watcher import Watcher
from .workspace import Workspace

_log = logging.getLogger("pygent.runtimes")

NEWCOMERS = "commands have made %s in %s; other programs run commands that stand there: look before you open the folder"

CLEANUP_SECONDS = 15.0

WRITE_SECONDS = 2.0
"""How long a cancellation waits for the end of a write that has begun, so that nothing changes behind its back."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What an open runtime stands on."""

    workspace: Workspace
    temporary: str
    environment: Mapping[str, str]
    mark: str
    watcher: Watcher
    bounds: bytes
    enclosure: Enclosure | None


class LocalRuntime(AsyncRuntime):
    """Runs commands on this machine, as the user who runs this program.

    It keeps an agent's *files* inside the workspace, and ends whatever its commands started. Without a sandbox it does
    not keep a command from anything that you may do yourself, such as reading your files. It can be used from one event
    loop after the other, and from several threads.

    Processes that a command leaves in the background go on until `cleanup()`. If the runtime is forgotten, or this
    program ends without it, even by `kill -9`, they end then, except those that cleared their environment. Where there
    is no `/proc`, only commands and their process groups can be ended.

    Args:
        workspace: the folder to work in, made if it is missing, never removed; None: a temporary one, removed by
            `cleanup()`.
        env: variables for the commands, beside those of `INHERITED` and `UNATTENDED`, which they override.
        env_passthrough: names of further variables that commands inherit from this program.
        initial_files: files and folders of this machine that are copied into the workspace when it is opened.
        on_timeout: what `bash` does with a command that is not done in time: it is killed, or goes on as a job.
        sandbox: `none`; `bwrap`: commands run under bubblewrap or not at all; `auto`: under bubblewrap if that works,
            and `notice` says if it does not; `isolation` tells which. Inside they see the system without being able to
            change it, and have a home, a `/tmp` and processes of their own; home and `/tmp` last as long as the
            runtime. The workspace has its own path there; what other programs take commands from, such as its `.git`,
            cannot be changed: commits are for outside.
        sandbox_network: whether commands in a sandbox have the network.
        sandbox_readable: further files and folders that they can read, such as `~/.pyenv`; `/`: all but your home.
        max_file_bytes: the largest file that a command may write, unless it lifts this limit; None: no limit.
        max_open_files: how many files a process may have open, unless it lifts this limit; None: as this program.

    Raises:
        ValueError: `on_timeout` or `sandbox` is none of those.
    """

    kind = "local"

    def __init__(
        self,
        workspace: str | os.PathLike[str] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        env_passthrough: Sequence[str] = (),
        initial_files: Sequence[str | os.PathLike[str]] = (),
        on_timeout: OnTimeout = "kill",
        sandbox: SandboxMode = "none",
        sandbox_network: bool = False,
        sandbox_readable: Sequence[str | os.PathLike[str]] = (),
        max_file_bytes: int | None = MAX_FILE_BYTES_WRITTEN,
        max_open_files: int | None = MAX_OPEN_FILES,
    ) -> None:
        _check("on_timeout", on_timeout, get_args(OnTimeout))
        _check("sandbox", sandbox, get_args(SandboxMode))
        self.on_timeout = on_timeout
        self._sandbox = sandbox
        self._sandbox_network = sandbox_network
        self._sandbox_readable = tuple(sandbox_readable)
        self._bounds = max_file_bytes, max_open_files
        self._given = workspace
        self._env = dict(env or {})
        self._passthrough = tuple(env_passthrough)
        self._initial_files = tuple(initial_files)
        self._threads = Threads()
        self._numbers = itertools.count(1)
        self._has_run = False
        self._running: set[Process] = set()
        self._sessions: set[int] = set()  # of commands that have ended and left somebody in it; see marks.alive
        self._opening = threading.Lock()  # taken in worker threads only; asyncio's would bind us to one event loop
        self._opened: _Opened | None = None
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._opened else "not opened"
        if self._sandbox != "none":
            state += f" isolation={self.isolation or 'none'}" if self._opened else f" sandbox={self._sandbox}"
        return f"<LocalRuntime {self.workspace or self._given or '(temporary)'} {state} running={len(self._running)}>"

    @property
    def workspace(self) -> str:
        """The path of the folder, free of links; empty while the runtime is not open."""
        return str(self._opened.workspace.path) if self._opened else ""

    async def open(self) -> None:
        """Make the workspace ready; may be called again, also by several tasks at once.

        Raises:
            RuntimeUnavailable: it cannot be had, an initial file cannot be copied, or the runtime was cleaned up.
        """
        await self._open()

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        """Run a shell command in the workspace and wait for it.

        Of the output the first and the last 16 KiB are kept. At the timeout the command gets SIGTERM, and after two
        seconds it and all it started are killed; when the caller is cancelled, at once.

        Args:
            cmd: text for `sh -c`, of any length. Its standard input is empty.
            timeout: seconds until the command is ended; None: no limit.
            on_output: receives the output as it comes, uncut; one that fails is logged and not called again.

        Raises:
            RuntimeUnavailable: the workspace is gone, or no process can be started.
            ValueError: `timeout` is not a number (NaN).
            WorkspaceError: the command contains NUL.
        """
        check_seconds("timeout", timeout)
        return await self._run(cmd, timeout, None, on_output)

    async def _exec_until(self, stop: asyncio.Future[None], cmd: str, on_output: OnOutput) -> CommandResult:
        return await self._run(cmd, None, stop, on_output)

    async def _run(
        self, cmd: str, timeout: float | None, stop: asyncio.Future[None] | None, on_output: OnOutput | None
    ) -> CommandResult:
        if "\0" in cmd:
            raise WorkspaceError("the command contains a NUL character, which no shell can take; write it as \\0")

        opened = await self._open()
        mark = f"{opened.mark}{next(self._numbers)}:"
        self._has_run = True
        process = Process(
            cmd,
            workspace=opened.workspace,
            env={**opened.environment, VARIABLE: f"{opened.environment.get(VARIABLE, '')} {mark}".strip()},
            mark=mark,
            threads=self._threads,
            on_output=on_output,
            bounds=opened.bounds,
            enclosure=opened.enclosure,
        )
        self._running.add(process)
        try:
            if self._closed:
                raise _cleaned_up()

            return await process.run(timeout, stop)
        finally:
            self._remember(process)

    async def read_bytes(self, path: str, *, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the content of a regular file; see `AsyncRuntime.read_bytes`."""
        workspace = (await self._open()).workspace
        return await self._threads.run(workspace.read_bytes, path, limit_bytes=limit_bytes)

    async def write_bytes(self, path: str, data: bytes) -> None:
        """Create or replace a file, atomically; see `AsyncRuntime.write_bytes`."""
        workspace = (await self._open()).workspace
        await _whole(self._threads.run(workspace.write_bytes, path, data))

    async def list_files(self, path: str = ".") -> list[str]:
        """Return a file, or the files below a folder; see `AsyncRuntime.list_files`."""
        workspace = (await self._open()).workspace
        return await self._threads.run(workspace.list_files, path)

    async def upload(self, source: str | os.PathLike[str], dest: str | None = None) -> None:
        """Copy a file or folder of this machine into the workspace, permissions included; see `AsyncRuntime.upload`."""
        workspace = (await self._open()).workspace
        await _whole(self._threads.run(workspace.copy_in, source, dest))

    async def export(self, path: str, dest: str | os.PathLike[str]) -> None:
        """Copy a file or folder of the workspace to this machine, permissions included; see `AsyncRuntime.export`."""
        workspace = (await self._open()).workspace
        await _whole(self._threads.run(workspace.copy_out, path, dest))

    async def cleanup(self) -> None:
        """End every process and remove a temporary workspace, in bounded time; may be called again, never raises.

        A command that is running ends with exit code -9. The runtime cannot be used any more.
        """
        self._closed = True
        for process in tuple(self._running):
            process.kill()
        try:
            await super().cleanup()
        finally:
            await self._dispose_of_all()

    async def _dispose_of_all(self) -> None:
        try:
            disposal = self._threads.run(self._dispose)
        except RuntimeError:  # the interpreter is on its way out and starts no threads: the finalizer does it
            return

        await finish(asyncio.wait([disposal], timeout=CLEANUP_SECONDS))
        if not disposal.done():
            _log.warning("cleaning up %r takes more than %g seconds; it goes on in a thread", self, CLEANUP_SECONDS)

    async def _open(self) -> _Opened:
        if self._opened is not None:
            return self._opened

        return await self._threads.run(self._make_once)

    def _remember(self, process: Process) -> None:
        """Keep the session of a command that left something in it, and those of others while they are not empty."""
        self._sessions.difference_update([session for session in tuple(self._sessions) if not alive(session)])
        if process.left_session is not None:
            self._sessions.add(process.left_session)
        self._running.discard(process)  # last: `cleanup` finds it here or there

    # In worker threads.

    def _make_once(self) -> _Opened:
        with self._opening:
            if self._closed:
                raise _cleaned_up()

            if self._opened is None:
                self._opened = self._make()
                weakref.finalize(self, self._opened.watcher.close)
                if self._opened.enclosure is None and self.notice is not None:
                    tell(self.notice)
            return self._opened

    def _make(self) -> _Opened:
        if sys.platform == "win32":
            raise RuntimeUnavailable("commands do not run on Windows itself; run Pygent in WSL or in a container")

        enclosed = self._is_to_be_enclosed()
        environment = {**UNATTENDED, **inherited(self._passthrough), **self._env}
        mark = f"{uuid.uuid4().hex}:"
        temporary = f"{tempfile.gettempdir()}/pygent-{uuid.uuid4().hex}" if self._given is None or enclosed else ""
        try:
            watcher = Watcher(mark, temporary, environment["PATH"])  # first: nothing is left should we be killed now
            try:
                return self._furnish(temporary, environment, mark, watcher, enclosed)
            except BaseException:
                watcher.dismiss()
                raise
        except (OSError, WorkspaceError) as error:
            if isinstance(error, RuntimeUnavailable):
                raise

            raise RuntimeUnavailable(f"cannot open the workspace: {error}") from error

    def _furnish(
        self, temporary: str, environment: dict[str, str], mark: str, watcher: Watcher, enclosed: bool
    ) -> _Opened:
        """Make the folders and fill them; what is temporary is gone again if that fails."""
        if temporary:
            Path(temporary).mkdir(mode=0o700)
        try:
            workspace = Workspace(self._given or (f"{temporary}/workspace" if enclosed else temporary))
            for source in self._initial_files:
                workspace.copy_in(source)
            environment["PWD"] = str(workspace.path)
            return _Opened(
                workspace=workspace,
                temporary=temporary,
                environment=environment,
                mark=mark,
                watcher=watcher,
                bounds=bounds(*self._bounds),
                enclosure=self._enclose(workspace, temporary, environment) if enclosed else None,
            )
        except BaseException:
            if temporary:
                _remove(Path(temporary))
            raise

    def _enclose(self, workspace: Workspace, own: str, environment: dict[str, str]) -> Enclosure:
        if "TMPDIR" not in {*self._env, *self._passthrough}:
            environment.pop("TMPDIR", None)  # inside there is but /tmp
        enclosure = Enclosure(
            workspace,
            own,
            environment.get("HOME", ""),
            network=self._sandbox_network,
            readable=[os.path.abspath(os.path.expanduser(path)) for path in self._sandbox_readable],  # noqa: PTH100, PTH111
        )
        workspace.protected = enclosure.protected
        return enclosure

    def _is_to_be_enclosed(self) -> bool:
        """Find out whether there is to be a sandbox and can be one; `notice` says if it cannot."""
        if self._sandbox == "none":
            return False

        fault = bubblewrap.fault(network=self._sandbox_network)
        if not fault:
            self.isolation = "bubblewrap"
        elif self._sandbox == "auto":
            self.notice = f"commands run on this machine without a sandbox, and may do whatever you may do: {fault}"
        else:
            raise RuntimeUnavailable(f"there is no sandbox to run commands in: {fault}")

        return not fault

    def _dispose(self) -> None:
        with self._opening:
            if self._opened is None:
                return

            opened, self._opened = self._opened, None
            if self._has_run:  # the search costs time for every process of the machine
                sweep(opened.mark, [session for session in tuple(self._sessions) if alive(session)])
            self._sessions.clear()
            if opened.enclosure is not None and self._given is not None and (names := opened.enclosure.newcomers()):
                _log.warning(NEWCOMERS, ", ".join(names), opened.workspace.path)
            if opened.temporary:
                _remove(Path(opened.temporary))
            opened.watcher.dismiss()


@cache
def tell(notice: str) -> None:
    """Log what the user should know about where commands run: once in a program, however many runtimes it has."""
    _log.warning(notice)


async def _whole(write: asyncio.Future[None]) -> None:
    """Wait for a write; a cancellation goes on when it has ended."""
    try:
        await asyncio.shield(write)
    except asyncio.CancelledError:
        await finish(asyncio.wait([write], timeout=WRITE_SECONDS))
        if write.done():
            write.exception()  # seen: nobody waits for it any more
        raise


def _check(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not allowed; it is one of {', '.join(map(repr, allowed))}")


def _cleaned_up() -> RuntimeUnavailable:
    return RuntimeUnavailable("this runtime was cleaned up; make a new one")


def _remove(folder: Path) -> None:
    """Remove a temporary folder, or the link that a command has put in its place; failing is logged."""
    with suppress(OSError):
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        for place, _, _ in os.walk(folder):  # what is left: folders without write permission, as Go's module cache
            Path(place).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _log.warning("the temporary workspace %s could not be removed", folder)
