"""What a server's refusal means: an error status, or an error inside a 200, as one typed error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...errors import (
    AuthenticationError,
    ContextLengthError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    QuotaError,
    RateLimitError,
)
from ...messages import JSON
from ..wire import decode_json, sound_text
from .retry import parse_retry_after

EXCERPT_BYTES = 2 << 10
"""How much of an answer an error keeps."""

_NO_CREDIT = re.compile(r"insufficient_(quota|credits?|balance)|billing_\w+")
_TOO_LONG = re.compile(r"context_length_exceeded|exceed_context_size\w*")
_SAYS_TOO_LONG = re.compile(
    r"context (length|size|window|limit)|prompt is too long|maximum prompt length|maximum number of tokens",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"content_policy\w*|content_filter")
_TOO_FAST = re.compile(r"rate_limit\w*|RESOURCE_EXHAUSTED|too_many_requests")
_BAD_KEY = re.compile(r"invalid_api_key|authentication_error|UNAUTHENTICATED|permission_(error|denied)")
_SERVER_FAULT = re.compile(
    r"server_error|overloaded\w*|internal\w*|unavailable|service_unavailable\w*|timeout\w*", re.I
)

_ADVICE: Mapping[type[ModelStatusError], str] = {
    AuthenticationError: "check the API key and what it may use",
    QuotaError: "the account has no credit left: add some, or use another key; waiting does not help",
    ContextLengthError: "the conversation is too long for this model: shorten it or choose a larger one",
}


def status_error(status: int, headers: Mapping[str, str], body: bytes) -> ModelStatusError:
    """Make the error of an answer with an error status; `headers` have lower-case names.

    Its text is the server's message alone, for bodies echo what they were sent.
    """
    text = body.decode("utf-8", "replace")
    fault = _fault_in(_decoded(body)) or _Fault(_plain_message(text))
    kind = _kind(status, fault)
    message = f"the server answered {status}"
    if 300 <= status < 400:
        message += f", a redirect to {headers.get('location', 'nowhere')} that is not followed; fix base_url"
    elif fault.message:
        message += f": {fault.message}"
    if kind in _ADVICE:
        message += f" ({_ADVICE[kind]})"
    error = kind(
        message,
        status=status,
        code=fault.code,
        retry_after=parse_retry_after(headers),
        body=body[:EXCERPT_BYTES].decode("utf-8", "replace"),
        request_id=headers.get("x-request-id"),
    )
    error.should_retry = {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())
    if kind in (QuotaError, ContextLengthError) or fault.has(_REFUSED):
        error.should_retry = False  # whatever the server says of its statuses: the same request fails again
    return error


def error_inside(reply: Mapping[str, JSON]) -> ModelError | None:
    """The error that a server put where a reply or a part of one belongs; None: there is none."""
    fault = _fault_in(reply)
    if fault is None or (reply.get("choices") and not reply.get("error")):
        return None

    kind = _kind(fault.status, fault)
    message = f"the server sent an error instead of a reply: {fault.message or fault.code or 'it does not say which'}"
    if kind is not ModelStatusError:
        typed = kind(message, status=fault.status or 200, code=fault.code, body=fault.message)
        typed.should_retry = kind is RateLimitError
        return typed

    error = ModelResponseError(message)
    error.should_retry = fault.status >= 500 or fault.has(_SERVER_FAULT) or "overloaded" in fault.message.lower()
    return error


def not_a_reply(body: bytes, why: str) -> ModelResponseError:
    """Make the error of an answer that is no reply, with an excerpt of it."""
    text = " ".join(body[:EXCERPT_BYTES].decode("utf-8", "replace").split())
    return ModelResponseError(f"the server did not send a reply ({why}): {text or 'nothing at all'}")


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error object in any of the shapes that servers use."""

    message: str
    codes: tuple[str, ...] = ()
    status: int = 0

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether one of the codes is of this kind."""
        return any(pattern.fullmatch(code) for code in self.codes)

    @property
    def code(self) -> str | None:
        """The most telling code: a word rather than a number."""
        words = [code for code in self.codes if not code.isdigit()]
        return next(iter(words or self.codes), None)


def _fault_in(reply: JSON) -> _Fault | None:
    if isinstance(reply, list) and reply:  # Gemini wraps its errors in a list
        reply = reply[0]
    if not isinstance(reply, Mapping):
        return None

    if reply.get("error"):
        error = reply["error"]
    elif reply.get("detail"):  # FastAPI
        error = {"message": reply["detail"]}
    elif isinstance(reply.get("message"), str):
        error = reply
    else:
        return None

    if not isinstance(error, Mapping):
        error = {"message": error}
    return _Fault(_text(error.get("message"))[:EXCERPT_BYTES], tuple(_codes(error)), _status(error))


def _codes(error: Mapping[str, JSON]) -> Iterator[str]:
    for key in ("code", "type", "status"):
        value = error.get(key)
        if isinstance(value, str | int) and value:
            yield sound_text(str(value))


def _status(error: Mapping[str, JSON]) -> int:
    for key in ("code", "status", "status_code"):
        value = str(error.get(key))
        if re.fullmatch(r"[45]\d\d", value):
            return int(value)
    return 0


def _kind(status: int, fault: _Fault) -> type[ModelStatusError]:
    """Which of the errors that a caller treats differently this is; status 0: there is none, the codes must say it."""
    if status == 402 or fault.has(_NO_CREDIT):
        return QuotaError

    if fault.has(_TOO_LONG) or (status in (0, 400, 413, 422) and _SAYS_TOO_LONG.search(fault.message)):
        return ContextLengthError

    if status in (401, 403) or (not status and fault.has(_BAD_KEY)):
        return AuthenticationError

    if status == 429 or (not status and fault.has(_TOO_FAST)):
        return RateLimitError

    return ModelStatusError


def _decoded(body: bytes) -> JSON:
    try:
        return decode_json(body)
    except ValueError:
        return None


def _text(message: JSON) -> str:
    if isinstance(message, str) or message is None:
        return sound_text(message or "")

    try:
        return json.dumps(message)
    except RecursionError:  # it came deeper than it can be told
        return "something nested too deeply to be shown"


def _plain_message(text: str) -> str:
    """A short plain body says what happened; a web page does not."""
    text = text.strip()
    return "" if text.startswith("<") else text[:200]
