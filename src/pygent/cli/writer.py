"""`Writer`: the thread that writes to the terminal and asks at it, so that a slow one never stops the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeAlias, TypeVar

from ..events import Event, EventsDropped, ReasoningDelta, TextDelta, ToolCallDelta, ToolOutputDelta

T = TypeVar("T")

Draw: TypeAlias = Callable[[Event], None]
"""Writes an event down; called in the writer's thread, one at a time."""

MAX_WAITING = 1 << 20
"""Characters of deltas that may wait for a slow reader; facts, which say the same again, always may."""

THREAD = "pygent-writer"

_log = logging.getLogger("pygent.cli")


def is_stuck() -> bool:
    """Whether a writer was given up: its thread holds a stream that nobody reads, and so would whoever writes there."""
    return any(thread.name == THREAD for thread in threading.enumerate())


class Writer:
    """Draws events in their order, in a thread of its own; subscribe its `put`.

    Args:
        draw: writes one event down.
        on_broken: called on the event loop, once, when nobody reads any more; later events are dropped.
    """

    def __init__(self, draw: Draw, on_broken: Callable[[], None] | None = None) -> None:
        self._draw = draw
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Callable[[], None]] = deque()
        self._news = threading.Condition()
        self._waiting = 0
        self._dropped = 0
        self._closed = False
        self.is_broken = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Have the event drawn, when its turn comes; never blocks."""
        size = _size(event)
        with self._news:
            if size and self._waiting + size > MAX_WAITING:
                self._dropped += 1
                return

            if self._dropped:
                dropped, self._dropped = EventsDropped(count=self._dropped), 0
                self._jobs.append(lambda: self._try_draw(dropped, 0))
            self._waiting += size
            self._jobs.append(lambda: self._try_draw(event, size))
            self._news.notify()

    async def ask(self, question: Callable[[], T]) -> T:
        """Run a question in the thread after all that was put before, and return the answer."""
        future: Future[T] = Future()

        def answer() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(question())
                except Exception as error:
                    future.set_exception(error)

        with self._news:
            self._jobs.append(answer)
            self._news.notify()
        return await asyncio.wrap_future(future)

    async def close(self, last: Callable[[], None] = lambda: None, *, patience: float = 5.0) -> None:
        """Draw what waits, run `last`, and end; if nobody reads it for `patience` seconds, give up: see `is_stuck`."""
        with self._news:
            self._jobs.append(lambda: self._try_last(last))
            self._closed = True
            self._news.notify()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._ended.wait()
            self._thread.join()

    def _try_last(self, last: Callable[[], None]) -> None:
        with suppress(OSError):
            last()

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._jobs:
                    if self._closed:
                        self._tell_loop(self._ended.set)
                        return

                    self._news.wait()
                job = self._jobs.popleft()
            job()

    def _try_draw(self, event: Event, size: int) -> None:
        with self._news:
            self._waiting -= size
        if self.is_broken:
            return

        try:
            self._draw(event)
        except OSError as error:  # a broken pipe, or a terminal that has gone
            self.is_broken = True
            _log.info("nobody reads the output any more: %s", error)
            if self._on_broken is not None:
                self._tell_loop(self._on_broken)
        except Exception:
            _log.exception("%s could not be shown", type(event).__name__)

    def _tell_loop(self, news: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile, so nobody waits for the news
            self._loop.call_soon_threadsafe(news)


def _size(event: Event) -> int:
    """How much of the memory for waiting deltas an event takes; 0: it is a fact and is never dropped."""
    match event:
        case TextDelta(text=text) | ReasoningDelta(text=text) | ToolOutputDelta(text=text):
            return len(text) + 100
        case ToolCallDelta(arguments=text):
            return len(text) + 100
    return 0
