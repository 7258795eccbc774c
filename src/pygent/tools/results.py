"""`as_output`: whatever a tool returns, as bounded text for the model."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import msgspec

from ..redaction import Redactor
from .base import ToolOutput

NOTHING_SECRET = Redactor()

MAX_TEXT = 64 << 10
"""Characters of one answer; what is longer loses its middle."""

NO_OUTPUT = "(no output)"
"""What the model sees of a tool that returned nothing; some servers refuse an empty answer."""


def as_output(result: Any, redact: Redactor = NOTHING_SECRET) -> ToolOutput:
    """Make a `ToolOutput` of a tool's result: text as it is, records and containers as JSON, all else by `str()`.

    Secrets are taken out before a long text is cut, as a cut might go through one.

    Raises:
        TypeError: it is no result yet: a coroutine, or a generator.
    """
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(_not_yet(result))

    output = result if isinstance(result, ToolOutput) else ToolOutput(_text(result, redact))
    return ToolOutput(
        text=shorten(redact(str(output.text))) or NO_OUTPUT,
        display=None if output.display is None else shorten(redact(str(output.display))),
        is_error=output.is_error,
    )


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Cut the middle out of a text that is longer than `limit`, and say how many characters that were."""
    if len(text) <= limit:
        return text

    head, tail = limit - limit // 2, limit // 2
    omitted = len(text) - limit
    return f"{text[:head]}\n[… {omitted:,} characters omitted …]\n{text[len(text) - tail :]}"


def _text(result: Any, redact: Redactor) -> str:
    match result:
        case None:
            return ""
        case str():
            return result
        case bytes() | bytearray() | memoryview():
            return _decoded(memoryview(result).cast("B"), redact)
        case bool() | dict() | list() | tuple() | set() | frozenset() | msgspec.Struct():
            return _json(result)
    if hasattr(result, "model_dump") or (dataclasses.is_dataclass(result) and not isinstance(result, type)):
        return _json(result)

    return str(result)


def _decoded(data: memoryview, redact: Redactor) -> str:
    """Bytes as text; of very many only the ends are looked at, for decoding all would keep the event loop waiting."""
    if len(data) <= 4 * MAX_TEXT:  # the characters of a text that is not cut have no more bytes
        return _utf8(data)

    kept = MAX_TEXT // 2 - 50  # bytes at each end; the line between them must fit in, too
    start, end = _between(data, kept), _between(data, len(data) - kept)
    head, _ = redact.split(_utf8(data[:start]))  # without what may be the start of a secret
    _, held = redact.split(_utf8(data[max(start, end - 4 * redact.longest) : end]))
    tail = redact(held + _utf8(data[end:])).removeprefix(held)
    return f"{head}\n[… {end - start:,} bytes omitted …]\n{tail}"


def _utf8(data: memoryview) -> str:
    return str(data, "utf-8", "replace")


def _between(data: memoryview, position: int) -> int:
    """The next place that is not inside of a character, which would hide a secret from who looks for it."""
    return next((place for place in range(position, position + 3) if data[place] & 0xC0 != 0x80), position + 3)


def _json(result: Any) -> str:
    try:
        return msgspec.json.encode(result, enc_hook=_plain).decode()
    except (TypeError, ValueError, RecursionError):  # half an emoji, a list that contains itself
        return str(result)


def _not_yet(result: Any) -> str:
    """What to say of a coroutine or generator that a function returned."""
    kind = type(result).__name__
    if inspect.iscoroutine(result):
        result.close()  # it never begins; without this Python warns of it somewhere else
    if inspect.isawaitable(result):
        return (
            f"its function returned a {kind} and did not await it; write it, and each decorator on it, as `async def`"
        )

    return f"its function returned a {kind}; return one result, such as a text or a list"


def _plain(value: Any) -> Any:
    """What msgspec does not know, inside something that it knows."""
    return value.model_dump() if hasattr(value, "model_dump") else str(value)
