"""What every contestant of the scoreboard has in common: it reads its cases, asks, and writes down what came of each.

It runs in the contestant's own interpreter, and so with the standard library alone.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

SECONDS = 1.0
"""Patience of each kind that a library knows: to connect, and with silence."""

TOTAL = 5.0
"""Seconds for a whole answer, where a library knows such a limit."""

BOUND = 7.0
"""Seconds after which a case has overrun: no sum of the other limits is that long."""

MAX_RETRIES = 1

Ask = Callable[[str, str, str, bool], Awaitable[dict[str, Any]]]
"""Asks at this base URL, with this key, this model, streamed or not; the reply as `content`, `calls` and `finish`."""


async def outcome_of(ask: Ask, case: dict[str, Any], own_error: type[Exception]) -> dict[str, Any]:
    """Play one case, and say what came: a reply, an error of the library's own, another exception, or nothing."""
    limit = asyncio.timeout(BOUND)
    try:
        async with limit:
            reply = await ask(case["base_url"], case["key"], case["model"], case["stream"])
    except own_error as error:
        return {"kind": "error", "type": type(error).__name__, "text": f"{error} {error!r}"}
    except Exception as error:
        if limit.expired():
            return {"kind": "overran"}

        return {"kind": "foreign", "type": f"{type(error).__module__}.{type(error).__qualname__}", "text": str(error)}

    return {"kind": "reply", **reply, "content": faithful(reply["content"])}


def faithful(content: Any) -> Any:
    """The content; halves of characters, which nobody can print, are shown as such: JSON would join them."""
    if not isinstance(content, str):
        return content

    try:
        content.encode()
    except UnicodeEncodeError:
        return ascii(content)

    return content


async def compete(ask: Ask, own_error: type[Exception], version: str) -> None:
    """Play all cases of standard input, a JSON list, in turn; the outcomes go to standard output, one a line."""
    cases = await asyncio.to_thread(json.load, sys.stdin)
    sys.stdout.write(json.dumps(version) + "\n")
    for case in cases:
        outcome = await outcome_of(ask, case, own_error)
        sys.stdout.write(json.dumps({**case, **outcome}, default=repr) + "\n")
        sys.stdout.flush()
