"""`Gate`: nobody asks a server before the time that it named, and never more at once than was wished."""

from __future__ import annotations

import asyncio

import pytest

from pygent.models.http.gate import Gate, _gates, gate_of


async def test_a_held_gate_keeps_all_waiting_until_its_time() -> None:
    """Those who come meanwhile enter when it opens, and not before."""
    gate, loop = Gate(), asyncio.get_running_loop()
    opens = loop.time() + 0.1
    gate.hold(0.1)

    async def entered() -> float:
        async with gate.enter():
            return loop.time()

    times = await asyncio.gather(*(entered() for _ in range(20)))

    assert all(time >= opens for time in times)
    assert repr(gate) == "<Gate open inside=0>"


async def test_a_longer_hold_is_not_shortened() -> None:
    """Of two times that a server names the later one counts."""
    gate = Gate()
    gate.hold(60)
    gate.hold(1)

    assert repr(gate).startswith(("<Gate closed for 60.0 s", "<Gate closed for 59."))


async def test_no_more_than_wished_are_inside_and_the_first_comes_first() -> None:
    """The order of arrival is the order of entry."""
    gate = Gate()
    inside = most = 0
    order: list[int] = []

    async def visit(number: int) -> None:
        nonlocal inside, most
        async with gate.enter(3):
            order.append(number)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*map(visit, range(50)))

    assert most == 3
    assert order == list(range(50))


async def test_who_is_cancelled_while_waiting_leaves_no_trace() -> None:
    """The place of one who gave up goes to the next."""
    gate = Gate()

    async def visit() -> str:
        async with gate.enter(1):
            return "was inside"

    async with gate.enter(1):
        given_up, patient = asyncio.create_task(visit()), asyncio.create_task(visit())
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert repr(gate) == "<Gate open inside=2>"

    assert await patient == "was inside"
    assert gate.is_idle


async def test_an_endpoint_has_one_gate_as_long_as_it_matters() -> None:
    """Two who ask the same share it; one that is idle is not kept for ever."""
    gate = gate_of("a")
    gate.hold(60)
    idle = gate_of("b")

    assert gate_of("a") is gate
    assert gate_of("c") is not gate
    assert gate_of("b") is not idle
    assert gate_of("a") is gate


def test_loops_that_ended_are_forgotten() -> None:
    """Also those whose gate somebody had to wait at."""

    async def crowd() -> None:
        async def visit() -> None:
            async with gate_of("a").enter(1):
                await asyncio.sleep(0)

        await asyncio.gather(*(visit() for _ in range(5)))

    for _ in range(5):
        asyncio.run(crowd())

    assert len(_gates) == 1


def test_each_event_loop_has_its_own() -> None:
    """What waits on one loop cannot be woken by another."""

    async def mine() -> Gate:
        return gate_of("a")

    first, second = asyncio.run(mine()), asyncio.run(mine())

    assert first is not second
