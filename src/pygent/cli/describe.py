"""A tool call and its result in few lines: `described_call`, `described_result`. Pure: data in, safe lines out."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from ..events import ToolFinished
from ..messages import JSON, ToolCall
from .escape import one_line, visible

Block: TypeAlias = tuple[str, str]
"""A style, and a line in it."""

COMMAND_LINES = 12
OUTPUT_LINES = 12
DIFF_LINES = 60
LINE_WIDTH = 400
VALUE_WIDTH = 60

SEEN_IN_DIFF = frozenset({"content", "new", "old"})
"""Arguments that are not shown beside a call, for its result shows them as a diff."""

DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def described_call(call: ToolCall) -> list[str]:
    """Return what a call does: the lines of a command for `bash`; for others the name and what tells calls apart."""
    name, arguments = call.function.name, _arguments(call)
    if name == "bash" and isinstance(arguments.get("cmd"), str):
        lines = _shortened(f"$ {arguments['cmd'].strip()}".split("\n"), COMMAND_LINES, 0)
        return [one_line(line, LINE_WIDTH) for line in lines]

    values = " ".join(
        _value(key, value, number) for number, (key, value) in enumerate(arguments.items()) if key not in SEEN_IN_DIFF
    )
    return [f"{visible(name)} {values}".rstrip()]


def described_result(event: ToolFinished, call: ToolCall | None) -> list[Block]:
    """Return what came of a call: the end of a command's output, a diff, an error; of other tools nothing."""
    if event.display is not None:
        return _changes(event.display) if event.display.startswith("--- ") else _plain(event.display, "dim")

    if event.name == "bash" and call is not None and not event.is_error:
        return _command(event.output, _arguments(call).get("cmd", ""), event.duration)

    return _plain(event.output, "red") if event.is_error else []


def described_size(event: ToolFinished) -> str:
    """Return how much an answer says that is not shown itself; empty: it is shown, or says nothing."""
    lines = len(event.output.splitlines())
    if event.is_error or event.display is not None or not lines:
        return ""

    return "1 line" if lines == 1 else f"{lines} lines"


def _command(output: str, command: str, duration: float) -> list[Block]:
    """What a command printed, as `CommandResult.render` wrote it, and how it ended."""
    lines = output.removeprefix(f"$ {command}").strip("\n").split("\n")
    running = [lines.pop()] if lines[-1].startswith("[still running ") else []
    failed = [lines.pop()] if lines and re.fullmatch(r"\[(exit -?\d+|timeout.*)\]", lines[-1]) else []
    ending = one_line(failed[0].strip("[]")) if failed else "ok"
    return [
        *_plain("\n".join(lines), "dim"),
        *(("yellow", one_line(line.strip("[]"))) for line in running),
        ("red" if failed else "green", f"{ending} in {duration:.1f} s"),
    ]


def _plain(text: str, style: str) -> list[Block]:
    if not text.strip():
        return []

    lines = text.strip("\n").split("\n")
    return [(style, one_line(line, LINE_WIDTH)) for line in _shortened(lines, 2, OUTPUT_LINES - 2)]


def _changes(diff: str) -> list[Block]:
    """A diff of one file, which the call has named already."""
    return diff_blocks("\n".join(line for line in diff.split("\n") if not line.startswith(("--- ", "+++ "))))


def diff_blocks(text: str) -> list[Block]:
    """Return a diff in colours."""
    lines = _shortened(text.strip("\n").split("\n"), DIFF_LINES, 0)
    return [(DIFF_STYLES.get(line[:1], "dim"), visible(line[:LINE_WIDTH]).replace("\n", "")) for line in lines]


def _shortened(lines: list[str], first: int, last: int) -> list[str]:
    """The first and the last of too many lines, and between them how many are left out."""
    left_out = len(lines) - first - last
    if left_out <= 1:
        return lines

    return [*lines[:first], f"... {left_out} more lines", *lines[len(lines) - last :]]


def _arguments(call: ToolCall) -> dict[str, JSON]:
    try:
        arguments = msgspec.json.decode(call.function.arguments or "{}")
    except (ValueError, RecursionError):  # the call will be answered with what is wrong about it
        return {}

    return arguments if isinstance(arguments, dict) else {}


def _value(key: str, value: JSON, number: int) -> str:
    if isinstance(value, str) and ("\n" in value or len(value) > VALUE_WIDTH):
        return f"{visible(key)}=({len(value):,} characters)"

    shown = one_line(value if isinstance(value, str) else msgspec.json.encode(value).decode(), VALUE_WIDTH)
    return shown if number == 0 else f"{visible(key)}={shown}"
