"""`MisbehavingServer`: accepts, reads requests strictly, and plays what they ask for."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections import Counter
from types import TracebackType
from typing import Literal, Self

from .api import APIS, CHAT, Api
from .connection import Connection
from .inspector import Inspector
from .request import BadRequest, Request, read_request
from .scenarios import play

_log = logging.getLogger("pygent.testing")

_MODELS = {"object": "list", "data": [{"id": name, "object": "model"} for name in ("small", "large")]}


class MisbehavingServer:
    """A server of Chat Completions and Responses that goes wrong as it is told, for tests of agents and clients.

    It serves while its block is open. What goes wrong is in the name of the model: `fault:<name>`, or
    `fault:<name>:<argument>`, and without `fault:` nothing. Clients that cannot choose the model's name say it in the
    header `X-Fault`, or put it into the base URL: `http://127.0.0.1:8700/fault:status:503/v1`.

    `fault:seq:429ra:1,reset,ok` plays one after the other, a request each; the last one stays. No argument in it may
    hold a comma.

    By default every request is read by the strictest reading of the protocol: what some server might refuse, such as an
    unknown field or a tool call without its answer, is refused with status 400 and the code `strict`.

    `GET /__log` answers with the requests so far, as JSON and without keys; `GET …/models` lists two models.

    Args:
        tls: a context with a certificate, to serve `https`.
        host: where to listen.
        port: 0: any free one.
        strict: `"raise"`: an AssertionError at the end of the block lists what was refused; `"answer"`: the client
            alone is told; None: nothing is refused.

    Attributes:
        base_url: for the client.
        log: the requests, in their order.
        refused: what was wrong with each request that was refused, or with the fault that it asked for.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        strict: Literal["raise", "answer"] | None = "raise",
    ) -> None:
        self.base_url = ""
        self.log: list[Request] = []
        self.refused: list[str] = []
        self._tls = tls
        self._address = host, port
        self._strict = strict
        self._inspector = Inspector()
        self._turns: Counter[str] = Counter()
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._count = 0

    def __repr__(self) -> str:
        return f"<MisbehavingServer {self.base_url or 'closed'} requests={len(self.log)} refused={len(self.refused)}>"

    @property
    def connections(self) -> int:
        """How many connections were used so far."""
        return len({request.connection for request in self.log})

    async def __aenter__(self) -> Self:
        host, port = self._address
        self._server = await asyncio.start_server(self._accept, host, port, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http{'s' if self._tls else ''}://{f'[{host}]' if ':' in host else host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = [task for task in self._connections.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._strict != "raise" or not self.refused:
            return

        text = "\n".join([f"{len(self.refused)} requests were refused:", *self.refused])
        if error is None:
            raise AssertionError(text)

        error.add_note(text)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = asyncio.current_task()
        self._count += 1
        number, closed = self._count, asyncio.Event()
        try:
            while (request := await read_request(reader, writer, number, closed)) is not None:
                await self._serve(reader, writer, request)
                if request.headers.get("connection", "").lower() == "close":
                    writer.close()
                    await writer.wait_closed()
                    return
        except BadRequest as error:
            _log.warning("no request: %s", error)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            writer.close()
        except (
            ConnectionError,
            EOFError,
            asyncio.LimitOverrunError,
            asyncio.CancelledError,
        ):  # by the end of the block
            writer.transport.abort()
        finally:
            closed.set()
            del self._connections[writer]
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
        """Answer a request, well or badly."""
        route = next((route for route in APIS if request.route.endswith(route)), None)
        to = Connection(reader, writer, request, APIS[route] if route else CHAT)
        if request.route == "/__log":
            await to.respond(200, json.dumps([logged.to_dict() for logged in self.log]).encode())
            return

        self.log.append(request)
        is_list = request.method == "GET" and request.route.endswith("/models")
        problem = self._problem_of(request, to.api) if route else None
        fault = request.fault
        _log.info("%s %s %s%s", request.method, request.path, fault, f" refused: {problem}" if problem else "")
        if problem:
            await to.error(400, "strict", problem)
        elif is_list and fault == "ok":
            await to.respond(200, json.dumps(_MODELS).encode())
        elif route or is_list or fault != "ok":
            problem = await play(to, self._turn(fault))
        else:
            await to.error(404, "no_such_path", f"{request.method} {request.path} is nothing here")
        if problem:  # a fault that does not exist is a slip of the test, which would pass for the wrong reason
            self.refused.append(f"request {len(self.log)}, {request.method} {request.path}: {problem}")

    def _problem_of(self, request: Request, api: Api) -> str | None:
        if self._strict is None:
            return None

        return self._inspector.problem_of(request.headers, request.content, api.problem_of)

    def _turn(self, fault: str) -> str:
        """The fault whose turn it is."""
        if not fault.startswith("seq:"):
            return fault

        script = fault.removeprefix("seq:").split(",")
        turn = self._turns[fault]
        self._turns[fault] += 1
        return script[min(turn, len(script) - 1)]
