"""`OpenAIModel` and the faults of its servers: one error of ours, or a repaired reply, in bounded time and memory."""

from __future__ import annotations

import time
import traceback
from itertools import pairwise

import pytest

from pygent.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    ModelTimeout,
    QuotaError,
    RateLimitError,
    StreamInterrupted,
)
from pygent.events import Event, RetryScheduled, StreamRestarted
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, KEY, MakeModel, shown_words

FAILS: dict[str, type[ModelError]] = {
    **{f"status:{status}": ModelStatusError for status in (400, 404, 408, 409, 413, 422, 500, 502, 503, 504, 529)},
    "status:401": AuthenticationError,
    "status:403": AuthenticationError,
    "html:502": ModelStatusError,
    "429ra:1": RateLimitError,
    "429quota": QuotaError,
    "ctxlen": ContextLengthError,
    "redirect": ModelStatusError,
    "reset": ModelConnectionError,
    "midheaders": ModelConnectionError,
    "nothttp": ModelConnectionError,
    "bighdr": ModelConnectionError,
    "truncjson": ModelConnectionError,
    "badjson": ModelResponseError,
    "empty200": ModelResponseError,
    "204": ModelResponseError,
    "html:200": ModelResponseError,
    "brotli": ModelResponseError,
    'body:{"error": {"message": "it burns"}}': ModelResponseError,
    'body:{"choices": null}': ModelResponseError,
    'body:{"choices": []}': ModelResponseError,
    "body:null": ModelResponseError,
    "bomb:100": ModelResponseError,
}

STREAM_FAILS: dict[str, type[ModelError]] = {
    **FAILS,
    "ndjson": ModelResponseError,
    "html_as_stream": ModelResponseError,
    "not_object": ModelResponseError,
    "badchunk": ModelResponseError,
    "only_done": ModelResponseError,
    "err_in_200": ModelResponseError,
    "err_str_in_200": ModelResponseError,
    "err_detail": ModelResponseError,
    "err_choice": ModelResponseError,
    "err_mid": ModelResponseError,
    "err_context": ContextLengthError,
    "err_rate": RateLimitError,
    "eofmid": StreamInterrupted,
    "no_finish": StreamInterrupted,
    "midsse": StreamInterrupted,
    "hugeline:9": ModelResponseError,
    "flood": ModelResponseError,
}


def assert_ours(error: ModelError, kind: type[ModelError]) -> None:
    """The error is of the right type, knows its request, and neither it nor its causes show the key."""
    assert type(error) is kind
    assert (error.model or "").startswith("fault:")
    shown: BaseException | None = error
    while shown is not None:
        assert KEY not in f"{shown!s} {shown!r} {vars(shown)} {shown.args!r}"
        shown = shown.__cause__ or shown.__context__
    assert KEY not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("name", STREAM_FAILS)
async def test_a_fault_in_a_stream_is_one_error_of_ours(name: str, make_model: MakeModel) -> None:
    """No foreign exception leaves the model, no broken stream passes for a reply, and no error shows the key."""
    with pytest.raises(ModelError) as caught:
        await make_model().chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, STREAM_FAILS[name])
    assert caught.value.attempts == 1


@pytest.mark.parametrize("name", FAILS)
async def test_a_fault_in_a_whole_reply_is_one_error_of_ours(name: str, make_model: MakeModel) -> None:
    """The same without a stream."""
    with pytest.raises(ModelError) as caught:
        await make_model(stream=False).chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, FAILS[name])


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_server_that_repeats_the_key_does_not_leak_it(status: int, make_model: MakeModel) -> None:
    """It is taken out of the text and the body."""
    with pytest.raises(ModelStatusError, match="redacted") as caught:
        await make_model().chat(HI, f"fault:echo:{status}", [])

    assert_ours(caught.value, AuthenticationError if status == 401 else ModelStatusError)
    assert "[redacted]" in caught.value.body
    assert caught.value.request_id == "req-7"


async def test_what_was_cut_off_is_in_the_error(make_model: MakeModel) -> None:
    """Who wants the broken reply finds it, with all that came."""
    for name in ("no_finish", "midsse"):
        with pytest.raises(StreamInterrupted) as caught:
            await make_model().chat(HI, f"fault:{name}", [])

        assert caught.value.partial is not None
        assert HELLO.startswith(caught.value.partial.text)
        assert len(caught.value.partial.text) >= 3


SILENT = {
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
    assert time.monotonic() - started < 5


async def test_a_complete_reply_is_not_waited_for(make_model: MakeModel) -> None:
    """Once the model said that it is done, a server that holds the line costs two seconds at the most."""
    reply = await make_model(timeouts={"idle_content": None}).chat(HI, "fault:finished_then_silent", [])

    assert reply.content == HELLO


async def test_silence_has_an_end_when_not_streamed(make_model: MakeModel) -> None:
    """The same without a stream."""
    with pytest.raises(ModelTimeout):
        await make_model(stream=False, timeouts={"whole_reply": 0.2}).chat(HI, "fault:hang", [])


async def test_the_time_in_all_ends_the_waits_between_attempts(make_model: MakeModel) -> None:
    """`total` is for the whole answer."""
    with pytest.raises(ModelTimeout, match=r"0\.3 s"):
        await make_model(timeouts={"total": 0.3}, max_retries=5).chat(HI, "fault:429ra:60", [])


SHOWN_BEFORE = ["eofmid", "no_finish", "midsse", "badchunk"]
REPAIRED = [
    "429ra:0.05",
    "429ms:50",
    "status:503",
    "status:409",
    "retry400",
    "reset",
    "midheaders",
    "truncjson",
    "badjson",
]
REPAIRED += ["empty200", "html:200", "err_in_200", *SHOWN_BEFORE]


@pytest.mark.parametrize("name", REPAIRED)
async def test_an_accident_is_repaired(name: str, server: MisbehavingServer, make_model: MakeModel) -> None:
    """The next attempt gives the reply; viewers hear of it, and what they show in the end is the reply."""
    events: list[Event] = []
    reply = await make_model(max_retries=1).chat(HI, f"fault:seq:{name},ok", [], emit=events.append)
    first, second = server.log

    assert reply.content == shown_words(events) == HELLO
    assert [event.attempt for event in events if isinstance(event, RetryScheduled)] == [1]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert [first.headers["x-pygent-retry-count"], second.headers["x-pygent-retry-count"]] == ["0", "1"]
    assert sum(isinstance(event, StreamRestarted) for event in events) == (name in SHOWN_BEFORE)


async def test_the_servers_wait_is_kept(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Each gap is at least what it asked for."""
    reply = await make_model(max_retries=2).chat(HI, "fault:seq:429ra:0.3,429ra:0.3,ok", [])
    gaps = [after.time - before.time for before, after in pairwise(server.log)]

    assert reply.content == HELLO
    assert len(gaps) == 2
    assert all(0.3 <= gap < 2 for gap in gaps)


ONCE = ["status:400", "status:401", "status:404", "status:413", "429quota", "429ra:300", "ctxlen", "noretry500"]
ONCE += ["redirect", "err_detail", "err_mid", "err_context"]


@pytest.mark.parametrize("name", ONCE)
async def test_what_would_fail_again_is_asked_once(name: str, server: MisbehavingServer, make_model: MakeModel) -> None:
    """No second request, whatever may be retried otherwise."""
    with pytest.raises(ModelError) as caught:
        await make_model(max_retries=5).chat(HI, f"fault:seq:{name},ok", [])

    assert len(server.log) == 1
    assert caught.value.attempts == 1


async def test_a_long_wait_is_the_callers_to_decide(make_model: MakeModel) -> None:
    """The error comes at once and knows the seconds."""
    with pytest.raises(RateLimitError) as caught:
        await make_model(max_retries=5).chat(HI, "fault:429ra:300", [])

    assert caught.value.retry_after == 300


async def test_attempts_are_counted(server: MisbehavingServer, make_model: MakeModel) -> None:
    """The last error says how many there were."""
    with pytest.raises(RateLimitError) as caught:
        await make_model(max_retries=2).chat(HI, "fault:429ra:0.01", [])

    assert caught.value.attempts == len(server.log) == 3
