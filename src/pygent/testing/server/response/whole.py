"""`whole_response`: makes of a stream the same response as a whole."""

from __future__ import annotations

import json

from .items import COUNT, LIST, Fields, response, said
from .streams import CALLS_TWICE, SAYS_HELLO

_WHOLES = {
    **{recording.stream: response(said()) for recording in SAYS_HELLO.values()},
    **{recording.stream: response(LIST, COUNT) for recording in CALLS_TWICE.values()},
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
