"""A call and its result in a few lines that tell a person what happened."""

from __future__ import annotations

import pytest

from pygent import CommandResult, ToolFinished
from pygent.cli.describe import OUTPUT_LINES, described_call, described_result, described_size
from pygent.testing import tool_call

CALLS = {
    "command": (tool_call("bash", cmd="ls -l"), ["$ ls -l"]),
    "command of several lines": (tool_call("bash", cmd="a\n  b\n"), ["$ a", "  b"]),
    "long command": (
        tool_call("bash", cmd="\n".join(map(str, range(30)))),
        ["$ 0", *map(str, range(1, 12)), "... 18 more lines"],
    ),
    "one argument": (tool_call("read_file", path="a.py"), ["read_file a.py"]),
    "more arguments": (tool_call("read_file", path="a.py", start_line=3), ["read_file a.py start_line=3"]),
    "no arguments": (tool_call("list_files"), ["list_files"]),
    "what the diff will show": (tool_call("edit_file", path="a.py", old="x", new="y"), ["edit_file a.py"]),
    "long value": (tool_call("note", text="x" * 5000), ["note text=(5,000 characters)"]),
    "value of several lines": (tool_call("note", text="a\nb"), ["note text=(3 characters)"]),
    "no JSON": (tool_call("bash", "{nope"), ["bash"]),
    "no object": (tool_call("bash", "[1]"), ["bash"]),
    "too deep": (tool_call("bash", "[" * 100_000), ["bash"]),
    "evil name and value": (tool_call("x\x1b[2J", a="\x9b[/red]"), ["x\\x1b[2J \\x9b[/red]"]),
}


@pytest.mark.parametrize(("call", "lines"), CALLS.values(), ids=CALLS)
def test_call_is_described(call, lines) -> None:
    """The command as a whole, or the tool's name with what tells calls apart; safe to show."""
    assert described_call(call) == lines


def finished(result: CommandResult, cmd: str = "make") -> tuple[ToolFinished, object]:
    return (
        ToolFinished(call_id="1", name="bash", output=result.render(cmd, 5), duration=1.25),
        tool_call("bash", cmd=cmd),
    )


COMMANDS = {
    "success": (CommandResult(output="a\nb\n", exit_code=0), ["a", "b", "ok in 1.2 s"]),
    "silence": (CommandResult(exit_code=0), ["ok in 1.2 s"]),
    "failure": (CommandResult(output="no rule\n", exit_code=2), ["no rule", "exit 2 in 1.2 s"]),
    "timeout": (CommandResult(output="a", timed_out=True), ["a", "timeout after 5s in 1.2 s"]),
    "background": (
        CommandResult(exit_code=0, background=(7,)),
        ["still running in the background: 7; redirect their output to a file to see it", "ok in 1.2 s"],
    ),
    "control codes": (CommandResult(output="\x1b[31mred\rover", exit_code=0), ["\\x1b[31mred\\rover", "ok in 1.2 s"]),
}


@pytest.mark.parametrize(("result", "lines"), COMMANDS.values(), ids=COMMANDS)
def test_command_result_is_described(result, lines) -> None:
    """What was printed, then how it ended and how long it took."""
    assert [line for _, line in described_result(*finished(result))] == lines


def test_long_output_keeps_its_start_and_its_end() -> None:
    """Of many lines the last matter most; how many are left out is said exactly."""
    output = "".join(f"{number}\n" for number in range(100))

    shown = [line for _, line in described_result(*finished(CommandResult(output=output, exit_code=0)))]

    assert shown[:3] == ["0", "1", f"... {100 - OUTPUT_LINES} more lines"]
    assert shown[3:] == [*map(str, range(90, 100)), "ok in 1.2 s"]


def test_command_that_prints_like_an_ending_is_not_believed() -> None:
    """Only the last line says how a command ended; one that prints `[exit 3]` has not failed."""
    shown = described_result(*finished(CommandResult(output="[exit 3]\nmore\n", exit_code=0)))

    assert shown[-1] == ("green", "ok in 1.2 s")


def test_diff_is_coloured_and_named_once() -> None:
    """The file's name stands in the call; of its diff come the changes."""
    display = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n"
    event = ToolFinished(call_id="1", name="edit_file", output="Edited x", display=display)

    assert described_result(event, tool_call("edit_file", path="x")) == [
        ("cyan", "@@ -1 +1 @@"),
        ("red", "-old"),
        ("green", "+new"),
    ]


def test_error_is_shown() -> None:
    """What kept a tool from its work is told to people, too."""
    event = ToolFinished(call_id="1", name="read_file", output="there is no a.py", is_error=True)

    assert described_result(event, None) == [("red", "there is no a.py")]
    assert described_size(event) == ""


@pytest.mark.parametrize(("output", "size"), [("", ""), ("a", "1 line"), ("a\nb\n", "2 lines")])
def test_answers_that_are_not_shown_are_measured(output: str, size: str) -> None:
    """What only the model reads is told by its length."""
    event = ToolFinished(call_id="1", name="read_file", output=output)

    assert described_result(event, tool_call("read_file", path="a")) == []
    assert described_size(event) == size
