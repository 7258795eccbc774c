"""Messages in the OpenAI chat shape: immutable, and encoded to bytes once in their life.

A conversation is a list of these. The model sees `Message.encoded`; a journal keeps the whole `Message`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias
from uuid import uuid4

import msgspec
from msgspec.structs import force_setattr

from .errors import ModelResponseError

JSON: TypeAlias = Any
"""A value that JSON can hold."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

Content: TypeAlias = str | tuple[dict[str, JSON], ...] | None
"""Text, or content parts in the OpenAI shape such as `{"type": "image_url", "image_url": {"url": …}}`."""


Prompt: TypeAlias = "str | Message | Sequence[str | Mapping[str, JSON]]"
"""What a user may say: a text, a whole message, or a list of texts and content parts such as images."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""The names of functions that OpenAI's servers take."""

REPLAYED_FIELDS = ("reasoning_details",)
"""Fields of a reply that mean nothing to us, and that the server which sent them wants back as they came."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens that a reply cost, as the server counted them; zeros where it did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class ToolCallFunction(msgspec.Struct, frozen=True, kw_only=True):
    """The function that a model calls: its name, and its arguments as the JSON text that the model wrote."""

    name: str
    arguments: str = "{}"

    def sendable(self) -> ToolCallFunction:
        """This call as any server takes it back: models get names and JSON wrong, and strict servers refuse them then.

        What is no JSON object becomes one around it, so the model sees what it wrote when it is told what was wrong.
        """
        name = self.name if _NAME.fullmatch(self.name) else re.sub(r"[^\w-]", "_", self.name, flags=re.ASCII)[:64]
        return ToolCallFunction(name=name or "unnamed", arguments=_as_object(self.arguments))


def _function_type() -> Literal["function"]:
    return "function"


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call that a model asks for; every call gets one answer, a `tool` message with the same id.

    `extra_content` is for the server that sent it, such as the signature of a thought; it is kept as it came, and sent
    back to nobody else.
    """

    id: str
    function: ToolCallFunction
    type: Literal["function"] = msgspec.field(default_factory=_function_type)  # what a function makes is never omitted
    extra_content: JSON = None


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One message of a conversation.

    `reasoning`, `usage` and `finish_reason` describe a reply; they are kept with it and not sent back. So is `replay`:
    the `REPLAYED_FIELDS` of a reply, but for the server that wants them.
    """

    role: Role
    content: Content = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    replay: dict[str, JSON] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.tool_calls, tuple):  # made by hand, by code without type checks: a list, or None
            force_setattr(self, "tool_calls", tuple(self.tool_calls or ()))  # type: ignore[unreachable] # see above
        if isinstance(self.content, list):
            force_setattr(self, "content", tuple(self.content))  # type: ignore[unreachable] # see above

    @classmethod
    def system(cls, content: str) -> Message:
        """The instructions that a conversation starts with."""
        return cls(role="system", content=content)

    @classmethod
    def user(cls, content: str | Sequence[str | Mapping[str, JSON]]) -> Message:
        """What the user says: text, or a list of texts and content parts, such as `image_part("a.png")`."""
        if isinstance(content, str):
            return cls(role="user", content=content)

        parts = ({"type": "text", "text": part} if isinstance(part, str) else dict(part) for part in content)
        return cls(role="user", content=tuple(parts))

    @classmethod
    def assistant(cls, content: str | None = None, *, tool_calls: Sequence[ToolCall] = ()) -> Message:
        """What the model says."""
        return cls(role="assistant", content=content, tool_calls=tuple(tool_calls))

    @classmethod
    def tool(cls, tool_call_id: str, content: str) -> Message:
        """The answer to one tool call."""
        return cls(role="tool", content=content, tool_call_id=tool_call_id)

    @property
    def text(self) -> str:
        """The words of this message: the text of its content, its text parts joined; without one, its refusal."""
        if isinstance(self.content, tuple):
            text = "".join(part.get("text", "") for part in self.content if part.get("type") == "text")
        else:
            text = self.content or ""
        return text or self.refusal or ""

    def to_dict(self) -> dict[str, JSON]:
        """This message as a plain dict of the OpenAI chat shape, without what a server must not be sent."""
        wire: dict[str, JSON] = {
            "role": self.role,
            "content": list(self.content) if isinstance(self.content, tuple) else self.content,
        }
        if self.tool_calls:
            wire["tool_calls"] = [
                {"id": call.id, "function": msgspec.to_builtins(call.function.sendable()), "type": call.type}
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            wire["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            wire["name"] = self.name
        if self.refusal is not None:
            wire["refusal"] = self.refusal
        return wire

    @cached_property
    def encoded(self) -> bytes:
        """`to_dict()` as JSON, made at first use and kept: the body of a request is a join of these."""
        return encode_json(self.to_dict())


def encode_json(value: JSON) -> bytes:
    """Encode messages, or what they are made of; lone surrogates, such as half an emoji cut by a tool, are replaced."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))


def parse_reply(reply: object) -> Message:
    """Make a `Message` of a model's reply, see `parse_message`; it must be an assistant's.

    Raises:
        ModelResponseError: it is no message, or somebody else's.
    """
    message = parse_message(reply)
    if message.role != "assistant":
        raise ModelResponseError(f"the model replied as {message.role!r}; a reply has the role 'assistant'")

    return message


def as_user_message(prompt: Prompt) -> Message:
    """Make a message of what the user says.

    Raises:
        TypeError: it is none of the kinds of `Prompt`.
    """
    match prompt:
        case Message():
            return prompt
        case str():
            return Message.user(prompt)
        case list() | tuple() if all(isinstance(part, str | Mapping) for part in prompt):
            return Message.user(prompt)
    raise TypeError(f"{_shown(prompt)} is no request: say a text, a Message, or a list of texts and content parts")


def with_new_call_ids(reply: Message, history: Sequence[Message]) -> Message:
    """Return the reply with a new id for each call whose own is empty or was used before, as custom models may do.

    A call and its answer are paired by the id alone, so strict servers refuse a conversation that uses one twice.
    """
    if not reply.tool_calls:
        return reply

    used = {"", *(call.id for message in history for call in message.tool_calls)}
    calls = []
    for call in reply.tool_calls:
        unique = call if call.id not in used else msgspec.structs.replace(call, id=f"call_{uuid4().hex}")
        used.add(unique.id)
        calls.append(unique)
    return reply if calls == list(reply.tool_calls) else msgspec.structs.replace(reply, tool_calls=tuple(calls))


def never_silent(reply: Message) -> Message:
    """Return the reply; to one that neither says nor calls anything, the reason is given as its words.

    So whoever reads the answer learns why there is none, and the conversation can go on: several servers refuse one
    that holds an assistant's message without content.
    """
    if reply.tool_calls or reply.text.strip():
        return reply

    match reply.finish_reason:
        case "content_filter":
            words = "[the server's content filter withheld this reply]"
        case "length" if reply.reasoning:
            words = "[this reply reached its limit of tokens while the model was still thinking]"
        case "length":
            words = "[this reply reached its limit of tokens before it said anything]"
        case _:
            words = "[the model thought, and said nothing]" if reply.reasoning else "[the model said nothing]"
    return msgspec.structs.replace(reply, content=words)


def parse_message(reply: object) -> Message:
    """Make a `Message` of whatever a custom model returned.

    Accepts a `Message`, a text, a dict in the chat shape (a message, or a whole completion with `choices`), and the
    objects of the OpenAI SDK (anything with `model_dump()`, or with the attributes of a message).

    Raises:
        ModelResponseError: it is none of these.
    """
    if isinstance(reply, Message):
        return reply

    if isinstance(reply, str):
        return Message.assistant(reply)

    fields = _fields(reply)
    usage = fields.get("usage")
    finish_reason = fields.get("finish_reason")
    if fields.get("choices"):
        choice = _fields(fields["choices"][0])
        fields, finish_reason = _fields(choice.get("message")), choice.get("finish_reason")

    if "content" not in fields and not fields.get("tool_calls"):
        raise ModelResponseError(f"the model returned {_shown(reply)}, which has neither content nor tool calls")

    try:
        return Message(
            role=msgspec.convert(fields.get("role") or "assistant", Role),
            content=_parse_content(fields.get("content")),
            tool_calls=tuple(parse_tool_call(call) for call in fields.get("tool_calls") or ()),
            tool_call_id=fields.get("tool_call_id"),
            name=fields.get("name"),
            refusal=fields.get("refusal"),
            reasoning=fields.get("reasoning_content") or fields.get("reasoning"),
            usage=parse_usage(usage),
            finish_reason=finish_reason,
            replay={name: fields[name] for name in REPLAYED_FIELDS if fields.get(name)} or None,
        )
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise ModelResponseError(
            f"the model returned {_shown(reply)}, which is not a chat message: {error!r}"
        ) from error


def parse_tool_call(call: object) -> ToolCall:
    """Make a `ToolCall` of a dict or an SDK object; arguments may be JSON text or the decoded object."""
    if isinstance(call, ToolCall):
        return call

    fields = _fields(call)
    function = _fields(fields["function"])
    arguments = function.get("arguments")
    if arguments is None:
        arguments = "{}"
    elif not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    call_id, name = msgspec.convert((fields["id"], function["name"]), tuple[str, str])
    return ToolCall(
        id=call_id,
        function=ToolCallFunction(name=name, arguments=arguments),
        extra_content=fields.get("extra_content"),
    )


def _parse_content(content: object) -> Content:
    """The content as it is, if it is text, nothing, or parts."""
    if content is None or isinstance(content, str):
        return content

    return msgspec.convert(content, tuple[dict[str, JSON], ...])


def parse_usage(usage: object) -> Usage | None:
    """Make a `Usage` of the server's dict or the SDK's object; None stays None, absent counts are zero."""
    if usage is None or isinstance(usage, Usage):
        return usage

    fields = _fields(usage)
    prompt, completion = _count(fields, "prompt_tokens"), _count(fields, "completion_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_count(fields, "total_tokens") or prompt + completion,
        cached_tokens=_count(_fields(fields.get("prompt_tokens_details") or {}), "cached_tokens"),
        reasoning_tokens=_count(_fields(fields.get("completion_tokens_details") or {}), "reasoning_tokens"),
    )


def _as_object(arguments: str) -> str:
    try:
        msgspec.json.decode(arguments, type=dict[str, JSON])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    else:
        return arguments

    try:  # such as a line break inside a string, which is understood here
        value = json.loads(arguments or "{}", strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = None
    return encode_json(value if isinstance(value, dict) else {"not_an_object": arguments}).decode()


def _fields(value: object) -> Mapping[str, JSON]:
    """The named fields of a dict, an SDK object or any object with attributes."""
    match value:
        case Mapping():
            return value
        case msgspec.Struct():
            return msgspec.structs.asdict(value)
        case None | str() | int() | float() | list() | tuple():
            raise ModelResponseError(f"the model returned {_shown(value)} where an object of the chat shape belongs")

    if hasattr(value, "model_dump"):
        dumped: Mapping[str, JSON] = value.model_dump()
        return dumped

    return vars(value) if hasattr(value, "__dict__") else {}


def _count(fields: Mapping[str, JSON], key: str) -> int:
    value = fields.get(key)
    return int(value) if isinstance(value, int | float) else 0


def _shown(value: object) -> str:
    return f"{type(value).__name__} {value!r:.200}"


def _without_surrogates(value: JSON) -> JSON:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value
