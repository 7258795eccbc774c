"""`@scenario(name)`: makes a coroutine function one of the `SCENARIOS`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ..connection import Connection

Scenario: TypeAlias = Callable[[Connection], Awaitable[None]]
"""Plays something to a client; the first line of its docstring says what."""

SCENARIOS: dict[str, Scenario] = {}
"""All scenarios, by the name that asks for them."""


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    """Enter a coroutine function under this name.

    Raises:
        ValueError: there is one of this name.
    """

    def enter(play: Scenario) -> Scenario:
        if name in SCENARIOS:
            raise ValueError(f"there are two scenarios {name!r}; call one of them otherwise")

        SCENARIOS[name] = play
        return play

    return enter
