"""The background loop: one for all threads, usable from everywhere but itself, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar

import pytest
from blockbuster import BlockBuster

from pygent import portal
from pygent.cleanup import finish


@pytest.fixture(autouse=True)
def own_portal() -> Iterator[None]:
    """Each test has a loop of its own, and its end is part of the test."""
    portal.shutdown()
    yield
    portal.shutdown()
    assert "pygent-portal" not in {thread.name for thread in threading.enumerate()}


async def where() -> tuple[str, asyncio.AbstractEventLoop]:
    return threading.current_thread().name, asyncio.get_running_loop()


async def nothing() -> None:
    """Take part in no test."""


class Gate:
    """Something on the loop that waits: `entered` and `left` tell the test's thread where it is."""

    def __init__(self) -> None:
        self.entered, self.left = threading.Event(), threading.Event()

    async def wait(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await finish(self._leave())

    async def _leave(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        self.left.set()


def test_call_runs_on_the_background_loop() -> None:
    """Calls run on one loop in a thread of its own, and return what the coroutine returns."""

    async def double(number: int, *, plus: int) -> int:
        return number * 2 + plus

    assert portal.call(double, 2, plus=1) == 5
    assert portal.call(where) == portal.call(where)
    assert portal.call(where)[0] == "pygent-portal"
    assert not portal.in_portal_thread()


@pytest.mark.parametrize(
    "error", [ValueError("no"), TimeoutError("late"), SystemExit(3), KeyboardInterrupt()], ids=repr
)
def test_error_is_the_callers(error: BaseException) -> None:
    """What the coroutine raises reaches its caller, whatever it is, and the loop goes on."""

    async def fail() -> None:
        raise error

    loop = portal.call(where)
    with pytest.raises(type(error)) as caught:
        portal.call(fail)

    assert caught.value is error
    assert portal.call(where) == loop


def test_context_goes_along() -> None:
    """The coroutine sees the caller's context variables."""
    variable: ContextVar[str] = ContextVar("variable", default="")

    async def read() -> str:
        return variable.get()

    variable.set("caller's")
    assert portal.call(read) == "caller's"


def test_many_threads_share_one_loop() -> None:
    """Eight threads call at once; their calls meet on one loop, and none waits for another's end."""
    meeting: list[asyncio.Barrier] = []

    async def make() -> None:
        meeting.append(asyncio.Barrier(8))

    async def meet() -> asyncio.AbstractEventLoop:
        await meeting[0].wait()
        return asyncio.get_running_loop()

    portal.call(make)
    with ThreadPoolExecutor(8) as threads:
        loops = list(threads.map(lambda _: portal.call(meet), range(8)))

    assert len(set(loops)) == 1


async def test_call_inside_a_running_loop(no_blocking_calls: BlockBuster) -> None:
    """Inside a running loop it works, and one warning says what to await instead, at the user's line."""
    no_blocking_calls.deactivate()  # to block is what a synchronous call does
    with pytest.warns(RuntimeWarning, match=r"blocks the event loop .*; await where instead") as warnings:
        places = [portal.call(where), portal.call(where)]

    assert {name for name, _ in places} == {"pygent-portal"}
    assert [warning.filename for warning in warnings] == [__file__]


def test_call_from_the_background_loop() -> None:
    """A call that would wait for itself is an error at once, and says what to await."""

    async def call_again() -> None:
        assert portal.in_portal_thread()
        portal.call(where)

    with pytest.raises(RuntimeError, match="would wait for the event loop that it runs on; await where instead"):
        portal.call(call_again)


def test_shutdown_from_the_background_loop() -> None:
    """The loop cannot wait for its own end."""

    async def end() -> None:
        portal.shutdown()

    with pytest.raises(RuntimeError, match="another thread"):
        portal.call(end)


class Interruption(BaseException):
    """What a signal handler of the test raises."""


def test_interrupted_call_is_cancelled_and_cleaned_up() -> None:
    """When a signal handler raises, as Ctrl-C does, the call is cancelled and has cleaned up before that goes on."""
    gate = Gate()

    def interrupt(number: int, frame: object) -> None:
        raise Interruption

    async def wait_and_be_interrupted() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGUSR1)
        await gate.wait()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interruption):
            portal.call(wait_and_be_interrupted)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert gate.left.is_set()
    assert portal.call(where)


def test_shutdown_ends_what_runs() -> None:
    """A call in flight is cancelled, cleans up, and its caller is told; async generators are closed."""
    gate, closed = Gate(), threading.Event()

    async def generate() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            closed.set()

    generator = generate()
    portal.call(anext, generator)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(portal.call, gate.wait)
        gate.entered.wait()
        portal.shutdown()
        with pytest.raises(RuntimeError, match=r"Gate.wait was cancelled: .* has ended"):
            call.result()

    assert gate.left.is_set()
    assert closed.is_set()


def test_call_that_will_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever for a coroutine that cannot be cancelled: with the loop the wait ends."""
    monkeypatch.setattr(portal, "SHUTDOWN_SECONDS", 0.1)
    entered = threading.Event()

    async def refuse() -> None:
        while True:
            entered.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(portal.call, refuse)
        entered.wait()
        loop_thread = next(each for each in threading.enumerate() if each.name == "pygent-portal")
        portal.shutdown()
        with pytest.raises(RuntimeError, match="refuse was cancelled"):
            call.result()
        loop_thread.join()


def test_after_shutdown_a_new_loop_starts() -> None:
    """`shutdown()` may be called again, and does not end the use of the portal."""
    loop = portal.call(where)[1]
    portal.shutdown()
    portal.shutdown()

    assert loop.is_closed()
    assert portal.call(where)[1] is not loop


class Owner:
    """Something with a closer."""


class Opened:
    """What a closer closes; counts how often."""

    def __init__(self) -> None:
        self.closed = 0
        self.done = threading.Event()

    async def aclose(self) -> None:
        self.closed += 1
        self.done.set()


def test_closer_closes_once() -> None:
    """Called, it closes; called again, forgotten, or at the end, it does not close again."""
    owner, opened = Owner(), Opened()
    close = portal.Closer(owner, opened.aclose)

    close()
    close()
    del owner
    portal.shutdown()

    assert opened.closed == 1


@pytest.mark.parametrize("how", ["dropped", "collected", "on the loop"])
def test_closer_of_what_is_forgotten(how: str) -> None:
    """When its owner is forgotten it closes, without waiting, on whichever thread that happens."""
    owners, opened = [Owner()], Opened()
    portal.Closer(owners[0], opened.aclose)

    async def drop() -> None:
        owners.clear()

    if how == "collected":
        owners[0].circle = owners[0]  # type: ignore[attr-defined] # so that only the collector finds it
    if how == "on the loop":
        portal.call(drop)
    else:
        portal.call(nothing)
        owners.clear()
        gc.collect()

    assert opened.done.wait(10)
    assert opened.closed == 1


def test_closer_called_on_the_loop() -> None:
    """On the loop it cannot be waited for; what was to be closed is closed later, not lost."""
    owner, opened = Owner(), Opened()
    close = portal.Closer(owner, opened.aclose)

    async def close_here() -> None:
        close()

    with pytest.raises(RuntimeError, match="would wait"):
        portal.call(close_here)
    assert opened.closed == 0
    portal.shutdown()
    assert opened.closed == 1


def test_call_soon() -> None:
    """A plain function runs on the loop before later calls, and at once if called there; without a loop not at all."""
    places: list[str] = []

    def note() -> None:
        places.append(threading.current_thread().name)

    async def note_here() -> int:
        portal.call_soon(note)
        return len(places)

    portal.call_soon(note)
    assert portal.call(note_here) == 1
    portal.call_soon(note)
    assert portal.call(note_here) == 3
    assert set(places) == {"pygent-portal"}


def test_shutdown_closes_what_is_open(caplog: pytest.LogCaptureFixture) -> None:
    """At the end all that is open is closed; one that fails is logged and hinders no other."""
    owner, opened = Owner(), [Opened(), Opened()]

    async def fail() -> None:
        raise OSError("stuck")

    portal.Closer(owner, opened[0].aclose)
    portal.Closer(owner, fail)
    portal.Closer(owner, opened[1].aclose)
    portal.call(nothing)
    with caplog.at_level(logging.ERROR, "pygent.portal"):
        portal.shutdown()

    assert [each.closed for each in opened] == [1, 1]
    assert "stuck" in caplog.text
