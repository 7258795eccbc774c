"""The one background event loop of the process, on which the synchronous faces do their work.

`call` runs a coroutine function there and waits. So a face works in a script, in Jupyter, inside a running event loop
and from many threads alike; what one call has opened the next can use, and it goes on in between.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - before `_register_atexit` below: what registers later ends earlier
import logging
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("pygent.portal")

SHUTDOWN_SECONDS = 20.0
"""How long closing may take when the program ends; what hangs is left behind then."""

_lock = threading.RLock()  # a signal handler may call while its thread is in here
_current: _Portal | None = None
_closers: set[Closer] = set()
_closing: set[Future[None]] = set()
_awaited: set[Future[Any]] = set()  # calls that the end of the program waits for
_registered = False
_exiting = False
_warned = False
_of_parent: list[object] = []


def call(func: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `func(*args, **kwargs)` on the background loop, with the caller's context variables, and return its result.

    Ctrl-C, or whatever else a signal handler raises meanwhile, cancels it, waits until it has cleaned up, and goes on;
    a second Ctrl-C does not wait. Safe from every thread but the loop's own.

    Raises:
        RuntimeError: called from the background loop itself, which would wait for itself; or that loop has ended.
    """
    if in_portal_thread():
        raise RuntimeError(f"this call would wait for the event loop that it runs on; await {_name(func)} instead")

    warn_if_loop_runs(_name(func))
    daemon = threading.current_thread().daemon
    job = _portal().job(partial(func, *args, **kwargs))
    try:  # from here on a signal handler may raise at any place
        job.start()
        if not daemon:
            _awaited.add(job)
        return job.result()
    except asyncio.CancelledError:
        if _exiting and daemon:
            threading.Event().wait()  # a daemon thread ends with the program, in silence
        raise RuntimeError(f"{_name(func)} was cancelled: Pygent's background loop has ended") from None
    except BaseException:
        if not job.done():
            job.cancel_task()
            wait([job])
        raise
    finally:
        _awaited.discard(job)
        del job  # it holds the error, whose traceback holds this frame


def call_soon(func: Callable[[], object]) -> None:
    """Call a plain function on the background loop, before all later calls, without waiting; at once if this is it.

    While there is no loop nothing happens: nothing is under way that the function could be meant for.
    """
    if in_portal_thread():
        func()
    elif (portal := _current) is not None:
        with suppress(RuntimeError):  # it has just been closed
            portal.loop.call_soon_threadsafe(func)


def in_portal_thread() -> bool:
    """Whether this code runs on the background loop."""
    return _current is not None and threading.current_thread() is _current.thread


def shutdown() -> None:
    """Close what is open and end the background loop; the next call starts a new one.

    The end of the program does it. Tests do, too, and nobody else needs to.
    """
    global _current, _warned
    if in_portal_thread():
        raise RuntimeError("the background loop cannot wait for its own end; call shutdown() from another thread")

    with _lock:
        portal, _current, _warned = _current, None, False
    if portal is not None:
        portal.end()


class Closer:
    """Closes something on the background loop, once: when called, when its owner is forgotten, or at exit.

    In a forked child it does nothing: what the parent opened is the parent's.

    Args:
        owner: the synchronous face; not kept alive.
        aclose: closes what stands behind it; must not refer to the owner.
    """

    def __init__(self, owner: object, aclose: Callable[[], Awaitable[None]]) -> None:
        self._aclose = aclose
        _closers.add(self)
        weakref.finalize(owner, self._forgotten).atexit = False

    def __call__(self) -> None:
        """Close it now, and wait until that is done; may be called again."""
        if self in _closers:
            call(self._close)

    def _forgotten(self) -> None:
        """Close it without waiting: the garbage collector may call this anywhere, on the loop's thread too."""
        if self in _closers and _current is not None:
            job = _current.job(self._close_quietly)
            _closing.add(job)
            job.add_done_callback(_closing.discard)
            job.start()
        _closers.discard(self)

    async def _close(self) -> None:
        _closers.discard(self)
        await self._aclose()

    async def _close_quietly(self) -> None:
        """Close it when nobody waits to hear how that went."""
        try:
            await self._close()
        except Exception:
            _log.exception("closing failed")


class Job(Future[T]):
    """A coroutine function for an event loop of another thread; done when its task is, cleanup included.

    A loop that is closed cancels it. It is never left waiting, wherever a signal handler of the caller raises.

    Attributes:
        task: its task, once it has begun.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, func: Callable[[], Awaitable[T]]) -> None:
        super().__init__()
        self._loop = loop
        self._func = func
        self.task: asyncio.Task[T] | None = None

    def start(self) -> None:
        """Let the loop begin with it."""
        self._tell_loop(self._start)

    def cancel_task(self) -> None:
        """Cancel the task, as `asyncio.Task.cancel` does; it is done when it has cleaned up."""
        self._tell_loop(self._cancel_task)

    def give_up(self) -> None:
        """Let nobody wait any longer: it will not come to its end."""
        with suppress(InvalidStateError):  # it has come to it just now
            self.set_exception(asyncio.CancelledError())

    def _tell_loop(self, func: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(func)
        except RuntimeError:  # it is closed
            self.give_up()

    # On the loop.

    def _start(self) -> None:
        self.task = self._loop.create_task(_awaited_result(self._func), name=f"pygent-{_name(self._func)}")
        self.task.add_done_callback(self._finish)

    def _cancel_task(self) -> None:
        if self.task is not None:
            self.task.cancel()
        else:
            self.give_up()

    def _finish(self, task: asyncio.Task[T]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self.set_result(task.result())
        else:
            self.set_exception(error)


async def _awaited_result(func: Callable[[], Awaitable[T]]) -> T:
    return await func()


class _Portal:
    """An event loop and the thread that runs it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._jobs: set[Job[Any]] = set()
        self._ended = False
        self.thread = threading.Thread(target=self._run, name="pygent-portal", daemon=True)
        self.thread.start()

    def job(self, func: Callable[[], Awaitable[T]]) -> Job[T]:
        job = Job(self.loop, func)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    def end(self) -> None:
        closing = self.job(_close_all)
        closing.start()
        wait([closing, *_closing], SHUTDOWN_SECONDS)
        self.loop.call_soon_threadsafe(self._stop)
        self.thread.join(SHUTDOWN_SECONDS)

    def _stop(self) -> None:
        self._ended = True
        self.loop.stop()

    def _run(self) -> None:
        while not self._ended:
            with suppress(KeyboardInterrupt, SystemExit):  # asyncio lets a task's pass; who awaits the task sees it
                self.loop.run_forever()
        with suppress(KeyboardInterrupt, SystemExit):
            self.loop.run_until_complete(self._wind_up())
        self.loop.close()
        for job in tuple(self._jobs):  # what came too late, or would not end
            job.give_up()

    async def _wind_up(self) -> None:
        await _cancel({job.task for job in tuple(self._jobs) if job.task})  # they clean up, with tasks of their own
        await _cancel(asyncio.all_tasks() - {asyncio.current_task()})
        await self.loop.shutdown_asyncgens()


async def _close_all() -> None:
    await asyncio.gather(*(closer._close_quietly() for closer in tuple(_closers)))


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)


def _portal() -> _Portal:
    global _current, _registered
    with _lock:
        if _exiting:
            raise RuntimeError("the program is ending: what Pygent had open is closed, and nothing can be started")

        if not _registered:
            # Before the worker threads end, which closing may need; `atexit` comes after. There is no public name.
            getattr(threading, "_register_atexit", atexit.register)(_exit)
            _registered = True
        if _current is None:
            _current = _Portal()
        return _current


def _exit() -> None:
    """At the program's end: let the threads that it waits for finish their calls, then close everything."""
    global _exiting
    try:
        wait(tuple(_awaited))
    finally:
        _exiting = True
        shutdown()


def _after_fork() -> None:
    """In a forked child: the loop's thread is not there, and what was open is the parent's.

    All of it is kept, out of reach: being collected it would be closed, and its file descriptors are shared.
    """
    global _lock, _current, _closers, _closing, _awaited
    _of_parent.extend((_current, _closers, _closing, _awaited))
    _lock, _current, _closers, _closing, _awaited = threading.RLock(), None, set(), set(), set()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def warn_if_loop_runs(instead: str) -> None:
    """Warn, once, that the event loop of this thread stands still until a call is done; in IPython that is meant."""
    global _warned
    ipython = sys.modules.get("IPython")
    if _warned or running_loop() is None or (ipython is not None and ipython.get_ipython() is not None):
        return

    _warned = True
    warnings.warn(
        f"this blocks the event loop that runs in this thread until it is done; await {instead} instead",
        RuntimeWarning,
        stacklevel=_users_level(),
    )


def _users_level() -> int:
    """The `stacklevel` of the first caller outside of Pygent."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in (
        "pygent",
        "contextlib",
    ):
        level, frame = level + 1, frame.f_back
    return level


def _name(func: Callable[..., object]) -> str:
    return getattr(getattr(func, "func", func), "__qualname__", repr(func))
