"""`play`, which does what goes wrong, and `catalogue`, which explains it."""

from __future__ import annotations

import inspect

from .chat.streams import RECORDINGS as CHAT_RECORDINGS
from .connection import Connection
from .faults import SCENARIOS
from .response.streams import RECORDINGS as RESPONSE_RECORDINGS


async def play(to: Connection, fault: str) -> str | None:
    """Play `name` or `name:argument`: a scenario, a stream of the API that was asked, or a status such as `503`.

    Returns:
        What is wrong with the fault, which is then answered; None: it was played.
    """
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
            return f"there is no fault {name!r}"
    except ValueError as error:  # before anything was sent: an argument is read first
        problem = f"{name} cannot have the argument {to.argument!r}: {error}"
        await to.error(400, "bad_argument", problem)
        return problem

    return None


def catalogue() -> dict[str, str]:
    """All faults, and what each is, in a line; what both APIs stream is explained for Chat Completions."""
    return {
        **{name: recording.about for name, recording in (RESPONSE_RECORDINGS | CHAT_RECORDINGS).items()},
        **{name: (inspect.getdoc(play) or name).splitlines()[0] for name, play in SCENARIOS.items()},
    }
