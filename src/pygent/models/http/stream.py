"""A reply read from its stream, as it comes: `Reply` is what the stream is merged into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Protocol

from ...errors import ModelError, StreamInterrupted
from ...events import Emit, Event
from ...messages import JSON, Message
from ..wire import decode_json
from .faults import not_a_reply
from .sse import MAX_EVENT_BYTES, SSEDecoder

if TYPE_CHECKING:
    from .exchange import Response

MAX_STREAM_BYTES = 64 << 20
"""The longest stream: it wraps each word in two hundred bytes, so this is a long reply."""

_DONE = "[DONE]"

_DRAIN = 0.1
"""Seconds for the last bytes after `[DONE]`: once they are read, the connection can be used again."""


class Reply(Protocol):
    """A reply as far as it came, in one of the protocols that servers speak."""

    @property
    def has_begun(self) -> bool:
        """Whether the model has said, thought or called anything."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the reply is whole; what tells how much it cost may still follow."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow any more."""
        ...

    def end(self) -> None:
        """Take the stream's word, `[DONE]`, that nothing follows.

        Raises:
            ModelError: there is no whole reply.
        """
        ...

    def add(self, chunk: JSON, /) -> Sequence[Event]:
        """Merge one chunk and return what a viewer should see of it.

        Raises:
            ModelError: the chunk is an error, or no chunk at all.
        """
        ...

    def add_completion(self, body: bytes, /) -> Sequence[Event]:
        """Merge a whole reply that was not streamed.

        Raises:
            ModelError: it is an error, or no reply at all.
        """
        ...

    def message(self) -> Message:
        """The reply so far."""
        ...


async def read_stream(response: Response, reply: Reply, show: Emit, *, on_content: Callable[[], None]) -> None:
    """Merge the stream into `reply` until it is complete.

    A server that answers with a whole completion instead of a stream is understood, too.

    Args:
        response: the answer of the server.
        reply: receives the chunks; it holds what came if this raises.
        show: receives the events for viewers.
        on_content: is called whenever the model has said, thought or called something, and when the reply is complete.

    Raises:
        StreamInterrupted: it ended with neither a finish reason nor `[DONE]`.
        ModelResponseError: it is neither a stream of chunks nor a completion.
        ModelConnectionError: the connection broke.
    """
    decoder = SSEDecoder()
    undecoded: list[bytes] | None = []  # all that came, until the first event
    kept = 0
    async with aclosing(response.chunks(limit_bytes=MAX_STREAM_BYTES)) as chunks:
        async for chunk in chunks:
            data = decoder.feed(chunk)
            has_content = _merge(data, reply, show)
            if reply.is_over:
                with suppress(TimeoutError, ModelError):
                    async with asyncio.timeout(_DRAIN):
                        async for _ in chunks:
                            pass
                return

            if has_content:
                on_content()
            if data:
                undecoded = None
            elif undecoded is not None:
                undecoded.append(chunk)
                kept += len(chunk)
                if kept > MAX_EVENT_BYTES:  # comments without end: the decoder takes no completion of this size
                    undecoded = None
    rest = [data for data in decoder.feed(b"\n\n") if _is_whole(data)]
    if undecoded is not None and not rest:
        for event in reply.add_completion(b"".join(undecoded)):
            show(event)
        return

    _merge(rest, reply, show)
    if not reply.is_complete:
        raise StreamInterrupted("the stream ended in the middle of the reply", partial=reply.message())


def _merge(events: Sequence[str], reply: Reply, show: Emit) -> bool:
    """Merge the data of some events, up to the one behind which nothing counts; whether there was content in them."""
    has_content = False
    for data in events:
        if data.strip() == _DONE:
            reply.end()
            break

        try:
            chunk = decode_json(data)
        except ValueError as error:
            raise not_a_reply(data.encode(), f"a chunk is not JSON: {error}") from error

        try:
            seen = reply.add(chunk)
        except ModelError as error:
            if reply.has_begun:  # the server gave up on a reply that is half shown: it would again
                error.should_retry = False
            raise

        for event in seen:
            show(event)
        has_content = has_content or bool(seen) or reply.is_complete
        if reply.is_over:
            break
    return has_content


def _is_whole(data: str) -> bool:
    """Whether the last event of a stream without a blank line at its end is all there."""
    with suppress(ValueError):
        return data.strip() == _DONE or decode_json(data) is not None
    return False
