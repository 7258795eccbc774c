"""What a function takes: `function_schema` makes the JSON Schema of its arguments.

Types are what msgspec knows (builtins, `Literal`, enums, dataclasses, `TypedDict`, `Struct`, dates …), `Path`, unions
of these, and pydantic models, which are known by their methods.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from ..messages import JSON
from .decoding import convert
from .docstring import Docstring, parse_docstring
from .parameters import hint_of, members_of, parameters_of

_DEFS = "#/$defs/"


def function_schema(func: Any) -> tuple[dict[str, JSON], str]:
    """Return the JSON Schema of a tool function's arguments, and what its docstring says that it does.

    The first positional parameter, which is given the runtime, and a keyword-only `on_output` are no arguments.

    Raises:
        TypeError: a parameter cannot be filled by name, its annotation cannot be resolved or described, or its default
            is not what it is annotated with.
    """
    docstring = _docstring(func)
    parameters = parameters_of(func)
    hints = {parameter.name: hint_of(func, parameter) for parameter in parameters}
    described, definitions = _describe(hints)
    schema: dict[str, JSON] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for parameter in parameters:
        argument = described[parameter.name]
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            schema["additionalProperties"] = argument or True
            continue

        schema["properties"][parameter.name] = argument
        if parameter.name in docstring.arguments:
            argument.setdefault("description", docstring.arguments[parameter.name])
        if parameter.default is inspect.Parameter.empty:
            schema["required"].append(parameter.name)
        elif parameter.default is not None:
            argument |= _default(parameter, hints[parameter.name])
    if definitions:
        schema["$defs"] = definitions
    return schema, docstring.summary


def function_summary(func: Any) -> str:
    """Return what a function's docstring says that it does, without its sections about arguments and results."""
    return _docstring(func).summary


def _docstring(func: Any) -> Docstring:
    while isinstance(func, functools.partial):
        func = func.func
    return parse_docstring(inspect.getdoc(func) or "")


def _describe(hints: Mapping[str, Any]) -> tuple[dict[str, dict[str, JSON]], dict[str, JSON]]:
    """Return the schema of each annotation, by its parameter's name, and the definitions that they refer to.

    Raises:
        TypeError: an annotation has no JSON Schema.
    """
    definitions: dict[str, JSON] = {}
    hook = functools.partial(_describe_custom, definitions)
    kinds = {name: list(_alternatives(name, hint, hook)) for name, hint in hints.items()}
    flat = [kind for group in kinds.values() for kind in group]  # all at once, so that equal names get different ones
    schemas, components = msgspec.json.schema_components(flat, schema_hook=hook, ref_template=_DEFS + "{name}")
    _define(definitions, components)
    kept: dict[str, JSON] = {}
    rest = iter(schemas)
    described = {}
    for name, group in kinds.items():
        parts: list[JSON] = []
        for part in (_inline(next(rest), definitions, kept) for _ in group):
            if part not in parts:  # `str | Path` is text twice
                parts.append(part)
        described[name] = parts[0] if len(parts) == 1 else {"anyOf": parts}
        if text := _annotated_text(hints[name]):
            described[name]["description"] = text
    return described, kept


def _alternatives(name: str, hint: Any, hook: Any) -> Iterator[Any]:
    """The annotation itself, or its members if it is a union of kinds that msgspec cannot tell apart.

    Raises:
        TypeError: it, or a member, has no JSON Schema.
    """
    try:
        msgspec.json.schema_components([hint], schema_hook=hook)
    except Exception as error:
        members = members_of(hint)
        if not members:
            raise TypeError(f"parameter {name!r}: no JSON Schema can be made of {hint!r}: {error}") from error

        for member in members:
            yield from _alternatives(name, member, hook)
    else:
        yield hint


def _describe_custom(definitions: dict[str, JSON], kind: Any) -> dict[str, JSON]:
    """The schema of a type that msgspec does not know."""
    if hasattr(kind, "model_json_schema"):
        schema: dict[str, JSON] = kind.model_json_schema()
        _define(definitions, schema.pop("$defs", {}))
        return schema

    if isinstance(kind, type) and issubclass(kind, PurePath):
        return {"type": "string"}

    raise NotImplementedError


def _define(definitions: dict[str, JSON], more: Mapping[str, JSON]) -> None:
    for name, schema in more.items():
        if definitions.setdefault(name, schema) != schema:
            raise TypeError(f"two different types of the arguments are called {name!r}; rename one")


def _inline(schema: JSON, definitions: Mapping[str, JSON], kept: dict[str, JSON], path: tuple[str, ...] = ()) -> JSON:
    """Put each definition where it is used: some servers know no `$ref`. Only what contains itself is `kept`."""
    match schema:
        case {"$ref": str(reference), **rest}:
            name = reference.removeprefix(_DEFS)
            if name not in path:
                return _inline(definitions[name], definitions, kept, (*path, name)) | rest

            if name not in kept:
                kept[name] = {}  # so that its own definition does not come back here
                kept[name] = _inline(definitions[name], definitions, kept, (name,))
            return schema
        case dict():
            inlined = {key: _inline(value, definitions, kept, path) for key, value in schema.items()}
            return _enum_type(schema) | inlined
        case list():
            return [_inline(item, definitions, kept, path) for item in schema]
    return schema


def _enum_type(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """The type of an enumeration, which some servers insist on and msgspec leaves out."""
    match schema:
        case {"enum": [*values]} if all(isinstance(value, str) for value in values):
            return {"type": "string"}
        case {"enum": [*values]} if all(type(value) is int for value in values):
            return {"type": "integer"}
    return {}


def _annotated_text(hint: Any) -> str | None:
    """The description in `Annotated[…, "description"]`, or of a `Meta` or `Field` there."""
    for note in getattr(hint, "__metadata__", ()):
        text = note if isinstance(note, str) else getattr(note, "description", None)
        if isinstance(text, str):
            return text

    return next((text for member in members_of(hint) if (text := _annotated_text(member))), None)


def _default(parameter: inspect.Parameter, hint: Any) -> dict[str, JSON]:
    """What the schema says of a default; nothing if it is no JSON: then what it is remains the function's secret.

    Raises:
        TypeError: it is not what the parameter is annotated with.
    """
    if isinstance(parameter.default, float) and not math.isfinite(parameter.default):
        return {}

    try:
        value = msgspec.json.decode(msgspec.json.encode(parameter.default, enc_hook=_encode_path))
        convert(value, hint)
    except (TypeError, NotImplementedError):
        return {}
    except ValueError as error:
        raise TypeError(
            f"parameter {parameter.name!r}: its default {parameter.default!r:.60} does not fit its annotation: {error}"
        ) from error

    return {"default": value}


def _encode_path(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)

    raise NotImplementedError
