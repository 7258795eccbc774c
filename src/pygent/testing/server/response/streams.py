"""Every stream of the Responses API that the server can play, by name: `RECORDINGS` and their `STREAMS`."""

from __future__ import annotations

from ..recording import HELLO, Recording
from .events import begun, ended, events, item_events, only, stream
from .items import COUNT, LIST, OPEN_THOUGHT, REFUSED, THOUGHT, USAGE, Fields, called, said


def _without(names: tuple[str, ...], sent: list[Fields]) -> list[Fields]:
    """The events without these fields."""
    return [{name: value for name, value in event.items() if name not in names} for event in sent]


def _renamed(sent: list[Fields]) -> list[Fields]:
    """The events of a server that makes up another id for each."""
    renamed = []
    for number, event in enumerate(sent):
        item = {"item": {**event["item"], "id": f"other_{number}"}} if "item" in event else {}
        item_id = {"item_id": f"other_{number}"} if "item_id" in event else {}
        renamed.append({**event, **item, **item_id})
    return renamed


def _cut_off(item: Fields, reason: str) -> bytes:
    """A response that is but this item, and incomplete."""
    end = ended(item, status="incomplete", incomplete_details={"reason": reason})
    return stream(*begun(), *item_events(item), end)


_DONE = b"data: [DONE]\n\n"
_TEXT, _CALLS = events(said()), events(LIST, COUNT)
_TWICE = tuple((call["name"], call["arguments"]) for call in (LIST, COUNT))

SAYS_HELLO: dict[str, Recording] = {
    "ok": Recording("All as it should be.", stream(*_TEXT)),
    "done_word": Recording("[DONE] at the end, as in Chat Completions.", stream(*_TEXT, end=_DONE)),
    "last_event_only": Recording("Nothing but the last event, which has the whole response.", stream(_TEXT[-1])),
    "deltas_only": Recording("The pieces of the text, and no item.", stream(*only(("_text.delta",), _TEXT), ended())),
    "wholes_only": Recording("The whole text at once, and no item.", stream(*only(("_text.done",), _TEXT), ended())),
    "items_only": Recording(
        "Whole items, without their beginnings and pieces.", stream(*only(("_item.done",), _TEXT), ended())
    ),
    "empty_output": Recording("A last event whose output is empty.", stream(*_TEXT[:-1], ended())),
    "null_output": Recording(
        "A last event whose output is null.",
        stream(*_TEXT[:-1], {"type": "response.completed", "response": {"output": None, "usage": USAGE}}),
    ),
    "no_index": Recording("No indices.", stream(*_without(("output_index", "content_index"), _TEXT))),
    "no_places": Recording(
        "Neither indices nor the ids of items.", stream(*_without(("output_index", "content_index", "item_id"), _TEXT))
    ),
    "other_ids": Recording("Each event has another id for the same item.", stream(*_renamed(_TEXT))),
    "repeated": Recording(
        "Each event comes twice, but for the pieces of the text.",
        stream(*(event for event in _TEXT[:-1] for _ in range(1 if event["type"].endswith("delta") else 2)), _TEXT[-1]),
    ),
    "added_late": Recording(
        "The item begins after its first words.", stream(*_TEXT[:2], *_TEXT[3:6], _TEXT[2], *_TEXT[6:])
    ),
    "done_early": Recording("An item ends before its parts do.", stream(*_TEXT[:-3], _TEXT[-2], _TEXT[-3], _TEXT[-1])),
    "unknown": Recording(
        "Events and items that nobody knows.",
        stream(
            {"type": "keepalive"},
            {"type": "response.queued", "response": {}},
            *_TEXT[:3],
            {"type": "response.output_item.added", "output_index": 1, "item": {"id": "x", "type": "hologram"}},
            {"type": "response.hologram.delta", "output_index": 1, "item_id": "x", "delta": "???"},
            *_TEXT[3:],
        ),
    ),
    "no_types": Recording("An event without a type.", stream({"ping": 1}, *_TEXT)),
}
"""All of these say `HELLO` and nothing else."""

CALLS_TWICE: dict[str, Recording] = {
    "two_calls": Recording("Two calls, as OpenAI streams them.", stream(*_CALLS), _TWICE),
    "two_last_event_only": Recording("Two calls in nothing but the last event.", stream(_CALLS[-1]), _TWICE),
    "two_items_only": Recording("Two calls as whole items.", stream(*only(("_item.done",), _CALLS), ended()), _TWICE),
    "two_arguments_done_only": Recording(
        "Two calls whose arguments come at once.",
        stream(*(event for event in _CALLS if not event["type"].endswith(".delta"))),
        _TWICE,
    ),
    "two_empty_items": Recording(
        "Two calls whose items lack the arguments that were streamed.",
        stream(
            *(
                {**event, "item": {**event["item"], "arguments": ""}} if "item" in event else event
                for event in _CALLS[:-1]
            ),
            ended(),
        ),
        _TWICE,
    ),
    "two_no_index": Recording(
        "Two calls without an index.", stream(*_without(("output_index",), _CALLS[:-1]), ended()), _TWICE
    ),
    "two_no_item_ids": Recording(
        "Two calls without index or id, whose pieces have the ids of items, as of llama.cpp.",
        stream(
            *_without(
                ("output_index",),
                [
                    {**event, "item": {name: value for name, value in event["item"].items() if name != "id"}}
                    if "item" in event
                    else event
                    for event in _CALLS[:-1]
                ],
            ),
            ended(),
        ),
        _TWICE,
    ),
    "two_one_index": Recording(
        "Two calls with the same index.",
        stream(*({**event, "output_index": 0} if "output_index" in event else event for event in _CALLS)),
        _TWICE,
    ),
    "two_text_index": Recording(
        "Two calls whose indices are texts.",
        stream(
            *(
                {**event, "output_index": str(event["output_index"])} if "output_index" in event else event
                for event in _CALLS
            )
        ),
        _TWICE,
    ),
    "two_other_ids": Recording("Two calls with another id in each event.", stream(*_renamed(_CALLS)), _TWICE),
    "two_other_ids_empty_output": Recording(
        "The same, and a last event whose output is empty.", stream(*_renamed(_CALLS[:-1]), ended()), _TWICE
    ),
    "two_interleaved": Recording(
        "Two calls, their events in turn.",
        stream(
            *begun(),
            *(event for pair in zip(item_events(LIST), item_events(COUNT, 1), strict=True) for event in pair),
            ended(),
        ),
        _TWICE,
    ),
    "two_backwards": Recording(
        "Two calls, the second index first.",
        stream(*begun(), *item_events(COUNT, 1), *item_events(LIST), ended()),
        _TWICE,
    ),
}
"""All of these call `bash` with `ls`, and then with `wc -l *`."""

_RATE_LIMIT: Fields = {"code": "rate_limit_exceeded", "message": "slow down"}
_OVERLOADED: Fields = {"code": "server_error", "message": "overloaded"}
_CUT_CALL = called("bash", '{"cmd": "rm -rf build"}', status="incomplete")

_OTHERS: dict[str, Recording] = {
    "tool": Recording("A thought, and then a call.", stream(*events(THOUGHT, LIST))),
    "tool_no_thought": Recording("A call without a thought.", stream(*events(LIST))),
    "tool_two": Recording("Two calls, one after the other.", stream(*_CALLS)),
    "tool_after_text": Recording("Text, and then a call.", stream(*events(said(), LIST))),
    "reasoning": Recording(
        "A thought that only its server can read, with a summary.", stream(*events(THOUGHT, said()))
    ),
    "reasoning_open": Recording(
        "A thought that everybody can read, as of local servers.", stream(*events(OPEN_THOUGHT, said()))
    ),
    "reasoning_again": Recording(
        "A second thought, words, and a call.",
        stream(*events({**THOUGHT, "id": "rs_2"}, said("Let me see.", 2), COUNT)),
    ),
    "reasoning_last": Recording("A thought behind the text.", stream(*events(said(), THOUGHT))),
    "think_tags": Recording(
        "A thought between <think> tags, in the text.", stream(*events(said(f"<think>hm</think>\n{HELLO}")))
    ),
    "two_messages": Recording("Two messages.", stream(*events(said("First."), said("Second.", 2)))),
    "refusal": Recording("A refusal.", stream(*events(REFUSED))),
    "length": Recording("A text cut off at the token limit.", _cut_off(said(), "max_output_tokens")),
    "tool_trunc_length": Recording(
        "A call cut off at the token limit, though it parses.", _cut_off(_CUT_CALL, "max_output_tokens")
    ),
    "content_filter": Recording("A text cut off by a filter.", _cut_off(said(), "content_filter")),
    "thought_only": Recording("A thought cut off at the token limit.", _cut_off(THOUGHT, "max_output_tokens")),
    "failed": Recording(
        "It fails: the server is overloaded.", stream(*begun(), ended(status="failed", error=_OVERLOADED))
    ),
    "failed_limit": Recording(
        "It fails: too many requests.", stream(*begun(), ended(status="failed", error=_RATE_LIMIT))
    ),
    "failed_silently": Recording("It fails, and does not say why.", stream(*begun(), ended(status="failed"))),
    "failed_late": Recording(
        "It fails after some words.", stream(*_TEXT[:6], ended(status="failed", error=_OVERLOADED))
    ),
    "err_in_200": Recording(
        "An error instead of an item.", stream(*begun(), {"type": "error", **_OVERLOADED, "param": None})
    ),
    "err_nested": Recording(
        "An error inside an error, as the first event.",
        stream({"type": "error", "error": {"type": "server_error", "message": "overloaded"}}),
    ),
    "err_untyped": Recording(
        "An error without a type, as of Chat Completions.", stream({"error": {"message": "overloaded", "code": 503}})
    ),
    "eofmid": Recording("Ends without the last event.", stream(*_TEXT[:-1])),
    "done_without_finish": Recording("[DONE], but no last event.", stream(*_TEXT[:-1], end=_DONE)),
    "tool_eofmid": Recording("Two calls, and no last event.", stream(*_CALLS[:-1])),
    "not_object": Recording("An event that is no object.", stream(*begun()) + b"data: [1]\n\n"),
    "no_events": Recording("[DONE], and nothing before.", _DONE),
}

RECORDINGS: dict[str, Recording] = SAYS_HELLO | CALLS_TWICE | _OTHERS
"""All of them, with what is odd about each."""

STREAMS: dict[str, bytes] = {name: recording.stream for name, recording in RECORDINGS.items()}
"""All streams of the Responses API, by name."""
