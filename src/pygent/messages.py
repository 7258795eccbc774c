"""Messages in the OpenAI chat shape: immutable, and encoded to bytes once in their life.

A conversation is a list of these. The model sees `Message.encoded`; a journal keeps the whole `Message`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec.structs import force_setattr

JSON: TypeAlias = Any
"""A value that JSON can hold."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

Content: TypeAlias = str | tuple[dict[str, JSON], ...] | None
"""Text, or content parts in the OpenAI shape such as `{"type": "image_url", "image_url": {"url": …}}`."""

Prompt: TypeAlias = "str | Message | Sequence[str | Mapping[str, JSON]]"
"""What a user may say: a text, a whole message, or a list of texts and content parts such as images."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""The names of functions that OpenAI's servers take."""

_OBJECT = msgspec.json.Decoder(dict[str, JSON])
_LENIENT = json.JSONDecoder(strict=False, parse_constant=lambda _: None)


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

    `reasoning`, `usage` and `finish_reason` describe a reply; they are kept with it and not sent back. So is `replay`,
    but for the server that wants it: what means nothing to us, under the name of its field (`reasoning_details`), or
    under `responses` the output of the Responses API.
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
    shown = f"{type(prompt).__name__} {prompt!r:.200}"
    raise TypeError(f"{shown} is no request: say a text, a Message, or a list of texts and content parts")


def _as_object(arguments: str) -> str:
    if _decoded(_OBJECT.decode, arguments) is not None:
        return arguments

    value = _decoded(_LENIENT.decode, arguments or "{}")  # understands a line break inside a string, which is common
    return encode_json(value if isinstance(value, dict) else {"not_an_object": arguments}).decode()


def _decoded(decode: Callable[[str], JSON], text: str) -> JSON:
    """What the decoder makes of the text; None: nothing."""
    try:
        return decode(text)
    except (ValueError, RecursionError):
        return None


def _without_surrogates(value: JSON) -> JSON:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value
