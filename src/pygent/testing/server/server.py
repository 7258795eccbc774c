"""The server: accepts, reads requests, plays what the model's name asks for."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from types import TracebackType
from typing import Self

from .connection import Connection, Request
from .scenarios import SCENARIOS
from .streams import STREAMS


class MisbehavingServer:
    """Serves on a free port of the loopback interface while its block is open.

    Attributes:
        base_url: for the client.
        log: the requests, in their order.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.base_url = ""
        self._tls = tls
        self.log: list[Request] = []
        self._turns: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.base_url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections were used so far."""
        return len({request.connection for request in self.log})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        self._count += 1
        closed = asyncio.Event()
        try:
            number = self._count
            while (request := await _read(reader, number, closed)) is not None:
                self.log.append(request)
                await self._play(Connection(reader, writer, request, ""))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            closed.set()
            writer.transport.abort()

    async def _play(self, connection: Connection) -> None:
        request = connection.request
        if request.path.endswith("/models"):
            names = json.dumps({"object": "list", "data": [{"id": "small"}, {"id": "large"}]})
            await connection.respond(200, names.encode())
            return

        model = str((request.body or {}).get("model", ""))
        kind, _, rest = model.removeprefix("fault:").partition(":")
        if kind == "seq":
            script = rest.split(",")
            kind, _, rest = script[min(self._turns[model], len(script) - 1)].partition(":")
            self._turns[model] += 1
        connection.argument = rest
        if kind in SCENARIOS:
            await SCENARIOS[kind](connection)
        else:
            await connection.stream(STREAMS[kind])


async def _read(reader: asyncio.StreamReader, connection: int, closed: asyncio.Event) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None

    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    now = asyncio.get_running_loop().time()
    return Request(method, path, headers, json.loads(body) if body else None, connection, now, closed)
