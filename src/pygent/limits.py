"""Bounds for an agent's work: `Limits`."""

from __future__ import annotations

import math
from typing import TypeVar

import msgspec

N = TypeVar("N", int, float)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent may do; None: no limit. When one is reached the run ends and says which.

    Attributes:
        max_steps: how often the model is asked in one run.
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
        """These limits and those given: of each the smaller."""
        return Limits(
            max_steps=_smaller(self.max_steps, max_steps),
            step_timeout=_smaller(self.step_timeout, step_timeout),
            max_time=_smaller(self.max_time, max_time),
            max_tokens=self.max_tokens,
        )


def _smaller(one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one

    return min(one, other)
