"""What the world sees of an agent: past-tense facts, and the hub that hands them to subscribers.

Each event encodes to one JSON object whose `type` is its name in snake case: `msgspec.json.encode(event)`, and back by
`decode_event`. Viewers subscribe; remove them all and the agent is the same.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TypeAlias, Union

import msgspec

from .messages import JSON, Message, ToolCall, Usage

_log = logging.getLogger("pygent.events")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake_case):
    """Something that happened."""


class TurnStarted(Event, frozen=True):
    """A run, or a single step, began with this request."""

    prompt: str


class TurnFinished(Event, frozen=True):
    """A run ended.

    `reason` is `stop`, `continue`, `reply`, `interrupted`, `cancelled`, `error`, or the limit that was reached:
    `max_steps`, `max_time`, `step_timeout`, `tokens`. `answer` is what it came to, in words; empty when it was cut off.
    """

    reason: str
    answer: str
    steps: int
    usage: Usage
    duration: float


class StepStarted(Event, frozen=True):
    """The model is about to be asked; steps of a run count from 1."""

    number: int


class MessageAdded(Event, frozen=True):
    """A message was appended to the history."""

    message: Message


class TextDelta(Event, frozen=True):
    """The model said a bit more."""

    text: str


class ReasoningDelta(Event, frozen=True):
    """The model thought a bit further."""

    text: str


class ToolCallDelta(Event, frozen=True):
    """The model wrote a bit more of a tool call; `index` counts the calls of this reply from 0."""

    index: int
    name: str
    arguments: str


class StreamRestarted(Event, frozen=True):
    """The reply broke off and is asked for again, or was a thought so far: forget all deltas since the step began."""

    reason: str


class ToolCallsRescued(Event, frozen=True):
    """The text of the reply was nothing but tool calls written down, and is taken as such: forget its deltas.

    Small local models do that. `names` are the tools that are called.
    """

    names: tuple[str, ...]


class RetryScheduled(Event, frozen=True):
    """A request failed and is sent again after `delay` seconds; `attempt` is the number of the failed one, from 1.

    With `attempt` 0 it was not sent yet: the server has too many requests already, of all who ask it with this key.
    """

    attempt: int
    delay: float
    reason: str


class ModelReplaced(Event, frozen=True):
    """A model of a `FallbackModel` had no answer, for this `reason`; `model` is the one that is asked instead."""

    model: str
    reason: str


class RuntimeOpened(Event, frozen=True):
    """The place where commands run is ready; `notice` says so if it is not the one that was hoped for."""

    kind: str
    workspace: str
    notice: str | None = None


class ToolStarted(Event, frozen=True):
    """A tool call was approved and begins."""

    call: ToolCall


class ToolOutputDelta(Event, frozen=True):
    """A running tool printed something."""

    call_id: str
    text: str


class ToolFinished(Event, frozen=True):
    """A tool call has its answer: `output` is for the model, `display` for people where it differs."""

    call_id: str
    name: str
    output: str
    display: str | None = None
    is_error: bool = False
    duration: float = 0.0


class EventsDropped(Event, frozen=True):
    """A stream's reader was too slow: this many events were dropped here."""

    count: int


AnyEvent: TypeAlias = Union[  # noqa: UP007 - msgspec reads the union at run time
    TurnStarted,
    TurnFinished,
    StepStarted,
    MessageAdded,
    TextDelta,
    ReasoningDelta,
    ToolCallDelta,
    StreamRestarted,
    ToolCallsRescued,
    RetryScheduled,
    ModelReplaced,
    RuntimeOpened,
    ToolStarted,
    ToolOutputDelta,
    ToolFinished,
    EventsDropped,
]

Emit: TypeAlias = Callable[[Event], None]
"""The one verb: tell whoever listens. Never blocks, never raises."""


def decode_event(line: bytes | str) -> AnyEvent:
    """Read one event back from the JSON that `stream-json` printed.

    Raises:
        ValueError: it is not an event.
    """
    event: AnyEvent = msgspec.json.decode(line, type=AnyEvent)
    return event


class Subscription:
    """One subscriber's place in the hub; `close()` it, or use it as a context manager."""

    def __init__(self, hub: Hub, callback: Emit) -> None:
        self._hub = hub
        self._callback = callback

    def close(self) -> None:
        """Stop receiving; may be called twice."""
        if self in self._hub._subscriptions:
            self._hub._subscriptions.remove(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Hub:
    """Hands each event to every subscriber, in the order of subscription, on the agent's event loop."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def __repr__(self) -> str:
        return f"<Hub subscribers={len(self._subscriptions)}>"

    def subscribe(self, callback: Emit) -> Subscription:
        """Call `callback(event)` for each event from now on.

        It runs on the agent's event loop and must not block; if it raises, that is logged and nothing else happens.
        """
        subscription = Subscription(self, callback)
        self._subscriptions.append(subscription)
        return subscription

    def emit(self, event: Event) -> None:
        """Tell every subscriber; never raises."""
        for subscription in tuple(self._subscriptions):
            try:
                subscription._callback(event)
            except Exception:
                _log.exception("a subscriber failed on %s", type(event).__name__)

    @asynccontextmanager
    async def stream(self, *, size: int = 10_000) -> AsyncIterator[EventStream]:
        """Open a stream of the events from now on; it ends when the block is left.

        Args:
            size: how many events may wait for a slow reader. Beyond it the oldest are dropped, and an `EventsDropped`
                in their place says how many.
        """
        stream = EventStream(size)
        with self.subscribe(stream.put):
            try:
                yield stream
            finally:
                stream.close()


class EventStream:
    """An async iterator over events, fed by `put` and bounded in memory."""

    def __init__(self, size: int = 10_000) -> None:
        if size < 1:
            raise ValueError(f"size={size}: a stream needs room for one event at least")

        self._waiting: deque[Event] = deque()
        self._size = size
        self._dropped = 0
        self._closed = False
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<EventStream {state} waiting={len(self._waiting)} dropped={self._dropped}>"

    def put(self, event: Event) -> None:
        """Append an event; the oldest waiting one gives way when there are too many."""
        if self._closed:
            return

        if len(self._waiting) >= self._size:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        """End the stream after what is already waiting; may be called twice."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration

            self._news.clear()
            await self._news.wait()

        if self._dropped:
            count, self._dropped = self._dropped, 0
            return EventsDropped(count=count)

        return self._waiting.popleft()


def event_schema() -> JSON:
    """The JSON Schema of all events, as `--output-format stream-json` prints them."""
    return msgspec.json.schema(AnyEvent)
