"""`finish`: the cleanup that no cancellation cuts."""

from __future__ import annotations

import asyncio

import pytest

from pygent.cleanup import finish


async def test_returns_and_raises_like_await() -> None:
    """Without a cancellation it is a plain await."""

    async def give(value: object) -> object:
        if isinstance(value, Exception):
            raise value

        return value

    assert await finish(give(1)) == 1
    with pytest.raises(KeyError):
        await finish(give(KeyError("k")))


@pytest.mark.parametrize("cancels", [1, 2, 5])
async def test_any_number_of_cancels_waits_for_the_end(cancels: int) -> None:
    """The work ends, and then the cancellation goes on."""
    started, go, done = asyncio.Event(), asyncio.Event(), False

    async def work() -> None:
        nonlocal done
        started.set()
        await go.wait()
        done = True

    task = asyncio.create_task(finish(work()))
    await started.wait()
    for _ in range(cancels):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()

    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done


async def test_a_failing_cleanup_does_not_eat_the_cancellation() -> None:
    """Cancelled and failed: the cancellation is raised, and the failure is its cause."""
    started, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await go.wait()
        raise OSError("disk on fire")

    task = asyncio.create_task(finish(work()))
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    go.set()

    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(caught.value.__cause__, OSError)


async def test_work_that_cancels_itself_is_cancelled() -> None:
    """A cancellation from inside the work is passed on, not waited for for ever."""

    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await finish(work())
