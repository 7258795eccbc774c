"""`call_in_daemon`: runs a plain function in a thread of its own, for which nothing has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def call_in_daemon(func: Callable[[], T], name: str) -> T:
    """Call `func` in a new thread that sees the caller's context variables, and return or raise what it does.

    Cancelling returns at once; the thread goes on, and nobody hears its result. The threads of a pool would be joined
    when the event loop or the interpreter ends, and a function that never returns would keep both from ending. These
    are daemons.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    context = copy_context()
    results: list[T] = []
    errors: list[BaseException] = []  # not the future's: it refuses StopIteration, and asyncio treats an exit specially

    def settle() -> None:
        if not ended.done():
            ended.set_result(None)

    def work() -> None:
        try:
            results.append(context.run(func))
        except BaseException as error:
            errors.append(error)
        with suppress(RuntimeError):  # the loop is closed: the call was cancelled long ago
            loop.call_soon_threadsafe(settle)

    Thread(target=work, name=name, daemon=True).start()
    await ended
    if errors:
        raise errors.pop()

    return results.pop()
