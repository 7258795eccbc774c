"""Shapes of JSON values, to be put together to a whole request: `record({"name": text}, {"age": number(0)})`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias


class Refusal(ValueError):
    """A value has not the shape that it must have; the text says where, and what is wrong."""


Shape: TypeAlias = Callable[[Any, str], None]
"""Raises a `Refusal` if the value, found at this place, is not as it should be."""


def anything(value: Any, where: str) -> None:
    """Any value."""


def text(value: Any, where: str) -> None:
    """Any text."""
    if not isinstance(value, str):
        raise Refusal(f"{where} is {_shown(value)}, not a text")


def flag(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise Refusal(f"{where} is {_shown(value)}, not true or false")


def nothing(value: Any, where: str) -> None:
    """Null."""
    if value is not None:
        raise Refusal(f"{where} is {_shown(value)}, not null")


def matching(pattern: str) -> Shape:
    """A text that matches as a whole."""

    def check(value: Any, where: str) -> None:
        text(value, where)
        if not re.fullmatch(pattern, value):
            raise Refusal(f"{where} is {_shown(value)}, which does not match {pattern}")

    return check


def number(low: float, high: float = float("inf")) -> Shape:
    """A number from `low` to `high`."""

    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Refusal(f"{where} is {_shown(value)}, not a number from {low} to {high}")

    return check


def integer(low: int, high: float = float("inf")) -> Shape:
    """A whole number from `low` to `high`."""

    def check(value: Any, where: str) -> None:
        number(low, high)(value, where)
        if not isinstance(value, int):
            raise Refusal(f"{where} is {_shown(value)}, not a whole number")

    return check


def one_of(*values: str) -> Shape:
    """One of these texts."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or value not in values:
            raise Refusal(f"{where} is {_shown(value)}, not one of {', '.join(values)}")

    return check


def either(*shapes: Shape) -> Shape:
    """Any of these shapes."""

    def check(value: Any, where: str) -> None:
        reasons = []
        for shape in shapes:
            try:
                return shape(value, where)
            except Refusal as reason:
                reasons.append(str(reason))
        raise Refusal("; or ".join(reasons))

    return check


def listing(item: Shape, at_least: int = 1, at_most: float = float("inf")) -> Shape:
    """A list of such items."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise Refusal(f"{where} is {_shown(value)}, not a list")

        if not at_least <= len(value) <= at_most:
            raise Refusal(f"{where} has {len(value)} items, not {at_least} to {at_most}")

        for number, one in enumerate(value):
            item(one, f"{where}[{number}]")

    return check


def mapping(item: Shape) -> Shape:
    """An object with any names."""

    def check(value: Any, where: str) -> None:
        for name, one in _fields(value, where).items():
            item(one, f"{where}.{name}")

    return check


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with all of the one, any of the other, and no further fields."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        fields = _fields(value, where)
        refuse_unknown(fields, known, where)
        for name in required:
            if name not in fields:
                raise Refusal(f"{where} lacks {name!r}")

        for name, one in fields.items():
            known[name](one, f"{where}.{name}" if where else name)

    return check


def variant(tag: str, shapes: Mapping[str, Shape]) -> Shape:
    """An object whose field `tag` says which of the shapes it has."""

    def check(value: Any, where: str) -> None:
        kind = _fields(value, where).get(tag)
        one_of(*shapes)(kind, f"{where}.{tag}")
        shapes[str(kind)](value, where)

    return check


def refuse_unknown(names: Collection[str], known: Collection[str], where: str) -> None:
    """Raise a `Refusal` if there are names that are not known."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise Refusal(f"{where or 'the request'} has unknown fields: {', '.join(unknown)}")


def _fields(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(f"{where or 'the request'} is {_shown(value)}, not an object")

    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}…"
