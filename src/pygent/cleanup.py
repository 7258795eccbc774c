"""`finish`: cleanup that no cancellation cuts short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()  # strong references: a task that nobody holds may be collected half-way


async def finish(coro: Coroutine[Any, Any, T]) -> T:
    """Run `coro` to its end, however often the caller is cancelled meanwhile; then let the cancellation go on.

    The coroutine runs in a task of its own and must bound its own time. `asyncio.shield` alone is cut by a second
    cancel, and so is anyio's shielded scope; waiting for the task in a loop is not.
    """
    task = asyncio.ensure_future(coro)
    _running.add(task)
    task.add_done_callback(_running.discard)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break

            cancelled = True
        except Exception:  # noqa: S110 - the task is done: `result()` below raises it
            pass
    if cancelled:  # a cleanup that failed never eats the cancellation; it is its cause
        raise asyncio.CancelledError from (None if task.cancelled() else task.exception())

    return task.result()
