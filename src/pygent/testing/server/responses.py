"""`RESPONSE_STREAMS`: what servers stream in the Responses API, in all dialects, and the same responses as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

from .chunks import HELLO

Fields = dict[str, Any]

_PIECE = 1 << 19
"""Characters that are sent at once."""

USAGE: Fields = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 15,
}

THOUGHT: Fields = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "**First** look."},
        {"type": "summary_text", "text": "**Then** count."},
    ],
    "encrypted_content": "gAAAAABo+/secret==",
}
"""A thought that only its server can read."""

OPEN_THOUGHT: Fields = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "Look, then count."}],
}
"""A thought that everybody can read, as local servers have them."""


def said(text: str = HELLO, number: int | str = 1, **fields: Any) -> Fields:
    """A message of the model."""
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": content,
        **fields,
    }


def called(name: str, arguments: str, number: int | str = 1, **fields: Any) -> Fields:
    """A tool call."""
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": arguments,
        **fields,
    }


REFUSED = said(content=[{"type": "refusal", "refusal": "I will not."}])
LIST, COUNT = called("bash", '{"cmd": "ls"}'), called("bash", '{"cmd": "wc -l *"}', 2)


def response(*output: Fields, status: str = "completed", **fields: Any) -> Fields:
    """A whole response."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "small",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE if status in ("completed", "incomplete") else None,
        **fields,
    }


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
    for start, end in pairwise((0, 3, *range(8, len(text), _PIECE), max(8, len(text)))):
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


def without(names: tuple[str, ...], sent: list[Fields]) -> list[Fields]:
    """The events without these fields."""
    return [{name: value for name, value in event.items() if name not in names} for event in sent]


def only(kinds: tuple[str, ...], sent: list[Fields]) -> list[Fields]:
    """The events whose type ends with one of these."""
    return [event for event in sent if event["type"].endswith(kinds)]


def _renamed(sent: list[Fields]) -> list[Fields]:
    """The events of a server that makes up another id for each."""
    renamed = []
    for number, event in enumerate(sent):
        item = {"item": {**event["item"], "id": f"other_{number}"}} if "item" in event else {}
        item_id = {"item_id": f"other_{number}"} if "item_id" in event else {}
        renamed.append({**event, **item, **item_id})
    return renamed


DONE = b"data: [DONE]\n\n"
TEXT, CALLS, THINKING = events(said()), events(LIST, COUNT), events(THOUGHT, LIST)
LAST = ("response.completed",)

SAYS_HELLO: dict[str, bytes] = {
    "ok": stream(*TEXT),
    "done_word": stream(*TEXT, end=DONE),
    "last_event_only": stream(TEXT[-1]),
    "deltas_only": stream(*only(("_text.delta",), TEXT), ended()),
    "wholes_only": stream(*only(("_text.done",), TEXT), ended()),
    "items_only": stream(*only(("_item.done",), TEXT), ended()),
    "empty_output": stream(*TEXT[:-1], ended()),
    "null_output": stream(*TEXT[:-1], {"type": "response.completed", "response": {"output": None, "usage": USAGE}}),
    "no_index": stream(*without(("output_index", "content_index"), TEXT)),
    "no_places": stream(*without(("output_index", "content_index", "item_id"), TEXT)),
    "other_ids": stream(*_renamed(TEXT)),
    "repeated": stream(
        *(event for event in TEXT[:-1] for _ in range(1 if event["type"].endswith("delta") else 2)), TEXT[-1]
    ),
    "added_late": stream(*TEXT[:2], *TEXT[3:6], TEXT[2], *TEXT[6:]),
    "done_early": stream(*TEXT[:-3], TEXT[-2], TEXT[-3], TEXT[-1]),
    "unknown": stream(
        {"type": "keepalive"},
        {"type": "response.queued", "response": {}},
        *TEXT[:3],
        {"type": "response.output_item.added", "output_index": 1, "item": {"id": "x", "type": "hologram"}},
        {"type": "response.hologram.delta", "output_index": 1, "item_id": "x", "delta": "???"},
        *TEXT[3:],
    ),
    "no_types": stream({"ping": 1}, *TEXT),
}
"""All of these say `HELLO` and nothing else."""

CALLS_TWICE: dict[str, bytes] = {
    "two_calls": stream(*CALLS),
    "two_last_event_only": stream(CALLS[-1]),
    "two_items_only": stream(*only(("_item.done",), CALLS), ended()),
    "two_arguments_done_only": stream(*(event for event in CALLS if not event["type"].endswith(".delta"))),
    "two_empty_items": stream(
        *({**event, "item": {**event["item"], "arguments": ""}} if "item" in event else event for event in CALLS[:-1]),
        ended(),
    ),
    "two_no_index": stream(*without(("output_index",), CALLS[:-1]), ended()),
    "two_no_item_ids": stream(  # llama.cpp: an item has no id, and no index; its deltas know an id
        *without(
            ("output_index",),
            [
                {**event, "item": {name: value for name, value in event["item"].items() if name != "id"}}
                if "item" in event
                else event
                for event in CALLS[:-1]
            ],
        ),
        ended(),
    ),
    "two_one_index": stream(*({**event, "output_index": 0} if "output_index" in event else event for event in CALLS)),
    "two_text_index": stream(
        *(
            {**event, "output_index": str(event["output_index"])} if "output_index" in event else event
            for event in CALLS
        )
    ),
    "two_other_ids": stream(*_renamed(CALLS)),
    "two_other_ids_empty_output": stream(*_renamed(CALLS[:-1]), ended()),
    "two_interleaved": stream(
        *begun(),
        *(event for pair in zip(item_events(LIST), item_events(COUNT, 1), strict=True) for event in pair),
        ended(),
    ),
    "two_backwards": stream(*begun(), *item_events(COUNT, 1), *item_events(LIST), ended()),
}
"""All of these call `bash` with `ls`, and then with `wc -l *`."""

_RATE_LIMIT: Fields = {"code": "rate_limit_exceeded", "message": "slow down"}
_OVERLOADED: Fields = {"code": "server_error", "message": "overloaded"}
_CUT_CALL = called("bash", '{"cmd": "rm -rf build"}', status="incomplete")

OTHERS: dict[str, bytes] = {
    "tool": stream(*THINKING),
    "tool_no_thought": stream(*events(LIST)),
    "tool_two": stream(*CALLS),
    "tool_after_text": stream(*events(said(), LIST)),
    "reasoning": stream(*events(THOUGHT, said())),
    "reasoning_open": stream(*events(OPEN_THOUGHT, said())),
    "reasoning_again": stream(*events({**THOUGHT, "id": "rs_2"}, said("Let me see.", 2), COUNT)),
    "reasoning_last": stream(*events(said(), THOUGHT)),
    "think_tags": stream(*events(said(f"<think>hm</think>\n{HELLO}"))),
    "two_messages": stream(*events(said("First."), said("Second.", 2))),
    "refusal": stream(*events(REFUSED)),
    "length": stream(
        *begun(),
        *item_events(said()),
        ended(said(), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ),
    "tool_trunc_length": stream(
        *begun(),
        *item_events(_CUT_CALL),
        ended(_CUT_CALL, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ),
    "content_filter": stream(
        *begun(),
        *item_events(said()),
        ended(said(), status="incomplete", incomplete_details={"reason": "content_filter"}),
    ),
    "thought_only": stream(
        *begun(),
        *item_events(THOUGHT),
        ended(THOUGHT, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ),
    "failed": stream(*begun(), ended(status="failed", error=_OVERLOADED)),
    "failed_limit": stream(*begun(), ended(status="failed", error=_RATE_LIMIT)),
    "failed_silently": stream(*begun(), ended(status="failed")),
    "failed_late": stream(*TEXT[:6], ended(status="failed", error=_OVERLOADED)),
    "err_in_200": stream(*begun(), {"type": "error", **_OVERLOADED, "param": None}),
    "err_nested": stream({"type": "error", "error": {"type": "server_error", "message": "overloaded"}}),
    "err_untyped": stream({"error": {"message": "overloaded", "code": 503}}),
    "eofmid": stream(*TEXT[:-1]),
    "done_without_finish": stream(*TEXT[:-1], end=DONE),
    "tool_eofmid": stream(*CALLS[:-1]),
    "not_object": stream(*begun()) + b"data: [1]\n\n",
    "no_events": DONE,
}

RESPONSE_STREAMS: dict[str, bytes] = SAYS_HELLO | CALLS_TWICE | OTHERS
"""All that can be streamed, by name."""

BEGINNING = stream(*TEXT[:5])
"""The first words of a reply."""

WORD = stream(TEXT[4])
"""One more word of it."""


def says(text: str) -> bytes:
    """A stream in which the model says this."""
    return _stream_of(said(text, uuid4().hex))


def calls(made: Sequence[tuple[str, str]]) -> bytes:
    """A stream in which the model calls these tools, given as name and arguments."""
    return _stream_of(*(called(name, arguments, uuid4().hex) for name, arguments in made))


def _stream_of(*output: Fields) -> bytes:
    """The stream of a response; where OpenAI would say long texts four times over, they come in pieces alone."""
    whole = stream(*events(*output))
    if len(whole) < _PIECE:
        return whole

    return stream(*begun(), *only((".added", ".delta"), events(*output)), ended())


_WHOLES = {
    **dict.fromkeys(SAYS_HELLO.values(), response(said())),
    **dict.fromkeys(CALLS_TWICE.values(), response(LIST, COUNT)),
}
"""What is the same but for how it is streamed."""


def whole_response(sent: bytes) -> bytes:
    """What the same server sends to those who want no stream: the response of its last event, or the error.

    What is no whole stream is sent as it is.
    """
    if sent in _WHOLES:
        return json.dumps(_WHOLES[sent]).encode()

    items: list[Fields] = []
    for line in sent.decode().split("\n"):
        try:
            event = json.loads(line.removeprefix("data: ")) if line.startswith("data: {") else {}
        except ValueError:
            return sent

        match event:
            case {"type": "response.output_item.added", "item": item}:
                items.append(item)
            case {"type": "response.output_text.delta", "delta": text} if items:
                before = "".join(part["text"] for part in items[-1]["content"])
                items[-1]["content"] = said(before + text)["content"]
            case {"type": "response.function_call_arguments.delta", "delta": text} if items:
                items[-1]["arguments"] += text
            case {"type": "response.completed" | "response.incomplete" | "response.failed", "response": {**end}}:
                return json.dumps({**end, "output": end["output"] or items}).encode()
            case {"type": "error"} | {"error": _}:
                return json.dumps({"error": event.get("error") or event}).encode()
    return sent
