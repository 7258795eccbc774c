"""Replies that would fill the memory: refused or cut off, in a process whose growth is measured."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from pygent.testing.server import MisbehavingServer

from .raw_server import answering, chunked

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")

PROGRAM = r"""
import asyncio, json, re, sys, time
from pathlib import Path
from pygent import ModelError, OpenAIModel
from pygent.messages import Message
from pygent.models import Timeouts

def peak():  # not ru_maxrss: a child inherits that of its parent
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024

async def main(warm, url, name, stream):
    timeouts = Timeouts(first_content=5, idle_content=5, whole_reply=5, total=4)
    model = OpenAIModel(url, "sk-sentinel", stream=stream, max_retries=0, timeouts=timeouts)
    await OpenAIModel(warm, "sk-sentinel").chat([Message.user("hi")], "fault:ok", [])
    before, started = peak(), time.monotonic()
    try:
        reply = await model.chat([Message.user("hi")], name, [])
        outcome = f"a reply of {len(reply.text)} characters"
    except ModelError as error:
        outcome = f"{type(error).__name__}: {error}"
    print(json.dumps([peak() - before, time.monotonic() - started, outcome[:300]]))

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "True"))
"""

MAX_GROWTH = 64.0
"""MiB."""


async def growth(url: str, name: str, *, stream: bool) -> tuple[float, float, str]:
    """MiB by which a fresh process grows, its seconds, and what came of the request."""
    async with MisbehavingServer() as good:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", PROGRAM, good.base_url, url, name, str(stream)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    grown, seconds, outcome = json.loads(output)
    return grown, seconds, outcome


HEAVY = {
    "fault:bomb:200": ("ModelResponseError", "more than 32 MiB", "more than 64 MiB", "too large to be a reply"),
    "fault:hugeline:64": ("ModelResponseError", "too large to be a reply"),
    "fault:flood": ("ModelResponseError", "more than 64 MiB", "ModelTimeout"),
}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", HEAVY)
async def test_a_heavy_reply_does_not_fill_the_memory(name: str, stream: bool, server: MisbehavingServer) -> None:
    """A packed bomb, an event without end and a stream without end are errors, soon, and cost less than 64 MiB."""
    grown, seconds, outcome = await growth(server.base_url, name, stream=stream)

    assert any(words in outcome for words in HEAVY[name]), outcome
    assert grown < MAX_GROWTH
    assert seconds < 20


SILENT_BODIES = {
    "comments": b": keep-alive\n\n",
    "blank lines": b"\n",
    "empty events": b"event: ping\n\n",
    "chunks without choices": b'data: {"choices": []}\n\n',
}


@pytest.mark.parametrize("name", SILENT_BODIES)
async def test_what_says_nothing_is_not_kept(name: str) -> None:
    """What keeps the line alive is not held until the first word: of fifteen megabytes, the size of an event."""
    piece = SILENT_BODIES[name] * ((1 << 16) // len(SILENT_BODIES[name]))
    async with answering([chunked(*[piece] * 240)]) as url:
        grown, _, outcome = await growth(url, "m", stream=True)

    assert not outcome.startswith("a reply")
    assert grown < 12
