"""What a function takes: the JSON Schema of its arguments, and the arguments turned into what it is annotated with.

Types are what msgspec knows (builtins, `Literal`, enums, dataclasses, `TypedDict`, `Struct`, dates …), `Path`, unions
of these, and pydantic models, which are known by their methods.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from ..errors import ToolError
from ..messages import JSON
from .docstring import Docstring, parse_docstring

_DEFS = "#/$defs/"


def function_schema(func: Any) -> tuple[dict[str, JSON], str]:
    """Return the JSON Schema of a tool function's arguments, and what its docstring says that it does.

    The first positional parameter, which is given the runtime, and a keyword-only `on_output` are no arguments.

    Raises:
        TypeError: a parameter cannot be filled by name, or its annotation cannot be resolved or described.
    """
    docstring = _docstring(func)
    parameters = _parameters(func)
    described, definitions = _describe({parameter.name: _hint(func, parameter) for parameter in parameters})
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
            argument |= _default(parameter.default)
    if definitions:
        schema["$defs"] = definitions
    return schema, docstring.summary


def function_summary(func: Any) -> str:
    """Return what a function's docstring says that it does, without its sections about arguments and results."""
    return _docstring(func).summary


def decode_arguments(func: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return valid arguments as the function is annotated: enums, dataclasses, models and paths instead of plain JSON.

    Raises:
        ToolError: the function does not take them, or a type refuses its value.
    """
    try:
        inspect.signature(func).bind(None, **arguments)
    except TypeError as error:
        raise ToolError(f"invalid arguments: {error}") from None

    decoded = dict(arguments)
    for parameter in _parameters(func):
        if parameter.name not in arguments:
            continue

        try:
            decoded[parameter.name] = _convert(arguments[parameter.name], _hint(func, parameter))
        except (TypeError, NotImplementedError):  # with a schema of its own, a function may be annotated with anything
            continue
        except ValueError as error:
            raise ToolError(f"invalid arguments: {parameter.name}: {error}") from None
    return decoded


def _parameters(func: Any) -> list[inspect.Parameter]:
    """The parameters that a model fills: without the runtime, `on_output` and `*args`.

    Raises:
        TypeError: one cannot be passed by name.
    """
    parameters = list(inspect.signature(func).parameters.values())
    if parameters and parameters[0].kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        del parameters[0]
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise TypeError(f"parameter {parameter.name!r} is positional-only; a tool's arguments are passed by name")

    return [
        parameter
        for parameter in parameters
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL
        and (parameter.name, parameter.kind) != ("on_output", inspect.Parameter.KEYWORD_ONLY)
    ]


def _docstring(func: Any) -> Docstring:
    while isinstance(func, functools.partial):
        func = func.func
    return parse_docstring(inspect.getdoc(func) or "")


def _globals(func: Any) -> dict[str, Any]:
    """The names that the annotations of a function, a partial, a decorated function or a callable object can use."""
    while isinstance(func, functools.partial):
        func = func.func
    func = inspect.unwrap(func)
    if not hasattr(func, "__globals__"):
        func = getattr(type(func), "__call__", None)  # noqa: B004 - the method is wanted, not whether there is one
    return getattr(func, "__globals__", {})


def _hint(func: Any, parameter: inspect.Parameter) -> Any:
    """The parameter's annotation, resolved where it is text; `Any` where there is none.

    Raises:
        TypeError: it cannot be resolved.
    """
    if parameter.annotation is inspect.Parameter.empty:
        return Any

    # One by one: that the runtime's annotation may not exist at run time must not matter to the others.
    holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        hint = get_type_hints(holder, globalns=_globals(func), include_extras=True)[parameter.name]
    except Exception as error:
        raise TypeError(
            f"the annotation {parameter.annotation!r} of parameter {parameter.name!r} cannot be resolved: {error}; "
            f"its names must exist in the module, at run time"
        ) from error

    return Any if hint is object else hint


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
        members = _members(hint)
        if not members:
            raise TypeError(f"parameter {name!r}: no JSON Schema can be made of {hint!r}: {error}") from error

        for member in members:
            yield from _alternatives(name, member, hook)
    else:
        yield hint


def _members(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Annotated:
        hint = hint.__origin__
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


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

    return next((text for member in _members(hint) if (text := _annotated_text(member))), None)


def _default(value: Any) -> dict[str, JSON]:
    try:
        return {"default": msgspec.json.decode(msgspec.json.encode(value, enc_hook=_encode_path))}
    except (TypeError, NotImplementedError):
        return {}  # the model may leave the argument out; what happens then is the function's secret


def _encode_path(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)

    raise NotImplementedError


def _convert(value: JSON, hint: Any) -> Any:
    """Turn a plain value into what the annotation says.

    Raises:
        ValueError: the type refuses it.
        TypeError: msgspec does not know the annotation.
        NotImplementedError: the same, of a class inside it.
    """
    try:
        return msgspec.convert(value, hint, str_keys=True, dec_hook=_convert_custom)
    except TypeError:
        members = _members(hint)
        if not members:
            raise

    refusals = []
    for member in members:
        try:
            return _convert(value, member)
        except ValueError as error:
            refusals.append(str(error))
    raise ValueError("; ".join(refusals))


def _convert_custom(kind: Any, value: Any) -> Any:
    if hasattr(kind, "model_validate"):
        return kind.model_validate(value)

    if issubclass(kind, PurePath):
        return kind(value)

    raise NotImplementedError
