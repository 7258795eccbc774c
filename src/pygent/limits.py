"""Bounds for an agent's work: `Limits`, and `TimeLimit`, which ends a block in time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import msgspec

N = TypeVar("N", int, float)

DEFAULT_MAX_STEPS = 20
"""Steps of a run for which nobody said anything, as in the original Pygent: a model may go round in circles."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent may do; None: no limit, but for steps. When one is reached the run ends and says which.

    Attributes:
        max_steps: how often the model is asked in one run; None: 20 times.
        step_timeout: seconds for one step, the model's reply and its tools together.
        max_time: seconds for one run.
        max_tokens: tokens of one run, prompts and completions together; checked between steps.
    """

    max_steps: int | None = None
    step_timeout: float | None = None
    max_time: float | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < math.inf):
                raise ValueError(f"{name}={value!r}: a limit is a number from 0 up, or None for no limit")

    def tightened(self, *, max_steps: int | None, step_timeout: float | None, max_time: float | None) -> Limits:
        """These limits and those given: of each the smaller; steps are limited in any case."""
        steps = _smaller(self.max_steps, max_steps)
        return Limits(
            max_steps=DEFAULT_MAX_STEPS if steps is None else steps,
            step_timeout=_smaller(self.step_timeout, step_timeout),
            max_time=_smaller(self.max_time, max_time),
            max_tokens=self.max_tokens,
        )


def _smaller(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one

    return min(one, other)


class TimeLimit:
    """Ends an `async with` block when its time is over, or at `end()`: the block is left as if it had come to its end.

    Args:
        seconds: the time; None: no limit, but `end()` works.
        reason: why the block ended when its time is over.
        tell: called with the reason when the block is ended; at `end()` as well as when it is left.
    """

    def __init__(self, seconds: float | None, reason: str, tell: Callable[[str], None]) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._reason = reason
        self._tell = tell

    def end(self, reason: str) -> None:
        """End the block now; call it on the block's event loop. A block that ends already has its own reason."""
        with suppress(RuntimeError):  # asyncio's word for a timeout that is over
            self._timeout.reschedule(asyncio.get_running_loop().time())
            self._reason = reason
            self._tell(reason)  # now, for the block may come to its end before the event loop gets to it

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            self._tell(self._reason)
            return True

        return False
