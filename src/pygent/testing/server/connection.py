"""One connection, seen from the server, with the words that scenarios are written in."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """What a client sent; `closed` is set when its connection has ended."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: int
    time: float
    closed: asyncio.Event = field(repr=False)

    @property
    def wants_stream(self) -> bool:
        return bool((self.body or {}).get("stream"))


class Connection:
    """The server's side of one connection, with the words that scenarios are written in."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, argument: str
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.request = request
        self.argument = argument

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        await self.write("\r\n".join([*lines, "x-request-id: req-7", "", ""]).encode("latin-1"))

    async def respond(
        self, status: int, body: bytes, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        await self.head(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})})
        await self.write(body)

    async def error(self, status: int, code: str | None = None, message: str = "it failed", **headers: str) -> None:
        body = json.dumps({"error": {"message": message, "type": "some_error", "code": code}}).encode()
        await self.respond(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def begin_stream(self) -> None:
        await self.head(200, {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"})

    async def send(self, data: bytes, *, size: int | None = None) -> None:
        """Send a part of the body, in pieces of this size."""
        for start in range(0, len(data), size or len(data) or 1):
            piece = data[start : start + (size or len(data))]
            await self.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    async def end_stream(self) -> None:
        await self.write(b"0\r\n\r\n")

    async def stream(self, data: bytes, *, size: int | None = None) -> None:
        await self.begin_stream()
        await self.send(data, size=size)
        await self.end_stream()

    async def forever(self) -> None:
        """Stay until the client is gone."""
        await self.reader.read()

    async def again_and_again(self, data: bytes) -> None:
        """Send this every few milliseconds until the client is gone."""
        while not self.reader.at_eof():
            await self.send(data)
            await asyncio.sleep(0.01)

    def reset(self) -> None:
        """End the connection as a crash does: no farewell, what was sent may be lost."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
