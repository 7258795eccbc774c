"""`Writer`: the thread that writes to the terminal and asks at it, so that a slow one never stops the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
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
    """Draws events in their order, in a thread of its own; subscribe its `put`. Used on the loop that it was made on.

    Args:
        draw: writes one event down.
        on_broken: called on the event loop, once, when nobody reads any more; later events are dropped.
    """

    def __init__(self, draw: Draw, on_broken: Callable[[], None] | None = None) -> None:
        self._draw = draw
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._put_size = 0  # changed on the loop only
        self._drawn_size = 0  # changed in the thread only
        self._dropped = 0
        self.is_broken = False
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Have the event drawn, when its turn comes; never blocks."""
        size = _size(event)
        if size and self._put_size - self._drawn_size + size > MAX_WAITING:
            self._dropped += 1
            return

        if self._dropped:
            self._jobs.put(partial(self._draw_event, EventsDropped(count=self._dropped), 0))
            self._dropped = 0
        self._put_size += size
        self._jobs.put(partial(self._draw_event, event, size))

    def say(self, words: Callable[[], None]) -> None:
        """Have something written that is no event, when its turn comes; never blocks."""
        self._jobs.put(partial(self._try, words))

    async def ask(self, question: Callable[[], T]) -> T:
        """Run a question in the thread after all that was put before, and return the answer."""
        future: Future[T] = Future()
        self._jobs.put(partial(_answer, future, question))
        return await asyncio.wrap_future(future)

    async def close(self, last: Callable[[], None] = lambda: None, *, patience: float = 5.0) -> None:
        """Draw what waits, run `last`, and end; if nobody reads it for `patience` seconds, give up: see `is_stuck`."""
        self.say(last)
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, patience)

    # In the thread.

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _draw_event(self, event: Event, size: int) -> None:
        self._drawn_size += size
        self._try(partial(self._draw, event))

    def _try(self, write: Callable[[], None]) -> None:
        if self.is_broken:
            return

        try:
            write()
        except OSError as error:  # a broken pipe, or a terminal that has gone
            self.is_broken = True
            _log.info("nobody reads the output any more: %s", error)
            if self._on_broken is not None:
                with suppress(RuntimeError):  # the loop has ended meanwhile, so nobody waits for the news
                    self._loop.call_soon_threadsafe(self._on_broken)
        except Exception:
            _log.exception("a piece of output could not be shown")


def _answer(future: Future[T], question: Callable[[], T]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(question())
        except Exception as error:
            future.set_exception(error)


def _size(event: Event) -> int:
    """How much of the memory for waiting deltas an event takes; 0: it is a fact and is never dropped."""
    match event:
        case TextDelta(text=text) | ReasoningDelta(text=text) | ToolOutputDelta(text=text):
            return len(text) + 100
        case ToolCallDelta(arguments=text):
            return len(text) + 100
    return 0
