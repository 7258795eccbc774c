"""What can be a tool, and what is refused when it is defined."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from pygent import Tool


async def greet(rt: object, name: str) -> str:
    """Greet by name."""
    return f"Hello {name}!"


def test_a_tool_is_made_of_a_function() -> None:
    """Name, description and parameters come from the function, and the spec is what servers know."""
    tool = Tool.from_function(greet, parallel=True)

    assert (tool.name, tool.description, tool.parallel, tool.final) == ("greet", "Greet by name.", True, False)
    assert tool.spec == {
        "type": "function",
        "function": {
            "name": "greet",
            "description": "Greet by name.",
            "parameters": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        },
    }


async def test_a_tool_is_called_like_its_function() -> None:
    """Decorating a function takes nothing away from its author."""
    assert await Tool.from_function(greet)(None, name="you") == "Hello you!"


def test_what_is_given_overrides_what_is_found() -> None:
    """With a schema of one's own the annotations need not be describable."""

    def odd(rt: object, name: Missing) -> None:  # type: ignore[name-defined] # noqa: F821 - that is the case
        """Odd."""

    tool = Tool.from_function(odd, name="even", parameters={"type": "object", "properties": {"name": {}}})

    assert (tool.name, tool.description) == ("even", "Odd.")
    assert tool.parameters == {"type": "object", "properties": {"name": {}}}


class Greeter:
    async def __call__(self, rt: object, name: str) -> str:
        return name


@pytest.mark.parametrize(
    ("func", "is_async"),
    [
        pytest.param(greet, True, id="coroutine"),
        pytest.param(functools.partial(greet, name="x"), True, id="partial"),
        pytest.param(Greeter(), True, id="object"),
        pytest.param(lambda rt: "", False, id="lambda"),
    ],
)
def test_coroutines_are_known(func: Any, is_async: bool) -> None:
    """Whatever is a coroutine function in the end runs on the event loop, all else in a thread."""
    assert Tool(name="x", description="", parameters={"type": "object"}, func=func).is_async is is_async


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 65, "a.b", "<lambda>"])
def test_names_that_servers_refuse_are_refused(name: str) -> None:
    """The error shows the name and what is allowed."""
    with pytest.raises(ValueError, match="is not 1 to 64 letters, digits, '_' or '-'"):
        Tool(name=name, description="", parameters={"type": "object"}, func=greet)


NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("func", "parameters", "problem"),
    [
        pytest.param(lambda: "", {"type": "object"}, r"needs a first parameter for the runtime: def x\(rt", id="none"),
        pytest.param(lambda *, name: name, NAMED, "needs a first parameter for the runtime", id="keyword-only"),
        pytest.param(lambda **rest: "", NAMED, "needs a first parameter for the runtime", id="keywords"),
        pytest.param(lambda name: name, NAMED, "argument 'name', which its function does not take", id="forgotten"),
        pytest.param(lambda rt: "", NAMED, "argument 'name', which its function does not take", id="not-taken"),
        pytest.param("greet", NAMED, "'greet' is not a function", id="text"),
    ],
)
def test_functions_that_cannot_be_called_are_refused(func: Any, parameters: Any, problem: str) -> None:
    """That a function takes no runtime, or not its arguments, is said at once and not at its first call."""
    with pytest.raises(TypeError, match=f"tool 'x': .*{problem}"):
        Tool(name="x", description="", parameters=parameters, func=func)


def test_a_first_parameter_with_the_type_of_an_argument_is_a_forgotten_runtime() -> None:
    """`def shout(text: str)` would be given the runtime as its text."""

    def shout(text: str) -> str:
        return text.upper()

    with pytest.raises(TypeError, match="needs a first parameter for the runtime"):
        Tool.from_function(shout)


def test_a_schema_that_cannot_work_is_refused() -> None:
    """The error names the tool."""
    with pytest.raises(ValueError, match=r"tool 'x': parameters\.properties\.name\.type: unknown type 'str'"):
        Tool(
            name="x", description="", parameters={"type": "object", "properties": {"name": {"type": "str"}}}, func=greet
        )
