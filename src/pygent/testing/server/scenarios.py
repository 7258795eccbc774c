"""What can go wrong between a client and a server, one function each."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from time import time

from .connection import Connection
from .streams import HELLO, PLAIN, STOP, WORDS, completion, said, sse

Scenario = Callable[[Connection], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {}


def scenario(play: Scenario) -> Scenario:
    """Enter a function under its name without the underscores around it."""
    SCENARIOS[play.__name__.strip("_")] = play
    return play


@scenario
async def ok(to: Connection) -> None:
    """What was asked for: a stream or a completion."""
    if to.request.wants_stream:
        await to.stream(PLAIN)
    else:
        await jsonbody(to)


@scenario
async def jsonbody(to: Connection) -> None:
    await to.respond(200, json.dumps(completion({"content": HELLO})).encode())


@scenario
async def toolbody(to: Connection) -> None:
    calls = [
        {"id": "same", "type": "function", "function": {"name": "bash", "arguments": '{"cmd": "ls"}'}},
        {"id": "same", "type": "function", "function": {"name": "bash", "arguments": None}},
        {"function": {"name": "grep", "arguments": {"pattern": "x"}}},
    ]
    await to.respond(200, json.dumps(completion({"content": None, "tool_calls": calls}, "tool_calls")).encode())


@scenario
async def wrongctype(to: Connection) -> None:
    await to.respond(200, PLAIN, "text/plain")


@scenario
async def bytewise(to: Connection) -> None:
    await to.stream(PLAIN.replace(b"\n", b"\r\n"), size=1)


@scenario
async def status(to: Connection) -> None:
    await to.error(int(to.argument))


@scenario
async def html(to: Connection) -> None:
    await to.respond(int(to.argument), b"<html><body>Bad gateway</body></html>", "text/html")


@scenario
async def _429ra(to: Connection) -> None:
    await to.error(429, "rate_limit_exceeded", "slow down", retry_after=to.argument)


@scenario
async def _429ms(to: Connection) -> None:
    await to.error(429, retry_after_ms=to.argument, retry_after="9")


@scenario
async def _429date(to: Connection) -> None:
    await to.error(429, retry_after=formatdate(time() + float(to.argument), usegmt=True))


@scenario
async def _429quota(to: Connection) -> None:
    await to.error(429, "insufficient_quota", "You exceeded your current quota")


@scenario
async def ctxlen(to: Connection) -> None:
    await to.error(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens")


@scenario
async def noretry500(to: Connection) -> None:
    await to.error(500, x_should_retry="false")


@scenario
async def retry400(to: Connection) -> None:
    await to.error(400, x_should_retry="true")


@scenario
async def nousage(to: Connection) -> None:
    """A server that does not know `stream_options`."""
    if "stream_options" in to.request.body:
        await to.error(400, "bad_request", "Unrecognized request argument supplied: stream_options")
    else:
        await to.stream(PLAIN)


@scenario
async def echo(to: Connection) -> None:
    """A server that repeats in its error what it was sent, the key included."""
    sent = to.request.headers.get("authorization", "")
    await to.error(int(to.argument), "invalid_api_key", f"you sent {sent}")


@scenario
async def redirect(to: Connection) -> None:
    await to.respond(307, b"", headers={"Location": to.argument or "http://127.0.0.1:1/elsewhere"})


@scenario
async def reset(to: Connection) -> None:
    to.reset()


@scenario
async def midheaders(to: Connection) -> None:
    await to.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
    to.writer.close()


@scenario
async def nothttp(to: Connection) -> None:
    await to.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    to.writer.close()


@scenario
async def bighdr(to: Connection) -> None:
    await to.respond(200, b"{}", headers={"X-Big": "x" * 100_000})


@scenario
async def truncjson(to: Connection) -> None:
    await to.head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
    await to.write(b'{"choices": [')
    to.writer.close()


@scenario
async def badjson(to: Connection) -> None:
    await to.respond(200, b'{"choices": [}')


@scenario
async def body(to: Connection) -> None:
    """The argument as a whole JSON answer."""
    await to.respond(200, to.argument.encode())


@scenario
async def empty200(to: Connection) -> None:
    await to.respond(200, b"")


@scenario
async def _204(to: Connection) -> None:
    await to.head(204, {})


@scenario
async def hang(to: Connection) -> None:
    await to.forever()


@scenario
async def hangheaders(to: Connection) -> None:
    await to.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    await to.forever()


@scenario
async def keepalive(to: Connection) -> None:
    await to.begin_stream()
    await to.again_and_again(b": still there\n\n")


@scenario
async def slowloris(to: Connection) -> None:
    """An event that never comes to its end."""
    await to.begin_stream()
    await to.again_and_again(b"d")


@scenario
async def drip(to: Connection) -> None:
    """A reply that never comes to its end."""
    await to.begin_stream()
    await to.again_and_again(sse(WORDS[0], done=False))


@scenario
async def stall(to: Connection) -> None:
    await to.begin_stream()
    await to.send(sse(*WORDS[:2], done=False))
    await to.forever()


@scenario
async def midsse(to: Connection) -> None:
    await to.begin_stream()
    await to.send(sse(*WORDS[:2], done=False))
    to.writer.close()


@scenario
async def finished_then_gone(to: Connection) -> None:
    """The connection breaks when all was said."""
    await to.begin_stream()
    await to.send(sse(*WORDS, STOP, done=False))
    to.writer.close()


@scenario
async def finished_then_silent(to: Connection) -> None:
    """All was said, but for [DONE]."""
    await to.begin_stream()
    await to.send(sse(*WORDS, STOP, done=False))
    await to.forever()


@scenario
async def holdopen(to: Connection) -> None:
    await to.begin_stream()
    await to.send(PLAIN)
    await to.forever()


@scenario
async def hugeline(to: Connection) -> None:
    """An event of as many MiB as the argument says."""
    await to.begin_stream()
    await to.send(b"data: ")
    for _ in range(int(to.argument) * 16):
        await to.send(b"x" * (1 << 16))


@scenario
async def flood(to: Connection) -> None:
    """A stream without end."""
    await to.begin_stream()
    data = sse(said("x" * 10_000), done=False) * 10
    while True:
        await to.send(data)


@scenario
async def bomb(to: Connection) -> None:
    """As many MiB as the argument says, in a small gzip that was not asked for."""
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join(pack.compress(b" " * (1 << 20)) for _ in range(int(to.argument))) + pack.flush()
    await to.respond(200, packed, headers={"Content-Encoding": "gzip"})


@scenario
async def gzipped(to: Connection) -> None:
    body = json.dumps(completion({"content": HELLO})).encode()
    await to.respond(200, gzip.compress(body), headers={"Content-Encoding": "gzip"})


@scenario
async def brotli(to: Connection) -> None:
    await to.respond(200, b"\x8b\x00\x80x\x03", headers={"Content-Encoding": "br"})
