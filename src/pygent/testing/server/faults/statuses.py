"""Scenarios in which the server answers that it will not."""

from __future__ import annotations

from email.utils import formatdate
from time import time

from ..connection import Connection
from .scenario import scenario


@scenario("status")
async def status(to: Connection) -> None:
    """The status that the argument says; a status alone, such as `503`, does the same."""
    await to.error(int(to.argument or 500))


@scenario("429ra")
async def retry_after(to: Connection) -> None:
    """Too many requests; `Retry-After` is the argument."""
    await to.error(429, "rate_limit_exceeded", "slow down", retry_after=to.argument or "1")


@scenario("429ms")
async def retry_after_ms(to: Connection) -> None:
    """Too many requests; `Retry-After-Ms` is the argument, which wins over a `Retry-After` of 9 seconds."""
    await to.error(429, retry_after_ms=to.argument or "300", retry_after="9")


@scenario("429date")
async def retry_after_date(to: Connection) -> None:
    """Too many requests; `Retry-After` is a date, as many seconds from now as the argument says."""
    await to.error(429, retry_after=formatdate(time() + float(to.argument or 2), usegmt=True))


@scenario("429bad")
async def retry_after_nonsense(to: Connection) -> None:
    """Too many requests; `Retry-After` is no time at all."""
    await to.error(429, "rate_limit_exceeded", "slow down", retry_after=to.argument or "nan")


@scenario("429quota")
async def no_credit(to: Connection) -> None:
    """The account has no credit left."""
    await to.error(429, "insufficient_quota", "You exceeded your current quota")


@scenario("ctxlen")
async def ctxlen(to: Connection) -> None:
    """The conversation is too long."""
    await to.error(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens")


@scenario("noretry500")
async def noretry500(to: Connection) -> None:
    """A failure that must not be tried again, by `X-Should-Retry`."""
    await to.error(500, x_should_retry="false")


@scenario("retry400")
async def retry400(to: Connection) -> None:
    """A refusal that may be tried again, by `X-Should-Retry`."""
    await to.error(400, x_should_retry="true")


@scenario("nousage")
async def nousage(to: Connection) -> None:
    """A server that does not know `stream_options`."""
    await _refuse(to, "stream_options", "Unrecognized request argument supplied: stream_options")


@scenario("notools")
async def notools(to: Connection) -> None:
    """A server whose model has no tools."""
    await _refuse(to, "tools", f"{to.request.fields.get('model')} does not support tools")


@scenario("noformat")
async def noformat(to: Connection) -> None:
    """A server that does not know `response_format`."""
    await _refuse(to, "response_format", "response_format is not supported by this model")


@scenario("noinclude")
async def noinclude(to: Connection) -> None:
    """A server whose model has no thoughts to encrypt."""
    await _refuse(to, "include", "Encrypted content is not supported with this model.")


@scenario("echo")
async def echo(to: Connection) -> None:
    """A server that repeats in its error what it was sent, the key included; the argument is the status."""
    sent = to.request.headers.get("authorization", "")
    await to.error(int(to.argument or 401), "invalid_api_key", f"you sent {sent}")


@scenario("redirect")
async def redirect(to: Connection) -> None:
    """Elsewhere: the argument is the address."""
    await to.respond(307, b"", headers={"Location": to.argument or "http://127.0.0.1:1/elsewhere"})


@scenario("moved")
async def moved(to: Connection) -> None:
    """To another path of this server, where the reply is; the argument is the status, else 307."""
    if to.request.route.startswith("/moved/"):
        await to.answer(to.api.streams["ok"])
    else:
        await to.respond(int(to.argument or 307), b"", headers={"Location": f"/moved{to.request.path}"})


@scenario("redirect_loop")
async def redirect_loop(to: Connection) -> None:
    """To where the client is already."""
    await to.respond(307, b"", headers={"Location": to.request.path})


async def _refuse(to: Connection, field: str, message: str) -> None:
    """Refuse requests with this field, and answer the others."""
    if field in to.request.fields:
        await to.error(400, "invalid_request_error", message)
    else:
        await to.answer(to.api.streams["ok"])
