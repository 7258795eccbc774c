"""A thread of its own: what it returns and raises, and that nothing waits for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import ContextVar

import pytest

from pygent.threads import call_in_daemon


async def test_the_thread_is_a_daemon_and_knows_the_context() -> None:
    """It has its name, and sees what the caller has set."""
    place: ContextVar[str] = ContextVar("place")
    place.set("here")

    def look() -> tuple[str, str, bool]:
        thread = threading.current_thread()
        return place.get(), thread.name, thread.daemon

    assert await call_in_daemon(look, "my-thread") == ("here", "my-thread", True)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), asyncio.CancelledError()], ids=repr)
async def test_what_it_raises_is_raised_to_the_caller(error: BaseException) -> None:
    """Whatever it is: nothing is printed by the thread."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await call_in_daemon(fail, "test")

    assert caught.value is error


async def test_cancelling_returns_at_once() -> None:
    """The thread goes on, and its end disturbs nobody."""
    begun, go_on, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)
        ended.set()

    call = asyncio.create_task(call_in_daemon(work, "test"))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    go_on.set()
    assert await asyncio.to_thread(ended.wait, 10)


def test_a_thread_may_outlive_its_event_loop() -> None:
    """Neither the end of the loop waits for it, nor does it complain when it ends itself."""
    go_on: Future[None] = Future()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        go_on.result(30)

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call_in_daemon(work, "test"), 0.01)

    asyncio.run(leave())
    go_on.set_result(None)
    threads[0].join(10)
    assert not threads[0].is_alive()
