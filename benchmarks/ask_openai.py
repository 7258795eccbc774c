"""openai-python, as a contestant of the scoreboard: streams by `.stream()`, or, with `joined`, put together by hand.

Both ways are documented: `chat.completions.stream()` in its helpers.md, and `create(stream=True)` in its README, whose
chunks a caller puts together, tool calls by their `index`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from contest import MAX_RETRIES, SECONDS, compete
from openai import AsyncOpenAI, OpenAIError, __version__

MESSAGES: Any = [{"role": "user", "content": "hi"}]


async def ask(base_url: str, key: str, model: str, stream: bool) -> dict[str, Any]:
    """By the helper that puts a stream together, or without a stream."""
    async with AsyncOpenAI(base_url=base_url, api_key=key, timeout=SECONDS, max_retries=MAX_RETRIES) as client:
        if not stream:
            return as_reply(await client.chat.completions.create(model=model, messages=MESSAGES))

        async with client.chat.completions.stream(model=model, messages=MESSAGES) as events:
            async for _ in events:
                pass
            return as_reply(await events.get_final_completion())


async def ask_joined(base_url: str, key: str, model: str, stream: bool) -> dict[str, Any]:
    """By joining the chunks."""
    if not stream:
        return await ask(base_url, key, model, stream)

    content, finish = "", None
    calls: dict[Any, list[str]] = {}
    async with AsyncOpenAI(base_url=base_url, api_key=key, timeout=SECONDS, max_retries=MAX_RETRIES) as client:
        async for chunk in await client.chat.completions.create(model=model, messages=MESSAGES, stream=True):
            if not chunk.choices or chunk.choices[0].index:
                continue

            choice = chunk.choices[0]
            finish = choice.finish_reason or finish
            content += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(piece.index, ["", ""])
                if piece.function is not None:
                    call[0] = call[0] or piece.function.name or ""
                    call[1] += piece.function.arguments or ""
    return {"content": content, "calls": list(calls.values()), "finish": finish}


def as_reply(completion: Any) -> dict[str, Any]:
    """What is in a completion; where there is none, what came in its place."""
    if not getattr(completion, "choices", None):
        return {"content": None, "calls": [], "finish": None, "odd": f"a `{type(completion).__name__}` without choices"}

    choice = completion.choices[0]
    if choice.message is None:
        return {"content": None, "calls": [], "finish": choice.finish_reason, "odd": "a choice without a message"}

    calls = [call.function for call in choice.message.tool_calls or []]
    return {
        "content": choice.message.content,
        "calls": [[function and function.name, function and function.arguments] for function in calls],
        "finish": choice.finish_reason,
    }


if __name__ == "__main__":
    asyncio.run(compete(ask_joined if "joined" in sys.argv else ask, OpenAIError, __version__))
