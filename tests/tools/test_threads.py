"""Threads of their own: bounded, and in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pygent.tools.threads import MAX_THREADS, call_in_thread


async def test_no_more_than_so_many_run_at_once() -> None:
    """What is too many waits for its turn, and gets it."""
    release, lock = threading.Event(), threading.Lock()
    full, running, most = asyncio.Event(), 0, 0
    loop = asyncio.get_running_loop()

    def work() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == MAX_THREADS:
                loop.call_soon_threadsafe(full.set)
        release.wait()
        with lock:
            running -= 1
        return 1

    calls = [asyncio.create_task(call_in_thread(work, "test")) for _ in range(MAX_THREADS + 5)]
    await full.wait()
    release.set()

    assert sum(await asyncio.gather(*calls)) == MAX_THREADS + 5
    assert most == MAX_THREADS


async def test_a_cancelled_call_gives_up_its_place() -> None:
    """Threads that never end cannot use up all places for good."""
    release = threading.Event()
    for _ in range(MAX_THREADS + 1):
        entered, loop = asyncio.Event(), asyncio.get_running_loop()
        call = asyncio.create_task(
            call_in_thread(lambda: (loop.call_soon_threadsafe(entered.set), release.wait()), "test")  # noqa: B023
        )
        await entered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert await call_in_thread(lambda: "here", "test") == "here"
    release.set()


async def test_the_event_loops_own_threads_are_not_used() -> None:
    """Plain tools run even while `asyncio.to_thread` is at its limit, and never fill it up themselves."""
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        occupied = asyncio.get_running_loop().run_in_executor(pool, release.wait)
        asyncio.get_running_loop().set_default_executor(pool)

        assert await call_in_thread(lambda: threading.current_thread().name, "my-thread") == "my-thread"
        release.set()
        await occupied


def test_each_event_loop_has_its_own_places() -> None:
    """One loop after another can be used in one process."""
    for _ in range(2):
        assert asyncio.run(call_in_thread(lambda: 1, "test")) == 1


def test_a_thread_may_outlive_its_loop() -> None:
    """A thread that returns after the loop was closed ends quietly."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait()
        threading.current_thread().name  # noqa: B018 - still alive
        ended.set()

    async def abandon() -> None:
        call = asyncio.create_task(call_in_thread(work, "test"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    asyncio.run(abandon())
    release.set()
    assert ended.wait(10)
