"""The port to the place where things happen: `AsyncRuntime`."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import stat
from abc import ABC, abstractmethod
from base64 import b64encode
from pathlib import Path, PurePosixPath
from posixpath import normpath
from types import TracebackType
from typing import Self

from ..cleanup import finish
from ..errors import PathOutsideWorkspace, WorkspaceError
from ..settings import OnTimeout
from .command import CommandResult, OnOutput, check_seconds
from .jobs import MOMENT, Job, Jobs

MAX_FILE_BYTES = 10 << 20
"""Files beyond 10 MiB are refused by `read_bytes`: a model cannot use them and memory is shared."""

IGNORED_FOLDERS = (
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "__pycache__",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
)
"""Folders that listing and searching pass over: made by tools, never by the user."""


class AsyncRuntime(ABC):
    """A workspace with a shell: where an agent's commands run and its files live.

    An async context manager that opens lazily at first use; `cleanup()` ends it. To make one, implement `exec`,
    `read_bytes`, `write_bytes` and `cleanup`; the rest stands on these.
    Paths are relative to the workspace; absolute ones must lie inside it.
    """

    kind: str = "custom"
    """What it is, in one word: `local`, `docker` …"""

    on_timeout: OnTimeout = "kill"
    """What `bash` does with a command that is not done in time."""

    notice: str | None = None
    """What the user should know about where commands run, such as a fallback to the host; None: as asked."""

    isolation: str = ""
    """What keeps commands from the rest of the machine, such as `bubblewrap`, known once it is open; empty: nothing."""

    @property
    def workspace(self) -> str:
        """Where the workspace is, as its commands see it; empty before it is opened."""
        return ""

    @property
    def jobs(self) -> Jobs:
        """The commands that go on in the background."""
        jobs: Jobs = vars(self).setdefault("_jobs", Jobs(self))  # not in an __init__, which a subclass may not call
        return jobs

    async def open(self) -> None:  # noqa: B027 - a runtime that needs no opening keeps this one
        """Make the workspace ready; may be called again.

        Raises:
            RuntimeUnavailable: it cannot be had.
        """

    @abstractmethod
    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        """Run a shell command in the workspace and wait for it.

        Args:
            cmd: text for `sh -c`. Its standard input is empty.
            timeout: seconds until the command and all it started are killed; None: no limit.
            on_output: receives the output as it comes, uncut.

        Raises:
            ValueError: `timeout` is not a number (NaN).
            RuntimeUnavailable: the workspace is gone; a command that fails or times out is a result, not an exception.
        """

    async def bash(
        self,
        cmd: str,
        timeout: float | None = 30,
        *,
        background: bool = False,
        on_output: OnOutput | None = None,
    ) -> str:
        """Run a shell command and return the command, what it printed and how it ended, as text for a model.

        Args:
            cmd: text for `sh -c`.
            timeout: seconds until it is killed, or goes on as a job, as `on_timeout` says; None: no limit.
            background: let it go on as a job without a limit, and return after 0.2 seconds.
            on_output: receives the output as it comes, until this returns.

        Raises:
            RuntimeUnavailable: the workspace is gone.
            ValueError: `timeout` is not a number (NaN).
            WorkspaceError: the shell cannot take the command, or too many jobs are running.
        """
        check_seconds("timeout", timeout)
        if background:
            job = await self.jobs.start(cmd, on_output)
            if job.result is not None:
                return job.result.render(cmd)

            return _told(job, f"still running as {job.id}; see job_output" if job.is_running else job.state)

        if self.on_timeout == "kill" or timeout is None:
            return (await self.exec(cmd, timeout=timeout, on_output=on_output)).render(cmd, timeout)

        job = await self.jobs.run(cmd, timeout, on_output)
        if job.result is not None:
            return job.result.render(cmd, timeout)

        moved = f": still running as {job.id}; see job_output" if job.id else ""
        return _told(job, f"timeout after {timeout:g}s{moved}")

    async def job_output(self, job_id: str | None = None, wait: float = 0) -> str:
        """Return what a job printed since the last time, and its state, as text for a model; without an id, list all.

        Args:
            job_id: such as `job-1`; None: list all jobs and their states.
            wait: seconds to wait for output or the job's end, if there is no output yet.

        Raises:
            ValueError: `wait` is not a number (NaN).
            WorkspaceError: there is no such job; it names those that there are.
        """
        check_seconds("wait", wait)
        if not job_id:
            return self.jobs.overview()

        job = self.jobs.get(job_id)
        await job.wait(wait, for_output=True)
        await job.wait(min(wait, MOMENT))  # a first line is rarely alone
        return _told(job, f"{job.id}: {job.state}")

    async def job_kill(self, job_id: str) -> str:
        """End a job and all that it started, as at a timeout, and return its last output and its end.

        Raises:
            WorkspaceError: there is no such job; it names those that there are.
        """
        job = self.jobs.get(job_id)
        await job.kill()
        return _told(job, f"{job.id}: {job.state}")

    @abstractmethod
    async def read_bytes(self, path: str, *, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the content of a regular file.

        Raises:
            WorkspaceError: there is no such file, it is no regular file, or it is larger than `limit_bytes`.
            PathOutsideWorkspace: the path leads out of the workspace.
        """

    @abstractmethod
    async def write_bytes(self, path: str, data: bytes) -> None:
        """Create or replace a file, atomically; missing folders are made, an existing file's mode is kept.

        Raises:
            WorkspaceError: it cannot be written; the old content is intact.
            PathOutsideWorkspace: the path leads out of the workspace.
        """

    async def read_file(self, path: str, binary: bool = False) -> str:
        """Return a file as text; with `binary`, its bytes in base64. Bytes that are not UTF-8 become U+FFFD."""
        data = await self.read_bytes(path)
        return b64encode(data).decode("ascii") if binary else data.decode("utf-8", "replace")

    async def write_file(self, path: str, content: str) -> str:
        """Create or replace a UTF-8 text file and say so in one line."""
        data = content.encode("utf-8", "replace")
        await self.write_bytes(path, data)
        return f"Wrote {path} ({len(data)} bytes)"

    async def list_files(self, path: str = ".") -> list[str]:
        """Return a file, or the files below a folder, sorted, as paths relative to the workspace.

        Links are named, not followed; folders such as `.git` and `node_modules` are passed over.

        Raises:
            WorkspaceError: there is no such folder, or there are too many files to list.
        """
        ignored = " -o ".join(f"-name {shlex.quote(name)}" for name in IGNORED_FOLDERS)
        return await self._find(await self._relative(path), f"-type d \\( {ignored} \\) -prune -o ! -type d")

    async def upload(self, source: str | os.PathLike[str], dest: str | None = None) -> None:
        """Copy a file or folder of this machine into the workspace.

        Args:
            source: a path on this machine.
            dest: the path in the workspace; by default the source's own name.

        Raises:
            WorkspaceError: the source does not exist or cannot be read, or the copy cannot be written.
        """
        root = Path(source)
        name = dest if dest else await asyncio.to_thread(own_name, root)
        try:
            files = await asyncio.to_thread(files_below, root)
            for file in files:
                target = name if file == root else f"{name}/{file.relative_to(root).as_posix()}"
                await self.write_bytes(target, await asyncio.to_thread(file.read_bytes))
        except OSError as error:
            raise WorkspaceError(f"cannot copy {source} into the workspace: {error}") from error

    async def export(self, path: str, dest: str | os.PathLike[str]) -> None:
        """Copy a file or folder of the workspace to `dest` on this machine.

        Of a folder all regular files are copied, those in `.git` and `node_modules` too; links are passed over. `dest`
        is the copy's own path, not a folder to put it in. Permissions are kept by a `LocalRuntime` only.

        Raises:
            WorkspaceError: it does not exist or cannot be read, or `dest` cannot be written.
            PathOutsideWorkspace: the path leads out of the workspace.
        """
        root = await self._relative(path)
        for file in await self._find(root, "-type f"):
            data = await self.read_bytes(file)
            await asyncio.to_thread(write_copy, Path(dest) / PurePosixPath(file).relative_to(root), data)

    @abstractmethod
    async def cleanup(self) -> None:
        """End every process and remove what was temporary, in bounded time; may be called again, never raises.

        This one ends the jobs: one of yours calls it, `await super().cleanup()`.
        """
        await finish(self.jobs.close())

    async def _exec_until(self, stop: asyncio.Future[None], cmd: str, on_output: OnOutput) -> CommandResult:
        """Run a command without a timeout, in a task of its own, until it ends or is to stop.

        Here to stop is to cancel `exec`; override it where a command can be asked to end first, as at a timeout.
        """
        task = asyncio.current_task()
        stop.add_done_callback(lambda _: task and task.cancel())
        return await self.exec(cmd, timeout=None, on_output=on_output)

    async def _relative(self, path: str) -> str:
        """Return the path relative to the workspace, without `..` and the like."""
        relative = normpath(path)
        if path.startswith("/"):
            await self.open()  # before that nobody knows where the workspace is
            root = normpath(self.workspace)
            inside = PurePosixPath(relative).is_relative_to(root)
            relative = str(PurePosixPath(relative).relative_to(root)) if inside else ".."
        if relative.split("/", 1)[0] == "..":
            raise PathOutsideWorkspace(f"{path!r} is outside of the workspace; use a path relative to it")

        return relative

    async def _find(self, path: str, wanted: str) -> list[str]:
        """Return what is not a folder itself, or what `find` finds `wanted` below a folder, sorted."""
        start = shlex.quote(f"./{path}")  # a name may begin like an option or hold a newline
        result = await self.exec(
            f"if [ -d {start} ]; then find -H {start} -mindepth 1 {wanted} -print0; else find {start} -print0; fi"
        )
        if result.exit_code != 0:
            raise WorkspaceError(f"cannot list {path}: {result.output.strip() or result.exit_code}")

        if result.omitted_bytes:
            raise WorkspaceError(f"{path} holds too many files to list; name a folder in it")

        return sorted(normpath(name) for name in result.output.split("\0") if name)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.cleanup()


def _told(job: Job, ending: str) -> str:
    """What a job has to say, as a command would on a terminal."""
    left = job.result.left if job.result else ""
    return "\n".join(filter(None, (f"$ {job.title}", job.take_output().rstrip("\n"), left, f"[{ending}]")))


def files_below(root: Path) -> list[Path]:
    """Return the file itself, or the regular files below a folder of this machine; links are passed over.

    Raises:
        OSError: it is neither, or cannot be listed.
    """
    if root.is_dir():
        return [file for file in sorted(root.rglob("*")) if file.is_file() and not file.is_symlink()]

    if root.exists() and not root.is_file():  # reading a FIFO would wait for ever
        raise OSError(errno.EINVAL, "not a regular file or folder", str(root))

    return [root]


def own_name(path: Path) -> str:
    """Return the name of a file or folder of this machine, also of one that is given as `.` or `..`."""
    return os.path.basename(os.path.abspath(path))  # noqa: PTH100, PTH119 - resolve() would follow a link


def write_copy(target: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file of this machine, its folders included; blocks.

    Args:
        target: the file.
        data: its new content.
        mode: its permissions; None: those that it has, or the usual ones.

    Raises:
        WorkspaceError: it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = target.open("wb")
        except PermissionError:  # an earlier copy of a file that is read-only, as git's objects are
            target.unlink()
            file = target.open("wb")
        with file:
            if mode is not None and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fchmod(file.fileno(), mode & 0o777)  # before there is anything to read
            file.write(data)
    except OSError as error:
        raise WorkspaceError(f"cannot write {target}: {error.strerror or error}") from error
