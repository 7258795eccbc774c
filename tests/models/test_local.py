"""Looking for servers on this machine: real ones, those that are something else, and those that mean harm."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TypeAlias

import pytest

from pygent.errors import SettingsError
from pygent.models.info import ModelInfo
from pygent.models.local import LocalServer, find_local_servers, local_urls, pick_model
from pygent.settings import Settings

Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GENEROUS = 5.0
"""Seconds for what must not take much longer than 0.3."""


def listing(*names: str) -> bytes:
    """A list of models as servers give it."""
    return json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}).encode()


def http(body: bytes, status: str = "200 OK", length: int | None = -1) -> bytes:
    """An answer; a length of -1 is the true one, None none."""
    shown = "" if length is None else f"Content-Length: {len(body) if length < 0 else length}\r\n"
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{shown}\r\n".encode() + body


def says(answer: bytes) -> Answer:
    """Reads the request, answers, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return serve


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and never says a word."""
    await reader.read()


async def hangs_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives the whole answer, and leaves the connection open."""
    writer.write(http(listing("kept")))
    await reader.read()


async def never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a body for ever."""
    writer.write(http(b"", length=None))
    while True:
        writer.write(b"[" * 65_536)
        await writer.drain()


async def never_ends_its_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends headers for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Y: Z\r\n" * 1000)
        await writer.drain()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, so that no silence is ever long."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server on a free port; yields its base URL, and leaves nothing behind."""
    serving: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await answer(reader, writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def free_url() -> str:
    """A base URL where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


FOUND = {
    "with a length": (http(listing("b", "a")), ("b", "a")),
    "ended by closing": (http(listing("b", "a"), length=None), ("b", "a")),
    "by HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + listing("a"), ("a",)),
    "nothing installed": (http(b'{"object": "list", "data": null}'), ()),
    "an empty list": (http(listing()), ()),
    "odd entries": (http(b'{"object":"list","data":[1,{"id":2},{"id":["x"]},{},{"id":"a"}]}'), ("a",)),
}


@pytest.mark.parametrize("case", FOUND)
async def test_servers_are_found(case: str) -> None:
    """The models come in the server's own order: what was installed last is often first."""
    answer, names = FOUND[case]
    async with serving(says(answer)) as url:
        (server,) = await find_local_servers([url], timeout=GENEROUS)

    assert (server.base_url, tuple(model.name for model in server.models)) == (url, names)


async def test_the_context_window_is_read() -> None:
    """Where the server says it."""
    body = (
        b'{"object":"list","data":[{"id":"a","max_model_len":8192},{"id":"b","meta":{"n_ctx_train":4096}},{"id":"c"}]}'
    )
    async with serving(says(http(body))) as url:
        (server,) = await find_local_servers([f"{url}/"], timeout=GENEROUS)

    assert server.base_url == url
    assert server.models == (ModelInfo("a", 8192), ModelInfo("b", 4096), ModelInfo("c", None))


STRANGERS = {
    "garbage": b"\x00\xff\x17 SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a body": http(listing("a")[:-5], length=10_000),
    "not found": http(listing("a"), status="404 Not Found"),
    "wants a key": http(b'{"error": "unauthorized"}', status="401 Unauthorized"),
    "moved": b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\n\r\n",
    "a page": http(b"<html><body>It works!</body></html>"),
    "a list of cars": http(b'[{"name": "Fiat"}, {"name": "Skoda"}]'),
    "cars as data": http(b'{"data": [{"id": "fiat", "name": "Fiat"}]}'),
    "another list": http(b'{"object": "list", "data": "no"}'),
    "a number": http(b"1"),
    "not UTF-8": http(b'{"object": "\xff\xfe'),
    "deep": http(b"[" * 100_000),
    "binary": http(bytes(range(256)) * 100),
}


@pytest.mark.parametrize("case", STRANGERS)
async def test_others_are_left_alone(case: str) -> None:
    """Whatever listens on port 8000 instead: it is no server of models, and does no harm."""
    async with serving(says(STRANGERS[case])) as url:
        assert await find_local_servers([url], timeout=GENEROUS) == []


@pytest.mark.parametrize("answer", [hangs, never_ends, never_ends_its_head, drips], ids=lambda answer: answer.__name__)
async def test_no_server_takes_long(answer: Answer) -> None:
    """Not one that hangs after it accepted, nor one that sends for ever; and the good one beside it is still found."""
    start = time.monotonic()
    async with serving(answer) as bad, serving(says(http(listing("a")))) as good:
        found = await find_local_servers([bad, good])

    assert [server.base_url for server in found] == [good]
    assert time.monotonic() - start < GENEROUS


async def test_a_complete_answer_does_not_wait_for_the_end() -> None:
    """A server that leaves the connection open is found nevertheless."""
    async with serving(hangs_open) as url:
        assert len(await find_local_servers([url], timeout=GENEROUS)) == 1


async def test_all_are_asked_side_by_side() -> None:
    """Twenty that hang take no longer than one."""
    start = time.monotonic()
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(hangs)) for _ in range(20)]
        assert await find_local_servers(urls) == []

    assert time.monotonic() - start < GENEROUS


async def test_nobody_there() -> None:
    """A closed port, a name that does not resolve, a port that cannot be, another scheme: no error."""
    urls = [free_url(), "http://nowhere.invalid/v1", "http://127.0.0.1:1/v1", "https://127.0.0.1/v1", "http://a b/v1"]

    assert await find_local_servers(urls) == []
    assert await find_local_servers([]) == []


async def test_it_can_be_cancelled() -> None:
    """Ctrl-C while a server hangs."""
    async with serving(hangs) as url:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await find_local_servers([url], timeout=60)


async def test_what_is_asked() -> None:
    """The list of models, and no key goes along."""
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http(listing("a")))

    async with serving(note) as url:
        await find_local_servers([url], timeout=GENEROUS)

    place = url.removeprefix("http://").removesuffix("/v1")
    assert asked[0].decode().splitlines()[:2] == ["GET /v1/models HTTP/1.0", f"Host: {place}"]
    assert b"uthorization" not in asked[0]


def test_where_to_look() -> None:
    """On the usual ports, where OLLAMA_HOST says, or where the settings say and nowhere else."""
    usual = tuple(f"http://localhost:{port}/v1" for port in (11434, 1234, 8080, 8000))

    assert local_urls(Settings()) == usual
    assert local_urls(Settings.from_env({"OLLAMA_HOST": "gpu"})) == ("http://gpu:11434/v1", *usual[1:])
    assert local_urls(Settings.from_env({"PYGENT_LOCAL_SERVERS": "none", "OLLAMA_HOST": "gpu"})) == ()
    assert local_urls(Settings.from_env({"PYGENT_LOCAL_SERVERS": "http://a/v1 http://b"})) == (
        "http://a/v1",
        "http://b",
    )
    with pytest.raises(SettingsError, match="OLLAMA_HOST"):
        local_urls(Settings.from_env({"OLLAMA_HOST": "gpu:x"}))


def at(port: int, *names: str) -> LocalServer:
    """A server that was found."""
    return LocalServer(f"http://localhost:{port}/v1", tuple(map(ModelInfo, names)))


OLLAMA, VLLM, EMPTY = at(11434, "nomic-embed-text:latest", "qwen3:1.7b", "llama3:latest"), at(8000, "big"), at(1234)

PICKS = {
    "the first that talks": ([EMPTY, OLLAMA, VLLM], None, (OLLAMA, "qwen3:1.7b")),
    "the wanted one": ([OLLAMA, VLLM], "big", (VLLM, "big")),
    "the wanted one by its short name": ([OLLAMA], "llama3", (OLLAMA, "llama3:latest")),
    "not another than the wanted one": ([OLLAMA, VLLM], "gpt-5", None),
    "none": ([EMPTY], None, None),
    "nothing that talks": ([at(1, "bge-m3", "text-embedding-3", "all-minilm", "x-rerank")], None, None),
}


@pytest.mark.parametrize("case", PICKS)
def test_which_model_is_picked(case: str) -> None:
    """A wish is kept to; without one it is the first that is not for embeddings."""
    servers, wanted, expected = PICKS[case]

    assert pick_model(servers, wanted) == expected


def test_a_server_knows_its_program() -> None:
    """By its port."""
    assert OLLAMA.provider is not None
    assert OLLAMA.provider.title == "Ollama"
    assert at(5).provider is None
