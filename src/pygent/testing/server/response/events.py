"""The events that responses are streamed in: `stream(*begun(), *item_events(said()), ended(said()))`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

from ..recording import PIECE
from .items import Fields, called, response, said


def begun() -> list[Fields]:
    """The events before the first item."""
    started = response(status="in_progress")
    return [{"type": f"response.{kind}", "response": started} for kind in ("created", "in_progress")]


def ended(*output: Fields, status: str = "completed", **fields: Any) -> Fields:
    """The last event."""
    return {"type": f"response.{status}", "response": response(*output, status=status, **fields)}


def item_events(item: Fields, index: int = 0) -> list[Fields]:
    """All events of an item, as OpenAI sends them."""
    place = {"output_index": index}
    empty = {**item, **({} if item["type"] == "reasoning" else {"status": "in_progress"})}
    empty |= {name: [] for name in ("content", "summary") if name in item}
    empty |= {name: "" for name in ("arguments", "encrypted_content") if name in item}
    events = [{"type": "response.output_item.added", "item": empty, **place}]
    place["item_id"] = item["id"]
    match item["type"]:
        case "message":
            for number, part in enumerate(item["content"]):
                events += _content_events(part, {**place, "content_index": number})
        case "reasoning":
            for number, part in enumerate(item["summary"]):
                events += _summary_events(part, {**place, "summary_index": number})
            for number, part in enumerate(item.get("content", ())):
                events += _text_events("reasoning_text", part["text"], {**place, "content_index": number})
        case "function_call":
            events += _text_events("function_call_arguments", item["arguments"], place, whole="arguments")
    return [*events, {"type": "response.output_item.done", "item": item, "output_index": index}]


def _content_events(part: Fields, place: Fields) -> Iterator[Fields]:
    kind, whole = ("refusal", "refusal") if part["type"] == "refusal" else ("output_text", "text")
    yield {"type": "response.content_part.added", "part": {**part, whole: ""}, **place}
    logprobs: Fields = {} if kind == "refusal" else {"logprobs": []}
    yield from _text_events(kind, part[whole], {**place, **logprobs}, whole=whole)
    yield {"type": "response.content_part.done", "part": part, **place}


def _summary_events(part: Fields, place: Fields) -> Iterator[Fields]:
    yield {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}, **place}
    yield from _text_events("reasoning_summary_text", part["text"], place)
    yield {"type": "response.reasoning_summary_part.done", "part": part, **place}


def _text_events(kind: str, text: str, place: Fields, *, whole: str = "text") -> Iterator[Fields]:
    for start, end in pairwise((0, 3, *range(8, len(text), PIECE), max(8, len(text)))):
        if text[start:end]:
            yield {"type": f"response.{kind}.delta", "delta": text[start:end], **place}
    yield {"type": f"response.{kind}.done", whole: text, **place}


def events(*output: Fields) -> list[Fields]:
    """All events of a completed response, as OpenAI sends them."""
    items = [event for index, item in enumerate(output) for event in item_events(item, index)]
    return [*begun(), *items, ended(*output)]


def stream(*sent: Fields, end: bytes = b"") -> bytes:
    """The events as they are sent, numbered; what is no event of the API is sent without a number."""
    data = []
    for number, event in enumerate(sent):
        counted = {**event, "sequence_number": number} if "type" in event else event
        data.append(f"event: {event.get('type', 'message')}\ndata: {json.dumps(counted, ensure_ascii=False)}\n\n")
    return "".join(data).encode() + end


def only(kinds: tuple[str, ...], sent: list[Fields]) -> list[Fields]:
    """The events whose type ends with one of these."""
    return [event for event in sent if event["type"].endswith(kinds)]


_HELLO = events(said())

BEGINNING = stream(*_HELLO[:5])
"""The first words of a reply."""

WORD = stream(_HELLO[4])
"""One more word of it."""


def text_stream(text: str) -> bytes:
    """A stream in which the model says this."""
    return _stream_of(said(text, uuid4().hex))


def call_stream(made: Sequence[tuple[str, str]]) -> bytes:
    """A stream in which the model calls these tools, given as name and arguments."""
    return _stream_of(*(called(name, arguments, uuid4().hex) for name, arguments in made))


def _stream_of(*output: Fields) -> bytes:
    """The stream of a response; where OpenAI would say long texts four times over, they come in pieces alone."""
    whole = stream(*events(*output))
    if len(whole) < PIECE:
        return whole

    return stream(*begun(), *only((".added", ".delta"), events(*output)), ended())
