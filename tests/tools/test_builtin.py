"""`bash`, and how a turn ends."""

from __future__ import annotations

import pytest

from pygent import LocalRuntime, Tool, ToolError
from pygent.schema import validate
from pygent.tools import call_tool
from pygent.tools.builtin import bash, continue_, stop


async def test_bash_shows_what_ran_and_what_came(runtime: LocalRuntime) -> None:
    """A command that fails is a result, not an error of the tool, and its output is heard as it comes."""
    heard: list[str] = []

    output = await call_tool(bash, {"cmd": "echo hi; exit 3"}, runtime, on_output=heard.append)

    assert (output.text, output.is_error) == ("$ echo hi; exit 3\nhi\n[exit 3]", False)
    assert "".join(heard) == "hi\n"


async def test_bash_ends_at_its_timeout(runtime: LocalRuntime) -> None:
    """The model learns that the command was cut off, and what it printed until then."""
    output = await call_tool(bash, {"cmd": "echo begun; sleep 60", "timeout": 1}, runtime)

    assert output.text == "$ echo begun; sleep 60\nbegun\n[timeout after 1s]"


@pytest.mark.parametrize("timeout", [0, -1, 601, 1e9])
def test_bash_refuses_a_timeout_beyond_its_bounds(timeout: float) -> None:
    """The refusal says what is allowed."""
    with pytest.raises(ToolError, match=r"timeout: must be at (least 1|most 600), not"):
        validate(f'{{"cmd": "true", "timeout": {timeout}}}', bash.parameters)


async def test_a_command_that_no_shell_can_take_is_an_answer(runtime: LocalRuntime) -> None:
    """NUL is told to the model; nothing crashes."""
    output = await call_tool(bash, {"cmd": "echo \0"}, runtime)

    assert output.is_error
    assert "NUL" in output.text


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        pytest.param(stop, {"summary": "Fixed."}, "Fixed.", id="stop"),
        pytest.param(stop, {}, "Done.", id="stop-silently"),
        pytest.param(continue_, {"question": "Which one?"}, "Which one?", id="continue"),
        pytest.param(continue_, {}, "Waiting for the user.", id="continue-silently"),
    ],
)
async def test_final_tools_say_what_they_are_told(
    tool: Tool, arguments: dict[str, str], text: str, runtime: LocalRuntime
) -> None:
    """Their output is what the user reads at the end of the turn."""
    assert (await call_tool(tool, arguments, runtime)).text == text
