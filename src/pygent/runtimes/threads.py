"""`Threads`: where a runtime does what would block the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MAX_THREADS = 8


class Threads:
    """Worker threads for one runtime alone; they start when needed and end when this object is forgotten.

    The event loop's own threads would do, were they not everybody's: once plain tools occupy them all and wait for
    their commands, no command could be started, and none killed.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call `func` in a thread; cancelling the future does not stop it."""
        if self._pool is None or self._process != os.getpid():  # threads do not survive a fork
            self._pool, self._process = ThreadPoolExecutor(MAX_THREADS, "pygent-runtime"), os.getpid()
        return asyncio.get_running_loop().run_in_executor(self._pool, partial(func, *args, **kwargs))
