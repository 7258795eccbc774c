"""`encode_conversation`: the messages of a request as bytes, with the thoughts and signatures its server wants back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from ...messages import JSON, Message, encode_json
from ...providers import Provider


def encode_conversation(messages: Sequence[Message | Mapping[str, JSON]], provider: Provider | None) -> list[bytes]:
    """Encode each message. What every server is sent of it is encoded once in its life, but for signed tool calls.

    A provider may want more of its own replies back:

    - the reasoning, in its `reasoning_field`, with each message that calls tools, for behind these the model goes on
      thinking. A message without a thought has an empty one; but not for a local server, which may be another than
      its port says. Later requests repeat it, too: so a conversation begins in each of them with the same bytes, and
      the server finds in its cache what it computed of them.
    - the opaque fields that it `replays`, of messages and of their tool calls.

    Args:
        messages: the conversation; plain dicts of the chat shape are passed on as they are.
        provider: whom it is for; None: somebody of whom nothing is known.
    """
    return [
        _encoded(message, provider) if isinstance(message, Message) else encode_json(message) for message in messages
    ]


def _encoded(message: Message, provider: Provider | None) -> bytes:
    if provider is not None and provider.short_call_ids and (message.tool_calls or message.tool_call_id):
        return encode_json(_with_short_ids(message.to_dict()))

    if provider is None or message.role != "assistant":
        return message.encoded

    extras: dict[str, JSON] = {}
    if provider.reasoning_field and message.tool_calls and (message.reasoning or not provider.local):
        extras[provider.reasoning_field] = message.reasoning or ""
    if message.replay:
        extras |= {name: message.replay[name] for name in provider.replays if name in message.replay}
    if "extra_content" in provider.replays and any(call.extra_content is not None for call in message.tool_calls):
        return encode_json({**message.to_dict(), **extras, "tool_calls": _whole_calls(message)})

    return message.encoded[:-1] + b"," + encode_json(extras)[1:] if extras else message.encoded


def _whole_calls(message: Message) -> list[JSON]:
    """The tool calls, with what their server attached to them."""
    plain = message.to_dict()["tool_calls"]
    return [
        sent if call.extra_content is None else {**sent, "extra_content": call.extra_content}
        for sent, call in zip(plain, message.tool_calls, strict=True)
    ]


def _with_short_ids(sent: dict[str, JSON]) -> dict[str, JSON]:
    """The message with ids of nine letters and digits; the same always becomes the same, so that pairs stay pairs."""
    if "tool_call_id" in sent:
        sent["tool_call_id"] = _short(sent["tool_call_id"])
    for call in sent.get("tool_calls", ()):
        call["id"] = _short(call["id"])
    return sent


def _short(call_id: str) -> str:
    return call_id if re.fullmatch("[a-zA-Z0-9]{9}", call_id) else sha256(call_id.encode()).hexdigest()[:9]
