"""Chat Completions chunks, merged into one message. It does no I/O and never waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import ModelResponseError
from ..events import Event, ReasoningDelta, TextDelta
from ..messages import JSON, Message, Usage, parse_usage
from .faults import error_inside, not_a_reply
from .partial_calls import PartialCalls
from .wire import decode_json, parse_index, sound_text


class PartialReply:
    """A reply as far as it came: `add` each chunk, then take the `message()`.

    Attributes:
        has_begun: whether the model has said, thought or called anything.
        is_complete: whether the reply has come to its end; set it when the stream says so by other means than a chunk.
        finish_reason: why the model stopped, once it said so.
        usage: the tokens, once the server told them.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.is_complete = False
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls = PartialCalls()

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
            self.usage = _usage(chunk["usage"]) or self.usage
        events: list[Event] = []
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping) and not parse_index(choice.get("index")):  # one reply was asked for
                events += self._add_choice(choice)
        self.has_begun = self.has_begun or bool(events)
        return events

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
        content = sound_text("".join(self._text))
        calls = self._calls.finished()
        return Message(
            role="assistant",
            content=content if content or not calls else None,
            tool_calls=calls,
            refusal=sound_text("".join(self._refusal)) or None,
            reasoning=sound_text("".join(self._reasoning)) or None,
            usage=self.usage,
            finish_reason=self.finish_reason,
        )

    def _add_choice(self, choice: Mapping[str, JSON]) -> Iterator[Event]:
        if choice.get("error") and (error := error_inside({"error": choice["error"]})):
            raise error

        if choice.get("finish_reason"):
            self.finish_reason = str(choice["finish_reason"])
            self.is_complete = True
        delta = choice["delta"] if "delta" in choice else _as_delta(choice.get("message"))
        if isinstance(delta, Mapping):
            yield from self._add_delta(delta)

    def _add_delta(self, delta: Mapping[str, JSON]) -> Iterator[Event]:
        text, reasoning = _texts(delta.get("content"))
        reasoning = _texts(delta.get("reasoning_content") or delta.get("reasoning"))[0] or reasoning
        refusal = _texts(delta.get("refusal"))[0]
        if reasoning:
            self._reasoning.append(reasoning)
            yield ReasoningDelta(text=sound_text(reasoning))
        if text:
            self._text.append(text)
            yield TextDelta(text=sound_text(text))
        if refusal:
            self._refusal.append(refusal)
            yield TextDelta(text=sound_text(refusal))
        calls = delta.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, Mapping):
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


def _usage(value: JSON) -> Usage | None:
    try:
        return parse_usage(value)
    except ModelResponseError:  # a count in an odd shape is no reason to lose a reply
        return None
