"""`Runtime`: the synchronous face of `AsyncRuntime`, for programs without asyncio and tools that are plain `def`s."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import wait
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from ..errors import RuntimeUnavailable
from ..portal import Closer, Job, call, running_loop
from ..settings import OnTimeout, SandboxMode, Settings
from .base import MAX_FILE_BYTES, AsyncRuntime
from .choice import open_runtime
from .command import CommandResult, OnOutput

P = ParamSpec("P")
T = TypeVar("T")

LOOP_CHECK_SECONDS = 1.0
"""How often a waiting tool looks whether its event loop is still there."""


class Runtime:
    """A workspace with a shell; each method does and raises what its namesake of `AsyncRuntime` does.

    End it with `cleanup()` or use it as a context manager; else it ends when it is forgotten, or with the program.
    It can be used from several threads, inside a running event loop, and in Jupyter.

    Args:
        use_docker: True: a container or an error, never this machine; False: this machine; None: the best there is.
        workspace: the folder to work in; None: a temporary one, which `cleanup()` removes.
        initial_files: files and folders of this machine that are copied into the workspace.
        env: variables for the commands, beside those that they have anyway.
        on_timeout: what `bash` does with a command that is not done in time: it is killed, or goes on as a job.
        sandbox: whether commands on this machine run under bubblewrap; see `LocalRuntime`.
        sandbox_network: whether they have the network there.
        settings: where arguments that are not given come from; None: the environment.

    Attributes:
        async_runtime: the `AsyncRuntime` behind this face.
    """

    def __init__(
        self,
        use_docker: bool | None = None,
        workspace: str | os.PathLike[str] | None = None,
        initial_files: Sequence[str | os.PathLike[str]] = (),
        *,
        env: Mapping[str, str] | None = None,
        on_timeout: OnTimeout | None = None,
        sandbox: SandboxMode | None = None,
        sandbox_network: bool | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.async_runtime: AsyncRuntime = open_runtime(
            use_docker=use_docker,
            workspace=workspace,
            initial_files=initial_files,
            env=env,
            on_timeout=on_timeout,
            sandbox=sandbox,
            sandbox_network=sandbox_network,
            settings=settings or Settings.from_env(),
        )
        self._call: _Call = call
        self._close: Callable[[], None] | None = Closer(self, self.async_runtime.cleanup)
        self._owner: object = None

    @classmethod
    def of(cls, async_runtime: AsyncRuntime, owner: object = None) -> Self:
        """Return a face of a runtime that others end, such as `owner`, which is kept alive as long as the face."""
        return cls._face(async_runtime, call, owner)

    @classmethod
    def wrapping(cls, async_runtime: AsyncRuntime, loop: asyncio.AbstractEventLoop) -> Self:
        """Return a face whose calls run on `loop`: for a tool in a worker thread, until `disconnect()`."""
        return cls._face(async_runtime, _LoopCall(loop))

    @classmethod
    def _face(cls, async_runtime: AsyncRuntime, call: _Call, owner: object = None) -> Self:
        face = object.__new__(cls)
        face.async_runtime, face._call, face._close, face._owner = async_runtime, call, None, owner
        return face

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.async_runtime!r}>"

    @property
    def kind(self) -> str:
        """What it is, in one word, such as `local`."""
        return self.async_runtime.kind

    @property
    def notice(self) -> str | None:
        """What the user should know about where commands run; None: as asked."""
        return self.async_runtime.notice

    @property
    def isolation(self) -> str:
        """What keeps commands from the rest of the machine; see `AsyncRuntime.isolation`."""
        return self.async_runtime.isolation

    @property
    def workspace(self) -> str:
        """Where the workspace is, as its commands see it; empty before it is opened."""
        return self.async_runtime.workspace

    @property
    def on_timeout(self) -> OnTimeout:
        """What `bash` does with a command that is not done in time."""
        return self.async_runtime.on_timeout

    def open(self) -> None:
        """Make the workspace ready; the first use does it too."""
        self._call(self.async_runtime.open)

    def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        """Run a shell command in the workspace and wait for it; `on_output` is called on another thread."""
        return self._call(self.async_runtime.exec, cmd, timeout=timeout, on_output=on_output)

    def bash(
        self,
        cmd: str,
        timeout: float | None = 30,
        *,
        background: bool = False,
        on_output: OnOutput | None = None,
    ) -> str:
        """Run a shell command and return the command, what it printed and how it ended, as text for a model."""
        return self._call(self.async_runtime.bash, cmd, timeout, background=background, on_output=on_output)

    def job_output(self, job_id: str | None = None, wait: float = 0) -> str:
        """Return what a job printed since the last time, and its state, as text for a model; without an id: of all."""
        return self._call(self.async_runtime.job_output, job_id, wait)

    def job_kill(self, job_id: str) -> str:
        """End a job and all that it started, as at a timeout, and return its last output and its end."""
        return self._call(self.async_runtime.job_kill, job_id)

    def read_bytes(self, path: str, *, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the content of a regular file."""
        return self._call(self.async_runtime.read_bytes, path, limit_bytes=limit_bytes)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Create or replace a file, atomically."""
        self._call(self.async_runtime.write_bytes, path, data)

    def read_file(self, path: str, binary: bool = False) -> str:
        """Return a file as text; with `binary`, its bytes in base64."""
        return self._call(self.async_runtime.read_file, path, binary)

    def write_file(self, path: str, content: str) -> str:
        """Create or replace a UTF-8 text file and say so in one line."""
        return self._call(self.async_runtime.write_file, path, content)

    def list_files(self, path: str = ".") -> list[str]:
        """Return a file, or the files below a folder, sorted, as paths relative to the workspace."""
        return self._call(self.async_runtime.list_files, path)

    def upload(self, source: str | os.PathLike[str], dest: str | None = None) -> None:
        """Copy a file or folder of this machine into the workspace."""
        self._call(self.async_runtime.upload, source, dest)

    def export(self, path: str, dest: str | os.PathLike[str]) -> None:
        """Copy a file or folder of the workspace to `dest` on this machine."""
        self._call(self.async_runtime.export, path, dest)

    def cleanup(self) -> None:
        """End every process and remove what was temporary, in bounded time; may be called again, never raises."""
        if self._close is not None:
            self._close()
        else:
            self._call(self.async_runtime.cleanup)

    def disconnect(self) -> None:
        """End the calls of a face made by `wrapping` and refuse further ones: the tool's call is over."""
        if isinstance(self._call, _LoopCall):
            self._call.end()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cleanup()


class _Call(Protocol):
    """Runs a coroutine function on some event loop and waits for its result."""

    def __call__(self, func: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


class _LoopCall:
    """Calls into an event loop that others run; never waits for one that has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: set[Job[Any]] = set()
        self._over = threading.Event()

    def __call__(self, func: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if running_loop() is self._loop:
            raise RuntimeError(
                "this call would wait for the event loop that it runs on; call it from a tool's own thread"
            )

        if self._over.is_set():
            raise _over()

        job = Job(self._loop, partial(func, *args, **kwargs))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.start()
        if self._over.is_set():  # it ended between the two lines
            job.cancel_task()
        while not wait([job], LOOP_CHECK_SECONDS).done:
            if self._loop.is_closed():
                job.give_up()
        try:
            return job.result()
        except asyncio.CancelledError:
            raise _over() from None

    def end(self) -> None:
        self._over.set()
        for job in tuple(self._jobs):
            job.cancel_task()


def _over() -> RuntimeUnavailable:
    return RuntimeUnavailable("this tool's call is over, and with it the use of its runtime")
