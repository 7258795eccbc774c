"""The misbehaving server: what it plays, how it is told, and what it remembers."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pygent.testing import server as package
from pygent.testing.server import HELLO, SCENARIOS, STREAMS, MisbehavingServer, catalogue
from pygent.testing.server.api import CHAT, RESPONSES

from .client import HI, get, post, send


async def test_without_a_fault_all_is_well() -> None:
    """Any name that does not ask for trouble has a good reply, as a stream or as a whole."""
    async with MisbehavingServer() as server:
        whole = await post(server, HI)
        streamed = await post(server, {**HI, "stream": True})

    assert (whole.status, whole.message["content"]) == (200, HELLO)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.content == STREAMS["ok"]


async def test_trouble_is_asked_for_in_three_places() -> None:
    """The header counts before the path, and the path before the model's name."""
    async with MisbehavingServer() as server:
        named = await post(server, {**HI, "model": "fault:status:401"})
        by_header = await post(server, {**HI, "model": "fault:401"}, x_fault="status:402")
        with_prefix = await post(server, HI, X_Fault="fault:403")
        by_path = await send(
            server,
            "POST",
            "/fault:404/v1/chat/completions",
            json.dumps(HI).encode(),
            {"Content-Type": "application/json"},
        )
        listed = await get(server, "/fault:html:502/v1/models")

    assert [answer.status for answer in (named, by_header, with_prefix, by_path, listed)] == [401, 402, 403, 404, 502]


async def test_a_sequence_is_played_a_request_each() -> None:
    """The last one stays; other sequences have their own place."""
    async with MisbehavingServer() as server:
        statuses = [(await post(server, {**HI, "model": "fault:seq:503,429ra:1,ok"})).status for _ in range(4)]
        other = await post(server, {**HI, "model": "fault:seq:500,ok"})

    assert statuses == [503, 429, 200, 200]
    assert other.status == 500


async def test_an_unknown_fault_is_answered_with_the_known_ones() -> None:
    """A misspelt name is found at once, also by a test that expects an error anyway."""
    with pytest.raises(AssertionError, match="there is no fault 'rest'"):
        async with MisbehavingServer() as server:
            answer = await post(server, {**HI, "model": "fault:rest"})

    assert answer.status == 400
    assert answer.body["error"]["code"] == "unknown_fault"
    assert {"'rest'", "reset", "eofmid", "seq"} <= set(re.findall(r"[\w']+", answer.body["error"]["message"]))


async def test_an_argument_that_makes_no_sense_is_answered() -> None:
    """The server goes on."""
    async with MisbehavingServer(strict="answer") as server:
        answers = [await post(server, {**HI, "model": f"fault:{fault}"}) for fault in ("status:soon", "bomb:x", "ok")]

    assert [answer.status for answer in answers] == [400, 400, 200]
    assert answers[0].body["error"]["code"] == "bad_argument"


async def test_paths_may_have_a_prefix_and_a_query() -> None:
    """As servers behind a gateway have them; anything else is not found."""
    async with MisbehavingServer() as server:
        there = await post(server, HI, "/../openai/deployments/x/chat/completions?api-version=1")
        models = await get(server, "/api/v1/models?limit=10")
        nowhere = await post(server, HI, "/embeddings")

    assert (there.status, models.status, nowhere.status) == (200, 200, 404)
    assert [model["id"] for model in models.body["data"]] == ["small", "large"]


async def test_the_log_shows_requests_without_keys() -> None:
    """In the test with everything, over HTTP as JSON with the keys masked; it does not log itself."""
    async with MisbehavingServer() as server:
        await post(server, HI, Authorization="Bearer sk-secret", Api_Key="sk-secret")
        await get(server, "/v1/models")
        shown = await get(server, "/__log")
        shown = await get(server, "/__log")

    assert [(request.method, request.path) for request in server.log] == [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
    ]
    assert server.log[0].headers["authorization"] == "Bearer sk-secret"
    assert server.connections == 2
    assert b"sk-secret" not in shown.content
    assert [request["body"] for request in shown.body] == [HI, None]
    assert shown.body[0]["headers"]["authorization"] == shown.body[0]["headers"]["api-key"] == "[masked]"


async def test_a_tool_is_called_until_it_is_answered() -> None:
    """`call` makes an agent take a turn: the call that the name says, or the first tool; then words."""
    tools = [{"type": "function", "function": {"name": "bash"}}]
    async with MisbehavingServer() as server:
        first = (await post(server, {**HI, "model": "fault:call", "tools": tools})).message["tool_calls"][0]
        told = await post(server, {**HI, "model": 'fault:call:grep:{"for": "a, b"}'})
        answered = [*HI["messages"], {"role": "assistant", "tool_calls": [first]}]
        answered.append({"role": "tool", "tool_call_id": first["id"], "content": "done"})
        after = await post(server, {"model": "fault:call", "messages": answered, "tools": tools})
        alone = await post(server, {**HI, "model": "fault:call"})

    assert first["function"] == {"name": "bash", "arguments": "{}"}
    assert told.message["tool_calls"][0]["function"] == {"name": "grep", "arguments": '{"for": "a, b"}'}
    assert after.message["content"] == alone.message["content"] == HELLO


async def test_a_server_that_lacks_something_refuses_it() -> None:
    """Only who asks for it hears so."""
    tools = [{"type": "function", "function": {"name": "bash"}}]
    lacking = {
        "notools": {"tools": tools},
        "noformat": {"response_format": {"type": "text"}},
        "nousage": {"stream": True, "stream_options": {"include_usage": True}},
    }
    async with MisbehavingServer() as server:
        for name, more in lacking.items():
            assert (await post(server, {**HI, "model": f"fault:{name}"})).status == 200
            assert (await post(server, {**HI, "model": f"fault:{name}", **more})).status == 400


async def test_a_redirect_leads_to_the_reply() -> None:
    """On the same server, with the status that is asked for."""
    async with MisbehavingServer() as server:
        moved = await post(server, {**HI, "model": "fault:moved:308"})
        there = await send(
            server,
            "POST",
            moved.headers["location"],
            json.dumps({**HI, "model": "fault:moved"}).encode(),
            {"Content-Type": "application/json"},
        )

    assert (moved.status, moved.headers["location"]) == (308, "/moved/v1/chat/completions")
    assert there.message["content"] == HELLO


async def raw(server: MisbehavingServer, data: bytes) -> bytes:
    """What the server answers to these bytes, until it closes the connection."""
    address = urlsplit(server.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_bodies_may_come_in_chunks() -> None:
    """Clients that do not know the length beforehand, or ask whether they may send, are understood."""
    content = json.dumps(HI).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n5;x=1\r\n%s\r\n%x\r\n%s\r\n0\r\nTrailer: 1\r\n\r\n"
    async with MisbehavingServer() as server:
        in_chunks = await raw(server, head + chunked % (content[:5], len(content) - 5, content[5:]))
        expected = await raw(
            server, head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
        )

    assert in_chunks.startswith(b"HTTP/1.1 200 ")
    assert expected.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


@pytest.mark.parametrize("data", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"x" * 100_000])
async def test_what_is_no_http_is_refused(data: bytes) -> None:
    """The server goes on."""
    async with MisbehavingServer() as server:
        assert (await raw(server, data)).startswith(b"HTTP/1.1 400 ")
        assert (await post(server, HI)).status == 200

    assert len(server.log) == 1


async def test_its_state_can_be_seen() -> None:
    """A repr tells where it listens, and what it has seen."""
    server = MisbehavingServer()
    assert repr(server) == "<MisbehavingServer closed requests=0 refused=0>"

    async with server:
        await post(server, HI)
        assert repr(server) == f"<MisbehavingServer {server.base_url} requests=1 refused=0>"


NAMED = """
429ra 429ms 429date 429bad 429quota ctxlen status noretry500 retry400 reset midheaders truncjson badjson empty200
html err200 nullchoice 204 hang hangheaders slowloris drip keepalive redirect moved bomb bighdr bytewise crlf cr
comments bom nospace multidata badutf8 hugeline midsse eofmid nodone_nofinish no_finish nodone holdopen afterdone
err_in_200 err_str_in_200 err_detail jsonbody ndjson wrongctype no_choices choices_null delta_null usage_last n2
reasoning refusal not_object stall tool_noindex tool_two_noindex tool_idx_collide tool_out_of_order tool_idx_gap
tool_idx_str tool_noid tool_emptyid tool_dupid tool_args_null tool_args_empty tool_args_obj tool_args_bad
tool_args_list tool_args_nan tool_args_twice tool_args_huge tool_args_deep tool_emptyname tool_unknown
tool_name_repeat tool_name_late tool_finish_stop tool_trunc_length tool_args_extra tool_args_bool
tool_args_number_as_text tool_args_surrogate tool_args_nul many_calls flood think think_orphan tool_extra_content
reasoning_details notools noformat redirect_loop call parrot written_call halfbody
"""


@pytest.mark.parametrize("name", NAMED.split())
def test_what_servers_do_can_be_played(name: str) -> None:
    """What tests of clients rely on does not go away."""
    assert name in SCENARIOS or name in STREAMS


def test_every_fault_says_what_it_is() -> None:
    """A line each: a sentence."""
    about = catalogue()

    assert about.keys() == {*SCENARIOS, *CHAT.streams, *RESPONSES.streams}
    assert [name for name, line in about.items() if not re.fullmatch(r"[A-Z`<\[].*\.", line) or len(line) > 120] == []


def test_streams_of_both_apis_say_what_is_odd() -> None:
    """Hardly a line explains two of them."""
    about = catalogue()

    assert about["two_interleaved"] == "Two calls, their events in turn."
    assert len(set(about.values())) > len(about) - 10


def test_it_needs_no_http_library() -> None:
    """Tests that use it start at once."""
    program = "import sys, pygent.testing.server; print(sys.modules.keys() & {'httpx', 'aiohttp', 'httpx_aiohttp'})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)

    assert run.stdout.strip() == "set()"


def test_the_reference_shows_every_name() -> None:
    """The page about testing and `pygent.testing.server` have the same names."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^::: pygent\.testing\.server\.(\w+)$", page, re.MULTILINE)) == sorted(package.__all__)
