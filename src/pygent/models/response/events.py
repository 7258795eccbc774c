"""The events of a streamed response, merged into one message. It does no I/O and never waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ...errors import ModelError, ModelResponseError, StreamInterrupted
from ...events import Event, TextDelta, ToolCallDelta
from ...messages import JSON, Message, Usage
from ..http.faults import error_inside, not_a_reply
from ..thinking import ThinkingSplitter
from ..wire import brief_text, decode_json, parse_index, sound_text, usage_or_none
from .output_items import BREAK, Part, parse_output, replay_of
from .partial_items import PartialItem, PartialItems


class _Text(NamedTuple):
    """Where the text of a kind of event belongs."""

    item: str  # the type of the item
    part: str  # the kind of its part
    place: str = ""  # the field with the number of the part
    whole: str = "text"  # the field with all of the text, when it is done


_TEXTS = {
    "response.output_text": _Text("message", "text", "content_index"),
    "response.refusal": _Text("message", "refusal", "content_index", "refusal"),
    "response.reasoning_text": _Text("reasoning", "content", "content_index"),
    "response.reasoning_summary_text": _Text("reasoning", "summary", "summary_index"),
    "response.function_call_arguments": _Text("function_call", "arguments", whole="arguments"),
}
"""Each brings its text in pieces, as `.delta`, and then as a whole, as `.done`; servers may leave out either."""

_TELLING = {text.item for text in _TEXTS.values()}

_FINISH_REASONS = {"max_output_tokens": "length", "max_tokens": "length"}
"""Why a response is incomplete, in the words of Chat Completions where these are others."""


class PartialResponse:
    """A response as far as it came: `add` each event, then take the `message()`.

    What servers say twice, in pieces and as a whole, counts once; what they say once may be either. The last word is
    the output in the last event, unless it lists less than what came before: some servers leave it empty.

    Args:
        author: server and model that were asked, kept in `Message.replay` beside what only they understand.

    Attributes:
        has_begun: whether the model has said, thought or called anything.
        finish_reason: why the model stopped, once it said so.
        usage: the tokens, once the server told them.
    """

    def __init__(self, author: str = "") -> None:
        self.has_begun = False
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self._author = author
        self._status = ""
        self._items = PartialItems()
        self._content = ThinkingSplitter()
        self._last_shown: dict[str, tuple[PartialItem, Part | None]] = {}  # by the kind of item

    def __repr__(self) -> str:
        state = self._status or ("begun" if self.has_begun else "empty")
        return f"<PartialResponse {state} items={len(self._items.arrived)}>"

    @property
    def is_complete(self) -> bool:
        """Whether the response has come to its end."""
        return bool(self._status)

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow any more: the last event holds the usage, too."""
        return self.is_complete

    def end(self) -> None:
        """Take `[DONE]`, which some servers add, for an end of the stream; it says nothing of how the reply ended.

        Raises:
            StreamInterrupted: the response was not completed.
        """
        if not self.is_complete:
            raise StreamInterrupted("the stream ended in the middle of the reply", partial=self.message())

    def add(self, event: JSON) -> list[Event]:
        """Merge one event and return what a viewer should see of it.

        Raises:
            ModelError: the event is an error, or no event at all.
        """
        if not isinstance(event, Mapping):
            raise not_a_reply(repr(event).encode("utf-8", "replace"), "an event is no object")

        return list(self._merge(event))

    def add_completion(self, body: bytes) -> list[Event]:
        """Merge a whole response that was not streamed.

        Raises:
            ModelError: it is an error, or no whole response.
        """
        try:
            response = decode_json(body)
        except ValueError as error:
            raise not_a_reply(body, f"not JSON: {error}") from error

        if not isinstance(response, Mapping) or not isinstance(response.get("output"), list):
            raise error_inside(response if isinstance(response, Mapping) else {}) or not_a_reply(body, "no output")

        status = response.get("status") or "completed"
        if status not in ("completed", "incomplete", "failed"):
            raise not_a_reply(body, f"a response that is {status}")

        return self.add({"type": f"response.{status}", "response": response})

    def message(self) -> Message:
        """The reply so far."""
        output = [item.whole() for item in self._items.in_order()]
        said = parse_output(output)
        whole = self._status == "completed"
        return Message(
            role="assistant",
            content=said.content,
            tool_calls=said.tool_calls,
            refusal=said.refusal,
            reasoning=said.reasoning,
            usage=self.usage,
            finish_reason="tool_calls" if whole and said.tool_calls else self.finish_reason,
            replay=replay_of(output, author=self._author) if whole else None,
        )

    def _merge(self, event: Mapping[str, JSON]) -> Iterator[Event]:
        """Merge an event; kinds that are not known here say nothing."""
        index = parse_index(event.get("output_index"))
        match event:
            case {"type": "response.output_item.added", "item": {"type": str()} as fields}:
                item = self._items.begin(fields, index)
                if item.kind == "function_call":
                    yield from self._show(item, ("arguments", 0), "")
            case {"type": "response.output_item.done", "item": {"type": str()} as fields}:
                yield from self._end(self._items.end(fields, index), fields)
            case {"type": "response.completed" | "response.incomplete" as kind, "response": dict() as response}:
                yield from self._complete(response, kind.removeprefix("response."))
            case {"type": "response.failed", "response": dict() as response}:
                raise _failure(response)
            case {"type": "error"}:
                raise error_inside(event) or _failure({})
            case {"type": str(kind)}:
                yield from self._add_text(kind, event, index)
            case _ if error := error_inside(event):
                raise error

    def _add_text(self, kind: str, event: Mapping[str, JSON], index: int | None) -> Iterator[Event]:
        stem, _, phase = kind.rpartition(".")
        text = _TEXTS.get(stem)
        if text is None:
            return

        part = (text.part, parse_index(event.get(text.place)) or 0)
        match event.get("delta") if phase == "delta" else event.get(text.whole):
            case str(words):
                item = self._items.find(text.item, index, brief_text(event.get("item_id")))
                new = item.add(part, words) if phase == "delta" else item.close(part, words)
                if new:
                    yield from self._show(item, part, new)

    def _complete(self, response: Mapping[str, JSON], status: str) -> Iterator[Event]:
        self.usage = _usage(response.get("usage")) or self.usage
        output = response.get("output")
        listed = [fields for fields in output if isinstance(fields, Mapping)] if isinstance(output, list) else []
        if len(listed) >= sum(item.kind in _TELLING for item in self._items.arrived):
            for item, fields in zip(self._items.adopt(listed), listed, strict=True):
                yield from self._end(item, fields)
        self._status = status
        yield from self._content.end(calls_follow=any(item.kind == "function_call" for item in self._items.arrived))
        self.finish_reason = "stop"
        if status == "incomplete":
            details = response.get("incomplete_details")
            reason = (isinstance(details, Mapping) and brief_text(details.get("reason"))) or status
            self.finish_reason = _FINISH_REASONS.get(reason, reason)

    def _end(self, item: PartialItem, fields: Mapping[str, JSON]) -> Iterator[Event]:
        for part, new in item.end(fields):
            yield from self._show(item, part, new)

    def _show(self, item: PartialItem, part: Part, text: str) -> Iterator[Event]:
        """Show a text, set off from that of another message or thought before it."""
        self.has_begun = True
        match item.kind:
            case "function_call":
                name = brief_text(item.fields.get("name"))
                yield ToolCallDelta(index=item.number, name=name, arguments=sound_text(text))
            case "reasoning":
                yield from self._content.think(self._set_off((item, part)) + text)
            case "message" if part[0] == "refusal":
                yield TextDelta(text=sound_text(self._set_off((item, None)) + text))
            case "message":
                yield from self._content.feed(self._set_off((item, None)) + text)

    def _set_off(self, place: tuple[PartialItem, Part | None]) -> str:
        before = self._last_shown.get(place[0].kind, place)
        self._last_shown[place[0].kind] = place
        return "" if before == place else BREAK


def _failure(response: Mapping[str, JSON]) -> ModelError:
    return error_inside({"error": response.get("error")}) or ModelResponseError(
        "the server failed and does not say why"
    )


def _usage(usage: JSON) -> Usage | None:
    """The tokens, which this API counts under names of its own."""
    if not isinstance(usage, Mapping):
        return None

    renamed = {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "total_tokens": usage.get("total_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }
    return usage_or_none(renamed)
