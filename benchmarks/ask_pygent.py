"""Pygent's `OpenAIModel`, as a contestant of the scoreboard."""

from __future__ import annotations

import asyncio
from typing import Any

from contest import MAX_RETRIES, SECONDS, TOTAL, compete

from pygent import Message, ModelError, OpenAIModel, __version__
from pygent.models import Timeouts

TIMEOUTS = Timeouts(connect=SECONDS, first_content=SECONDS, idle_content=SECONDS, whole_reply=SECONDS, total=TOTAL)


async def ask(base_url: str, key: str, model: str, stream: bool) -> dict[str, Any]:
    """As the manual says."""
    client = OpenAIModel(base_url, key, stream=stream, max_retries=MAX_RETRIES, timeouts=TIMEOUTS)
    reply = await client.chat([Message.user("hi")], model, [])
    calls = [[call.function.name, call.function.arguments] for call in reply.tool_calls]
    return {"content": reply.content, "calls": calls, "finish": reply.finish_reason}


if __name__ == "__main__":
    asyncio.run(compete(ask, ModelError, __version__))
