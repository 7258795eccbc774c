"""What can be a tool, and what is refused when it is defined."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
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


def yielding(rt: object) -> Iterator[int]:
    yield 1


async def yielding_later(rt: object) -> AsyncIterator[int]:
    yield 1


class Yielder:
    def __call__(self, rt: object) -> Iterator[int]:
        yield 1


class Methods:
    def named(self, rt: object, name: str) -> str:
        """Greet by name."""
        return name

    def odd(this, rt: object) -> str:  # noqa: N805 - that is the case
        return ""


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
        pytest.param(int, {"type": "object"}, "<class 'int'> has no signature; write a function", id="no-signature"),
        pytest.param(yielding, {"type": "object"}, "its function yields; a tool returns its result", id="generator"),
        pytest.param(yielding_later, {"type": "object"}, "its function yields", id="async-generator"),
        pytest.param(functools.partial(yielding), {"type": "object"}, "its function yields", id="partial-of-generator"),
        pytest.param(Yielder(), {"type": "object"}, "its function yields", id="object-that-yields"),
        pytest.param(Methods.named, NAMED, r"is 'self', not the runtime; of a method pass a bound one", id="method"),
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


@pytest.mark.parametrize(
    "func", [len, print, int, yielding, yielding_later, Methods.named], ids=lambda func: func.__name__
)
def test_what_is_refused_is_refused_without_a_schema_too(func: Any) -> None:
    """The reason is the same, whoever makes the schema."""
    with pytest.raises(TypeError, match=f"tool '{func.__name__}': .*(built into|no signature|yields|bound one)"):
        Tool.from_function(func)


def test_a_runtime_that_would_be_an_argument_is_a_mistake() -> None:
    """A method that is not bound, or parameters in the wrong order, would ask the model for a runtime."""

    def turned(path: Any, rt: object) -> None: ...

    for func in (Methods.odd, turned):
        with pytest.raises(TypeError, match="'rt' is the runtime and no argument; it comes first"):
            Tool.from_function(func)


def test_a_bound_method_is_a_tool() -> None:
    """It has the name, the description and the arguments of the method."""
    tool = Tool.from_function(Methods().named)

    assert (tool.name, tool.description, list(tool.parameters["properties"])) == ("named", "Greet by name.", ["name"])


@pytest.mark.parametrize("func", [functools.partial(greet, name="x"), Greeter()], ids=["partial", "object"])
def test_what_has_no_name_must_be_given_one(func: Any) -> None:
    """Partial functions and callable objects have none."""
    with pytest.raises(ValueError, match="has no name that its tool could have; pass name="):
        Tool.from_function(func)

    assert Tool.from_function(func, name="named").name == "named"


def test_what_is_no_function_is_shown() -> None:
    """The name of a tool is no tool."""
    with pytest.raises(TypeError, match="'bash' is not a function; a tool is made of one"):
        Tool.from_function("bash")  # type: ignore[arg-type]


def test_a_schema_that_is_no_mapping_is_refused() -> None:
    """An empty list would pass for an empty dict."""
    with pytest.raises(TypeError, match=r"tool 'greet': parameters must be a JSON Schema, a dict, not \[\]"):
        Tool.from_function(greet, parameters=[])  # type: ignore[arg-type]
