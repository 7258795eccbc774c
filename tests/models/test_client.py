"""`Client`: what all questions to an endpoint have in common: the gate, the number in flight, redirects."""

from __future__ import annotations

import asyncio

import pytest

from pygent.errors import ModelError, ModelStatusError, RateLimitError, SettingsError
from pygent.events import Event, RetryScheduled
from pygent.models import OpenAIModel
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, MakeModel


async def test_all_who_share_an_endpoint_wait_when_one_is_told_to(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """No question reaches the server before the time that it named to another model object with the same key."""
    with pytest.raises(RateLimitError):
        await make_model().chat(HI, "fault:429ra:0.3", [])

    told = asyncio.get_running_loop().time()
    replies = await asyncio.gather(*(make_model().chat(HI, "fault:ok", []) for _ in range(5)))

    assert [reply.content for reply in replies] == [HELLO] * 5
    assert all(request.time - told > 0.25 for request in server.log[1:])


async def test_another_key_does_not_wait(server: MisbehavingServer, make_model: MakeModel) -> None:
    """A server counts by account."""
    with pytest.raises(RateLimitError):
        await make_model().chat(HI, "fault:429ra:100", [])

    reply = await OpenAIModel(server.base_url, "another-key").chat(HI, "fault:ok", [])

    assert reply.content == HELLO


async def test_a_wait_that_is_too_long_keeps_nobody(make_model: MakeModel) -> None:
    """What is left to the caller of one is left to the callers of all."""
    for _ in range(2):
        with pytest.raises(RateLimitError):
            await make_model().chat(HI, "fault:429ra:300", [])


async def test_the_time_in_all_counts_at_the_gate(make_model: MakeModel) -> None:
    """Who may wait for a moment only is told so, and was never sent."""
    with pytest.raises(RateLimitError):
        await make_model().chat(HI, "fault:429ra:100", [])
    with pytest.raises(ModelError, match=r"0\.1 s") as caught:
        await make_model(timeouts={"total": 0.1}).chat(HI, "fault:ok", [])

    assert caught.value.attempts == 0


async def test_no_more_requests_are_in_flight_than_wished(server: MisbehavingServer, make_model: MakeModel) -> None:
    """A hundred agents ask, four at a time, over four connections."""
    model = make_model(max_in_flight=4)
    replies = await asyncio.gather(*(model.chat(HI, "fault:ok", []) for _ in range(100)))

    assert [reply.content for reply in replies] == [HELLO] * 100
    assert server.connections <= 4


@pytest.mark.parametrize(("name", "value"), [("max_in_flight", 0), ("max_retries", -1)])
def test_numbers_that_are_too_small_are_refused(name: str, value: int) -> None:
    """The error names the argument and its value."""
    with pytest.raises(SettingsError, match=f"{name}={value}"):
        OpenAIModel("http://localhost:1/v1", "k", **{name: value})  # type: ignore[arg-type]


async def test_a_redirect_on_the_same_server_is_followed_if_wished(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """The question goes there as it is, key included."""
    reply = await make_model(follow_redirects=True).chat(HI, "fault:seq:redirect:/v2/chat/completions,ok", [])
    first, second = server.log

    assert reply.content == HELLO
    assert second.path == "/v2/chat/completions"
    assert second.body == first.body
    assert second.headers["authorization"] == first.headers["authorization"]


async def test_redirects_in_a_circle_end(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Three are followed, the fourth is an error."""
    with pytest.raises(ModelStatusError, match="redirect"):
        await make_model(follow_redirects=True).chat(HI, "fault:redirect:/v1/chat/completions", [])

    assert len(server.log) == 4


@pytest.mark.parametrize("follow_redirects", [False, True])
async def test_a_redirect_to_another_server_never_is(
    server: MisbehavingServer, make_model: MakeModel, follow_redirects: bool
) -> None:
    """The other server sees nothing, least of all the key; the error names it."""
    async with MisbehavingServer() as other:
        target = f"{other.base_url}/chat/completions"
        with pytest.raises(ModelStatusError, match=target):
            await make_model(follow_redirects=follow_redirects).chat(HI, f"fault:redirect:{target}", [])

        assert other.log == []
    assert len(server.log) == 1


async def test_waiting_at_the_gate_is_told(make_model: MakeModel) -> None:
    """Who waits because of another's refusal hears how long, before anything is sent."""
    events: list[Event] = []
    with pytest.raises(RateLimitError):
        await make_model().chat(HI, "fault:429ra:1.2", [])
    await make_model().chat(HI, "fault:ok", [], emit=events.append)

    match events[0]:
        case RetryScheduled(attempt=0, delay=delay, reason=reason):
            assert 1 <= delay <= 1.2
            assert "too many requests" in reason
        case event:
            raise AssertionError(event)


async def test_a_refusal_whose_body_hangs_is_a_refusal(make_model: MakeModel) -> None:
    """The status says the most; the rest of the body is not waited for."""
    with pytest.raises(ModelStatusError) as caught:
        await make_model().chat(HI, "fault:halfbody:503", [])

    assert caught.value.status == 503
