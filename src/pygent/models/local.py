"""`find_local_servers`: looks for servers of models on this machine, quickly, and harmless to whoever else is there."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from ..messages import JSON
from ..providers import PROVIDERS, Provider, provider_of
from ..settings import Settings
from ..threads import call_in_daemon
from .choice import url_of
from .info import ModelInfo, parse_models
from .wire import decode_json

_log = logging.getLogger("pygent.models")

TIMEOUT = 0.3
"""Seconds for all servers together."""

_MAX_BYTES = 1 << 20
"""No list of the models on one machine is longer."""

_NO_CHAT = re.compile(r"embed|minilm|rerank|(^|[/_-])bge[_-]", re.IGNORECASE)
"""In the names of models that make vectors of texts, and do not talk."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that was found.

    Attributes:
        base_url: where its API is.
        models: what it offers, in its own order; it may be that nothing was installed yet.
    """

    base_url: str
    models: tuple[ModelInfo, ...]

    @property
    def provider(self) -> Provider | None:
        """Which program it is, as far as its port tells."""
        return provider_of(self.base_url)


def local_urls(settings: Settings) -> tuple[str, ...]:
    """Return where to look: where the settings say, or else on the usual ports, and where OLLAMA_HOST says.

    Raises:
        SettingsError: OLLAMA_HOST names no server.
    """
    if settings.local_servers is not None:
        return settings.local_servers

    return tuple(url for one in PROVIDERS.values() if one.local and (url := url_of(one, settings)))


async def find_local_servers(urls: Iterable[str], *, timeout: float = TIMEOUT) -> list[LocalServer]:
    """Return which of these are servers of models; all are asked side by side.

    They are asked by hand, over the connection that shows whether anybody is there: no HTTP library needs to be loaded
    to learn that nobody is. Only plain `http` is spoken, and no key is sent.

    Args:
        urls: base URLs.
        timeout: seconds for all of them.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_probe(url, timeout), name=f"probe-{url}") for url in urls]
    return [server for task in tasks if (server := task.result()) is not None]


def pick_model(servers: Iterable[LocalServer], wanted: str | None = None) -> tuple[LocalServer, str] | None:
    """Return a server and the name of a model of its: the wanted one, or without a wish the first that can talk."""
    for server in servers:
        for model in server.models:
            if model.name in (wanted, f"{wanted}:latest") or (wanted is None and not _NO_CHAT.search(model.name)):
                return server, model.name
    return None


async def _probe(url: str, timeout: float) -> LocalServer | None:
    url = url.rstrip("/")
    try:
        async with asyncio.timeout(timeout):
            return LocalServer(url, _models(await _get(f"{url}/models")))
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        _log.debug("no server of models at %s: %r", url, error)
        return None


async def _get(url: str) -> bytes:
    """The body at a URL; a ValueError or an EOFError is an answer that no server of models gives."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError("only http is spoken here")

    reader, writer = await _connect(parts.hostname or "", parts.port or 80)
    try:
        # By 1.0 the body comes in one piece, and the server closes after it.
        writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not re.match(rb"HTTP/1\.[01] 200\b", head):
            raise ValueError(f"it answers {head[:40]!r}")

        length = re.search(rb"^content-length:\s*(\d{1,9})\s*$", head, re.IGNORECASE | re.MULTILINE)
        end = min(int(length[1]), _MAX_BYTES) if length else _MAX_BYTES
        body = bytearray()
        while len(body) < end and (piece := await reader.read(end - len(body))):
            body += piece
        return bytes(body)
    finally:
        writer.transport.abort()


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that answers.

    The name is looked up in a thread that nobody waits for, as a program would for the loop's own when it ends; and
    IPv4 comes first, for Windows takes two seconds to say that nobody listens at an address of the other kind.
    """
    find = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = {str(address[0]) for *_, address in await call_in_daemon(find, "pygent-lookup")}
    *first, last = sorted(found, key=lambda address: ":" in address)
    for address in first:
        with suppress(OSError):
            return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(last, port)


def _models(body: bytes) -> tuple[ModelInfo, ...]:
    """The models, if that is a list of models and not of something else that has names."""
    listing: JSON = decode_json(body)
    if not isinstance(listing, Mapping) or listing.get("object") != "list":
        raise ValueError("no list of models")

    entries = listing.get("data") or []  # Ollama says null when nothing is installed
    found = {model.name: model for model in parse_models({"data": entries})}
    names = [entry.get("id") for entry in entries if isinstance(entry, Mapping)]
    return tuple(found[name] for name in names if isinstance(name, str) and name in found)
