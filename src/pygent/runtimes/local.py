"""`LocalRuntime`: commands and files on this machine, in a folder."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..cleanup import finish
from ..errors import RuntimeUnavailable, WorkspaceError
from .base import MAX_FILE_BYTES, AsyncRuntime, CommandResult, OnOutput
from .marks import VARIABLE, alive, sweep
from .process import Process
from .threads import Threads
from .watcher import Watcher
from .workspace import Workspace

_log = logging.getLogger("pygent.runtimes")

INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR", VARIABLE}
)
"""The variables of this program that its commands see, beside `LC_*`: no key, token or secret is among them."""

UNATTENDED = {
    "DEBIAN_FRONTEND": "noninteractive",
    "EDITOR": "cat",
    "GIT_EDITOR": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "PAGER": "cat",
    "PATH": os.defpath,
    "PYTHONUNBUFFERED": "1",
    "TERM": "dumb",
    "VISUAL": "cat",
}
"""Nobody sits at the keyboard: nothing should ask, page, or open an editor."""

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


class LocalRuntime(AsyncRuntime):
    """Runs commands directly on this machine, as the user who runs this program.

    It keeps an agent's *files* inside the workspace, and ends whatever its commands started. It does not keep a command
    from anything that you may do yourself, such as reading your files or this program's environment; a container does.
    It can be used from one event loop after the other, and from several threads.

    Processes that a command leaves in the background go on until `cleanup()`. If the runtime is forgotten, or this
    program ends without it, even by `kill -9`, they end then, except those that cleared their environment. Where there
    is no `/proc`, only commands and their process groups can be ended.

    Args:
        workspace: the folder to work in, made if it is missing, never removed; None: a temporary one, removed by
            `cleanup()`.
        env: variables for the commands, beside those of `INHERITED` and `UNATTENDED`, which they override.
        env_passthrough: names of further variables that commands inherit from this program.
        initial_files: files and folders of this machine that are copied into the workspace when it is opened.
    """

    kind = "local"

    def __init__(
        self,
        workspace: str | os.PathLike[str] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        env_passthrough: Sequence[str] = (),
        initial_files: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
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
            WorkspaceError: the command contains NUL.
        """
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
        )
        self._running.add(process)
        try:
            if self._closed:
                raise _cleaned_up()

            return await process.run(timeout)
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
                if self.notice is not None:
                    tell(self.notice)
            return self._opened

    def _make(self) -> _Opened:
        temporary = ""
        try:
            if self._given is None:
                temporary = tempfile.mkdtemp(prefix="pygent-")
            workspace = Workspace(self._given or temporary)
            for source in self._initial_files:
                workspace.copy_in(source)
            mark = f"{uuid.uuid4().hex}:"
            environment = {
                **UNATTENDED,
                **_host_environment(self._passthrough),
                **self._env,
                "PWD": str(workspace.path),
            }
            return _Opened(workspace, temporary, environment, mark, Watcher(mark, temporary, environment["PATH"]))
        except (OSError, WorkspaceError) as error:
            if temporary:
                _remove(Path(temporary))
            if isinstance(error, RuntimeUnavailable):
                raise

            raise RuntimeUnavailable(f"cannot open the workspace: {error}") from error

    def _dispose(self) -> None:
        with self._opening:
            if self._opened is None:
                return

            opened, self._opened = self._opened, None
            if self._has_run:  # the search costs time for every process of the machine
                sweep(opened.mark, [session for session in tuple(self._sessions) if alive(session)])
            self._sessions.clear()
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


def _host_environment(passthrough: Sequence[str]) -> dict[str, str]:
    """The variables of this program that its commands inherit.

    The only place outside `settings` that reads `os.environ`: these are not settings of ours, they are passed on.
    """
    names = INHERITED.union(passthrough)
    return {name: value for name, value in os.environ.items() if name in names or name.startswith("LC_")}


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
