"""Scenarios in which the server succeeds, or believes so."""

from __future__ import annotations

import gzip
import json
import zlib

from ..chat.chunks import completion
from ..connection import Connection
from .scenario import scenario


@scenario("ok")
async def ok(to: Connection) -> None:
    """What was asked for: a stream, or a whole reply."""
    await to.answer(to.api.streams["ok"])


@scenario("jsonbody")
async def jsonbody(to: Connection) -> None:
    """A whole reply, also for those who want a stream."""
    await to.respond(200, to.api.whole(to.api.streams["ok"]))


@scenario("parrot")
async def parrot(to: Connection) -> None:
    """What the user said last."""
    await to.answer(to.api.says(to.request.last_text))


@scenario("call")
async def call(to: Connection) -> None:
    """Calls a tool, `call:<tool>:<arguments>`, and says hello when it has been answered; alone: the first tool."""
    name, _, arguments = to.argument.partition(":")
    offered = to.request.tools
    if to.request.follows_tool or not (name or offered):
        await ok(to)
    else:
        await to.answer(to.api.calls([(name or offered[0], arguments or "{}")]))


@scenario("many_calls")
async def many_calls(to: Connection) -> None:
    """As many calls of `bash` as the argument says."""
    await to.answer(to.api.calls([("bash", '{"cmd": "true"}')] * int(to.argument or 1000)))


@scenario("tool_args_huge")
async def tool_args_huge(to: Connection) -> None:
    """A call of `bash` with a text of as many MiB as the argument says."""
    await to.answer(to.api.calls([("bash", json.dumps({"cmd": "x" * (int(to.argument or 10) << 20)}))]))


@scenario("written_call")
async def written_call(to: Connection) -> None:
    """A call of `bash` written as text, as small local models do."""
    await to.answer(to.api.says('```json\n{"name": "bash", "arguments": {"cmd": "ls"}}\n```'))


@scenario("toolbody")
async def toolbody(to: Connection) -> None:
    """A whole reply whose calls have the same id or none, and arguments of all kinds."""
    made = [
        {"id": "same", "type": "function", "function": {"name": "bash", "arguments": '{"cmd": "ls"}'}},
        {"id": "same", "type": "function", "function": {"name": "bash", "arguments": None}},
        {"function": {"name": "grep", "arguments": {"pattern": "x"}}},
    ]
    await to.respond(200, json.dumps(completion({"content": None, "tool_calls": made}, "tool_calls")).encode())


@scenario("body")
async def body(to: Connection) -> None:
    """The argument as a whole JSON answer."""
    await to.respond(200, to.argument.encode())


@scenario("err200")
async def err200(to: Connection) -> None:
    """An error, but the status says that all is well."""
    await to.respond(200, b'{"error": {"message": "it burns", "type": "server_error", "code": 500}}')


@scenario("nullchoice")
async def nullchoice(to: Connection) -> None:
    """A whole reply whose choices are null."""
    await to.respond(200, b'{"id": "chatcmpl-1", "object": "chat.completion", "choices": null}')


@scenario("badjson")
async def badjson(to: Connection) -> None:
    """A whole reply that is no JSON."""
    await to.respond(200, b'{"choices": [}')


@scenario("empty200")
async def empty200(to: Connection) -> None:
    """A whole reply that is empty."""
    await to.respond(200, b"")


@scenario("204")
async def no_content(to: Connection) -> None:
    """No content."""
    await to.head(204, {})


@scenario("html")
async def html(to: Connection) -> None:
    """A web page, with the status that the argument says, else 200."""
    await to.respond(int(to.argument or 200), b"<html><body>Bad gateway</body></html>", "text/html")


@scenario("wrongctype")
async def wrongctype(to: Connection) -> None:
    """A reply that calls itself plain text."""
    await to.respond(200, to.wanted(to.api.streams["ok"]), "text/plain")


@scenario("bytewise")
async def bytewise(to: Connection) -> None:
    """A reply of which each byte comes alone."""
    await to.answer(to.api.streams["ok"].replace(b"\n", b"\r\n"), size=1)


@scenario("padded")
async def padded(to: Connection) -> None:
    """Comments, or blank lines, before the reply: a busy server keeps the connection alive."""
    await to.begin()
    for _ in range(3):
        await to.send(b": keep-alive\n\n" if to.request.wants_stream else b"\n")
    await to.send(to.wanted(to.api.streams["ok"]))
    await to.end()


@scenario("gzipped")
async def gzipped(to: Connection) -> None:
    """A whole reply, packed unasked."""
    whole = to.api.whole(to.api.streams["ok"])
    await to.respond(200, gzip.compress(whole), headers={"Content-Encoding": "gzip"})


@scenario("brotli")
async def brotli(to: Connection) -> None:
    """A reply that is packed in a way that nobody asked for."""
    await to.respond(200, b"\x8b\x00\x80x\x03", headers={"Content-Encoding": "br"})


@scenario("bomb")
async def bomb(to: Connection) -> None:
    """As many MiB as the argument says, in a small gzip that was not asked for."""
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join(pack.compress(b" " * (1 << 20)) for _ in range(int(to.argument or 200))) + pack.flush()
    await to.respond(200, packed, headers={"Content-Encoding": "gzip"})
