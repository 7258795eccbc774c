"""Every way in which the server can misbehave, by the name of the model that asks for it, in either API."""

from __future__ import annotations

from collections.abc import Mapping

from pygent.testing.server import SCENARIOS, STREAMS
from pygent.testing.server.response.streams import STREAMS as RESPONSE_STREAMS

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "status": ("400", "401", "418", "429", "500"),
    "html": ("200", "502"),
    "echo": ("401", "500"),
    "halfbody": ("401", "503"),
    "429ra": ("0.05", "300"),
    "429date": ("1", "-60"),
    "moved": ("307", "301"),
    "hugeline": ("9",),
    "bomb": ("40",),
    "many_calls": ("100",),
    "tool_args_huge": ("1",),
    "body": ("null", "[]", "7", '{"choices": null}', '{"choices": []}', '{"choices": [null]}', '{"error": "x"}'),
}
"""What is said to scenarios that can be told something, where their own idea of it is too little or too much here."""


def all_weather(streams: Mapping[str, bytes]) -> list[str]:
    """A model's name for each misbehaviour that the server knows in an API, which has these streams."""
    return [
        f"fault:{name}:{argument}".removesuffix(":")
        for name in dict.fromkeys([*SCENARIOS, *streams])
        for argument in ARGUMENTS.get(name, ("",))
    ]


ALL_WEATHER = all_weather(STREAMS)
"""So a new misbehaviour is tested from its first day."""

RESPONSES_WEATHER = all_weather(RESPONSE_STREAMS)
