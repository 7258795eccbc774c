"""When to ask a server again, and after how long."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

from ...errors import ModelConnectionError, ModelError, ModelResponseError, ModelStatusError, StreamInterrupted

T = TypeVar("T")

MAX_RETRY_AFTER = 120.0
"""A server that asks for more than two minutes is not asked again: the caller may have a better use for them."""

RETRY_BUDGET = 300.0
"""Seconds that one question may spend waiting between its attempts."""


async def with_retries(
    send: Callable[[int], Awaitable[T]],
    *,
    max_retries: int,
    max_waiting: float = RETRY_BUDGET,
    on_retry: Callable[[ModelError, int, float], None] | None = None,
) -> T:
    """Call `send(attempt)`, with attempts counted from 1, until it succeeds or asking again is of no use.

    Args:
        send: one attempt.
        max_retries: how often to try again after the first attempt.
        max_waiting: seconds that may be spent between attempts.
        on_retry: is told the error, the number of the failed attempt and the seconds until the next one.

    Raises:
        ModelError: the last attempt's error, with `attempts` set.
    """
    waited = 0.0
    for attempt in count(1):
        try:
            return await send(attempt)
        except ModelError as error:
            error.attempts = attempt
            delay = retry_delay(error, attempt)
            if delay is None or attempt > max_retries or waited + delay > max_waiting:
                raise

            if on_retry is not None:
                on_retry(error, attempt, delay)
        waited += delay
        await asyncio.sleep(delay)
    raise AssertionError("count() does not end")


def retry_delay(error: ModelError, attempt: int, *, jitter: float | None = None) -> float | None:
    """Seconds to wait after `attempt`, counted from 1, has failed; None: do not ask again.

    The server's own word counts, made a little longer so that a fleet of agents does not come back in one moment.
    Without one the wait doubles from half a second to eight, made a little shorter.

    Args:
        error: what happened.
        attempt: the number of the attempt that failed.
        jitter: how much longer or shorter, between 0 and 1; None: at random.
    """
    if not is_retryable(error, attempt):
        return None

    jitter = random.random() if jitter is None else jitter
    told = error.retry_after if isinstance(error, ModelStatusError) else None
    if told is not None:
        return told * (1 + 0.1 * jitter) if told <= MAX_RETRY_AFTER else None

    return min(0.5 * 2.0 ** min(attempt - 1, 10), 8.0) * (1 - 0.25 * jitter)


def is_retryable(error: ModelError, attempt: int = 1) -> bool:
    """Whether the same request may succeed when it is sent again after `attempt` has failed."""
    if error.should_retry is not None:
        return error.should_retry

    match error:
        case ModelStatusError(status=status):
            return status in (408, 409, 429) or status >= 500
        case ModelConnectionError() | StreamInterrupted():
            return True
        case ModelResponseError():
            return attempt == 1  # once may be an accident of a proxy; twice is how this server is
    return False


def parse_retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds that a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.

    Args:
        headers: with lower-case names.
        now: seconds since the epoch; None: the clock.
    """
    for seconds in _asked_waits(headers, time.time() if now is None else now):
        if 0 < seconds < math.inf:  # also false for NaN
            return seconds
    return None


def _asked_waits(headers: Mapping[str, str], now: float) -> Iterator[float]:
    if "retry-after-ms" in headers:
        yield _number(headers["retry-after-ms"]) / 1000
    if "retry-after" in headers:
        yield _number(headers["retry-after"])
        with suppress(ValueError, OverflowError):
            yield parsedate_to_datetime(headers["retry-after"]).timestamp() - now


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
