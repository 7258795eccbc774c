"""Chat Completions chunks, merged into one message. It does no I/O and never waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...events import Event, TextDelta
from ...messages import JSON, Message, Usage
from ..http.faults import error_inside, not_a_reply
from ..thinking import ThinkingSplitter
from ..wire import decode_json, parse_index, sound_text, usage_or_none
from .partial_calls import PartialCalls
from .reasoning_details import ReasoningDetails


class PartialReply:
    """A reply as far as it came: `add` each chunk, then take the `message()`.

    Attributes:
        has_begun: whether the model has said, thought or called anything.
        is_complete: whether the reply is whole; its usage may still follow.
        is_over: whether nothing can follow any more.
        finish_reason: why the model stopped, once it said so.
        usage: the tokens, once the server told them.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.is_complete = False
        self.is_over = False
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self._content = ThinkingSplitter()
        self._refusal: list[str] = []
        self._calls = PartialCalls()
        self._details = ReasoningDetails()

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "begun" if self.has_begun else "empty"
        return f"<PartialReply {state} calls={len(self._calls.calls)}>"

    def add(self, chunk: JSON) -> list[Event]:
        """Merge one chunk and return what a viewer should see of it.

        Raises:
            ModelError: the chunk is an error, or no chunk at all.
        """
        if not isinstance(chunk, Mapping):
            raise not_a_reply(repr(chunk).encode("utf-8", "replace"), "a chunk is no object")

        choices = chunk.get("choices")
        if (not choices or chunk.get("error")) and (error := error_inside(chunk)):
            raise error

        if chunk.get("usage"):
            self.usage = usage_or_none(chunk["usage"]) or self.usage
        events: list[Event] = []
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping) and not parse_index(choice.get("index")):  # one reply was asked for
                events += self._add_choice(choice)
        return events

    def end(self) -> None:
        """Take the stream's word that nothing follows: also a reply without a finish reason is whole then.

        Raises:
            ModelResponseError: nothing came.
        """
        if not (self.has_begun or self.is_complete):
            raise not_a_reply(b"", "an empty stream")

        self.is_complete = self.is_over = True

    def add_completion(self, body: bytes) -> list[Event]:
        """Merge a whole completion that was not streamed: its `message` stands where a `delta` does.

        Raises:
            ModelError: it is an error, or no completion at all.
        """
        try:
            completion = decode_json(body)
        except ValueError as error:
            raise not_a_reply(body, f"not JSON: {error}") from error

        events = self.add(completion)
        match completion:
            case {"choices": [{"message": dict()}, *_]}:
                self.is_complete = True
                return events
        raise not_a_reply(body, "no message in its choices")

    def message(self) -> Message:
        """The reply so far."""
        calls = self._calls.finished()
        reasoning, content = self._content.result(calls_follow=bool(calls))
        details = self._details.whole()
        return Message(
            role="assistant",
            content=content if content or not calls else None,
            tool_calls=calls,
            refusal=sound_text("".join(self._refusal)) or None,
            reasoning=reasoning or None,
            usage=self.usage,
            finish_reason=self.finish_reason,
            replay={"reasoning_details": details} if details else None,
        )

    def _add_choice(self, choice: Mapping[str, JSON]) -> Iterator[Event]:
        if choice.get("error") and (error := error_inside({"error": choice["error"]})):
            raise error

        is_whole = "delta" not in choice
        delta = _as_delta(choice.get("message")) if is_whole else choice["delta"]
        if isinstance(delta, Mapping):
            yield from self._add_delta(delta)
            self._details.add(delta.get("reasoning_details"), are_whole=is_whole)
        if choice.get("finish_reason"):
            self.finish_reason = sound_text(str(choice["finish_reason"]))
            self.is_complete = True
            yield from self._content.end(calls_follow=bool(self._calls.calls))

    def _add_delta(self, delta: Mapping[str, JSON]) -> Iterator[Event]:
        text, reasoning = _texts(delta.get("content"))
        reasoning = _texts(delta.get("reasoning_content") or delta.get("reasoning"))[0] or reasoning
        refusal = _texts(delta.get("refusal"))[0]
        calls = delta.get("tool_calls")
        pieces = [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
        self.has_begun = self.has_begun or bool(text or reasoning or refusal or pieces)
        if reasoning:
            yield from self._content.think(reasoning)
        if text:
            yield from self._content.feed(text)
        if refusal:
            self._refusal.append(refusal)
            yield TextDelta(text=sound_text(refusal))
        for position, call in enumerate(pieces):
            yield self._calls.add(call, is_first=position == 0)


def _as_delta(message: JSON) -> JSON:
    """A whole message in the place of a delta: its calls, which carry no index, are numbered."""
    if not isinstance(message, Mapping) or not isinstance(message.get("tool_calls"), list):
        return message

    calls = [{**call, "index": index} for index, call in enumerate(message["tool_calls"]) if isinstance(call, Mapping)]
    return {**message, "tool_calls": calls}


def _texts(content: JSON) -> tuple[str, str]:
    """The text, and the reasoning, in a content: text, parts, or parts of parts as Mistral thinks in."""
    if isinstance(content, str) or not content:
        return content or "", ""

    text = reasoning = ""
    for part in content if isinstance(content, list) else [content]:
        match part:
            case str():
                text += part
            case {"type": "thinking", "thinking": thought}:
                reasoning += _texts(thought)[0]
            case {"text": str(words)}:
                text += words
    return text, reasoning
