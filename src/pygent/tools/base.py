"""What a tool is: `Tool`, made of a function by `@tool` or `register_tool`, and what it gives back, `ToolOutput`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, TypeAlias

import msgspec

from ..messages import JSON
from ..schema import check_schema, function_schema, function_summary

ToolFunction: TypeAlias = Callable[..., Any]
"""`func(rt, **arguments) -> str | ToolOutput`. A coroutine gets the `AsyncRuntime`; a plain function runs in a worker
thread and gets a `Runtime`. One with a keyword-only `on_output` is given a callable for what it prints meanwhile."""

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
_NO_RUNTIME = (str, int, float, bool, list, dict, "str", "int", "float", "bool", "list", "dict")
"""Annotations of a first parameter that was meant to be an argument."""
_EXAMPLE = "def name(rt, ...)"


class ToolOutput(msgspec.Struct, frozen=True):
    """The answer of a tool: `text` for the model, `display` for people where it differs."""

    text: str
    display: str | None = None
    is_error: bool = False


class Tool(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A function that a model may call.

    Attributes:
        name: what the model calls it; letters, digits, `_` and `-`, at most 64.
        description: what it does and when to use it, for the model.
        parameters: JSON Schema of the arguments, an object.
        func: the function; see `ToolFunction`.
        parallel: whether calls may run side by side with other parallel calls of the same reply.
        final: whether a successful call ends the run, as `stop` does.
    """

    name: str
    description: str
    parameters: dict[str, JSON]
    func: ToolFunction
    parallel: bool = False
    final: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"a tool's name is a text, not {self.name!r:.60}")

        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.name):
            raise ValueError(f"tool name {self.name!r} is not 1 to 64 letters, digits, '_' or '-'")

        if not isinstance(self.description, str):
            raise TypeError(f"tool {self.name!r}: its description is a text, not {self.description!r:.60}")

        check_schema(self.parameters, f"tool {self.name!r}")
        _check_function(self.func, self.name)
        self._check_signature()

    def _check_signature(self) -> None:
        """Find out whether the function can be called with the runtime and each argument of the schema."""
        parameters = inspect.signature(self.func).parameters
        first = next(iter(parameters.values()))
        if "rt" in self.parameters.get("properties", ()):
            raise TypeError(
                f"tool {self.name!r}: 'rt' is the runtime and no argument; it comes first: def {self.name}(rt, ...); "
                f"of a method pass a bound one, such as Class().{self.name}"
            )

        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
            return

        for argument in self.parameters.get("properties", ()):
            if argument == first.name or argument not in parameters:
                raise TypeError(
                    f"tool {self.name!r}: the schema has an argument {argument!r}, which its function does not take; "
                    f"it is called as {self.name}(rt, {argument}=...)"
                )

    @classmethod
    def from_function(
        cls,
        func: ToolFunction,
        *,
        name: str | None = None,
        description: str | None = None,
        parameters: Mapping[str, JSON] | None = None,
        parallel: bool = False,
        final: bool = False,
    ) -> Tool:
        """Make a tool of a function: name, description and parameters come from its signature and docstring.

        Raises:
            ValueError: there is no name or one that is not allowed, or the schema cannot work.
            TypeError: the function cannot be called with the runtime and arguments by name, or is annotated with what
                has no JSON Schema.
        """
        if not callable(func):
            raise TypeError(f"{func!r:.60} is not a function; a tool is made of one: {_EXAMPLE}")

        name = name or str(getattr(func, "__name__", ""))
        if not name:
            raise ValueError(f"{func!r:.60} has no name that its tool could have; pass name=")

        _check_function(func, name)
        if parameters is None:
            if inspect.isbuiltin(_innermost(func)):  # its signature says nothing of types, if it is true at all
                raise TypeError(f"tool {name!r}: {func!r:.60} is built into Python; write a function: {_EXAMPLE}")

            parameters, summary = function_schema(func)
        else:
            summary = function_summary(func)
        return cls(
            name=name,
            description=description or summary,
            parameters=as_schema(parameters, name, "parameters"),
            func=func,
            parallel=parallel,
            final=final,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as if it were not decorated."""
        return self.func(*args, **kwargs)

    @cached_property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function, or an object with a coroutine `__call__`."""
        return inspect.iscoroutinefunction(self.func) or inspect.iscoroutinefunction(type(self.func).__call__)

    @cached_property
    def takes_output(self) -> bool:
        """Whether the function wants `on_output`."""
        parameter = inspect.signature(self.func).parameters.get("on_output")
        return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY

    @cached_property
    def spec(self) -> dict[str, JSON]:
        """This tool as the OpenAI `tools` list holds it."""
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": self.parameters},
        }


def as_schema(given: Mapping[str, JSON], name: str, argument: str) -> dict[str, JSON]:
    """Return a schema that was passed to us as `argument`, as a dict.

    Raises:
        TypeError: it is none, nor another mapping.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"tool {name!r}: {argument} must be a JSON Schema, a dict, not {given!r:.60}")

    return dict(given)


def _check_function(func: ToolFunction, name: str) -> None:
    """Find out whether `func` can be called with the runtime, and returns a result.

    Raises:
        TypeError: it cannot, or does not.
    """
    if not callable(func):
        raise TypeError(f"tool {name!r}: {func!r:.60} is not a function")

    try:
        parameters = inspect.signature(func).parameters
    except (TypeError, ValueError) as error:
        raise TypeError(f"tool {name!r}: {func!r:.60} has no signature; write a function: {_EXAMPLE}") from error

    inner = _innermost(func)
    for function in (inner, type(inner).__call__):
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"tool {name!r}: its function yields; a tool returns its result, once")

    first = next(iter(parameters.values()), None)
    if first is None or first.kind not in _POSITIONAL or first.annotation in _NO_RUNTIME:
        raise TypeError(f"tool {name!r}: its function needs a first parameter for the runtime: def {name}(rt, ...)")

    if first.name in ("self", "cls"):
        raise TypeError(
            f"tool {name!r}: the first parameter of its function is {first.name!r}, not the runtime; "
            f"of a method pass a bound one, such as Class().{name}"
        )


def _innermost(func: Any) -> Any:
    while isinstance(func, partial):
        func = func.func
    return func
