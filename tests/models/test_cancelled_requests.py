"""Requests that are cancelled: at once, at any moment, by the thousand; the server knows, and nothing is left.

The storm of this file is a thousand requests; `python -m tests.models.cancel_storm 10000` is a longer one.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from pygent import AsyncAgent
from pygent.events import RetryScheduled, TextDelta
from pygent.models import OpenAIModel
from pygent.testing.server import HELLO, MisbehavingServer

from .cancel_storm import storm
from .conftest import HI, KEY, MakeModel

AT_ONCE = 0.5
"""Seconds in which a cancelled request has ended: it takes a few milliseconds, but the machine may be busy."""


async def cancelled(chat: asyncio.Task[object]) -> None:
    """Cancel; the request ends at once, as cancelled."""
    chat.cancel()
    async with asyncio.timeout(AT_ONCE):
        await asyncio.wait([chat])
    assert chat.cancelled()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["hang", "hangheaders", "keepalive", "slowloris", "drip", "stall"])
async def test_a_request_under_way_ends_at_once(
    name: str, stream: bool, server: MisbehavingServer, make_model: MakeModel
) -> None:
    """Wherever it stands: the server sees the connection end, no task is left, and the next request works."""
    model = make_model(stream=stream, max_retries=3)
    await model.chat(HI, "fault:ok", [])
    before = asyncio.all_tasks()
    chat = asyncio.create_task(model.chat(HI, f"fault:{name}", []))
    await until(lambda: len(server.log) == 2)

    await cancelled(chat)

    async with asyncio.timeout(AT_ONCE):
        await server.log[1].closed.wait()
    assert asyncio.all_tasks() <= before
    assert (await model.chat(HI, "fault:ok", [])).content == HELLO
    assert len(server.log) == 3


async def test_a_wait_between_attempts_ends_at_once(server: MisbehavingServer, make_model: MakeModel) -> None:
    """No further request is sent."""
    scheduled = asyncio.Event()
    model = make_model(max_retries=3, timeouts={"total": None})
    chat = asyncio.create_task(
        model.chat(
            HI, "fault:429ra:60", [], emit=lambda event: scheduled.set() if isinstance(event, RetryScheduled) else None
        )
    )
    await scheduled.wait()

    await cancelled(chat)

    assert len(server.log) == 1


async def test_a_wait_for_a_place_ends_at_once(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Who leaves the queue loses nobody's place: the one behind is next."""
    model = make_model(max_in_flight=1)
    first = asyncio.create_task(model.chat(HI, "fault:stall", []))
    await until(lambda: server.log)
    second, third = (asyncio.create_task(model.chat(HI, "fault:ok", [])) for _ in range(2))
    await asyncio.sleep(0)

    await cancelled(second)
    await cancelled(first)

    assert (await third).content == HELLO
    assert len(server.log) == 2


async def test_a_place_is_not_lost_to_one_who_leaves_as_it_is_given(make_model: MakeModel) -> None:
    """Cancelled in the very moment of its turn, a request hands the place on."""
    model = make_model(max_in_flight=1)
    for steps in range(12):
        first, second, third = (asyncio.create_task(model.chat(HI, "fault:ok", [])) for _ in range(3))
        await first
        for _ in range(steps):
            await asyncio.sleep(0)
        second.cancel()
        async with asyncio.timeout(5):
            assert (await third).content == HELLO
        await asyncio.wait([second])


async def test_a_connection_that_is_not_made_yet_is_given_up() -> None:
    """A server that accepts nothing is left at once; nothing goes on trying."""
    gate = asyncio.Event()
    accepted: list[asyncio.StreamWriter] = []

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await gate.wait()
        writer.close()

    async with await asyncio.start_server(never, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        model = OpenAIModel(f"https://{host}:{port}/v1", KEY, max_retries=3)  # it waits for the TLS handshake
        chat = asyncio.create_task(model.chat(HI, "m", []))
        await until(lambda: accepted)

        await cancelled(chat)

        gate.set()


async def test_a_viewer_who_leaves_ends_the_request(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Breaking out of an agent's stream closes the connection; no generator and no task is left to be found."""
    agent = AsyncAgent(make_model(), model_name="fault:stall", tools=[])
    before = asyncio.all_tasks()
    async with agent.stream("hi") as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break

    async with asyncio.timeout(AT_ONCE):
        await server.log[0].closed.wait()
    gc.collect()
    assert {task for task in asyncio.all_tasks() - before if "_accept" not in repr(task.get_coro())} == set()
    await agent.aclose()


async def test_a_viewer_who_fails_ends_the_request(server: MisbehavingServer, make_model: MakeModel) -> None:
    """An error of the listener is the listener's: it comes out as it is, and the connection is closed."""

    def listen(event: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await make_model(max_retries=3).chat(HI, "fault:stall", [], emit=listen)

    async with asyncio.timeout(AT_ONCE):
        await server.log[0].closed.wait()
    assert len(server.log) == 1


async def test_a_storm_of_cancellations_leaves_nothing_behind() -> None:
    """A thousand, at random moments, ten requests in flight: the next ten work, and the server sees each end in 100 ms.

    One in a hundred may take longer: the server and its clients share one event loop here, and the machine with others.
    """
    report = await storm(1000)

    assert report.cancelled >= 1000
    assert len(report.closes) > 300
    assert report.replies == [HELLO] * 10
    assert report.left == set()
    assert report.within(0.99) < 0.1, str(report)
