"""`cancel_sweep`: cancels a scenario at each of its loop steps in turn, and checks what must hold afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")

ENDS = 3
"""Runs in a row that must end before their point: what waits for threads or sockets takes now more, now fewer steps."""


class Scenario(Protocol):
    """Something to cancel: made anew for each point of the sweep."""

    async def run(self) -> None:
        """Do the work; it is cancelled somewhere on the way."""
        ...

    async def check(self) -> None:
        """Raise AssertionError unless all is well, however far `run` came."""
        ...


class _CountingLoop(asyncio.SelectorEventLoop):
    """Counts the callbacks that it runs, and calls `at(number)` before each."""

    def __init__(self) -> None:
        super().__init__()
        self.at: Callable[[int], None] | None = None
        self._steps = 0

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(partial(self._step, callback, *args), context=context)

    def _step(self, callback: Callable[..., object], *args: Any) -> None:
        if self.at is not None:
            self._steps += 1
            self.at(self._steps)
        callback(*args)


def cancel_sweep(make: Callable[[], Scenario], *, stride: int = 1, first: int = 1, twice: bool = True) -> int:
    """Run a scenario again and again, cancelled at loop step `first`, then `stride` later, until it runs to its end.

    To its end it runs three times, for the number of steps may vary.

    After each run the scenario's `check` must pass, and no task may be left over.

    Args:
        make: makes a fresh scenario.
        stride: 1 sweeps every point; more is quicker.
        first: the first point; steps count from 1.
        twice: cancel again at the next step, while the first cancellation is being cleaned up.

    Returns:
        How many points were swept.

    Raises:
        AssertionError: what does not hold, with a note that says after which step.
    """
    points = ended = 0
    while ended < ENDS:
        if _survives(make(), first + points * stride, twice=twice):
            points, ended = points + 1, 0
        else:
            ended += 1
    return points


def _survives(scenario: Scenario, point: int, *, twice: bool) -> bool:
    """Cancel at this step and check; False when the scenario ended before it."""
    reached = False
    loop = _CountingLoop()

    async def main() -> None:
        task = asyncio.ensure_future(scenario.run())

        def cancel(step: int) -> None:
            nonlocal reached
            if step == point or (twice and step == point + 1):
                reached = task.cancel() or reached

        loop.at = cancel
        await asyncio.wait([task])
        loop.at = None
        if not task.cancelled():
            task.result()
        await scenario.check()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            raise AssertionError(f"tasks left over: {left}")

    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())
    except BaseException as error:
        error.add_note(f"cancelled at loop step {point}{' and the next' if twice else ''}")
        raise

    return reached
