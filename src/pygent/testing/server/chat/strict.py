"""`problem_of`: the strictest reading of a request for Chat Completions: what any server might refuse, is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...pairing import Turn, pairing_problem
from ..fields import EFFORT, FIELDS, FILLED, NAME, VERBOSITY, check_tools, json_text, object_schema
from ..shapes import (
    Refusal,
    Shape,
    anything,
    either,
    flag,
    integer,
    listing,
    mapping,
    matching,
    nothing,
    number,
    one_of,
    record,
    text,
    variant,
)

_FUNCTION = record({"name": NAME}, {"description": text, "parameters": object_schema, "strict": either(flag, nothing)})
"""A function that may be called."""

_TEXT_PART = record({"type": text, "text": text})

_PARTS = {
    "text": _TEXT_PART,
    "image_url": record(
        {"type": text, "image_url": record({"url": FILLED}, {"detail": one_of("auto", "low", "high")})}
    ),
    "input_audio": record({"type": text, "input_audio": record({"data": FILLED, "format": one_of("wav", "mp3")})}),
    "file": record({"type": text, "file": record({}, {"file_data": text, "file_id": text, "filename": text})}),
}

_TEXTS = either(text, listing(variant("type", {"text": _TEXT_PART})))
_SPEAKER = {"name": matching(r"[^\s<|\\/>]{1,64}")}
_CALL = record({"id": FILLED, "type": one_of("function"), "function": record({"name": NAME, "arguments": json_text})})
_INSTRUCTIONS = record({"role": text, "content": _TEXTS}, _SPEAKER)

_MESSAGE = variant(
    "role",
    {
        "system": _INSTRUCTIONS,
        "developer": _INSTRUCTIONS,
        "user": record({"role": text, "content": either(text, listing(variant("type", _PARTS)))}, _SPEAKER),
        "assistant": record(
            {"role": text},
            {
                "content": either(
                    text,
                    nothing,
                    listing(variant("type", {"text": _TEXT_PART, "refusal": record({"type": text, "refusal": text})})),
                ),
                "refusal": either(text, nothing),
                "tool_calls": listing(_CALL),
                **_SPEAKER,
            },
        ),
        "tool": record({"role": text, "content": _TEXTS, "tool_call_id": FILLED}),
    },
)

_FORMAT = variant(
    "type",
    {
        "text": record({"type": text}),
        "json_object": record({"type": text}),
        "json_schema": record(
            {
                "type": text,
                "json_schema": record(
                    {"name": NAME}, {"description": text, "schema": mapping(anything), "strict": either(flag, nothing)}
                ),
            }
        ),
    },
)

_CHOICE = either(
    one_of("none", "auto", "required"), record({"type": one_of("function"), "function": record({"name": NAME})})
)

_FIELDS: dict[str, Shape] = {
    **FIELDS,
    "messages": listing(_MESSAGE),
    "tools": listing(record({"type": one_of("function"), "function": _FUNCTION}), at_most=128),
    "tool_choice": _CHOICE,
    "response_format": _FORMAT,
    "stream_options": record({}, {"include_usage": flag, "include_obfuscation": flag}),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "n": integer(1, 128),
    "seed": integer(-(1 << 63), 1 << 63),
    "stop": either(text, listing(text, at_most=4)),
    "logprobs": flag,
    "logit_bias": mapping(number(-100, 100)),
    "reasoning_effort": EFFORT,
    "verbosity": VERBOSITY,
    "modalities": listing(one_of("text", "audio")),
}
"""What a request may hold. What OpenAI deprecates, `functions` and `function_call`, it may not."""

_REQUEST = record({name: _FIELDS[name] for name in ("model", "messages")}, _FIELDS)


def problem_of(request: Any) -> str | None:
    """What the strictest server would say against this request for Chat Completions; None: nothing.

    Args:
        request: the body, decoded.
    """
    try:
        _REQUEST(request, "")
        _check_messages(request["messages"])
        _check_options(request)
    except Refusal as refusal:
        return str(refusal)

    return None


def _check_messages(messages: list[Mapping[str, Any]]) -> None:
    """What holds between messages."""
    in_front = True
    for position, message in enumerate(messages):
        is_instruction = message["role"] in ("system", "developer")
        if is_instruction and not in_front:
            raise Refusal(f"messages[{position}] has the role {message['role']!r}, which belongs in front")

        in_front = is_instruction
        if message["role"] == "assistant" and not _says_something(message):
            raise Refusal(f"messages[{position}] has neither content nor tool calls")

    problem = pairing_problem(
        Turn(message["role"], [call["id"] for call in message.get("tool_calls", ())], message.get("tool_call_id"))
        for message in messages
    )
    if problem:
        raise Refusal(problem)


def _says_something(message: Mapping[str, Any]) -> bool:
    return bool(message.get("content") or message.get("tool_calls") or message.get("refusal"))


def _check_options(request: Mapping[str, Any]) -> None:
    """What holds between fields."""
    check_tools(request, [tool["function"]["name"] for tool in request.get("tools", ())])
    if "stream_options" in request and not request.get("stream"):
        raise Refusal("stream_options stands without stream")

    if "top_logprobs" in request and not request.get("logprobs"):
        raise Refusal("top_logprobs stands without logprobs")

    if "max_tokens" in request and "max_completion_tokens" in request:
        raise Refusal("max_tokens and max_completion_tokens stand together")

    wanted = request.get("response_format", {})
    if wanted.get("type") == "json_object" and "json" not in json.dumps(request["messages"]).lower():
        raise Refusal("response_format asks for JSON, and no message does")
