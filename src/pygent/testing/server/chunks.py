"""The words that streams of Chat Completions are written in: `sse(said("Hello"), STOP)`."""

from __future__ import annotations

import json
from typing import Any

HELLO = "Hello, wörld \u2028\x85\x0b🌍"
"""What the model says: with the line ends of Unicode, which are none in a stream."""


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
TOOLS = delta("tool_calls")
USAGE = {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
WORDS = [said(HELLO[:3]), said(HELLO[3:8]), said(HELLO[8:])]

PLAIN = sse(delta(role="assistant", content=""), *WORDS, STOP, USAGE)
"""What a well-behaved server streams."""
