"""Code that is not ours, such as a tool or a custom model: it may ignore its cancellation, or speak from any thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from .cleanup import finish

T = TypeVar("T")

_log = logging.getLogger("pygent.foreign")

_running: set[asyncio.Task[Any]] = set()  # strong references, also to what was left behind


class SelfCancelled(Exception):
    """Nobody asked for the cancellation that it raised."""


async def in_own_task(coro: Coroutine[Any, Any, T], name: str, *, grace: float) -> T:
    """Await a coroutine in a task of its own, so that its cancellation is known to be its own or ours.

    Ours reaches it at once. If it has not ended `grace` seconds later it is left behind, and that is logged.

    Raises:
        SelfCancelled: it cancelled itself.
    """
    task = asyncio.create_task(coro, name=name)
    _running.add(task)
    task.add_done_callback(_let_go)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        try:
            await finish(asyncio.wait([task], timeout=grace))
        finally:
            if not task.done():
                _log.warning("%s was cancelled, does not end, and is left running", name)
        raise

    if task.cancelled():
        raise SelfCancelled("it cancelled itself")

    return task.result()


def _let_go(task: asyncio.Task[Any]) -> None:
    """Drop a task that has ended; asyncio would log an error that nobody has seen."""
    _running.discard(task)
    if not task.cancelled():
        task.exception()


class Relay(Generic[T]):
    """Takes values on any thread and tells them to `listener` on the event loop, in order, until it is closed."""

    def __init__(self, listener: Callable[[T], None] | None) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def __call__(self, value: T) -> None:
        """Pass a value on."""
        if threading.get_ident() == self._thread:
            self._tell(value)
        else:
            with suppress(RuntimeError):  # the loop is closed: a thread outlived its call
                self._loop.call_soon_threadsafe(self._tell, value)

    def close(self) -> None:
        """Let nothing through any more; may be called twice."""
        self._listener = None

    def _tell(self, value: T) -> None:
        if self._listener is not None:
            self._listener(value)
