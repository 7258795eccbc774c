"""The door to the network: who loads it, and that connections end with their event loop, without a word."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pygent.errors import ModelConnectionError, ModelError
from pygent.messages import Message
from pygent.models import OpenAIModel
from pygent.models.http import exchange as http
from pygent.testing.server import HELLO, MisbehavingServer
from tests.completions_server import completions_server

from .conftest import HI, KEY

PROJECT = Path(__file__).parents[2]


def run(program: str) -> str:
    """Run a program in a fresh interpreter in which every warning is an error; what it printed, both streams."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=50,
        cwd=PROJECT,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["pygent.models", "pygent.models.openai"])
def test_importing_the_models_loads_no_http_library(module: str) -> None:
    """It takes a fifth of a second, which only a request is worth."""
    assert run(f"import sys, {module}; print(sys.modules.keys() & {{'httpx', 'aiohttp', 'httpx_aiohttp'}})") == "set()"


SERVED = """
import asyncio
from pygent.messages import Message
from pygent.models import OpenAIModel
from pygent.testing.server import MisbehavingServer

model = None

async def main():
    async with MisbehavingServer() as server:
        reply = await OpenAIModel(server.base_url).chat([Message.user("hi")], "fault:ok", [])
        print(reply.finish_reason)

"""

WAYS_TO_END = {
    "asyncio.run": "asyncio.run(main())",
    "asyncio.run, twice": "asyncio.run(main()); asyncio.run(main())",
    "a loop of one's own": """
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()""",
    "a loop used twice": """
with asyncio.Runner() as runner:
    runner.run(main())
    runner.run(main())""",
    "closed by hand": """
from pygent.models.http import exchange as http

async def closing():
    await main()
    await http.aclose()
    await http.aclose()
    await main()

asyncio.run(closing())""",
    "an error": """
async def failing():
    await main()
    raise SystemExit(print("end"))

asyncio.run(failing())""",
}


@pytest.mark.parametrize("way", WAYS_TO_END)
def test_connections_end_with_their_loop(way: str) -> None:
    """Nobody needs to close anything: no warning, no error, nothing printed."""
    printed = run(SERVED + WAYS_TO_END[way])

    assert set(printed.split()) <= {"stop", "end"}, printed
    assert "stop" in printed


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "left"])
def test_a_loop_that_was_just_dropped_prints_nothing(closed: bool) -> None:
    """Old programs end so; outside of Python's development mode they are not scolded for it."""
    program = (
        SERVED
        + f"""
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
if {closed}:
    loop.close()
    asyncio.run(main())
"""
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, cwd=PROJECT)

    assert (set(done.stdout.split()), done.stderr) == ({"stop"}, "")


def test_one_model_works_on_one_loop_after_the_other() -> None:
    """It holds no connection of its own."""
    with completions_server(Message.assistant("one"), Message.assistant("two")) as server:
        model = OpenAIModel(server.base_url, KEY)
        replies = [asyncio.run(model.chat(HI, "m", [])) for _ in range(2)]

    assert [reply.content for reply in replies] == ["one", "two"]


def test_threads_have_loops_of_their_own() -> None:
    """Eight at once do not meet."""
    with completions_server(*[Message.assistant("hi")] * 40) as server:
        model = OpenAIModel(server.base_url, KEY)

        def ask_five_times(_: int) -> list[str | None]:
            return [asyncio.run(model.chat(HI, "m", [])).text for _ in range(5)]

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(ask_five_times, range(8))) == [["hi"] * 5] * 8


@pytest.mark.parametrize("trust_env", [False, True])
async def test_the_environment_counts_only_where_it_is_trusted(
    trust_env: bool, server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy variable sends the key elsewhere: by default it is not looked at."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with MisbehavingServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        reply = await OpenAIModel(server.base_url, KEY, trust_env=trust_env).chat(HI, "fault:ok", [])

    assert reply.content == HELLO
    assert (len(proxy.log), len(server.log)) == ((1, 0) if trust_env else (0, 1))


@pytest.mark.parametrize("trust_env", [False, True])
async def test_a_password_file_does_not_replace_the_key(
    trust_env: bool, server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A ~/.netrc for the host is of another trade."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password hunter2")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    await OpenAIModel(server.base_url, KEY, trust_env=trust_env).chat(HI, "fault:ok", [])

    assert server.log[0].headers["authorization"] == f"Bearer {KEY}"


LARGE = [Message.user("x" * (3 << 20))]


async def test_a_large_body_is_sent_in_pieces(server: MisbehavingServer) -> None:
    """Without a warning, with its length told beforehand, and whole again at the next attempt."""
    reply = await OpenAIModel(server.base_url, KEY, max_retries=1).chat(LARGE, "fault:seq:reset,ok", [])

    assert reply.content == HELLO
    assert [len(request.body["messages"][0]["content"]) for request in server.log] == [3 << 20] * 2
    for request in server.log:
        assert int(request.headers["content-length"]) > 3 << 20
        assert "transfer-encoding" not in request.headers


async def test_a_large_body_may_be_refused_by_its_length() -> None:
    """A server that answers before it has read all, and hangs up, is an error with a reason, at once."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as refusing:
        host, port = refusing.sockets[0].getsockname()
        with pytest.raises(ModelError):
            await OpenAIModel(f"http://{host}:{port}/v1", KEY, max_retries=0).chat(LARGE, "m", [])


def test_a_warning_is_no_broken_connection() -> None:
    """Who wants warnings as errors sees them: they are not sent again as an accident of the network."""
    with pytest.raises(ResourceWarning), http._translated("host"):
        raise ResourceWarning("x")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", *options, *files], check=True, capture_output=True)
    return cert, key


async def test_a_certificate_is_verified(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody vouches for never sees the key; one that the trusted environment vouches for does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with MisbehavingServer(context) as server:
        with pytest.raises(ModelConnectionError, match="no trusted TLS connection"):
            await OpenAIModel(server.base_url, KEY, max_retries=0).chat(HI, "fault:ok", [])
        assert server.log == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        with pytest.raises(ModelConnectionError):
            await OpenAIModel(server.base_url, KEY, max_retries=0).chat(HI, "fault:ok", [])
        assert (await OpenAIModel(server.base_url, KEY, trust_env=True).chat(HI, "fault:ok", [])).content == HELLO
