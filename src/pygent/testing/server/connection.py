"""One connection, seen from the server, with the words that scenarios are written in."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping

from .api import Api
from .request import Request


class Connection:
    """The server's side of one connection, for one request.

    Attributes:
        request: what the client sent.
        api: what it asked: the streams that fit.
        argument: what stands behind the name of the scenario.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, api: Api, argument: str = ""
    ) -> None:
        self.request = request
        self.api = api
        self.argument = argument
        self._reader = reader
        self._writer = writer

    async def write(self, data: bytes) -> None:
        """Write bytes to the connection, as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the head of an answer."""
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        await self.write("\r\n".join([*lines, "x-request-id: req-7", "", ""]).encode("latin-1"))

    async def respond(
        self, status: int, body: bytes, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        """Write a whole answer."""
        await self.head(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})})
        await self.write(body)

    async def error(self, status: int, code: str | None = None, message: str = "it failed", **headers: str) -> None:
        """Write an error in OpenAI's shape; in the names of headers `_` stands for `-`."""
        body = json.dumps({"error": {"message": message, "type": "some_error", "code": code}}).encode()
        await self.respond(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def begin(self) -> None:
        """Write the head of an answer that comes in pieces: a stream, or JSON for those who want none."""
        kind = "text/event-stream; charset=utf-8" if self.request.wants_stream else "application/json"
        await self.head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"})

    async def send(self, data: bytes, *, size: int | None = None) -> None:
        """Write a part of the body, in pieces of this size."""
        for start in range(0, len(data), size or len(data) or 1):
            piece = data[start : start + (size or len(data))]
            await self.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    async def end(self) -> None:
        """Write the end of a body that came in pieces."""
        await self.write(b"0\r\n\r\n")

    async def answer(self, stream: bytes, *, size: int | None = None) -> None:
        """Send this stream, or the same reply as a whole to those who want no stream."""
        body = self.wanted(stream)
        if self.request.wants_stream or size is not None:
            await self.begin()
            await self.send(body, size=size)
            await self.end()
        else:
            await self.respond(200, body, "text/event-stream" if body is stream else "application/json")

    def wanted(self, stream: bytes) -> bytes:
        """The stream, or the same reply as a whole."""
        return stream if self.request.wants_stream else self.api.whole(stream)

    async def forever(self) -> None:
        """Stay until the client is gone."""
        while await self._reader.read(1 << 16):
            pass

    async def again_and_again(self, data: bytes) -> None:
        """Send this every few milliseconds until the client is gone."""
        while not self._reader.at_eof():
            await self.send(data)
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """End the connection; what was written still arrives."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection as a crash does: no farewell, what was sent may be lost."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()
