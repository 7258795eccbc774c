"""What an error status and its body mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygent.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelStatusError,
    QuotaError,
    RateLimitError,
)
from pygent.models.http.faults import EXCERPT_BYTES, not_a_reply, status_error
from pygent.models.http.retry import is_retryable


def openai(message: str, code: object = None, type_: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


FAULTS: dict[str, tuple[int, object, type[ModelStatusError], bool]] = {
    "wrong key": (401, openai("Incorrect API key", "invalid_api_key"), AuthenticationError, False),
    "forbidden": (403, {}, AuthenticationError, False),
    "too fast": (429, openai("slow down", "rate_limit_exceeded"), RateLimitError, True),
    "no credit": (429, openai("You exceeded your current quota", "insufficient_quota"), QuotaError, False),
    "billing": (429, openai("limit reached", "billing_hard_limit_reached"), QuotaError, False),
    "payment": (402, openai("Insufficient Balance"), QuotaError, False),
    "too long, OpenAI": (
        400,
        openai("maximum context length is 8192", "context_length_exceeded"),
        ContextLengthError,
        False,
    ),
    "too long, vLLM": (
        400,
        {"object": "error", "message": "maximum context length is 8192 tokens"},
        ContextLengthError,
        False,
    ),
    "too long, llama.cpp": (400, openai("exceeds the available context size", 400), ContextLengthError, False),
    "too long, by name": (500, openai("oops", None, "exceed_context_size_error"), ContextLengthError, False),
    "too long, xAI": (400, {"error": "This model's maximum prompt length is 131072"}, ContextLengthError, False),
    "content policy": (400, openai("no", "content_policy_violation"), ModelStatusError, False),
    "content policy, 500": (500, openai("no", "content_filter"), ModelStatusError, False),
    "bad request": (400, openai("bad"), ModelStatusError, False),
    "not found": (404, {"detail": "Not Found"}, ModelStatusError, False),
    "conflict": (409, {}, ModelStatusError, True),
    "down": (503, openai("overloaded", "server_error"), ModelStatusError, True),
    "overloaded": (529, {}, ModelStatusError, True),
    "not JSON": (500, b"<html>", ModelStatusError, True),
    "nothing": (500, b"", ModelStatusError, True),
    "Gemini": (
        400,
        [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}],
        ModelStatusError,
        False,
    ),
}


@pytest.mark.parametrize(("status", "body", "kind", "retried"), FAULTS.values(), ids=FAULTS)
def test_errors_are_typed_where_a_caller_would_act(
    status: int, body: object, kind: type[ModelStatusError], retried: bool
) -> None:
    """Wait, pay, log in, shorten, or give up."""
    error = status_error(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    assert type(error) is kind
    assert error.status == status
    assert is_retryable(error) is retried


def test_an_error_tells_what_its_reader_needs() -> None:
    """The server's message, its code, its id, the wait, and the start of its body."""
    body = json.dumps(openai("The server is on fire", "burning") | {"padding": "x" * 9000}).encode()
    error = status_error(503, {"x-request-id": "req-7", "retry-after": "9", "x-should-retry": "false"}, body)

    assert str(error) == "the server answered 503: The server is on fire"
    assert (error.code, error.request_id, error.retry_after, error.should_retry) == ("burning", "req-7", 9.0, False)
    assert error.body == body[:EXCERPT_BYTES].decode()


def test_the_text_is_the_servers_message_alone() -> None:
    """Bodies echo what they were sent, and web pages help nobody."""
    assert str(status_error(502, {}, b"<html>secret</html>")) == "the server answered 502"
    assert str(status_error(500, {}, b"no space left\n")) == "the server answered 500: no space left"
    assert "secret" not in str(
        status_error(422, {}, json.dumps({"error": {"message": "bad", "input": "secret"}}).encode())
    )


def test_a_redirect_names_its_target() -> None:
    """It is not followed, so the reader must know where it led."""
    error = status_error(307, {"location": "https://elsewhere.example/v1"}, b"")

    assert "https://elsewhere.example/v1" in str(error)
    assert not is_retryable(error)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b'"x"', b'{"error": 7}', b'{"error": {"message": {"a": 1}}}']
)
def test_odd_bodies_break_nothing(body: bytes) -> None:
    """Whatever comes with an error status, the error is of ours."""
    assert isinstance(status_error(500, {}, body), ModelStatusError)


def test_an_excerpt_is_short() -> None:
    """An answer that is no reply is shown, up to a point."""
    assert len(str(not_a_reply(b"x" * 100_000, "too much"))) < EXCERPT_BYTES + 200
