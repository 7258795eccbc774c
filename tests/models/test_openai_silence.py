"""`OpenAIModel` and servers that say nothing, or never come to an end: patience is bounded, and counts content only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from pygent.errors import ModelError, ModelTimeout, StreamInterrupted
from pygent.models import OpenAIModel, Timeouts
from pygent.testing.server import HELLO, MisbehavingServer, sse

from .conftest import HI, KEY, MakeModel
from .test_openai_faults import assert_ours

AT_MOST = 5.0
"""Seconds: far more than the limits of the tests, for a busy machine; far less than a server that is waited for."""

SILENT: dict[str, tuple[dict[str, float], type[ModelError], str]] = {
    "hang": ({"first_content": 0.2}, ModelTimeout, "0.2 s"),
    "hangheaders": ({"first_content": 0.2}, ModelTimeout, "0.2 s"),
    "keepalive": ({"first_content": 0.2}, ModelTimeout, "0.2 s"),
    "slowloris": ({"first_content": 0.2}, ModelTimeout, "0.2 s"),
    "stall": ({"idle_content": 0.2}, StreamInterrupted, "0.2 s"),
    "drip": ({"total": 0.3}, ModelTimeout, "0.3 s"),
}


@pytest.mark.parametrize("name", SILENT)
async def test_silence_has_an_end(name: str, make_model: MakeModel) -> None:
    """A server that says nothing, or nothing new, is left; keeping the connection busy does not count."""
    timeouts, kind, text = SILENT[name]
    started = time.monotonic()
    with pytest.raises(ModelError, match=text) as caught:
        await make_model(timeouts=timeouts).chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, kind)
    assert time.monotonic() - started < AT_MOST


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["hang", "hangheaders", "keepalive", "slowloris", "drip", "stall"])
async def test_the_time_in_all_ends_everything(name: str, stream: bool, make_model: MakeModel) -> None:
    """Whatever a server does, and however patient one is otherwise; retries do not prolong it."""
    started = time.monotonic()
    patient: dict[str, Any] = {"first_content": None, "idle_content": None, "whole_reply": None, "total": 0.3}
    with pytest.raises(ModelTimeout, match=r"0\.3 s") as caught:
        await make_model(stream=stream, timeouts=patient, max_retries=9).chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, ModelTimeout)
    assert time.monotonic() - started < AT_MOST


async def test_the_time_in_all_ends_the_waits_between_attempts(make_model: MakeModel) -> None:
    """`total` is for the whole answer."""
    with pytest.raises(ModelTimeout, match=r"0\.3 s"):
        await make_model(timeouts={"total": 0.3}, max_retries=5).chat(HI, "fault:429ra:60", [])


async def test_silence_has_an_end_when_not_streamed(make_model: MakeModel) -> None:
    """The same without a stream."""
    with pytest.raises(ModelTimeout):
        await make_model(stream=False, timeouts={"whole_reply": 0.2}).chat(HI, "fault:hang", [])


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["hang", "hangheaders"])
async def test_silence_is_tried_again(
    name: str, stream: bool, server: MisbehavingServer, make_model: MakeModel
) -> None:
    """It may have been an accident."""
    model = make_model(stream=stream, timeouts={"first_content": 0.2, "whole_reply": 0.2}, max_retries=1)

    assert (await model.chat(HI, f"fault:seq:{name},ok", [])).content == HELLO
    assert len(server.log) == 2


async def test_what_was_said_before_the_silence_is_in_the_error(make_model: MakeModel) -> None:
    """Who wants the half reply finds it."""
    with pytest.raises(StreamInterrupted) as caught:
        await make_model(timeouts={"idle_content": 0.2}).chat(HI, "fault:stall", [])

    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert HELLO.startswith(caught.value.partial.text)


@pytest.mark.parametrize("name", ["holdopen", "finished_then_silent", "finished_then_gone"])
async def test_a_complete_reply_is_not_waited_for(name: str, server: MisbehavingServer, make_model: MakeModel) -> None:
    """Once all was said, a server that holds the line costs two seconds at the most, and the line is let go."""
    started = time.monotonic()
    reply = await make_model(timeouts={"idle_content": None, "first_content": None}).chat(HI, f"fault:{name}", [])

    assert reply.content == HELLO
    assert time.monotonic() - started < (1 if name == "holdopen" else AT_MOST)
    async with asyncio.timeout(AT_MOST):
        await server.log[0].closed.wait()


Play: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def streaming(play: Play) -> AsyncIterator[str]:
    """A server that begins a stream and goes on as `play` says, until the client is gone; yields the base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(play(writer))
                await reader.read()  # until the client is gone
                playing.cancel()
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


EMPTY = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
WORD = {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


async def test_a_model_may_think_longer_before_its_first_word_than_between_two() -> None:
    """What servers send at once, such as the role, is no content: the limit between two does not count from there."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(sse(EMPTY, done=False))
        await asyncio.sleep(0.4)
        writer.write(sse(WORD, END))

    async with streaming(play) as base_url:
        model = OpenAIModel(base_url, KEY, timeouts=Timeouts(first_content=20, idle_content=0.1), max_retries=0)

        assert (await model.chat(HI, "m", [])).content == "Hi"


async def test_empty_chunks_are_no_content() -> None:
    """A server that sends nothing but emptiness, for ever, is as silent as one that sends nothing."""

    async def play(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(sse(EMPTY, done=False))
            await asyncio.sleep(0.02)

    async with streaming(play) as base_url:
        model = OpenAIModel(base_url, KEY, timeouts=Timeouts(first_content=0.3, idle_content=0.3), max_retries=0)
        with pytest.raises(ModelTimeout, match=r"no content for 0\.3 s"):
            await asyncio.wait_for(model.chat(HI, "m", []), AT_MOST)


async def test_what_follows_a_complete_reply_is_not_waited_for_again_and_again() -> None:
    """Chunks that keep coming behind the finish reason do not prolong the reply."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(sse(WORD, END, done=False))
        while True:
            writer.write(sse(EMPTY, done=False))
            await asyncio.sleep(0.02)

    async with streaming(play) as base_url:
        model = OpenAIModel(base_url, KEY, max_retries=0)

        assert (await asyncio.wait_for(model.chat(HI, "m", []), AT_MOST)).content == "Hi"


async def test_a_timeout_of_a_subscriber_is_its_own(make_model: MakeModel) -> None:
    """It is not taken for silence of the server."""

    def emit(event: object) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await make_model().chat(HI, "fault:ok", [], emit=emit)
