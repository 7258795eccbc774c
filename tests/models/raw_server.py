"""A server that answers with given bytes, whatever is asked: `answering`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress


def answer(body: bytes, *headers: str, status: int = 200, kind: str = "application/json") -> bytes:
    """A whole answer as a good server sends it."""
    return _head(status, kind, f"Content-Length: {len(body)}", *headers) + body


def chunked(*pieces: bytes) -> bytes:
    """A streamed answer, in these chunks."""
    head = _head(200, "text/event-stream", "Transfer-Encoding: chunked")
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


def _head(status: int, kind: str, *headers: str) -> bytes:
    """The connection is closed afterwards, and the client told so: else it might send its next request into nothing."""
    lines = [f"HTTP/1.1 {status} Whatever", "Connection: close", f"Content-Type: {kind}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@asynccontextmanager
async def answering(answers: Iterable[bytes]) -> AsyncIterator[str]:
    """Answer each request with the next of these, then close the connection; yields the base URL.

    The bytes are sent in two writes, so that the head may arrive alone.
    """
    script = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            data = next(script)
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
