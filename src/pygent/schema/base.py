"""What the words of a schema mean: its types, and where a `$ref` points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..messages import JSON

ARTICLES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
"""The types of JSON Schema, as a sentence names them."""

IS_TYPE: Mapping[str, Callable[[JSON], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": lambda value: _is_number(value),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
"""Whether a decoded value is of a type; 3.0 is an integer, `true` is none."""


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def resolve(root: JSON, reference: str) -> JSON:
    """Return the schema that a `$ref` such as `#/$defs/Point` points to.

    Raises:
        ValueError: it points out of this document, or to nothing.
    """
    if not reference.startswith("#"):
        raise ValueError(f"{reference!r} points out of the schema; put the type into '$defs'")

    place = root
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        try:
            place = place[int(step)] if isinstance(place, list) else place[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ValueError(f"{reference!r} points to nothing") from None
    return place
