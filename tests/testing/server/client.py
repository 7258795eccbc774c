"""A client without opinions: it sends what it is told, by the standard library."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pygent.testing.server import MisbehavingServer

HI = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}
"""A request that nobody can object to."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def message(self) -> Any:
        return self.body["choices"][0]["message"]


async def post(server: MisbehavingServer, body: Any, path: str = "/chat/completions", **headers: str) -> Answer:
    """Send a body, as JSON unless it is bytes; in the names of headers `_` stands for `-`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await send(server, "POST", f"/v1{path}", content, named)


async def get(server: MisbehavingServer, path: str, **headers: str) -> Answer:
    return await send(server, "GET", path, b"", headers)


async def send(server: MisbehavingServer, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
    def exchange() -> Answer:
        connection = HTTPConnection(urlsplit(server.base_url).netloc, timeout=10)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(exchange)
