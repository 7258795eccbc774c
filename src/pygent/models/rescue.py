"""Tool calls that a model wrote as text: small local models often write the call down instead of making it.

A text is a call only when it is nothing else: when nothing is left of it after its wrappers and its calls are taken
away, and each call names an offered tool with valid arguments. Prose that quotes a call never is.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

import msgspec

from ..errors import ToolError
from ..events import Emit, ToolCallsRescued
from ..messages import JSON, Message, ToolCall, ToolCallFunction
from ..schema import validate

_log = logging.getLogger("pygent.models")

_WRAPPER = re.compile(
    r"""\s+ | [,;]
    | ```[a-z_]*                                                      # a Markdown fence, with or without a language
    | </?(?:tool_call|tool_calls|tools|tool|function_call|function_calls)>   # Hermes, Qwen and their kin
    | \[/?TOOL_CALLS\]                                                # Mistral
    | <\|(?:python_tag|eom_id|eot_id|im_end|tool_call|/tool_call)\|>  # Llama 3, Phi-4
    """,
    re.VERBOSE,
)
_FUNCTION = re.compile(
    r"<function=([\w-]+)>(.*?)</function>", re.DOTALL
)  # Llama 3.1 with JSON, Qwen3-Coder with parameters
_PARAMETER = re.compile(r"\s*<parameter=([\w-]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_NAMED = re.compile(r"([\w-]+)\[ARGS\]")  # Mistral's newer form
_JSON = json.JSONDecoder(strict=False)  # a raw newline inside a string is the most common slip


def rescue_tool_calls(text: str, tools: Sequence[JSON]) -> tuple[ToolCall, ...]:
    """Return the calls that the text is, with new ids; empty when it is anything else.

    Args:
        text: the whole content of a reply that has no tool call.
        tools: the tools that were offered, in the OpenAI shape.
    """
    functions = [tool["function"] for tool in tools if "function" in tool]  # servers have built-in ones without
    schemas = {function["name"]: function.get("parameters", {}) for function in functions}
    try:
        return tuple(_checked(name, arguments, schemas) for name, arguments in _written_calls(text))
    except (ValueError, ToolError, RecursionError):
        return ()


def take_written_calls(reply: Message, tools: Sequence[JSON], emit: Emit | None = None) -> Message:
    """Return the reply with the calls that its text is, if it is nothing else; otherwise as it was.

    Args:
        reply: what the model said.
        tools: the tools that were offered, in the OpenAI shape.
        emit: is told of the calls.
    """
    calls = () if reply.tool_calls else rescue_tool_calls(reply.text, tools)
    if not calls:
        return reply

    names = tuple(call.function.name for call in calls)
    _log.info("tool calls written as text: %s", ", ".join(names))
    if emit is not None:
        emit(ToolCallsRescued(names=names))
    return msgspec.structs.replace(reply, content=None, tool_calls=calls)


def _written_calls(text: str) -> Iterator[tuple[str, JSON]]:
    """Name and arguments of each call; ValueError at the first thing that is neither call nor wrapper."""
    position = 0
    while position < len(text):
        if match := _WRAPPER.match(text, position):
            position = match.end()
        elif match := _FUNCTION.match(text, position):
            yield match[1], _tagged_arguments(match[2])
            position = match.end()
        elif match := _NAMED.match(text, position):
            arguments, position = _JSON.raw_decode(text, match.end())
            yield match[1], arguments
        else:
            value, position = _JSON.raw_decode(text, position)
            for call in value if isinstance(value, list) else [value]:
                yield _name_and_arguments(call)


def _name_and_arguments(call: JSON) -> tuple[str, JSON]:
    match call:
        case {"function": {"name": str(name), **function}} if set(function) <= {"arguments", "parameters"}:
            return name, function.get("arguments", function.get("parameters", {}))
        case {"name": str(name), "arguments": arguments, **rest} if set(rest) <= {"id", "type"}:
            return name, arguments
        case {"name": str(name), "parameters": arguments, **rest} if set(rest) <= {"id", "type"}:
            return name, arguments
    raise ValueError("not a call")


def _tagged_arguments(body: str) -> JSON:
    """The arguments between `<function=…>` and `</function>`: one JSON object, or a tag for each parameter."""
    if "<parameter=" not in body:
        return json.loads(body, strict=False) if body.strip() else {}

    if _PARAMETER.sub("", body).strip():
        raise ValueError("more than parameters")

    return {match[1]: match[2] for match in _PARAMETER.finditer(body)}


def _checked(name: str, arguments: JSON, schemas: Mapping[str, JSON]) -> ToolCall:
    if name not in schemas:
        raise ValueError("not an offered tool")

    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    validate(written, schemas[name])
    return ToolCall(id=f"call_{uuid4().hex}", function=ToolCallFunction(name=name, arguments=written))
