"""`Gate`: what all who ask one endpoint share: when it may be asked again, and how many may ask at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

_STAGGER = 0.1
"""How much longer than it must each may wait, so that a fleet of agents does not come back in one moment."""


class Gate:
    """The gate of one endpoint, on one event loop.

    When the server says that there are too many requests, all who ask it wait for the time that it named: else each
    agent of a fleet would have to be told the same, and the server would count every question.
    """

    def __init__(self) -> None:
        self._opens = 0.0
        self._slots: dict[int, asyncio.Semaphore] = {}
        self._inside = 0

    def __repr__(self) -> str:
        wait = self._wait()
        return f"<Gate {f'closed for {wait:.1f} s' if wait else 'open'} inside={self._inside}>"

    @property
    def is_idle(self) -> bool:
        """Whether it is open and nobody is inside or waits."""
        return not (self._inside or self._wait())

    def hold(self, seconds: float) -> None:
        """Keep it closed for this long; those inside go on."""
        self._opens = max(self._opens, _now() + seconds)

    @asynccontextmanager
    async def enter(
        self, max_in_flight: int | None = None, *, on_wait: Callable[[float], None] | None = None
    ) -> AsyncIterator[None]:
        """Wait until there is room, in the order of arrival, and the gate is open; the block is one request.

        Args:
            max_in_flight: how many may be inside at once, of those who name the same number; None: any.
            on_wait: is told the seconds that it stays closed, each time that there are some.
        """
        self._inside += 1
        try:
            async with self._slot(max_in_flight):
                while wait := self._wait():
                    if on_wait is not None:
                        on_wait(wait)
                    await asyncio.sleep(wait * (1 + _STAGGER * random.random()))
                yield
        finally:
            self._inside -= 1

    def _slot(self, number: int | None) -> asyncio.Semaphore | nullcontext[None]:
        return nullcontext() if number is None else self._slots.setdefault(number, asyncio.Semaphore(number))

    def _wait(self) -> float:
        """Seconds until it opens."""
        return max(self._opens - _now(), 0.0)


_gates: dict[asyncio.AbstractEventLoop, dict[object, Gate]] = {}


def gate_of(endpoint: object) -> Gate:
    """Return the gate that all share who ask this endpoint on the running event loop.

    Enter it before the next await, and do not keep it: one that is idle may be forgotten and made anew.

    Args:
        endpoint: what tells one endpoint from another: its address, and whose account is asked.
    """
    loop = asyncio.get_running_loop()
    if loop not in _gates:
        for ended in [other for other in list(_gates) if other.is_closed()]:
            _gates.pop(ended, None)  # None: another thread was faster
    gates = _gates.setdefault(loop, {})
    if endpoint not in gates:
        for unused in [key for key, gate in gates.items() if gate.is_idle]:  # a service may know thousands of keys
            del gates[unused]
        gates[endpoint] = Gate()
    return gates[endpoint]


def _now() -> float:
    return asyncio.get_running_loop().time()
