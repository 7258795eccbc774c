"""`call_in_thread`: plain tools run in threads of their own, so many at a time and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from anyio.lowlevel import RunVar

from ..threads import call_in_daemon

T = TypeVar("T")

MAX_THREADS = 64
"""Calls of one event loop that are awaited at a time; more wait for their turn."""

_places: RunVar[asyncio.Semaphore] = RunVar("pygent.tools.threads")


async def call_in_thread(func: Callable[[], T], name: str) -> T:
    """Call `func` as `call_in_daemon` does, when there is a place; a cancelled call gives its place up at once."""
    async with _places.get(None) or _new_places():
        return await call_in_daemon(func, name)


def _new_places() -> asyncio.Semaphore:
    places = asyncio.Semaphore(MAX_THREADS)
    _places.set(places)
    return places
