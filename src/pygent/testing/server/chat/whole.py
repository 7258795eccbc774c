"""`whole_completion`: makes of a stream the same reply as a whole, as odd as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .chunks import completion


def whole_completion(stream: bytes) -> bytes:
    """What the same server sends to those who want no stream: the reply, its oddities kept, or the error.

    What is no whole stream is sent as it is.
    """
    try:
        chunks: list[dict[str, Any]] = [chunk for chunk in _chunks(stream) if isinstance(chunk, dict)]
    except ValueError:
        return stream

    choices = [choice for chunk in chunks for choice in chunk.get("choices") or () if choice.get("index", 0) == 0]
    errors = [part for part in [*chunks, *choices] if part.get("error") or part.get("detail")]
    if errors:
        return json.dumps(errors[0]).encode()

    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    if not choices or not (reasons or b"[DONE]" in stream):
        return stream

    message: dict[str, Any] = {"content": None}
    calls: list[dict[str, Any]] = []
    for choice in choices:
        for name, value in (choice.get("delta") or choice.get("message") or {}).items():
            if name == "tool_calls":
                _add_pieces(calls, value)
            else:
                message[name] = _joined(message.get(name), value)
    if calls:
        message["tool_calls"] = [{name: value for name, value in call.items() if name != "index"} for call in calls]
    return json.dumps(completion(message, reasons[-1] if reasons else "stop")).encode()


def _chunks(stream: bytes) -> Iterator[Any]:
    """The decoded data of a stream, up to `[DONE]`."""
    text = stream.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for event in text.split("\n\n"):
        lines = [line.removeprefix("data:") for line in event.split("\n") if line.startswith("data:")]
        if [line.strip() for line in lines] == ["[DONE]"]:
            return

        if lines:
            yield json.loads("\n".join(lines))


def _joined(one: Any, more: Any) -> Any:
    """Two parts of a field: texts and lists are joined, of others the later one counts."""
    if more is None:
        return one

    return one + more if type(one) is type(more) and isinstance(more, str | list) else more


def _add_pieces(calls: list[dict[str, Any]], pieces: Any) -> None:
    """Put pieces of tool calls to the calls that they belong to."""
    for piece in pieces if isinstance(pieces, list) else ():
        if not isinstance(piece, dict):
            continue

        call = _owner(calls, piece)
        if call is None:
            calls.append(piece)
            continue

        call.update({name: piece[name] for name in ("id", "extra_content") if piece.get(name)})
        function, more = call.setdefault("function", {}), piece.get("function") or {}
        if more.get("name") not in (None, function.get("name")):
            function["name"] = (function.get("name") or "") + more["name"]
        function["arguments"] = _joined(function.get("arguments"), more.get("arguments"))


def _owner(calls: list[dict[str, Any]], piece: dict[str, Any]) -> dict[str, Any] | None:
    """The call that a piece goes on with; None: it begins another."""
    name, call_id = (piece.get("function") or {}).get("name"), piece.get("id")
    if "index" in piece:
        same = [call for call in calls if call.get("index") == piece["index"]]
        return same[-1] if same and call_id in (None, same[-1].get("id") or call_id) else None

    if not calls or name not in (None, calls[-1]["function"].get("name")) or call_id not in (None, calls[-1].get("id")):
        return None

    return calls[-1]
