"""`check_schema`: a schema that cannot work is refused when its tool is defined, not when a model calls it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgspec

from ..messages import JSON
from .base import ARTICLES, resolve

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_SINGLE = ("items", "additionalProperties")
_IN_PLACE = ("anyOf", "oneOf", "allOf")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def check_schema(schema: JSON, what: str) -> None:
    """Find out whether `schema` can describe the arguments of a function.

    Args:
        schema: a JSON Schema; it must be one of an object.
        what: whose it is, such as `"tool 'bash'"`; errors begin with it.

    Raises:
        ValueError: it is no JSON, no schema of an object, uses a keyword wrongly, or refers to nothing.
    """
    if not isinstance(schema, Mapping):
        raise ValueError(f"{what}: parameters must be a JSON Schema, a dict, not {schema!r:.60}")

    try:
        msgspec.json.encode(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{what}: parameters are not JSON: {error}") from None

    if schema.get("type") != "object":
        raise ValueError(
            f"{what}: parameters must be the schema of an object, "
            f'such as {{"type": "object", "properties": {{…}}}}, not of type {schema.get("type")!r}'
        )

    _Check(schema, what).schema(schema, "parameters")


class _Check:
    """One walk over a schema, which raises at the first thing that is wrong."""

    def __init__(self, root: JSON, what: str) -> None:
        self._root = root
        self._what = what

    def _refuse(self, path: str, problem: str) -> NoReturn:
        raise ValueError(f"{self._what}: {path}: {problem}")

    def schema(self, schema: JSON, path: str) -> None:
        """Check a schema and all that it contains."""
        if isinstance(schema, bool):
            return

        if not isinstance(schema, dict):
            self._refuse(path, f"a schema is a dict, not {schema!r:.60}")

        self._types(schema, path)
        self._values(schema, path)
        self._names(schema, path)
        self._loops(schema, path, ())
        for key in _SINGLE:
            if key in schema:
                self.schema(schema[key], f"{path}.{key}")
        for key in _LISTS:
            if key in schema:
                self._is(schema, key, path, _is_filled_list, "a list of schemas")
                for number, part in enumerate(schema[key]):
                    self.schema(part, f"{path}.{key}[{number}]")
        for key in _MAPS:
            if key in schema:
                self._is(schema, key, path, lambda value: isinstance(value, dict), "a dict of schemas")
                for name, part in schema[key].items():
                    self.schema(part, f"{path}.{key}.{name}")

    def _is(self, schema: dict[str, JSON], key: str, path: str, right: Callable[[Any], bool], wanted: str) -> None:
        if key in schema and not right(schema[key]):
            self._refuse(f"{path}.{key}", f"must be {wanted}, not {schema[key]!r:.60}")

    def _types(self, schema: dict[str, JSON], path: str) -> None:
        types = schema.get("type", [])
        for name in types if isinstance(types, list) else [types]:
            if not (isinstance(name, str) and name in ARTICLES):
                self._refuse(f"{path}.type", f"unknown type {name!r}; the types are {', '.join(ARTICLES)}")

    def _values(self, schema: dict[str, JSON], path: str) -> None:
        self._is(schema, "enum", path, _is_filled_list, "a list of the allowed values")
        for key in _SIZES:
            self._is(schema, key, path, _is_size, "a number of characters or items")
        for key in _BOUNDS:
            self._is(schema, key, path, _is_bound, "a number")
        for key, patterns in (
            ("pattern", [schema["pattern"]] if "pattern" in schema else []),
            ("patternProperties", list(schema.get("patternProperties", ()))),
        ):
            for pattern in patterns:
                try:
                    re.compile(pattern)
                except (re.error, TypeError, RecursionError) as error:
                    self._refuse(f"{path}.{key}", f"{pattern!r} is no regular expression: {error}")

    def _names(self, schema: dict[str, JSON], path: str) -> None:
        self._is(schema, "required", path, _is_names, "a list of names")
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if schema.get("additionalProperties") is False and name not in properties:
                self._refuse(f"{path}.required", f"{name!r} is required, but no property has this name")

    def _loops(self, schema: JSON, path: str, seen: tuple[int, ...]) -> None:
        """Follow what applies to the same value; a way that comes back to itself never ends."""
        if not isinstance(schema, dict):
            return

        if id(schema) in seen:
            self._refuse(path, "refers to itself without going deeper")

        seen = (*seen, id(schema))
        if "$ref" in schema:
            self._is(schema, "$ref", path, lambda value: isinstance(value, str), "a text such as '#/$defs/Name'")
            try:
                target = resolve(self._root, schema["$ref"])
            except ValueError as error:
                self._refuse(f"{path}.$ref", str(error))
            self._loops(target, path, seen)
        for key in _IN_PLACE:
            for part in schema[key] if isinstance(schema.get(key), list) else ():
                self._loops(part, path, seen)


def _is_filled_list(value: JSON) -> bool:
    return isinstance(value, list) and bool(value)


def _is_names(value: JSON) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_size(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_bound(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
