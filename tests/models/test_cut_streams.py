"""Streams that the network cuts: into pieces at any byte, which changes nothing, or off, which is never a success."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from pygent.errors import ModelError, StreamInterrupted
from pygent.events import Event, TextDelta
from pygent.messages import Message
from pygent.models import OpenAIModel
from pygent.models.chat.deltas import PartialReply
from pygent.models.http.stream import read_stream
from pygent.testing.server import STREAMS

from .conftest import HI, KEY
from .raw_server import answering, chunked

STEPS = {name: 1 if len(data) < 1400 else 37 for name, data in STREAMS.items()}
"""Streams that are longer say the same thing often: at each byte they are cut in two only."""

CUTS = {name: range(0, len(data) + 1, STEPS[name]) for name, data in STREAMS.items()}


class Body:
    """A response that brings its body in these pieces, and then ends: the connection closes without a word."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def chunks(self, *, limit_bytes: int) -> AsyncGenerator[bytes, None]:
        for piece in self._pieces:
            yield piece


def nothing() -> None: ...


async def read(*pieces: bytes, show: Callable[[Event], None] = lambda event: None) -> Message | ModelError:
    """The message that comes of these pieces, or the error."""
    reply = PartialReply()
    try:
        await read_stream(Body(pieces), reply, show, on_content=nothing)  # type: ignore[arg-type] # all it needs
    except ModelError as error:
        return error

    return reply.message()


def meaning(outcome: Message | ModelError) -> Any:
    """What must be the same: all but the ids that are made up, and what an error quotes."""
    if isinstance(outcome, ModelError):
        return type(outcome), outcome.should_retry

    calls = [(call.function.name, call.function.arguments) for call in outcome.tool_calls]
    return outcome.content, calls, outcome.reasoning, outcome.refusal, outcome.usage, outcome.finish_reason


@pytest.mark.parametrize("name", STREAMS)
async def test_cut_in_two_at_any_byte_it_is_the_same(name: str) -> None:
    """Wherever the network cuts a stream, between CR and LF or inside a character, the outcome is that of the whole."""
    data = STREAMS[name]
    whole = meaning(await read(data))

    for cut in CUTS[name] if name == "tool_args_deep" else range(len(data) + 1):  # ten thousand brackets in a row
        assert meaning(await read(data[:cut], data[cut:])) == whole, cut


@pytest.mark.parametrize("name", STREAMS)
async def test_byte_by_byte_it_is_the_same(name: str) -> None:
    """A stream that drips in gives the outcome of the whole."""
    data = STREAMS[name]

    assert meaning(await read(*(data[i : i + 1] for i in range(len(data))))) == meaning(await read(data))


@pytest.mark.parametrize("name", STREAMS)
async def test_cut_off_at_any_byte_it_is_an_error_or_all_was_said(name: str) -> None:
    """What breaks off passes for a reply only when nothing is missing but the usage: there is no silent truncation."""
    data = STREAMS[name]
    whole = await read(data)

    for cut in CUTS[name]:
        start = await read(data[:cut])
        if isinstance(start, Message):
            assert isinstance(whole, Message), cut
            assert meaning(start)[:4] == meaning(whole)[:4], cut


@pytest.mark.parametrize("name", sorted(STREAMS.keys() - {"surrogates"}))  # half an emoji is shown as a question mark
async def test_what_is_shown_of_a_stream_that_is_cut_off_was_said(name: str) -> None:
    """Viewers never see a word that is not in the whole reply, and the error holds what they saw."""
    whole: list[Event] = []
    await read(STREAMS[name], show=whole.append)

    for cut in CUTS[name]:
        seen: list[Event] = []
        outcome = await read(STREAMS[name][:cut], show=seen.append)
        assert words(whole).startswith(words(seen)), cut
        if isinstance(outcome, StreamInterrupted):
            assert outcome.partial is not None
            assert outcome.partial.text.startswith(words(seen))  # more: what may have become a tag


def words(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


SOCKETS = [
    "ok",
    "crlf",
    "cr",
    "bom",
    "multidata",
    "surrogates",
    "tool_interleaved",
    "tool_dupid",
    "reasoning",
    "eofmid",
]


@pytest.mark.parametrize("name", SOCKETS)
async def test_it_is_the_same_through_a_socket(name: str) -> None:
    """A sample of the cuts, as the chunks of a real connection."""
    data = STREAMS[name]
    whole = meaning(await read(data))
    cuts = CUTS[name][:: 1 + len(CUTS[name]) // 20]
    async with answering(chunked(data[:cut], data[cut:]) for cut in cuts) as url:
        model = OpenAIModel(url, KEY, max_retries=0)
        for cut in cuts:
            assert meaning(await ask(model)) == whole, cut


async def ask(model: OpenAIModel) -> Message | ModelError:
    try:
        return await model.chat(HI, "m", [])
    except ModelError as error:
        return error
