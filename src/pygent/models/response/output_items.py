"""What the Responses API answers: output items become a message, which keeps what their author wants back of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...messages import JSON, Message
from ...replies import with_own_ids
from ..thinking import ThinkingSplitter
from ..wire import arguments_text, brief_text, sound_json, sound_text, tool_call

BREAK = "\n\n"
"""What stands between the texts of two messages, or two thoughts, that are one reply."""

_REPLAY = "responses"
"""The key in `Message.replay` under which the output of a response is kept."""

Part = tuple[str, int]
"""A part of an item: the kind of text it is, and its number among those of its list."""


def parse_output(output: Sequence[Mapping[str, JSON]]) -> Message:
    """The message that output items amount to; those of unknown kinds say nothing."""
    texts, refusals, thoughts, calls = [], [], [], []
    for item in output:
        parts = parts_of(item)
        match item.get("type"):
            case "message":
                texts.append("".join(text for (kind, _), text in parts.items() if kind == "text"))
                refusals.append("".join(text for (kind, _), text in parts.items() if kind == "refusal"))
            case "reasoning":
                kinds = ("content", "summary")  # the thought itself; what was told of it, where it is secret
                found = ([text for (kind, _), text in parts.items() if kind == wanted] for wanted in kinds)
                thoughts += next(filter(any, found), [])
            case "function_call":
                name, call_id = brief_text(item.get("name")), brief_text(item.get("call_id") or item.get("id"))
                calls.append(tool_call(name, parts["arguments", 0], call_id=call_id))
    content = ThinkingSplitter()
    if thought := _joined(thoughts):
        content.think(thought)
    content.feed(_joined(texts))
    reasoning, said = content.result(calls_follow=bool(calls))
    return Message(
        role="assistant",
        content=said if said or not calls else None,
        tool_calls=with_own_ids(calls),
        refusal=_joined(refusals) or None,
        reasoning=reasoning or None,
    )


def parts_of(item: Mapping[str, JSON]) -> dict[Part, str]:
    """The texts in an output item, each with its place."""
    match item.get("type"):
        case "message":
            return dict(_texts(item.get("content"), "text"))
        case "reasoning":
            return {**dict(_texts(item.get("summary"), "summary")), **dict(_texts(item.get("content"), "content"))}
        case "function_call":
            return {("arguments", 0): arguments_text(item.get("arguments"))}
    return {}


def replay_of(output: Sequence[Mapping[str, JSON]], *, author: str) -> dict[str, JSON] | None:
    """What to keep of a whole output in `Message.replay`, so that it can go back; None: the message says it all.

    Nothing is kept either if a thought in it has no content, encrypted or not, or leads to nothing: servers refuse a
    conversation with such a thought, and take it without any.
    """
    if all(item.get("type") in ("message", "function_call") and not item.get("phase") for item in output):
        return None

    thoughts = [item for item in output if item.get("type") == "reasoning"]
    if output[-1] in thoughts or not all(item.get("encrypted_content") or item.get("content") for item in thoughts):
        return None

    sound = sound_json(output)  # as journals want it
    return {_REPLAY: {"author": author, "output": sound}} if sound is not None else None


def output_of(message: Message, *, author: str | None) -> list[JSON] | None:
    """The output that the message was made of; None: it is another's, or the message was changed since."""
    match (message.replay or {}).get(_REPLAY):
        case {"author": by, "output": list(output)} if by == author:
            said = parse_output(output)
            if (said.text, said.refusal, said.tool_calls) == (message.text, message.refusal, message.tool_calls):
                return output
    return None


def _texts(content: JSON, kind: str) -> Iterator[tuple[Part, str]]:
    parts = [content] if isinstance(content, str) else content if isinstance(content, list) else []
    for number, part in enumerate(parts):
        match part:
            case {"refusal": str(text)}:
                yield ("refusal", number), text
            case {"text": str(text)} | str(text):
                yield (kind, number), text


def _joined(texts: Sequence[str]) -> str:
    return sound_text(BREAK.join(text for text in texts if text))
