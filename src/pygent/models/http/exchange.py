"""The one door to the network: `exchange` sends a request and yields the response. It alone imports HTTP libraries.

Import this module in a worker thread: its libraries take a fifth of a second to load.

The transport is httpx's, on aiohttp's connections: httpx's own pool can be left poisoned by a cancellation that hits
the wrong await, aiohttp's cannot. It is called without an `httpx.AsyncClient` around it, for redirects, cookies and
passwords from files are what is not wanted here. Transports belong to their event loop and are shared by all on it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from importlib.metadata import version
from typing import NamedTuple, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ...errors import ModelConnectionError, ModelError, ModelResponseError, ModelTimeout
from .unpack import unpacker

_log = logging.getLogger("pygent.models")

USER_AGENT = f"pygent/{version('pygent')}"

KEEPALIVE = 60.0
"""Seconds that an unused connection is kept: an agent's command often takes that long between two questions."""

_PIECE = 64 << 10
"""Bytes of a body that are handed over at a time: the event loop has its turn in between."""

_EXCERPT = 2.0
"""Seconds for the body of a refusal; its status says the most."""

_RESOLVE = 30.0
"""Seconds to find the server's addresses and try them all; each has its own connect timeout."""


class Response:
    """An answer whose body is still to come.

    Attributes:
        status: such as 200.
        headers: with lower-case names.
    """

    def __init__(self, response: httpx.Response, host: str) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._stream = cast(AsyncGenerator[bytes, None], aiter(cast(httpx.AsyncByteStream, response.stream)))
        self._host = host

    def __repr__(self) -> str:
        return f"<Response {self.status} from {self._host}>"

    async def chunks(self, *, limit_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, unpacked where the server packed it unasked.

        Raises:
            ModelResponseError: it is larger than `limit_bytes`, or cannot be unpacked.
            ModelConnectionError: the connection broke.
        """
        size = 0
        unpack = unpacker(self.headers.get("content-encoding", ""))
        while True:
            with _translated(self._host):
                packed = await anext(self._stream, None)
            for chunk in unpack(packed or b""):
                size += len(chunk)
                if size > limit_bytes:
                    raise ModelResponseError(
                        f"{self._host} sent more than {limit_bytes / (1 << 20):g} MiB: too large to be a reply"
                    )

                yield chunk
            if packed is None:
                return

    async def read(self, *, limit_bytes: int) -> bytes:
        """Return the whole body; raises as `chunks` does."""
        async with aclosing(self.chunks(limit_bytes=limit_bytes)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def excerpt(self, *, limit_bytes: int) -> bytes:
        """Return the start of the body, or what came of it before the connection broke or fell silent."""
        start = b""
        with suppress(ModelError, TimeoutError):
            async with asyncio.timeout(_EXCERPT), aclosing(self.chunks(limit_bytes=limit_bytes)) as chunks:
                async for chunk in chunks:
                    start += chunk
        return start

    async def aclose(self) -> None:
        """Let go of the body."""
        await self._stream.aclose()


@asynccontextmanager
async def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes = b"",
    connect_timeout: float | None = None,
    trust_env: bool = False,
) -> AsyncIterator[Response]:
    """Send a request and yield its response; when the block is left the connection is free or closed.

    Redirects are not followed, cookies not kept, and the server's certificate is always verified.

    Args:
        method: such as `"POST"`.
        url: where to.
        headers: sent beside `User-Agent` and `Accept-Encoding: identity`.
        content: the body.
        connect_timeout: seconds until the connection stands.
        trust_env: whether the proxy and certificate variables of the environment count.

    Raises:
        ModelTimeout: one of the timeouts is over.
        ModelConnectionError: the server cannot be reached, or does not speak HTTP.
    """
    host = urlsplit(url).netloc
    kind = _Kind(url.startswith("https:"), trust_env, _proxy_for(url) if trust_env else None)
    transport = await _transport(kind)
    with _translated(host):
        is_large = len(content) > _PIECE
        length = {"Content-Length": str(len(content))} if is_large else {}
        request = httpx.Request(
            method,
            url,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **length, **headers},
            content=None if is_large else content or None,
            stream=_Pieces(content) if is_large else None,
            extensions={"timeout": _limits(connect_timeout)},
        )
        answer = await transport.handle_async_request(request)
    response = Response(answer, host)
    _log.debug("%s %s: %s %s", method, url, response.status, response.headers.get("x-request-id", ""))
    try:
        yield response
    finally:
        with suppress(Exception):  # it is gone either way, and a cancellation on its way must not be lost
            await response.aclose()
            await answer.aclose()


class _Pieces(httpx.AsyncByteStream):
    """A large body, piece by piece; a class, for an async generator would be left open when a request is cut off."""

    def __init__(self, content: bytes) -> None:
        self._pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece

        raise StopAsyncIteration


def _limits(connect: float | None) -> dict[str, float | None]:
    """The timeouts as the transport wants them: it takes 0 for no limit, and calls the time to be connected `pool`.

    How long a server may be silent is not its affair: it would count bytes.
    """
    if connect is None:
        return {"connect": None, "pool": None, "read": None}

    return {"connect": max(connect, 0.001), "pool": max(connect, _RESOLVE), "read": None}


async def aclose() -> None:
    """Close the connections of the running event loop. Not needed at its end: they close themselves then."""
    pool = _pools.get(asyncio.get_running_loop())
    if pool is not None:
        await pool.keeper.aclose()


class _Kind(NamedTuple):
    """What requests must have in common to share a transport."""

    secure: bool
    trust_env: bool
    proxy: str | None


class _Pool:
    """The transports of one event loop, which end with it."""

    def __init__(self) -> None:
        self.transports: dict[_Kind, AiohttpTransport] = {}
        self.connectors: list[aiohttp.TCPConnector] = []
        self.keeper = self._keep()

    async def _keep(self) -> AsyncGenerator[None, None]:
        """Close the transports when the loop ends: it closes the async generators that are suspended on it."""
        try:
            yield
        finally:
            _pools.pop(asyncio.get_running_loop(), None)
            for transport in self.transports.values():
                await transport.aclose()

    def add(self, kind: _Kind, context: ssl.SSLContext) -> None:
        connector = aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=KEEPALIVE)  # 0: no limit
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        proxy = httpx.Proxy(kind.proxy) if kind.proxy else None
        self.connectors.append(connector)
        self.transports[kind] = AiohttpTransport(client=session, verify=context, proxy=proxy)

    def forget(self) -> None:
        """Let go of connections whose loop was closed without closing its async generators."""
        for connector in self.connectors:
            next(connector.close().__await__(), None)  # on a closed loop there is nothing to wait for


_pools: dict[asyncio.AbstractEventLoop, _Pool] = {}


async def _transport(kind: _Kind) -> AiohttpTransport:
    """The running loop's transport of this kind."""
    pool = _pools.get(asyncio.get_running_loop()) or await _new_pool()
    if kind not in pool.transports:
        context = await asyncio.to_thread(_tls_context, kind)
        if kind not in pool.transports:  # else another request made it meanwhile
            pool.add(kind, context)
    return pool.transports[kind]


async def _new_pool() -> _Pool:
    for loop in list(_pools):
        if loop.is_closed() and (left := _pools.pop(loop, None)) is not None:  # None: another thread was faster
            left.forget()
    pool = _pools[asyncio.get_running_loop()] = _Pool()
    await anext(pool.keeper)
    return pool


@atexit.register
def _close_all() -> None:
    """Exit quietly also when a program has left its loop as it was."""
    while _pools:
        loop, pool = _pools.popitem()
        if loop.is_closed():
            pool.forget()
        elif not loop.is_running():
            loop.run_until_complete(pool.keeper.aclose())


def _tls_context(kind: _Kind) -> ssl.SSLContext:
    """A context that verifies. Plain HTTP needs none and is spared the loading: its empty one would pass nothing."""
    if not kind.secure:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    return httpx.create_ssl_context(trust_env=kind.trust_env)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names; aiohttp would look into `~/.netrc` as well, for another password."""
    parts, proxies = urlsplit(url), getproxies()
    return None if proxy_bypass(parts.netloc) else proxies.get(parts.scheme) or proxies.get("all")


@contextmanager
def _translated(host: str) -> Iterator[None]:
    """Nothing foreign passes: what the libraries raise becomes a ModelError with the reason in plain words."""
    try:
        yield
    except Warning:  # somebody wants warnings as errors: no connection is to blame
        raise
    except Exception as error:
        raise _as_model_error(error, host) from error


def _as_model_error(error: Exception, host: str) -> ModelError:
    """Name what happened by its cause: the transport calls a refused connection a timeout."""
    cause = error.__cause__ if isinstance(error, httpx.TransportError) and error.__cause__ else error
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return ModelConnectionError(f"cannot find {host}: {cause.os_error.strerror or cause.os_error}")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return ModelConnectionError(f"no trusted TLS connection to {host}: {cause}")
        case aiohttp.ClientConnectorError(os_error=reason):
            return ModelConnectionError(
                f"cannot connect to {host}: {reason.strerror or reason}; does the server run, and is base_url right?"
            )
        case aiohttp.ConnectionTimeoutError():
            return ModelTimeout(f"no connection to {host} in time")
        case aiohttp.ServerTimeoutError():
            return ModelTimeout(f"{host} was silent for too long")
        case aiohttp.ServerDisconnectedError():
            return ModelConnectionError(f"{host} closed the connection without an answer")
        case aiohttp.ClientResponseError():
            cause.args = ()  # they, and its repr, show the request's headers, and so the key
            cause.request_info = cause.request_info._replace(headers={})  # type: ignore[arg-type] # shown only
            return ModelConnectionError(f"{host} does not speak proper HTTP: {' '.join(cause.message.split()):.200}")
    return ModelConnectionError(f"the connection to {host} broke: {str(cause) or type(cause).__name__}")
