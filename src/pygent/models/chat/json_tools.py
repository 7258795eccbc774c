"""Tools for models that have none: the conversation asks for calls as JSON, and the JSON becomes calls.

What is asked for is either `{"calls": [{"name": "…", "arguments": {…}}]}` or `{"reply": "…"}`. The first word decides,
as it does where a model calls tools natively. Both fields in one object, which strict servers would like better, were
tried with a small model: asked for words beside its calls it says what it cannot know yet, or says it and calls
nothing. Pure functions; nothing is sent here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Literal

from msgspec.structs import replace

from ...messages import JSON, Content, Message, ToolCall, ToolCallFunction
from ...replies import parse_message
from ..wire import LENIENT, functions_of, sound_text, tool_call
from ..written.rescue import rescue_tool_calls
from ..written.syntax import call_in

_INSTRUCTIONS = """\
You can use tools. You call them by what you write: each of your messages is one JSON object and nothing else. To use \
tools:

{"calls": [{"name": "name of a tool", "arguments": {}}]}

The calls are run in their order, and the next message brings their results. Wait for them; never make them up.
To answer the user, when you need no tool or know the results:

{"reply": "what you say to the user"}

The tools, each with the JSON Schema of its arguments:
"""

_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}
_FENCE = re.compile(r"^```\w*|```$")


def plain_conversation(messages: Sequence[Message | Mapping[str, JSON]], tools: Sequence[JSON]) -> list[Message]:
    """Return the conversation as a model without tools can read it.

    The tools are described in the system message. Calls stand in the replies as the JSON that is asked for, and answers
    are said by the user, each with the name of its tool. Neighbours in the same role become one message: many templates
    insist that user and assistant take turns.
    """
    known = [parse_message(message) for message in messages]
    labels = dict(_labels(known))
    groups = [list(group) for _, group in groupby(known, key=_speaker)]
    plain = [_united(group, labels, asks_json=bool(tools)) for group in groups]
    return _instructed(plain, _INSTRUCTIONS + _described(tools)) if tools else plain


def response_format(tools: Sequence[JSON], kind: Literal["json_schema", "json_object", ""]) -> JSON:
    """Return the `response_format` that holds a model to the JSON; None where there is none, or no tool to call.

    Args:
        tools: the tools that may be called, in the OpenAI shape.
        kind: what the server takes: a schema, the mere wish for an object, or nothing.
    """
    functions = functions_of(tools)
    if not kind or not functions:
        return None

    if kind == "json_object":
        return {"type": "json_object"}

    definitions: dict[str, JSON] = {}
    each_call = {"anyOf": [_call_schema(function, definitions) for function in functions]}
    calls = _closed({"calls": {"type": "array", "items": each_call, "minItems": 1}})
    schema: JSON = {"type": "object", "anyOf": [calls, _closed({"reply": {"type": "string"}})]}
    if definitions:
        schema["$defs"] = definitions
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


def parse_json_reply(message: Message, tools: Sequence[JSON]) -> Message:
    """Return what the JSON of a reply means: its words, and its calls with new ids.

    A call of an unknown tool, or with wrong arguments, is a call, too: its answer tells the model what is wrong. A text
    that is not the JSON that was asked for stays as it is, unless it is nothing but valid calls in another form.
    """
    if message.tool_calls or message.refusal:
        return message

    try:
        words, calls = _parse(message.text)
    except (ValueError, RecursionError):
        words, calls = "", rescue_tool_calls(message.text, tools)
        if not calls:
            return message

    return replace(message, content=words if words or not calls else None, tool_calls=calls)


# The conversation.


def _speaker(message: Message) -> str:
    return {"tool": "user", "developer": "system"}.get(message.role, message.role)


def _labels(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """What to call each call where its result is told."""
    for message in messages:
        several = len(message.tool_calls) > 1
        for number, call in enumerate(message.tool_calls, 1):
            yield call.id, f"call {number}, {call.function.name}" if several else call.function.name


def _united(group: Sequence[Message], labels: Mapping[str, str], *, asks_json: bool) -> Message:
    """One message of neighbours in the same role."""
    first = group[0]
    if first.role == "assistant":
        calls = [call.function for message in group for call in message.tool_calls]
        words = "\n\n".join(filter(None, (message.text for message in group)))
        return Message.assistant(_asked_json(words, calls) if calls or asks_json else words)

    if len(group) == 1 and first.role != "tool":
        return first

    return Message(role="user" if first.role == "tool" else first.role, content=_joined(_told(group, labels)))


def _told(group: Sequence[Message], labels: Mapping[str, str]) -> Iterator[Content]:
    for message in group:
        if message.role == "tool":
            yield f"Result of {labels.get(message.tool_call_id or '', 'an earlier call')}:"
        yield message.content


def _joined(contents: Iterable[Content]) -> Content:
    """Texts as paragraphs of one text; with images among them, a list of parts."""
    filled = [content for content in contents if content]
    if all(isinstance(content, str) for content in filled):
        return "\n\n".join(map(str, filled))

    parts = ([{"type": "text", "text": content}] if isinstance(content, str) else content for content in filled)
    return tuple(chain.from_iterable(parts))


def _asked_json(words: str, calls: Sequence[ToolCallFunction]) -> str:
    """A reply as the model is asked to write it; of another model's it may hold both."""
    written = [{"name": call.name, "arguments": _decoded(call.arguments)} for call in calls]
    reply = {"reply": words} if words or not calls else {}
    return json.dumps({**reply, "calls": written} if calls else reply, ensure_ascii=False)


def _decoded(arguments: str) -> JSON:
    """The arguments as an object, or, where they are none, as what the model wrote."""
    try:
        return LENIENT.decode(arguments)
    except (ValueError, RecursionError):
        return arguments


def _instructed(messages: list[Message], instructions: str) -> list[Message]:
    """The conversation, with instructions at the end of its system message."""
    if not messages or _speaker(messages[0]) != "system":
        return [Message.system(instructions), *messages]

    first = messages[0]
    return [Message(role=first.role, content=_joined([first.content, instructions])), *messages[1:]]


def _described(tools: Sequence[JSON]) -> str:
    return "\n".join(
        f"- {function['name']}: {function.get('description', '')}\n"
        f"  {json.dumps(_parameters(function), ensure_ascii=False, separators=(',', ':'))}"
        for function in functions_of(tools)
    )


# The schema.


def _parameters(function: Mapping[str, JSON]) -> JSON:
    return function.get("parameters") or _NO_ARGUMENTS


def _call_schema(function: Mapping[str, JSON], definitions: dict[str, JSON]) -> dict[str, JSON]:
    """The schema of a call; one that refers to its own parts goes to the definitions, where its references lead."""
    name, parameters = function["name"], _parameters(function)
    moved = _moved(parameters, f"#/$defs/{name}")
    if moved != parameters:
        definitions[name] = moved
        parameters = {"$ref": f"#/$defs/{name}"}
    return _closed({"name": {"type": "string", "enum": [name]}, "arguments": parameters})


def _moved(schema: JSON, root: str) -> JSON:
    match schema:
        case {"$ref": str(reference)} if reference.startswith("#"):
            return {**schema, "$ref": root + reference[1:]}
        case dict():
            return {key: _moved(value, root) for key, value in schema.items()}
        case list():
            return [_moved(value, root) for value in schema]
    return schema


def _closed(properties: dict[str, JSON]) -> dict[str, JSON]:
    """An object with all of these, and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


# The reply.


def _parse(text: str) -> tuple[str, tuple[ToolCall, ...]]:
    """The words and the calls of a reply.

    Raises:
        ValueError: it is not the JSON that was asked for.
        RecursionError: it is nested too deeply.
    """
    value = LENIENT.decode(_FENCE.sub("", text.strip()))
    if not isinstance(value, dict) or not value or not value.keys() <= {"reply", "calls"}:
        raise ValueError("not the JSON that was asked for")

    words, calls = value.get("reply") or "", value.get("calls") or []
    if not isinstance(words, str) or not isinstance(calls, list | dict):
        raise ValueError("not what its fields should hold")

    return sound_text(words), tuple(map(_tool_call, [calls] if isinstance(calls, dict) else calls))


def _tool_call(value: JSON) -> ToolCall:
    name, arguments = call_in({**value, "arguments": {}} if isinstance(value, dict) and len(value) == 1 else value)
    return tool_call(name, arguments)
