"""`Request`: what a client sent, read from a connection with the standard library alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

_SECRET = ("authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie")


class BadRequest(ValueError):
    """What came is no HTTP."""


@dataclass
class Request:
    """What a client sent.

    Attributes:
        method: such as `POST`.
        path: as it was sent, with its query.
        headers: by their names in lower case.
        content: the bytes of the body.
        body: what they say as JSON; None: they are none.
        connection: the number of its connection, from 1.
        time: seconds, on the clock of the event loop.
        closed: set when its connection has ended.
    """

    method: str
    path: str
    headers: dict[str, str]
    content: bytes = field(repr=False)
    connection: int
    time: float
    closed: asyncio.Event = field(repr=False)
    body: Any = field(init=False)

    def __post_init__(self) -> None:
        try:
            self.body = json.loads(self.content)
        except (ValueError, RecursionError):
            self.body = None

    @property
    def route(self) -> str:
        """The path without its query."""
        return unquote(self.path.partition("?")[0])

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the body holds; nothing if it is no object."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def wants_stream(self) -> bool:
        """Whether the reply is to come as it is written."""
        return bool(self.fields.get("stream"))

    @property
    def fault(self) -> str:
        """What is to go wrong: the header `X-Fault`, a part `fault:…` of the path, or the model's name."""
        parts = [part for part in self.route.split("/") if part.startswith("fault:")]
        header = self.headers.get("x-fault")
        asked = f"fault:{header.removeprefix('fault:')}" if header else next(iter(parts), str(self.fields.get("model")))
        return asked.removeprefix("fault:") if asked.startswith("fault:") else "ok"

    @property
    def conversation(self) -> list[dict[str, Any]]:
        """The messages, or the items of the Responses API."""
        said = self.fields.get("input")
        if isinstance(said, str):
            return [{"role": "user", "content": said}]

        return self._objects("messages") or self._objects("input")

    @property
    def tools(self) -> list[str]:
        """The names of the tools that it offers."""
        return [str(tool.get("function", tool).get("name")) for tool in self._objects("tools")]

    @property
    def follows_tool(self) -> bool:
        """Whether the last thing said is the answer to a tool call."""
        return any(
            message.get("role") == "tool" or message.get("type") == "function_call_output"
            for message in self.conversation[-1:]
        )

    @property
    def last_text(self) -> str:
        """What the user said last."""
        said = [message.get("content") for message in self.conversation if message.get("role") == "user"]
        content = said[-1] if said else ""
        parts = content if isinstance(content, list) else [{"text": content}]
        return "".join(str(part.get("text", "")) for part in parts)

    def _objects(self, name: str) -> list[dict[str, Any]]:
        items = self.fields.get(name)
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def to_dict(self) -> dict[str, Any]:
        """As JSON may show it: without keys."""
        headers = {name: "[masked]" if name in _SECRET else value for name, value in self.headers.items()}
        return {
            "time": round(self.time, 6),
            "connection": self.connection,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "body": self.body,
        }


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int, closed: asyncio.Event
) -> Request | None:
    """Read the next request of a connection; None: there is none.

    Raises:
        BadRequest: what came is no HTTP.
        asyncio.IncompleteReadError: the client has hung up in the middle.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest("the head is too long") from error

    first, *lines = head.strip().split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        method, path, _ = first.split(" ")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            content = await _read_chunks(reader)
        else:
            content = await reader.readexactly(int(headers.get("content-length", 0)))
    except ValueError as error:
        raise BadRequest(f"{first[:100]!r} does not begin a request") from error

    return Request(method, path, headers, content, connection, asyncio.get_running_loop().time(), closed)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """The body of a request whose length nobody knew beforehand."""
    content = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        content += (await reader.readexactly(size + 2))[:-2]
    while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
        pass
    return content
