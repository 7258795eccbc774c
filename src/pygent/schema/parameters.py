"""The parameters of a tool's function that a model fills, and what they are annotated with."""

from __future__ import annotations

import functools
import inspect
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


def parameters_of(func: Any) -> list[inspect.Parameter]:
    """Return the parameters that a model fills: without the runtime, `on_output` and `*args`.

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


def hint_of(func: Any, parameter: inspect.Parameter) -> Any:
    """Return the parameter's annotation, resolved where it is text; `Any` where there is none.

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


def members_of(hint: Any) -> tuple[Any, ...]:
    """Return the kinds that a union is made of; of other annotations nothing."""
    if get_origin(hint) is Annotated:
        hint = hint.__origin__
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


def _globals(func: Any) -> dict[str, Any]:
    """The names that the annotations of a function, a partial, a decorated function or a callable object can use."""
    while isinstance(func, functools.partial):
        func = func.func
    func = inspect.unwrap(func)
    if not hasattr(func, "__globals__"):
        func = getattr(type(func), "__call__", None)  # noqa: B004 - the method is wanted, not whether there is one
    return getattr(func, "__globals__", {})
