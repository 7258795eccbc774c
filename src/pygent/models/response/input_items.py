"""What the Responses API is sent: messages become input items, and tools take its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...messages import JSON, Message, encode_json
from ...replies import parse_message
from .output_items import output_of

_MEMORY = "_response_items"


def encode_input(messages: Sequence[Message | Mapping[str, JSON]], *, author: str | None) -> bytes:
    """Encode the fields `instructions` and `input` of a request; what was encoded before is not encoded again.

    A system message at the start becomes the instructions: the field that is made for it, which some servers insist
    on, and which keeps it first in templates that allow it nowhere else. Later ones stay where they are, as items.

    Args:
        messages: the conversation; plain dicts of the chat shape are understood, too.
        author: server and model that are asked: what this very author left in `Message.replay` goes back as it came.
            None: nothing does.
    """
    parsed = [parse_message(message) for message in messages]
    instructions = b""
    match parsed:
        case [Message(role="system" | "developer", content=str(text)), _, *_]:
            instructions = b'"instructions":' + encode_json(text) + b","
            del parsed[0]
    encoded, number = [], 0
    for message in parsed:
        count, items = _encoded(message, author, number)
        encoded += [items] if count else []
        number += count
    return b"".join([instructions, b'"input":[', b",".join(encoded), b"]"])


def response_tools(tools: Sequence[JSON]) -> list[JSON]:
    """The tools, of the chat shape, in the shape of this API; tools of the server's own stay as they are.

    Here a schema is strict unless it says otherwise, and must then require each of its fields: ours may have optional
    ones.
    """
    return [{"type": "function", "strict": False, **tool["function"]} if "function" in tool else tool for tool in tools]


def _encoded(message: Message, author: str | None, number: int) -> tuple[int, bytes]:
    """How many items a message is, and the items, encoded; they are kept with the message, as `Message.encoded` is."""
    key, memory = (author, number), vars(message)
    if memory.get(_MEMORY, (None,))[0] != key:
        items = output_of(message, author=author) or list(_items(message, number))
        memory[_MEMORY] = key, len(items), encode_json(items)[1:-1]
    _, count, encoded = memory[_MEMORY]
    return count, encoded


def _items(message: Message, number: int) -> Iterator[JSON]:
    """The items of a message; `number` is the place of the first."""
    if message.role == "tool":
        content = message.content
        output = _input_parts(content) if isinstance(content, tuple) else content or ""
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": output}
        return

    if message.role != "assistant":
        content = message.content if isinstance(message.content, tuple) else ({"type": "text", "text": message.text},)
        yield {"type": "message", "role": message.role, "content": _input_parts(content)}
        return

    said: list[JSON] = []
    if message.content and message.text:
        said.append({"type": "output_text", "text": message.text, "annotations": []})
    if message.refusal:
        said.append({"type": "refusal", "refusal": message.refusal})
    if said:  # with an id and a status, for strict servers know an assistant's message by them
        known = {"id": f"msg_pygent_{number}", "status": "completed"}
        yield {"type": "message", "role": "assistant", "content": said, **known}
    for call in message.tool_calls:
        function = call.function.sendable()
        yield {"type": "function_call", "call_id": call.id, "name": function.name, "arguments": function.arguments}


def _input_parts(content: Sequence[Mapping[str, JSON]]) -> list[JSON]:
    """Content parts of the chat shape in the shape of this API; others stay as they are."""
    parts: list[JSON] = []
    for part in content:
        match part:
            case {"type": "text", "text": text}:
                parts.append({"type": "input_text", "text": text})
            case {"type": "image_url", "image_url": {"url": url, **rest}}:
                parts.append({"type": "input_image", "image_url": url, "detail": rest.get("detail", "auto")})
            case {"type": "image_url", "image_url": str(url)}:
                parts.append({"type": "input_image", "image_url": url, "detail": "auto"})
            case {"type": "file", "file": {**file}}:
                parts.append({"type": "input_file", **file})
            case _:
                parts.append(part)
    return parts
