"""Whatever a server does: one message or one error of ours, in bounded time, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import Any

import msgspec
import pytest

from pygent.errors import ModelError, ModelStatusError, StreamInterrupted
from pygent.events import Emit, Event
from pygent.messages import Message
from pygent.models import Model, OpenAIModel, OpenAIResponsesModel, Timeouts
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, KEY, MakeModel
from .test_openai_faults import assert_ours
from .weather import ALL_WEATHER, RESPONSES_WEATHER

PATIENCE = {"first_content": 0.3, "idle_content": 0.3, "whole_reply": 0.3, "total": 2.0}

MARGIN = 3.0
"""Seconds beyond the time in all: a busy machine takes its time."""


async def outcome_of(model: Model, weather: str, emit: Emit, *, total: float) -> Message | ModelError:
    """A message or an error of ours, each as it should be; whatever else comes fails the test."""
    started = time.monotonic()
    outcome: Message | ModelError
    try:
        outcome = await model.chat(HI, weather, [], emit=emit)
    except ModelError as error:
        outcome = error
    finally:
        assert time.monotonic() - started < total + MARGIN, weather

    if isinstance(outcome, Message):
        assert outcome.role == "assistant"
        assert msgspec.json.decode(msgspec.json.encode(outcome), type=Message) == outcome
    else:
        assert_ours(outcome, type(outcome))
        assert not isinstance(outcome, ModelStatusError) or len(outcome.body) <= 2 << 10
        assert not isinstance(outcome, StreamInterrupted) or outcome.partial is not None
    return outcome


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("weather", ALL_WEATHER)
async def test_no_weather_surprises_the_caller(
    weather: str, stream: bool, server: MisbehavingServer, make_model: MakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    """A message or a ModelError comes in time; no task, warning or complaint to the loop is left; no key is shown."""
    caplog.set_level(logging.DEBUG, logger="pygent")
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    events: list[Event] = []
    before = asyncio.all_tasks()

    outcome = await outcome_of(
        make_model(stream=stream, timeouts=PATIENCE), weather, events.append, total=PATIENCE["total"]
    )

    assert isinstance(outcome, Message) or outcome.attempts == 1
    gc.collect(1)  # the young are enough, and a hundred times as quick
    left = {task for task in asyncio.all_tasks() - before if "MisbehavingServer" not in repr(task.get_coro())}
    assert left == set()
    assert complaints == []
    assert KEY not in caplog.text
    assert KEY not in repr(events)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", [OpenAIModel, OpenAIResponsesModel])
async def test_all_weather_at_once_is_no_worse(
    kind: type[OpenAIModel | OpenAIResponsesModel], stream: bool, server: MisbehavingServer
) -> None:
    """Side by side, with retries and redirects, on the connections of one event loop: each question has its answer."""
    total, weathers = 4.0, ALL_WEATHER if kind is OpenAIModel else RESPONSES_WEATHER
    options: dict[str, Any] = {"stream": stream, "max_retries": 1, "follow_redirects": True}
    options["timeouts"] = Timeouts(**{**PATIENCE, "total": total})
    models = [  # each with a key of its own, for who is told to wait lets all wait that have the same
        kind(server.base_url, f"{KEY}-{number}", **options) for number in range(len(weathers))
    ]

    outcomes = await asyncio.gather(
        *(
            outcome_of(model, weather, lambda _: None, total=total)
            for model, weather in zip(models, weathers, strict=True)
        )
    )

    assert len(outcomes) == len(weathers)
    assert (await models[0].chat(HI, "fault:ok", [])).content == HELLO
