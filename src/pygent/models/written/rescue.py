"""Tool calls that a model wrote as text: small local models often write the call down instead of making it.

A text is a call only when it is nothing else: when nothing is left of it after its markers and its calls are taken
away, and each call names an offered tool with valid arguments. Prose that quotes a call never is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from ...errors import ToolError
from ...events import Emit, ToolCallsRescued
from ...messages import JSON, Message, ToolCall
from ...schema import validate
from ..wire import functions_of, tool_call
from .syntax import written_calls

_log = logging.getLogger("pygent.models")

_MAX_LENGTH = 1 << 18
"""Room for a call that writes a large file; a longer text is not searched, for that would block the event loop."""

_MAX_CALLS = 100
"""A text of more calls is the work of a model that repeats itself without end."""


def rescue_tool_calls(text: str, tools: Sequence[JSON]) -> tuple[ToolCall, ...]:
    """Return the calls that the text is, with new ids; empty when it is anything else.

    Args:
        text: the whole content of a reply that has no tool call.
        tools: the tools that were offered, in the OpenAI shape.
    """
    if len(text) > _MAX_LENGTH:
        return ()

    schemas = {function["name"]: function.get("parameters", {}) for function in functions_of(tools)}
    try:
        written = islice(written_calls(text), _MAX_CALLS + 1)
        calls = tuple(_checked(name, arguments, schemas) for name, arguments in written)
    except (ValueError, ToolError, RecursionError):
        return ()

    return calls if len(calls) <= _MAX_CALLS else ()


def take_written_calls(reply: Message, tools: Sequence[JSON], emit: Emit | None = None) -> Message:
    """Return the reply with the calls that its text is, if it is nothing else; otherwise as it was.

    Args:
        reply: what the model said.
        tools: the tools that were offered, in the OpenAI shape.
        emit: is told of the calls.
    """
    calls = () if reply.tool_calls or reply.refusal else rescue_tool_calls(reply.text, tools)
    if not calls:
        return reply

    names = tuple(call.function.name for call in calls)
    _log.info("tool calls written as text: %s", ", ".join(names))
    if emit is not None:
        emit(ToolCallsRescued(names=names))
    return msgspec.structs.replace(reply, content=None, tool_calls=calls)


def _checked(name: str, arguments: JSON, schemas: Mapping[str, JSON]) -> ToolCall:
    if name not in schemas:
        raise ValueError("not an offered tool")

    call = tool_call(name, arguments)
    validate(call.function.arguments, schemas[name])
    return call
