"""Limits: the smaller wins, and nonsense is refused."""

from __future__ import annotations

import math

import pytest

from pygent import Limits


@pytest.mark.parametrize(("own", "given", "wins"), [(None, 3, 3), (3, None, 3), (2, 3, 2), (3, 2, 2), (0, 3, 0)])
def test_the_smaller_wins(own: int | None, given: int | None, wins: int | None) -> None:
    """Of two limits the smaller holds; None is none, 0 is one."""
    limits = Limits(max_steps=own, step_timeout=own, max_time=own, max_tokens=7)

    assert limits.tightened(max_steps=given, step_timeout=given, max_time=given) == Limits(
        max_steps=wins, step_timeout=wins, max_time=wins, max_tokens=7
    )


@pytest.mark.parametrize("value", [-1, -0.5, math.inf, math.nan, "3"])
def test_nonsense_is_refused(value: object) -> None:
    """A limit is a number from 0 up; the error names which one it is not."""
    with pytest.raises(ValueError, match="max_time"):
        Limits(max_time=value)  # type: ignore[arg-type] # that is the point


def test_steps_are_limited_in_any_case() -> None:
    """Without a word about steps there are 20; times have no such default."""
    assert Limits().tightened(max_steps=None, step_timeout=None, max_time=None) == Limits(max_steps=20)
