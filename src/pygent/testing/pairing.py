"""`pairing_problem`: whether each tool call of a conversation is answered, exactly once and in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Turn(NamedTuple):
    """What a message has to do with tool calls: `called` are the ids of its own, `answered` the one that it answers."""

    role: str
    called: Sequence[str] = ()
    answered: str | None = None


def pairing_problem(turns: Iterable[Turn]) -> str | None:
    """What the strictest server says against a conversation's tool calls; None: nothing.

    Each call is answered exactly once, right behind its message and in its order; no answer stands alone; no id is used
    twice.
    """
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, turn in enumerate(turns):
        if turn.role == "tool":
            if not open_calls or turn.answered != open_calls[0]:
                return f"message {number} answers {turn.answered!r}; open calls: {open_calls}"

            open_calls.pop(0)
            continue

        if open_calls:
            return f"message {number} ({turn.role}) comes before the answers to {open_calls}"

        open_calls = list(turn.called)
        if len(seen | set(open_calls)) != len(seen) + len(open_calls):
            return f"message {number} uses a call id again: {open_calls}"

        seen |= set(open_calls)
    return f"no answers to {open_calls}" if open_calls else None
