"""What a response is made of: `response(THOUGHT, said("Hello"), called("bash", "{}"))`."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..recording import HELLO

Fields: TypeAlias = dict[str, Any]

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
