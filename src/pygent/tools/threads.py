"""`call_in_thread`: plain functions run in threads of their own, for which nothing has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

from anyio.lowlevel import RunVar

T = TypeVar("T")

MAX_THREADS = 64
"""Calls of one event loop that are awaited at a time; more wait for their turn."""

_places: RunVar[asyncio.Semaphore] = RunVar("pygent.tools.threads")


async def call_in_thread(func: Callable[[], T], name: str) -> T:
    """Call `func`, which must not raise, in a new thread that sees the caller's context variables.

    Cancelling returns at once; the thread goes on, gives up its place, and nobody hears its result. The threads of a
    pool would be joined when the event loop or the interpreter ends, and a function that never returns would keep both
    from ending. These are daemons.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def settle(result: T) -> None:
        if not done.done():
            done.set_result(result)

    def work() -> None:
        result = context.run(func)
        with suppress(RuntimeError):  # the loop is closed: the call was cancelled long ago
            loop.call_soon_threadsafe(settle, result)

    async with _places.get(None) or _new_places():
        Thread(target=work, name=name, daemon=True).start()
        return await done


def _new_places() -> asyncio.Semaphore:
    places = asyncio.Semaphore(MAX_THREADS)
    _places.set(places)
    return places
