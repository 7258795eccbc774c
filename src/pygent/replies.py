"""What a reply must be before it joins a history: an assistant's message, never silent, each call with its own id.

Servers answer in the protocol, for which the models have parsers of their own. Custom models return what they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import uuid4

import msgspec

from .errors import ModelResponseError
from .messages import JSON, Content, Message, Role, ToolCall, ToolCallFunction, Usage, encode_json

_REPLAYED_FIELDS = ("reasoning_details",)
"""Fields of a reply that mean nothing to us, and that the server which sent them wants back as they came."""

_MAX_COUNT = 2**53
"""Whole numbers below it are exact in every reader of JSON."""


def parse_reply(reply: object) -> Message:
    """Make a `Message` of a model's reply, see `parse_message`; it must be an assistant's.

    Raises:
        ModelResponseError: it is no message, or somebody else's.
    """
    message = parse_message(reply)
    if message.role != "assistant":
        raise ModelResponseError(f"the model replied as {message.role!r}; a reply has the role 'assistant'")

    return message


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
            tool_calls=tuple(_parse_tool_call(call) for call in fields.get("tool_calls") or ()),
            tool_call_id=fields.get("tool_call_id"),
            name=fields.get("name"),
            refusal=fields.get("refusal"),
            reasoning=fields.get("reasoning_content") or fields.get("reasoning"),
            usage=parse_usage(usage),
            finish_reason=finish_reason,
            replay={name: fields[name] for name in _REPLAYED_FIELDS if fields.get(name)} or None,
        )
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise ModelResponseError(
            f"the model returned {_shown(reply)}, which is not a chat message: {error!r}"
        ) from error


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


def with_new_call_ids(reply: Message, history: Sequence[Message]) -> Message:
    """Return the reply with a new id for each call whose own is empty or was used before, as custom models may do."""
    calls = with_own_ids(reply.tool_calls, used=(call.id for message in history for call in message.tool_calls))
    return reply if calls == reply.tool_calls else msgspec.structs.replace(reply, tool_calls=calls)


def with_own_ids(calls: Sequence[ToolCall], *, used: Iterable[str] = ()) -> tuple[ToolCall, ...]:
    """Return the calls with a new id for each whose own is empty or used.

    A call and its answer are paired by the id alone, so strict servers refuse a conversation that uses one twice.
    """
    if not calls:
        return ()

    taken = {"", *used}
    own = []
    for call in calls:
        unique = call if call.id not in taken else msgspec.structs.replace(call, id=new_call_id())
        taken.add(unique.id)
        own.append(unique)
    return tuple(own)


def new_call_id() -> str:
    """Return an id for a tool call, in the form that servers give them."""
    return f"call_{uuid4().hex}"


def _parse_content(content: object) -> Content:
    """The content as it is, if it is text, nothing, or parts."""
    if content is None or isinstance(content, str):
        return content

    return msgspec.convert(content, tuple[dict[str, JSON], ...])


def _parse_tool_call(call: object) -> ToolCall:
    """Make a `ToolCall` of a dict or an SDK object; arguments may be JSON text or the decoded object."""
    if isinstance(call, ToolCall):
        return call

    fields = _fields(call)
    function = _fields(fields["function"])
    arguments = function.get("arguments")
    if arguments is None:
        arguments = "{}"
    elif not isinstance(arguments, str):
        arguments = encode_json(arguments).decode()
    call_id, name = msgspec.convert((fields["id"], function["name"]), tuple[str, str])
    return ToolCall(
        id=call_id,
        function=ToolCallFunction(name=name, arguments=arguments),
        extra_content=fields.get("extra_content"),
    )


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
    """A number of tokens; what can be none, as NaN, or a number that no journal can hold, counts nothing."""
    value = fields.get(key)
    return int(value) if isinstance(value, int | float) and 0 <= value < _MAX_COUNT else 0


def _shown(value: object) -> str:
    return f"{type(value).__name__} {value!r:.200}"
