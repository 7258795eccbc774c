"""What goes over the wire: JSON and text as servers write them, which is not always as they should, and their tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from ..errors import ModelResponseError
from ..messages import JSON, ToolCall, ToolCallFunction, Usage, encode_json
from ..replies import new_call_id, parse_usage

LENIENT = json.JSONDecoder(strict=False)
"""Takes a raw line break inside a string, the most common slip of models that write JSON."""


def decode_json(data: str | bytes) -> JSON:
    """Decode JSON as servers write it: strictly and fast, or, where that fails, as Python's lenient decoder does.

    Some servers write NaN, and some cut an emoji into two escapes.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = data if isinstance(data, str) else data.decode("utf-8-sig", "replace")
    try:
        return LENIENT.decode(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


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
        id=call_id or new_call_id(),
        function=ToolCallFunction(name=sound_text(name), arguments=written),
        extra_content=extra_content,
    )


def usage_or_none(usage: JSON) -> Usage | None:
    """The tokens that a server counted; a count in an odd shape is no reason to lose a reply."""
    try:
        return parse_usage(usage)
    except ModelResponseError:
        return None
