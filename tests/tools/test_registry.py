"""The default tools, and how programs add to them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pygent import Tool, register_tool, tool
from pygent.tools import as_tools, builtin_tools, default_tools, remove_tool, reset_tools

BUILTIN = [
    "bash",
    "job_output",
    "job_kill",
    "read_file",
    "write_file",
    "edit_file",
    "list_files",
    "grep",
    "download_file",
    "stop",
    "continue",
]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def names() -> list[str]:
    return [tool.name for tool in default_tools()]


def hello(rt: object, name: str) -> str:
    """Greet."""
    return f"Hello {name}!"


def test_builtin_tools_are_there_from_the_start() -> None:
    """Without a word from the program an agent has the built-in tools."""
    assert names() == BUILTIN
    assert builtin_tools() == default_tools()


def test_builtin_tools_say_how_they_may_be_run() -> None:
    """Tools that only look may run side by side; two end the turn."""
    assert [tool.name for tool in builtin_tools() if tool.parallel] == [
        "job_output",
        "read_file",
        "list_files",
        "grep",
        "download_file",
    ]
    assert [tool.name for tool in builtin_tools() if tool.final] == ["stop", "continue"]


@pytest.mark.parametrize("tool", builtin_tools(), ids=lambda tool: tool.name)
def test_builtin_tools_are_described(tool: Tool) -> None:
    """The model is told what each tool does and what each argument means."""
    assert len(tool.description) > 40
    for name, argument in tool.parameters["properties"].items():
        assert len(argument.get("description", "")) > 10, name


def test_register_tool_as_documented() -> None:
    """The original's call works by position and by name, and gives the tool back."""
    by_position = register_tool("hello", "Greet by name", SCHEMA, hello)
    by_name = register_tool(name="hi", description="Greet", schema=SCHEMA, func=hello)

    assert names() == [*BUILTIN, "hello", "hi"]
    assert default_tools()[-2:] == [by_position, by_name]
    assert by_position.parameters == SCHEMA


def test_tool_decorates_with_and_without_options() -> None:
    """`@tool` makes a Tool and registers it."""

    @tool
    def one(rt: object) -> str:
        """Return one."""
        return "1"

    @tool(name="two", description="Return two.", parameters={"type": "object"}, parallel=True, final=True)
    def other(rt: object) -> str:
        return "2"

    assert default_tools()[-2:] == [one, other]
    assert (one.name, one.description, one(None)) == ("one", "Return one.", "1")
    assert (other.name, other.description, other.parallel, other.final) == ("two", "Return two.", True, True)


@pytest.mark.parametrize("name", ["bash", "hello"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    """No tool silently takes the place of another."""
    register_tool("hello", "Greet", SCHEMA, hello)

    def other(rt: object, name: str) -> str:
        return name

    with pytest.raises(ValueError, match=f"a tool '{name}' is registered already"):
        register_tool(name, "Other", SCHEMA, other)

    assert [tool.func for tool in default_tools() if tool.name == "hello"] == [hello]


def cell(answer: str) -> Callable[..., Any]:
    def defined_here(rt: object) -> str:
        """Answer."""
        return answer

    return defined_here


def test_a_cell_can_run_again() -> None:
    """The same function defined once more replaces its tool, in its place."""
    tool(cell("old"))
    register_tool("hello", "Greet", SCHEMA, hello)
    tool(cell("new"))

    assert names() == [*BUILTIN, "defined_here", "hello"]
    assert default_tools()[-2](None) == "new"


def test_tools_can_be_removed_and_reset() -> None:
    """A program can take tools away, built-in ones too, and tests can begin anew."""
    register_tool("hello", "Greet", SCHEMA, hello)

    remove_tool("bash")
    remove_tool("hello")
    assert names() == BUILTIN[1:]
    with pytest.raises(ValueError, match="there is no tool 'hello'; the tools are: job_output, "):
        remove_tool("hello")

    reset_tools()
    assert names() == BUILTIN


def test_the_list_is_the_callers() -> None:
    """Changing the list of one agent changes no other's."""
    default_tools().clear()
    builtin_tools().clear()

    assert names() == BUILTIN == [tool.name for tool in builtin_tools()]


def test_registering_from_many_threads_loses_nothing() -> None:
    """The registry is shared by all threads of the program."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: register_tool(f"tool_{number}", "", SCHEMA, hello), range(200)))

    assert sorted(names()) == sorted([*BUILTIN, *(f"tool_{number}" for number in range(200))])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(
            ("hello", "", None, hello), "tool 'hello': schema must be a JSON Schema, a dict, not None", id="none"
        ),
        pytest.param(("hello", "", [], hello), r"schema must be a JSON Schema, a dict, not \[\]", id="list"),
        pytest.param(("hello", "", "{}", hello), "schema must be a JSON Schema, a dict, not '{}'", id="text"),
        pytest.param((None, "", SCHEMA, hello), "a tool's name is a text, not None", id="name"),
        pytest.param(
            ("hello", None, SCHEMA, hello), "tool 'hello': its description is a text, not None", id="description"
        ),
        pytest.param(("hello", "", SCHEMA, None), "tool 'hello': None is not a function", id="function"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(arguments: Any, problem: str) -> None:
    """The error says which, and shows the value."""
    with pytest.raises(TypeError, match=problem):
        register_tool(*arguments)

    assert names() == BUILTIN


def test_functions_become_tools_of_one_agent() -> None:
    """Tools stay what they are, functions become tools, and none of them is registered."""
    bash = builtin_tools()[0]

    tools = as_tools(iter([bash, hello]))

    assert tools == [bash, Tool.from_function(hello)]
    assert names() == BUILTIN


@pytest.mark.parametrize("tools", ["bash", hello, builtin_tools()[0], 7], ids=["text", "function", "tool", "number"])
def test_what_is_no_list_of_tools_is_refused(tools: Any) -> None:
    """A text is not taken for a list of its letters."""
    with pytest.raises(TypeError, match="tools is a list of tools or functions, not "):
        as_tools(tools)


def test_two_tools_of_one_name_are_refused() -> None:
    """The model could call only one of them."""
    with pytest.raises(ValueError, match="two tools are called 'hello'; give one of them another name"):
        as_tools([hello, Tool.from_function(hello)])
