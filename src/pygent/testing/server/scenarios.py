"""`SCENARIOS`: all that can go wrong, by name, and `play`, which does it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from . import connections, replies, statuses
from .connection import Connection
from .responses import RESPONSE_STREAMS
from .streams import RECORDINGS

Scenario: TypeAlias = Callable[[Connection], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {
    name.strip("_"): function
    for module in (replies, statuses, connections)
    for name, function in vars(module).items()
    if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__ and not re.match("_[a-z]", name)
}
"""Each coroutine function of these modules; the underscore before a number is not part of its name."""


async def play(to: Connection, fault: str) -> None:
    """Play `name` or `name:argument`: a scenario, a stream of the API that was asked, or a status such as `503`."""
    name, _, to.argument = fault.partition(":")
    try:
        if name in SCENARIOS:
            await SCENARIOS[name](to)
        elif name in to.api.streams:
            await to.answer(to.api.streams[name])
        elif name.isdecimal() and 200 <= int(name) <= 599:
            await to.error(int(name))
        else:
            known = ", ".join(sorted({*SCENARIOS, *to.api.streams}))
            await to.error(400, "unknown_fault", f"there is no fault {name!r}; there are seq, 200 to 599, {known}")
    except ValueError as error:  # before anything was sent: an argument is read first
        await to.error(400, "bad_argument", f"{name} cannot have the argument {to.argument!r}: {error}")


def catalogue() -> dict[str, str]:
    """All faults, and what each is, in a line."""
    about = {name: (inspect.getdoc(function) or "").splitlines()[0] for name, function in SCENARIOS.items()}
    streams = dict.fromkeys(RESPONSE_STREAMS, "A stream of the Responses API.")
    return {**streams, **{name: recording.about for name, recording in RECORDINGS.items()}, **about}
