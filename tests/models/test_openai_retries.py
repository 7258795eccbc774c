"""`OpenAIModel` and accidents: what is sent again, how often, after how long, and what viewers see of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import Any, TypeAlias

import pytest

from pygent.errors import (
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    RateLimitError,
    StreamInterrupted,
)
from pygent.events import Event, RetryScheduled, StreamRestarted
from pygent.models import OpenAIModel
from pygent.testing.server import HELLO, MisbehavingServer, Request

from .conftest import HI, KEY, MakeModel, shown_words

SHOWN_BEFORE = ["eofmid", "no_finish", "midsse", "badchunk"]
REPAIRED = [
    *("429ra:0.05", "429ms:50", "retry400", *(f"status:{status}" for status in (408, 409, 500, 502, 503, 504, 529))),
    *("html:502", "reset", "midheaders", "nothttp", "bighdr", "truncjson", "badjson", "empty200", "204", "html:200"),
    'body:{"choices": null}',
]
REPAIRED_STREAMS = ["err_in_200", "err_str_in_200", "err_choice", "err_rate", "only_done", "not_object", *SHOWN_BEFORE]


Check: TypeAlias = Callable[[str, OpenAIModel, Callable[[], list[Request]]], Awaitable[None]]


async def all_at_once(names: Iterable[str], check: Check, server: MisbehavingServer, **options: Any) -> None:
    """Check all these faults side by side, for each waits half a second: with a model, and the requests, of its own."""

    async def check_one(name: str) -> None:
        model = OpenAIModel(server.base_url, f"{KEY}-{name.encode().hex()}", **options)
        try:
            await check(name, model, lambda: [request for request in server.log if f":{name}" in request.body["model"]])
        except BaseException as error:
            error.add_note(f"the fault was {name}")
            raise

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(check_one(name))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_an_accident_is_repaired(stream: bool, server: MisbehavingServer) -> None:
    """The next attempt gives the reply; viewers hear of it, and what they show in the end is the reply."""

    async def check(name: str, model: OpenAIModel, log: Callable[[], list[Request]]) -> None:
        events: list[Event] = []
        reply = await model.chat(HI, f"fault:seq:{name},ok", [], emit=events.append)
        first, second = log()

        assert reply.content == shown_words(events) == HELLO
        assert [event.attempt for event in events if isinstance(event, RetryScheduled)] == [1]
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert [request.headers["x-pygent-retry-count"] for request in log()] == ["0", "1"]
        assert sum(isinstance(event, StreamRestarted) for event in events) == (name in SHOWN_BEFORE)

    await all_at_once([*REPAIRED, *(REPAIRED_STREAMS if stream else [])], check, server, max_retries=1, stream=stream)


ONCE = [f"status:{status}" for status in (400, 401, 403, 404, 413, 422)]
ONCE += ["429quota", "429ra:300", "ctxlen", "noretry500", "redirect", "echo:401"]
ONCE_STREAMS = ["err_detail", "err_mid", "err_context"]


@pytest.mark.parametrize(
    ("name", "stream"),
    [(name, stream) for name in ONCE for stream in (True, False)] + [(name, True) for name in ONCE_STREAMS],
)
async def test_what_would_fail_again_is_asked_once(
    name: str, stream: bool, server: MisbehavingServer, make_model: MakeModel
) -> None:
    """No second request, whatever may be retried otherwise."""
    events: list[Event] = []
    with pytest.raises(ModelError) as caught:
        await make_model(max_retries=5, stream=stream).chat(HI, f"fault:seq:{name},ok", [], emit=events.append)

    assert len(server.log) == caught.value.attempts == 1
    assert not any(isinstance(event, RetryScheduled) for event in events)


NONSENSE = ["badjson", "empty200", "204", "html:200", 'body:{"choices": null}', "body:null"]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_nonsense_is_asked_for_once_more(stream: bool, server: MisbehavingServer) -> None:
    """Once may be an accident of a proxy; twice is how this server is, however many retries are left."""

    async def check(name: str, model: OpenAIModel, log: Callable[[], list[Request]]) -> None:
        with pytest.raises(ModelResponseError) as caught:
            await model.chat(HI, f"fault:{name}", [])

        assert len(log()) == caught.value.attempts == 2

    await all_at_once(NONSENSE, check, server, max_retries=5, stream=stream)


AGAIN_AND_AGAIN: dict[str, type[ModelError]] = {
    **{f"status:{status}": ModelStatusError for status in (408, 409, 500, 502, 503, 504, 529)},
    **dict.fromkeys(["reset", "midheaders", "truncjson"], ModelConnectionError),
    "429ra:0.01": RateLimitError,
    "midsse": StreamInterrupted,
}


async def test_attempts_are_counted_and_bounded(server: MisbehavingServer) -> None:
    """The last error comes when the retries are used up, and knows how many requests there were."""

    async def check(name: str, model: OpenAIModel, log: Callable[[], list[Request]]) -> None:
        events: list[Event] = []
        with pytest.raises(AGAIN_AND_AGAIN[name]) as caught:
            await model.chat(HI, f"fault:{name}", [], emit=events.append)

        assert caught.value.attempts == len(log()) == 3
        assert [event.attempt for event in events if isinstance(event, RetryScheduled)] == [1, 2]
        assert not isinstance(caught.value, ModelStatusError) or caught.value.request_id == "req-7"

    await all_at_once(AGAIN_AND_AGAIN, check, server, max_retries=2)


async def delay_after(name: str, model: OpenAIModel) -> float:
    """Seconds that are waited after this failure, as a viewer is told."""
    scheduled: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, RetryScheduled):
            scheduled.append(event.delay)

    reply = await model.chat(HI, f"fault:seq:{name},ok", [], emit=listen)
    assert reply.content == HELLO
    return scheduled[0]


async def test_the_servers_wait_is_kept(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Each gap is at least what it asked for, and not much more; each is told."""
    events: list[Event] = []
    reply = await make_model(max_retries=2).chat(HI, "fault:seq:429ra:0.3,429ra:0.3,ok", [], emit=events.append)
    gaps = [after.time - before.time for before, after in pairwise(server.log)]
    told = [event.delay for event in events if isinstance(event, RetryScheduled)]

    assert reply.content == HELLO
    assert len(gaps) == 2
    assert all(delay <= gap < delay + 1 for gap, delay in zip(gaps, told, strict=True))
    assert all(0.3 <= delay <= 0.34 for delay in told)


async def test_milliseconds_win_over_seconds(make_model: MakeModel) -> None:
    """A server that says both means the finer."""
    assert 0.3 <= await delay_after("429ms:300", make_model(max_retries=1)) <= 0.34


async def test_a_date_is_a_wait(make_model: MakeModel) -> None:
    """A date two seconds ahead, without its fraction, is between one and two seconds away."""
    assert 0.5 < await delay_after("429date:2", make_model(max_retries=1)) <= 2.2


NO_WAITS = ["429ra:nan", "429ra:inf", "429ra:-inf", "429ra:-5", "429ra:0", "429ra:1e400", "429ra:soon", "429date:-60"]


async def test_a_wait_that_is_none_is_ones_own(server: MisbehavingServer) -> None:
    """What is no number of seconds, or has passed, counts as silence: the usual first delay, and no crash."""

    async def check(name: str, model: OpenAIModel, log: Callable[[], list[Request]]) -> None:
        assert 0.375 <= await delay_after(name, model) <= 0.5

    await all_at_once(NO_WAITS, check, server, max_retries=1)


async def test_a_long_wait_is_the_callers_to_decide(server: MisbehavingServer, make_model: MakeModel) -> None:
    """The error comes at once and knows the seconds."""
    with pytest.raises(RateLimitError) as caught:
        await make_model(max_retries=5).chat(HI, "fault:429ra:300", [])

    assert caught.value.retry_after == 300
    assert len(server.log) == 1


async def test_tools_are_not_called_by_a_reply_that_broke_off(make_model: MakeModel) -> None:
    """A call that was seen to begin is void when the stream restarts; the reply has those of the last attempt only."""
    events: list[Event] = []
    reply = await make_model(max_retries=1).chat(HI, "fault:seq:midsse,tool_two", [], emit=events.append)

    assert [call.function.name for call in reply.tool_calls] == ["bash", "grep"]
    assert [type(event) for event in events if isinstance(event, StreamRestarted)] == [StreamRestarted]


async def test_many_questions_are_retried_apart(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Each question has attempts and a name of its own; a gate that one closes holds the others as long as told."""
    model = make_model(max_retries=2)
    script = [f"seq:{name},{name},ok" for name in ("429ra:0.05", "429ms:20", "status:503", "reset", "truncjson")]
    replies = await asyncio.gather(*(model.chat(HI, f"fault:{name}", []) for name in script))

    assert [reply.content for reply in replies] == [HELLO] * len(script)
    assert len(server.log) == 3 * len(script)
    assert len({request.headers["idempotency-key"] for request in server.log}) == len(script)
