"""When a server is asked again, and after how long."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.errors import (
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    ModelTimeout,
    RateLimitError,
    StreamInterrupted,
)
from pygent.models.http.retry import MAX_RETRY_AFTER, is_retryable, parse_retry_after, retry_delay, with_retries

NOW = 1_700_000_000.0

WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "seconds": ({"retry-after": "3"}, 3.0),
    "parts of seconds": ({"retry-after": "0.5"}, 0.5),
    "milliseconds win": ({"retry-after-ms": "300", "retry-after": "9"}, 0.3),
    "bad milliseconds do not": ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    "a date": ({"retry-after": formatdate(NOW + 7, usegmt=True)}, 7.0),
    "a past date": ({"retry-after": formatdate(NOW - 7, usegmt=True)}, None),
    "too long": ({"retry-after": "300"}, 300.0),
    "no header": ({}, None),
    **{bad: ({"retry-after": bad}, None) for bad in ("nan", "inf", "-5", "0", "1e400", "soon", "", "99999999999 GMT")},
}


@pytest.mark.parametrize(("headers", "seconds"), WAITS.values(), ids=WAITS)
def test_the_server_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """All forms are understood; nonsense counts as silence."""
    assert parse_retry_after(headers, now=NOW) == seconds


def hinted(error: ModelError, should_retry: bool) -> ModelError:
    error.should_retry = should_retry
    return error


RETRIED: dict[str, tuple[ModelError, bool]] = {
    **{
        f"status {status}": (ModelStatusError("", status=status), True)
        for status in (408, 409, 429, 500, 502, 503, 529)
    },
    **{
        f"status {status}": (ModelStatusError("", status=status), False)
        for status in (302, 400, 401, 403, 404, 413, 422)
    },
    "the server says yes": (hinted(ModelStatusError("", status=400), True), True),
    "the server says no": (hinted(ModelStatusError("", status=500), False), False),
    "connection": (ModelConnectionError(""), True),
    "timeout": (ModelTimeout(""), True),
    "broken off": (StreamInterrupted(""), True),
    "no completion": (ModelResponseError(""), True),
    "any other": (ModelError(""), False),
}


@pytest.mark.parametrize(("error", "retried"), RETRIED.values(), ids=RETRIED)
def test_accidents_are_tried_again(error: ModelError, retried: bool) -> None:
    """What would fail again is not."""
    assert is_retryable(error) is retried
    assert (retry_delay(error, 1) is not None) is retried


def test_nonsense_is_asked_for_once_more() -> None:
    """A server that twice sends no completion is how it is."""
    assert is_retryable(ModelResponseError(""), attempt=1)
    assert not is_retryable(ModelResponseError(""), attempt=2)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_own_delays_grow_to_eight_seconds(attempt: int, jitter: float) -> None:
    """Without a word of the server the wait doubles, is bounded, and is never quite the same."""
    delay = retry_delay(ModelConnectionError(""), attempt, jitter=jitter)

    assert delay is not None
    assert 0.75 <= delay / min(0.5 * 2.0 ** min(attempt - 1, 9), 8) <= 1


@given(told=st.floats(0.001, MAX_RETRY_AFTER), jitter=st.floats(0, 1))
def test_the_servers_delay_is_kept_or_a_little_exceeded(told: float, jitter: float) -> None:
    """Never sooner than it asked, and not all clients in one moment."""
    delay = retry_delay(RateLimitError("", status=429, retry_after=told), 1, jitter=jitter)

    assert delay is not None
    assert told <= delay <= told * 1.1001


def test_a_long_wait_is_the_callers_to_decide() -> None:
    """Beyond two minutes the error comes at once."""
    assert retry_delay(RateLimitError("", status=429, retry_after=300), 1) is None


async def test_attempts_are_counted_and_bounded() -> None:
    """The first attempt and so many more; then the last error, which knows the number."""
    attempts: list[int] = []
    waits: list[tuple[int, float]] = []

    async def send(attempt: int) -> None:
        attempts.append(attempt)
        raise RateLimitError("slow down", status=429, retry_after=0.001)

    with pytest.raises(RateLimitError) as caught:
        await with_retries(send, max_retries=2, on_retry=lambda _, attempt, delay: waits.append((attempt, delay)))

    assert attempts == [1, 2, 3]
    assert caught.value.attempts == 3
    assert [attempt for attempt, _ in waits] == [1, 2]
    assert all(0.001 <= delay <= 0.0011 for _, delay in waits)


async def test_waiting_has_a_budget() -> None:
    """Many polite waits do not add up to hours."""
    delays = iter([0.001, 120.0])

    async def send(_: int) -> None:
        raise RateLimitError("slow down", status=429, retry_after=next(delays))

    with pytest.raises(RateLimitError) as caught:
        await with_retries(send, max_retries=9, max_waiting=100.0)

    assert caught.value.attempts == 2


async def test_what_is_no_model_error_passes() -> None:
    """A bug is not tried again."""
    attempts: list[int] = []

    async def send(attempt: int) -> None:
        attempts.append(attempt)
        raise KeyError

    with pytest.raises(KeyError):
        await with_retries(send, max_retries=9)

    assert attempts == [1]
