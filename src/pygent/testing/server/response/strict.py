"""`problem_of_response_request`: the strictest reading of a request for the Responses API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...pairing import Turn, pairing_problem
from ..fields import EFFORT, FIELDS, FILLED, NAME, VERBOSITY, check_tools, json_text, object_schema
from ..shapes import (
    Refusal,
    anything,
    either,
    flag,
    integer,
    listing,
    mapping,
    matching,
    nothing,
    one_of,
    record,
    text,
    variant,
)

_STATUS = {"status": one_of("in_progress", "completed", "incomplete")}

_SUMMARY = variant("type", {"summary_text": record({"type": text, "text": text})})

_INPUT_PART = variant(
    "type",
    {
        "input_text": record({"type": text, "text": text}),
        "input_image": record(
            {"type": text}, {"image_url": FILLED, "file_id": FILLED, "detail": one_of("auto", "low", "high")}
        ),
        "input_file": record({"type": text}, {"file_data": text, "file_id": text, "file_url": text, "filename": text}),
    },
)

_OUTPUT_PART = variant(
    "type",
    {
        "output_text": record(
            {"type": text, "text": text},
            {"annotations": listing(mapping(anything), at_least=0), "logprobs": listing(anything, at_least=0)},
        ),
        "refusal": record({"type": text, "refusal": text}),
    },
)

_SAID = record(
    {"role": one_of("user", "system", "developer"), "content": either(text, listing(_INPUT_PART))},
    {"type": one_of("message"), **_STATUS},
)

_REPLIED = record(
    {"role": one_of("assistant"), "content": either(text, listing(_OUTPUT_PART))},
    {
        "type": one_of("message"),
        "id": matching(r"msg_.+"),
        "phase": either(one_of("commentary", "final_answer"), nothing),
        **_STATUS,
    },
)


def _message(value: Any, where: str) -> None:
    """A message, of which the replies have another shape."""
    (_REPLIED if value.get("role") == "assistant" else _SAID)(value, where)


_ITEMS = variant(
    "type",
    {
        "message": _message,
        "function_call": record(
            {"type": text, "call_id": FILLED, "name": NAME, "arguments": json_text},
            {"id": matching(r"fc_.+"), **_STATUS},
        ),
        "function_call_output": record(
            {"type": text, "call_id": FILLED, "output": either(text, listing(_INPUT_PART))},
            {"id": matching(r"fc_.+"), **_STATUS},
        ),
        "reasoning": record(
            {"type": text, "id": matching(r"rs_.+"), "summary": listing(_SUMMARY, at_least=0)},
            {
                "encrypted_content": either(FILLED, nothing),
                "content": either(nothing, listing(mapping(anything), at_least=0)),
                **_STATUS,
            },
        ),
        "item_reference": record({"type": text, "id": FILLED}),
    },
)


def _item(value: Any, where: str) -> None:
    """An item; one without a type is a message."""
    is_message = isinstance(value, dict) and "type" not in value
    (_message if is_message else _ITEMS)(value, where)


_FORMAT = variant(
    "type",
    {
        "text": record({"type": text}),
        "json_object": record({"type": text}),
        "json_schema": record(
            {"type": text, "name": NAME, "schema": mapping(anything)},
            {"description": text, "strict": either(flag, nothing)},
        ),
    },
)

_TOOL = record(
    {"type": one_of("function"), "name": NAME, "parameters": object_schema},
    {"description": text, "strict": either(flag, nothing)},
)

_REQUEST = record(
    {"model": FILLED, "input": either(text, listing(_item))},
    {
        **FIELDS,
        "instructions": text,
        "tools": listing(_TOOL, at_most=128),
        "tool_choice": either(one_of("none", "auto", "required"), record({"type": one_of("function"), "name": NAME})),
        "stream_options": record({}, {"include_obfuscation": flag}),
        "include": listing(
            one_of("reasoning.encrypted_content", "message.output_text.logprobs", "message.input_image.image_url"),
            at_least=0,
        ),
        "reasoning": record({}, {"effort": EFFORT, "summary": one_of("auto", "concise", "detailed")}),
        "text": record({}, {"format": _FORMAT, "verbosity": VERBOSITY}),
        "max_output_tokens": integer(16),
        "max_tool_calls": integer(1),
        "previous_response_id": matching(r"resp_.+"),
        "truncation": one_of("auto", "disabled"),
    },
)


def problem_of_response_request(request: Any) -> str | None:
    """What the strictest server would say against this request for the Responses API; None: nothing.

    Args:
        request: the body, decoded.
    """
    try:
        _REQUEST(request, "")
        check_tools(request, [tool["name"] for tool in request.get("tools", ())])
        if "stream_options" in request and not request.get("stream"):
            raise Refusal("stream_options stands without stream")

        if isinstance(request["input"], list):
            _check_items(request["input"], is_stored=request.get("store", True))
            if "previous_response_id" not in request and (problem := pairing_problem(_turns(request["input"]))):
                raise Refusal(problem)
    except Refusal as refusal:
        return str(refusal)

    return None


def _check_items(items: list[Mapping[str, Any]], *, is_stored: bool) -> None:
    """What holds between items."""
    seen: set[str] = set()
    for position, item in enumerate(items):
        if "id" in item and item["id"] in seen:
            raise Refusal(f"input[{position}].id is {item['id']!r}, which came before")

        seen.add(item.get("id", ""))
        if item.get("type") != "reasoning":
            continue

        if position + 1 == len(items) or not _is_reply(items[position + 1]):
            raise Refusal(f"input[{position}] is reasoning that leads to nothing")

        if not is_stored and not (item.get("encrypted_content") or item.get("content")):
            raise Refusal(f"input[{position}] is reasoning without its content, which is not stored")


def _is_reply(item: Mapping[str, Any]) -> bool:
    return item.get("type") in ("reasoning", "function_call", "item_reference") or item.get("role") == "assistant"


def _turns(items: list[Mapping[str, Any]]) -> Iterator[Turn]:
    """The items as turns: calls that stand side by side, or with thoughts and words in between, are of one reply."""
    called: list[str] = []
    for item in items:
        if item.get("type") == "function_call":
            called.append(item["call_id"])
        elif not _is_reply(item):
            if called:
                yield Turn("assistant", called)
                called = []
            is_answer = item.get("type") == "function_call_output"
            yield Turn("tool", answered=item["call_id"]) if is_answer else Turn(item["role"])
    if called:
        yield Turn("assistant", called)
