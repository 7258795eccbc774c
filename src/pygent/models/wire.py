"""What goes over the wire: JSON and text as servers write them, which is not always as they should, and their tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from ..errors import ModelResponseError
from ..messages import JSON, ToolCall, ToolCallFunction, Usage, encode_json
from ..replies import new_call_id, parse_usage

_MAX_DEPTH = 200
"""What is nested deeper can be decoded, but not every step after that could follow it down."""


def _each_name_once(fields: list[tuple[str, JSON]]) -> dict[str, JSON]:
    decoded = dict(fields)
    if len(decoded) < len(fields):
        raise ValueError("a name comes twice in an object, and either value may be meant")

    return decoded


LENIENT = json.JSONDecoder(strict=False, object_pairs_hook=_each_name_once)
"""For JSON that models write: takes a raw line break inside a string, their most common slip, but no name twice."""

_OF_SERVERS = json.JSONDecoder(strict=False)


def decode_json(data: str | bytes) -> JSON:
    """Decode JSON as servers write it: strictly and fast, or, where that fails, as Python's lenient decoder does.

    Some servers write NaN, and some cut an emoji into two escapes.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        value = _decoded(data)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error

    if len(data) > 2 * _MAX_DEPTH and _is_deep(value):  # most chunks are too short for it
        raise ValueError("JSON nested too deeply")

    return value


def _decoded(data: str | bytes) -> JSON:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _OF_SERVERS.decode(data if isinstance(data, str) else data.decode("utf-8-sig", "replace"))


def _is_deep(value: JSON) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def parse_index(value: JSON) -> int | None:
    """The number of a call; some servers write it as text."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() and len(value) < 10 else None
    return value if isinstance(value, int) else None


def sound_text(text: str) -> str:
    """The text with surrogate halves joined to the characters they are, and those without their half replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    return text


def brief_text(value: JSON) -> str:
    """A name or an id as text, which it should be; some servers send numbers, and what is neither says nothing."""
    if isinstance(value, str):
        return sound_text(value)

    return str(value) if isinstance(value, int) and value else ""


def sound_json(value: JSON) -> JSON:
    """The value as it can be kept and sent, its texts sound; None: it cannot be, for a number or its depth."""
    try:
        return msgspec.json.decode(encode_json(value))
    except (ValueError, OverflowError, RecursionError):
        return None


def functions_of(tools: Sequence[JSON]) -> list[Mapping[str, JSON]]:
    """The functions among tools in the OpenAI shape; servers have built-in tools that are none."""
    return [tool["function"] for tool in tools if "function" in tool]


def arguments_text(arguments: JSON) -> str:
    """The arguments of a call as JSON text, which is what they should be; some servers and models send the object."""
    if arguments is None:
        return ""

    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def tool_call(name: str, arguments: JSON, *, call_id: str = "", extra_content: JSON = None) -> ToolCall:
    """The call that a model wants: its texts sound, its arguments text, and with an id if it came without one."""
    written = sound_text(arguments_text(arguments)).strip() or "{}"
    return ToolCall(
        id=sound_text(call_id) or new_call_id(),
        function=ToolCallFunction(name=sound_text(name), arguments=written),
        extra_content=extra_content,
    )


def usage_or_none(usage: JSON) -> Usage | None:
    """The tokens that a server counted; a count in an odd shape is no reason to lose a reply."""
    try:
        return parse_usage(usage)
    except ModelResponseError:
        return None
