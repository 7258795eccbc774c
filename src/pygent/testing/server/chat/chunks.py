"""The words that streams of Chat Completions are written in: `sse(said("Hello"), STOP)`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from ..recording import HELLO, PIECE


def sse(*chunks: Any, done: bool = True, end: str = "\n") -> bytes:
    """The chunks as server-sent events, with `[DONE]` after them; a text is sent as it stands."""
    data = [chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {text}{end}{end}" for text in [*data, *(["[DONE]"] if done else [])]).encode()


def delta(finish_reason: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    """A chunk with these fields of a message."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": fields, "finish_reason": finish_reason}],
    }


def said(content: Any) -> dict[str, Any]:
    """A chunk with a bit of text, or whatever a server puts in its place."""
    return delta(content=content)


def calls(*pieces: Any) -> dict[str, Any]:
    """A chunk with pieces of tool calls."""
    return delta(tool_calls=list(pieces))


def piece(arguments: Any = None, *, name: str | None = None, **fields: Any) -> dict[str, Any]:
    """A piece of a tool call; fields are `id` and `index`."""
    function = {} if name is None else {"name": name}
    return {**fields, "type": "function", "function": {**function, "arguments": arguments}}


def completion(message: dict[str, Any], finish_reason: str | None = "stop") -> dict[str, Any]:
    """A whole completion, not streamed."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": usage}


STOP = delta("stop")
STOP_TO_CALL = delta("tool_calls")
USAGE = {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
WORDS = [said(HELLO[:3]), said(HELLO[3:8]), said(HELLO[8:])]

PLAIN = sse(delta(role="assistant", content=""), *WORDS, STOP, USAGE)
"""What a well-behaved server streams."""

BEGINNING = sse(*WORDS[:2], done=False)
"""The first words of a reply."""

WORD = sse(WORDS[0], done=False)
"""One more word of it."""


def text_stream(text: str) -> bytes:
    """A stream in which the model says this."""
    return sse(*(said(part) for part in _parts(text, 7 if len(text) < 1000 else PIECE)), STOP)


def call_stream(made: Sequence[tuple[str, str]]) -> bytes:
    """A stream in which the model calls these tools, given as name and arguments."""
    chunks = []
    for index, (name, arguments) in enumerate(made):
        chunks.append(calls(piece("", name=name, id=f"call_{uuid4().hex}", index=index)))
        chunks += [calls(piece(part, index=index)) for part in _parts(arguments, PIECE)]
    return sse(*chunks, STOP_TO_CALL)


def _parts(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
