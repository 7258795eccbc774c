"""`as_output`: whatever a tool returns, as bounded text for the model."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from .base import ToolOutput

MAX_TEXT = 64 << 10
"""Characters of one answer; what is longer loses its middle."""

NO_OUTPUT = "(no output)"
"""What the model sees of a tool that returned nothing; some servers refuse an empty answer."""


def as_output(result: Any) -> ToolOutput:
    """Make a `ToolOutput` of a tool's result: text as it is, records and containers as JSON, all else by `str()`."""
    output = result if isinstance(result, ToolOutput) else ToolOutput(_text(result))
    return ToolOutput(
        text=shorten(str(output.text)) or NO_OUTPUT,
        display=None if output.display is None else shorten(str(output.display)),
        is_error=output.is_error,
    )


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Cut the middle out of a text that is longer than `limit`, and say how many characters that were."""
    if len(text) <= limit:
        return text

    head, tail = limit - limit // 2, limit // 2
    omitted = len(text) - limit
    return f"{text[:head]}\n[… {omitted:,} characters omitted …]\n{text[len(text) - tail :]}"


def _text(result: Any) -> str:
    match result:
        case None:
            return ""
        case str():
            return result
        case bytes() | bytearray() | memoryview():
            return bytes(result).decode("utf-8", "replace")
        case bool() | dict() | list() | tuple() | set() | frozenset() | msgspec.Struct():
            return _json(result)
    if hasattr(result, "model_dump") or (dataclasses.is_dataclass(result) and not isinstance(result, type)):
        return _json(result)

    return str(result)


def _json(result: Any) -> str:
    try:
        return msgspec.json.encode(result, enc_hook=_plain).decode()
    except (TypeError, ValueError, RecursionError):  # half an emoji, a list that contains itself
        return str(result)


def _plain(value: Any) -> Any:
    """What msgspec does not know, inside something that it knows."""
    return value.model_dump() if hasattr(value, "model_dump") else str(value)
