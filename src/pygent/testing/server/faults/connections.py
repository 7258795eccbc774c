"""Scenarios in which the connection breaks, stalls or floods."""

from __future__ import annotations

from ..connection import Connection
from .scenario import scenario


@scenario("reset")
async def reset(to: Connection) -> None:
    """Reset before the answer."""
    to.reset()


@scenario("midheaders")
async def midheaders(to: Connection) -> None:
    """Ends in the middle of the answer's head."""
    await to.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
    to.close()


@scenario("nothttp")
async def nothttp(to: Connection) -> None:
    """Answers in another protocol."""
    await to.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    to.close()


@scenario("bighdr")
async def bighdr(to: Connection) -> None:
    """A header of a hundred thousand characters."""
    await to.respond(200, b"{}", headers={"X-Big": "x" * 100_000})


@scenario("truncjson")
async def truncjson(to: Connection) -> None:
    """Ends in the middle of a whole reply."""
    await to.head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
    await to.write(b'{"choices": [')
    to.close()


@scenario("halfbody")
async def halfbody(to: Connection) -> None:
    """An error of which half the body comes, and then nothing; the argument is the status, else 503."""
    await to.head(int(to.argument or 503), {"Content-Type": "application/json", "Content-Length": "1000"})
    await to.write(b'{"error": {"message": "it fa')
    await to.forever()


@scenario("hang")
async def hang(to: Connection) -> None:
    """No answer at all."""
    await to.forever()


@scenario("hangheaders")
async def hangheaders(to: Connection) -> None:
    """No body behind the head."""
    await to.begin()
    await to.forever()


@scenario("keepalive")
async def keepalive(to: Connection) -> None:
    """Comments, or blank lines, for ever."""
    await to.begin()
    await to.again_and_again(b": still there\n\n" if to.request.wants_stream else b"\n")


@scenario("slowloris")
async def slowloris(to: Connection) -> None:
    """A byte at a time, of an event that never comes to its end."""
    await to.begin()
    await to.again_and_again(b"d" if to.request.wants_stream else b" ")


@scenario("drip")
async def drip(to: Connection) -> None:
    """A word at a time, of a reply that never comes to its end."""
    await to.begin()
    await to.again_and_again(to.api.word if to.request.wants_stream else b" ")


@scenario("stall")
async def stall(to: Connection) -> None:
    """Some words, and then nothing."""
    await _begin_reply(to)
    await to.forever()


@scenario("midsse")
async def midsse(to: Connection) -> None:
    """Some words, and then the connection ends."""
    await _begin_reply(to)
    to.close()


@scenario("finished_then_gone")
async def finished_then_gone(to: Connection) -> None:
    """Ends when all was said, before the end of the stream."""
    await to.begin()
    await to.send(to.wanted(to.api.finished))
    to.close()


@scenario("finished_then_silent")
async def finished_then_silent(to: Connection) -> None:
    """All was said, but for the end of the stream."""
    await to.begin()
    await to.send(to.wanted(to.api.finished))
    await to.forever()


@scenario("holdopen")
async def holdopen(to: Connection) -> None:
    """A whole stream, whose connection stays open."""
    await to.begin()
    await to.send(to.wanted(to.api.streams["ok"]))
    await to.forever()


@scenario("hugeline")
async def hugeline(to: Connection) -> None:
    """An event of as many MiB as the argument says."""
    await to.begin()
    await to.send(b"data: ")
    for _ in range(int(to.argument or 64) * 16):
        await to.send(b"x" * (1 << 16))


@scenario("flood")
async def flood(to: Connection) -> None:
    """A stream without end, as fast as it is read."""
    await to.begin()
    data = to.api.word * 200
    while True:
        await to.send(data)


async def _begin_reply(to: Connection) -> None:
    """The first words, or half of a whole reply."""
    await to.begin()
    whole = to.wanted(to.api.streams["ok"])
    await to.send(to.api.beginning if to.request.wants_stream else whole[: len(whole) // 2])
