"""A slow, stuck or vanished terminal never stops the work."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pygent import EventsDropped, StepStarted, TextDelta
from pygent.cli.writer import MAX_WAITING, Writer, is_stuck


async def test_draws_in_order_and_to_the_end() -> None:
    """Closing waits until all is drawn; then nothing of it is left."""
    drawn: list[object] = []
    writer = Writer(drawn.append)
    events = [TextDelta(text=str(number)) for number in range(100)]

    for event in events:
        writer.put(event)
    await writer.close(lambda: drawn.append("last"))

    assert drawn == [*events, "last"]
    assert not is_stuck()


async def test_questions_come_after_what_was_drawn_before() -> None:
    """Who is asked has seen everything until then."""
    drawn: list[object] = []
    writer = Writer(drawn.append)
    writer.put(StepStarted(number=1))

    assert await writer.ask(lambda: len(drawn)) == 1

    await writer.close()


async def test_failing_question_fails_for_who_asked() -> None:
    """An error of the question goes to who asked; the thread goes on."""
    writer = Writer(lambda _: None)

    with pytest.raises(ZeroDivisionError):
        await writer.ask(lambda: 1 // 0)

    assert await writer.ask(lambda: "well") == "well"
    await writer.close()


async def test_flood_is_bounded_and_counted() -> None:
    """While the terminal is stuck, deltas beyond the limit are dropped and counted; facts are kept."""
    stuck, drawn = threading.Event(), []

    def draw(event: object) -> None:
        stuck.wait(20)
        drawn.append(event)

    writer = Writer(draw)
    for _ in range(50):
        writer.put(TextDelta(text="x" * (MAX_WAITING // 20)))
    writer.put(StepStarted(number=1))
    stuck.set()
    await writer.close()

    dropped = [event.count for event in drawn if isinstance(event, EventsDropped)]
    assert sum(dropped) + sum(isinstance(event, TextDelta) for event in drawn) == 50
    assert len(drawn) < 30
    assert drawn[-1] == StepStarted(number=1)


async def test_broken_pipe_is_told_once_and_drawing_ends() -> None:
    """When nobody reads any more the loop is told, and nothing else is tried."""
    tries, broken = [], asyncio.Event()

    def draw(event: object) -> None:
        tries.append(event)
        raise BrokenPipeError

    writer = Writer(draw, broken.set)
    for number in range(3):
        writer.put(StepStarted(number=number))
    await broken.wait()
    await writer.close()

    assert len(tries) == 1
    assert writer.is_broken


async def test_event_that_cannot_be_drawn_is_logged(caplog) -> None:
    """A mistake in drawing costs that event, nothing more."""
    drawn = []

    def draw(event: object) -> None:
        if not drawn:
            drawn.append("failed")
            raise KeyError("mistake")

        drawn.append(event)

    writer = Writer(draw)
    writer.put(StepStarted(number=1))
    writer.put(StepStarted(number=2))
    await writer.close()

    assert drawn == ["failed", StepStarted(number=2)]
    assert "could not be shown" in caplog.text


async def test_stuck_terminal_is_given_up() -> None:
    """Closing ends in bounded time also when nobody ever reads."""
    stuck = threading.Event()
    writer = Writer(lambda _: stuck.wait(20))
    writer.put(StepStarted(number=1))

    await writer.close(patience=0.05)

    assert is_stuck()
    stuck.set()
    await writer.close()
    assert not is_stuck()
