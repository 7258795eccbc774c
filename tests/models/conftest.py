"""A misbehaving server, and models that speak to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeAlias

import pytest

from pygent.events import Event, StreamRestarted, TextDelta
from pygent.messages import Message
from pygent.models import OpenAIModel, Timeouts
from pygent.testing.server import MisbehavingServer

KEY = "sk-sentinel-1234567890"
"""The key of all requests: it must never be seen outside of a header."""

HI = [Message.user("hi")]

MakeModel: TypeAlias = Callable[..., OpenAIModel]


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with MisbehavingServer() as server:
        yield server


@pytest.fixture
def make_model(server: MisbehavingServer) -> MakeModel:
    """Models that speak to the server, without retries unless they are asked for."""

    def make(**options: Any) -> OpenAIModel:
        timeouts = Timeouts(**{"total": 20.0, **options.pop("timeouts", {})})
        return OpenAIModel(server.base_url, KEY, **{"max_retries": 0, "timeouts": timeouts, **options})

    return make


def shown_words(events: Sequence[Event]) -> str:
    """What a viewer shows at the end."""
    text = ""
    for event in events:
        match event:
            case TextDelta(text=more):
                text += more
            case StreamRestarted():
                text = ""
    return text
