"""`decode_arguments`: the arguments of a call as its function is annotated, instead of plain JSON."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from ..errors import ToolError
from ..messages import JSON
from .parameters import hint_of, members_of, parameters_of


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
    for parameter in parameters_of(func):
        if parameter.name not in arguments:
            continue

        try:
            decoded[parameter.name] = convert(arguments[parameter.name], hint_of(func, parameter))
        except (TypeError, NotImplementedError):  # with a schema of its own, a function may be annotated with anything
            continue
        except ValueError as error:
            raise ToolError(f"invalid arguments: {parameter.name}: {error}") from None
    return decoded


def convert(value: JSON, hint: Any) -> Any:
    """Turn a plain value into what the annotation says.

    Raises:
        ValueError: the type refuses it.
        TypeError: msgspec does not know the annotation.
        NotImplementedError: the same, of a class inside it.
    """
    try:
        return msgspec.convert(value, hint, str_keys=True, dec_hook=_convert_custom)
    except TypeError:
        members = members_of(hint)
        if not members:
            raise

    refusals = []
    for member in members:
        try:
            return convert(value, member)
        except ValueError as error:
            refusals.append(str(error))
    raise ValueError("; ".join(refusals))


def _convert_custom(kind: Any, value: Any) -> Any:
    if hasattr(kind, "model_validate"):
        return kind.model_validate(value)

    if issubclass(kind, PurePath):
        return kind(value)

    raise NotImplementedError
