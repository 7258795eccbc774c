"""Items, of which the Responses API is made: messages become input items, output items become a message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from ...messages import JSON, Message, ToolCall, ToolCallFunction, encode_json, parse_message
from ..thinking import ThinkingSplitter
from ..wire import decode_json, sound_text

REPLAY = "responses"
"""The key in `Message.replay` under which the output of a response is kept."""

BREAK = "\n\n"
"""What stands between the texts of two messages, or two thoughts, that are one reply."""

_MEMORY = "_response_items"

Part = tuple[str, int]
"""A part of an item: the kind of text it is, and its number among those of its list."""


def encode_conversation(messages: Sequence[Message | Mapping[str, JSON]], *, author: str | None) -> bytes:
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


def parse_output(output: Sequence[Mapping[str, JSON]]) -> Message:
    """The message that output items amount to; those of unknown kinds say nothing."""
    texts, refusals, thoughts, calls = [], [], [], []
    used: set[str] = set()
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
                calls.append(_call(item, parts["arguments", 0], used))
    content = ThinkingSplitter()
    if thought := _joined(thoughts):
        content.think(thought)
    content.feed(_joined(texts))
    reasoning, said = content.result(calls_follow=bool(calls))
    return Message(
        role="assistant",
        content=said if said or not calls else None,
        tool_calls=tuple(calls),
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
            arguments = item.get("arguments")
            if arguments is not None and not isinstance(arguments, str):
                arguments = json.dumps(arguments, ensure_ascii=False)
            return {("arguments", 0): arguments or ""}
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

    return {REPLAY: {"author": author, "output": decode_json(encode_json(output))}}  # sound, as journals want it


def _encoded(message: Message, author: str | None, number: int) -> tuple[int, bytes]:
    """How many items a message is, and the items, encoded; they are kept with the message, as `Message.encoded` is."""
    key, memory = (author, number), vars(message)
    if memory.get(_MEMORY, (None,))[0] != key:
        items = _replayed(message, author) or list(_items(message, number))
        memory[_MEMORY] = key, len(items), encode_json(items)[1:-1]
    _, count, encoded = memory[_MEMORY]
    return count, encoded


def _replayed(message: Message, author: str | None) -> list[JSON] | None:
    """The output that the message was made of; None: it is another's, or the message was changed since."""
    match (message.replay or {}).get(REPLAY):
        case {"author": by, "output": list(output)} if by == author:
            said = parse_output(output)
            if (said.text, said.refusal, said.tool_calls) == (message.text, message.refusal, message.tool_calls):
                return output
    return None


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


def _texts(content: JSON, kind: str) -> Iterator[tuple[Part, str]]:
    parts = [content] if isinstance(content, str) else content if isinstance(content, list) else []
    for number, part in enumerate(parts):
        match part:
            case {"refusal": str(text)}:
                yield ("refusal", number), text
            case {"text": str(text)} | str(text):
                yield (kind, number), text


def _call(item: Mapping[str, JSON], arguments: str, used: set[str]) -> ToolCall:
    """A call with an id of its own, for a missing or repeated one would lose an answer."""
    call_id = str(item.get("call_id") or item.get("id") or "")
    if not call_id or call_id in used:
        call_id = f"call_{uuid4().hex}"
    used.add(call_id)
    name = sound_text(str(item.get("name") or ""))
    return ToolCall(id=call_id, function=ToolCallFunction(name=name, arguments=sound_text(arguments).strip() or "{}"))


def _joined(texts: Sequence[str]) -> str:
    return sound_text(BREAK.join(text for text in texts if text))
