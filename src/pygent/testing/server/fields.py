"""What requests of both APIs may hold, and what must be true of their tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .shapes import Refusal, Shape, anything, either, flag, integer, listing, mapping, matching, number, one_of, text

NAME = matching(r"[a-zA-Z0-9_-]{1,64}")
"""The name of a tool."""

FILLED = matching(r"(?s).+")
"""A text that is not empty."""


def json_text(value: Any, where: str) -> None:
    """An object, as JSON text."""
    text(value, where)
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{where} is no JSON text: {error}") from error

    if not isinstance(decoded, dict):
        raise Refusal(f"{where} is the JSON text of {type(decoded).__name__}, not of an object")


def object_schema(value: Any, where: str) -> None:
    """The JSON Schema of an object, whose required properties are among its properties."""
    mapping(anything)(value, where)
    if value.get("type") != "object":
        raise Refusal(f"{where}.type is {value.get('type')!r}, not 'object'")

    properties = value.get("properties", {})
    mapping(either(mapping(anything), flag))(properties, f"{where}.properties")
    listing(one_of(*properties), at_least=0)(value.get("required", []), f"{where}.required")


EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh")
"""How much the model is to think."""

VERBOSITY = one_of("low", "medium", "high")
"""How much it is to say."""

FIELDS: dict[str, Shape] = {
    "model": FILLED,
    "stream": flag,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_logprobs": integer(0, 20),
    "parallel_tool_calls": flag,
    "metadata": mapping(text),
    "store": flag,
    "user": text,
    "safety_identifier": text,
    "prompt_cache_key": text,
    "prompt_cache_retention": one_of("in-memory", "24h"),
    "service_tier": one_of("auto", "default", "flex", "scale", "priority"),
}
"""Fields that mean the same to both."""


def check_tools(request: Mapping[str, Any], names: list[str]) -> None:
    """Raise a `Refusal` if two tools have one name, or an option speaks of tools that are not there."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refusal(f"tools has {', '.join(twice)} more than once")

    for option in ("tool_choice", "parallel_tool_calls"):
        if option in request and not names:
            raise Refusal(f"{option} stands without tools")

    match request.get("tool_choice"):
        case {"function": {"name": name}} | {"name": name} if name not in names:
            raise Refusal(f"tool_choice names {name!r}, which is no tool here")
