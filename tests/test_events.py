"""Events: facts that survive JSON, and a hub that no subscriber can break or flood."""

from __future__ import annotations

import asyncio
import json
import logging

import msgspec
import pytest

from pygent import Event, EventsDropped, Hub, Message, MessageAdded, TextDelta, ToolCall, ToolCallFunction, ToolStarted
from pygent.events import AnyEvent, EventStream, decode_event, event_schema


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(text="hi \x1b"),
        MessageAdded(message=Message.user("hi")),
        ToolStarted(call=ToolCall(id="1", function=ToolCallFunction(name="bash"))),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_survive_json(event: Event) -> None:
    """An event written as a line of JSON reads back equal, its type named in snake case."""
    line = msgspec.json.encode(event)

    assert decode_event(line) == event
    assert "_" in json.loads(line)["type"]


def test_every_event_is_in_the_union_and_the_schema() -> None:
    """No event class is forgotten in what `decode_event` and the schema know."""
    classes = set(Event.__subclasses__())

    assert set(AnyEvent.__args__) == classes  # type: ignore[attr-defined] # a Union has __args__
    assert len(event_schema()["anyOf"]) == len(classes)


def test_subscribers_hear_in_order_until_they_close() -> None:
    """Each subscriber gets each event from its subscription to its end."""
    hub, heard = Hub(), []
    first = hub.subscribe(lambda event: heard.append(("first", event)))
    with hub.subscribe(lambda event: heard.append(("second", event))):
        hub.emit(TextDelta(text="1"))
    first.close()
    first.close()
    hub.emit(TextDelta(text="2"))

    assert heard == [("first", TextDelta(text="1")), ("second", TextDelta(text="1"))]
    assert repr(hub) == "<Hub subscribers=0>"


def test_a_subscriber_may_leave_while_it_is_told() -> None:
    """Closing a subscription inside its callback does not disturb the others."""
    hub, heard = Hub(), []
    first = hub.subscribe(lambda event: first.close())
    hub.subscribe(heard.append)

    hub.emit(TextDelta(text="1"))

    assert heard == [TextDelta(text="1")]


def test_a_failing_subscriber_is_logged_and_harms_no_one(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in one subscriber reaches the log, not the agent and not the other subscribers."""
    hub, heard = Hub(), []
    hub.subscribe(lambda event: 1 / 0)  # type: ignore[arg-type, return-value] # it never returns
    hub.subscribe(heard.append)

    with caplog.at_level(logging.ERROR, "pygent.events"):
        hub.emit(TextDelta(text="1"))

    assert heard == [TextDelta(text="1")]
    assert "a subscriber failed on TextDelta" in caplog.text


async def test_stream_waits_for_events_and_ends() -> None:
    """A stream yields what was emitted while it was open, waits for more, and ends after the last."""
    hub = Hub()
    async with hub.stream() as stream:
        reader = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        hub.emit(TextDelta(text="1"))
        assert await reader == TextDelta(text="1")
        hub.emit(TextDelta(text="2"))

    assert [event async for event in stream] == [TextDelta(text="2")]
    assert repr(stream) == "<EventStream closed waiting=0 dropped=0>"


async def test_a_slow_reader_is_told_what_it_missed() -> None:
    """Memory is bounded: the oldest events give way, and their number stands in their place."""
    stream = EventStream(size=2)
    for number in range(5):
        stream.put(TextDelta(text=str(number)))
    stream.close()
    stream.put(TextDelta(text="too late"))

    assert [event async for event in stream] == [EventsDropped(count=3), TextDelta(text="3"), TextDelta(text="4")]
