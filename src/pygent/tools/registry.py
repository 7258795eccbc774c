"""The default tools: the built-in ones and what `@tool` and `register_tool` add to them, for agents made afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import overload

from ..messages import JSON
from .base import Tool, ToolFunction, as_schema
from .builtin import bash, continue_, job_kill, job_output, stop
from .files import download_file, edit_file, read_file, write_file
from .search import grep, list_files

_BUILTIN = (
    bash,
    job_output,
    job_kill,
    read_file,
    write_file,
    edit_file,
    list_files,
    grep,
    download_file,
    stop,
    continue_,
)

_tools: dict[str, Tool] = {tool.name: tool for tool in _BUILTIN}
_lock = threading.Lock()


def builtin_tools() -> list[Tool]:
    """Return the tools that Pygent brings along."""
    return list(_BUILTIN)


def default_tools() -> list[Tool]:
    """Return the tools of an agent that is not told which to use: the built-in ones, then the registered ones."""
    with _lock:
        return list(_tools.values())


def as_tools(tools: Iterable[Tool | ToolFunction]) -> list[Tool]:
    """Return what an agent is given as its tools as `Tool`s; functions become ones that only this agent has.

    Raises:
        TypeError: it is no list, or holds what cannot be a tool.
        ValueError: two of them have the same name, or one has none.
    """
    if isinstance(tools, str | Tool) or not isinstance(tools, Iterable):
        raise TypeError(f"tools is a list of tools or functions, not {tools!r:.60}")

    found: dict[str, Tool] = {}
    for given in tools:
        tool = given if isinstance(given, Tool) else Tool.from_function(given)
        if tool.name in found:
            raise ValueError(f"two tools are called {tool.name!r}; give one of them another name")

        found[tool.name] = tool
    return list(found.values())


def register_tool(name: str, description: str, schema: Mapping[str, JSON], func: ToolFunction) -> Tool:
    """Add a tool to the default tools of all agents made from now on.

    Args:
        name: what the model calls it.
        description: what it does, for the model.
        schema: JSON Schema of the arguments.
        func: `func(rt, **arguments)`; see `ToolFunction`.

    Raises:
        ValueError: the name is taken or not allowed, or the schema cannot work.
        TypeError: the function cannot be called with the runtime and these arguments.
    """
    return _register(Tool(name=name, description=description, parameters=as_schema(schema, name, "schema"), func=func))


@overload
def tool(func: ToolFunction, /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, JSON] | None = None,
    parallel: bool = False,
    final: bool = False,
) -> Callable[[ToolFunction], Tool]: ...


def tool(
    func: ToolFunction | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, JSON] | None = None,
    parallel: bool = False,
    final: bool = False,
) -> Tool | Callable[[ToolFunction], Tool]:
    """Make a tool of a function, and add it to the default tools of all agents made from now on.

    Use it bare or with options. The result is a `Tool`, which can still be called like the function.

    Args:
        func: `func(rt, **arguments)`; see `ToolFunction`.
        name: what the model calls it; by default the function's name.
        description: what it does, for the model; by default the docstring up to its `Args:`.
        parameters: JSON Schema of the arguments; by default made from the signature and the docstring.
        parallel: whether calls may run side by side with other parallel calls of the same reply.
        final: whether a successful call ends the run.

    Raises:
        ValueError: the name is taken or not allowed, or the schema cannot work.
        TypeError: the function cannot be called with the runtime and arguments by name, or is annotated with what has
            no JSON Schema.
    """

    def decorate(func: ToolFunction) -> Tool:
        return _register(
            Tool.from_function(
                func, name=name, description=description, parameters=parameters, parallel=parallel, final=final
            )
        )

    return decorate if func is None else decorate(func)


def remove_tool(name: str) -> None:
    """Take a tool out of the default tools, a built-in one too.

    Raises:
        ValueError: there is none of this name.
    """
    with _lock:
        if name not in _tools:
            raise ValueError(f"there is no tool {name!r}; the tools are: {', '.join(_tools)}")

        del _tools[name]


def reset_tools() -> None:
    """Make the default tools the built-in ones again, as after the start of the program; for tests."""
    with _lock:
        _tools.clear()
        _tools.update((tool.name, tool) for tool in _BUILTIN)


def _register(tool: Tool) -> Tool:
    with _lock:
        known = _tools.get(tool.name)
        if known is not None and not _redefines(tool, known):
            raise ValueError(
                f"a tool {tool.name!r} is registered already; choose another name, or remove_tool() it first"
            )

        _tools[tool.name] = tool
    return tool


def _redefines(new: Tool, old: Tool) -> bool:
    """Whether both come from the same place in the source, as when a notebook's cell runs again."""
    return None not in _origin(new) and _origin(new) == _origin(old)


def _origin(tool: Tool) -> tuple[str | None, str | None]:
    return getattr(tool.func, "__module__", None), getattr(tool.func, "__qualname__", None)
