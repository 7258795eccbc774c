"""Reading, writing and editing files of a real workspace."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from pygent import LocalRuntime, Tool, ToolOutput
from pygent.tools import call_tool
from pygent.tools.files import MAX_LINE, MAX_LINES, download_file, edit_file, read_file, write_file
from pygent.tools.results import MAX_TEXT


async def read(runtime: LocalRuntime, path: str = "a.txt", **lines: int) -> str:
    output = await call_tool(read_file, {"path": path, **lines}, runtime)
    assert not output.is_error
    return output.text


async def refused(tool: Tool, arguments: dict[str, Any], runtime: LocalRuntime) -> str:
    output = await call_tool(tool, arguments, runtime)
    assert output.is_error
    return output.text


# read_file


@pytest.mark.parametrize(
    ("content", "lines", "text"),
    [
        pytest.param(b"a\nb\n", {}, "     1\ta\n     2\tb", id="whole"),
        pytest.param(b"a\n\nb", {}, "     1\ta\n     2\t\n     3\tb", id="no-newline-at-the-end"),
        pytest.param(b"a\nb\nc\n", {"start_line": 2}, "     2\tb\n     3\tc", id="from"),
        pytest.param(b"a\nb\nc\n", {"end_line": 1}, "     1\ta", id="to"),
        pytest.param(b"a\nb\nc\n", {"start_line": 2, "end_line": 99}, "     2\tb\n     3\tc", id="beyond-the-end"),
        pytest.param(b"", {}, "[a.txt is empty]", id="empty"),
        pytest.param(b"\n", {}, "     1\t", id="blank"),
        pytest.param("a\u2028b\x0cc\n".encode(), {}, "     1\ta\u2028b\x0cc", id="other-separators"),
        pytest.param(
            b"a\r\nb\r\n", {}, "     1\ta\n     2\tb\n[its lines end with CRLF, which is not shown]", id="crlf"
        ),
        pytest.param(b"caf\xe9\n", {}, "     1\tcaf\ufffd", id="latin-1"),
    ],
)
async def test_read_file_numbers_lines(
    runtime: LocalRuntime, workspace: Path, content: bytes, lines: dict[str, int], text: str
) -> None:
    """Lines are what editors count; numbers are where error messages point to."""
    (workspace / "a.txt").write_bytes(content)

    assert await read(runtime, **lines) == text


async def test_read_file_says_how_to_read_on(runtime: LocalRuntime, workspace: Path) -> None:
    """A long file comes in parts that fit together without a gap."""
    (workspace / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 5_001)))

    first = await read(runtime)
    second = await read(runtime, start_line=MAX_LINES + 1)

    assert first.splitlines()[-2:] == ["  2000\tline 2000", "[lines 1 to 2000 of 5,000; read on with start_line=2001]"]
    assert second.startswith("  2001\tline 2001\n")


async def test_read_file_fits_into_an_answer(runtime: LocalRuntime, workspace: Path) -> None:
    """Long lines are cut, and as many as fit come; the note at the end is never cut off."""
    (workspace / "a.txt").write_text(("x" * (MAX_LINE + 5) + "\n") * 100)

    text = await read(runtime)

    assert len(text) < MAX_TEXT
    assert text.splitlines()[0] == f"     1\t{'x' * MAX_LINE} [… 5 more characters]"
    assert text.endswith("of 100; read on with start_line=32]")


@pytest.mark.parametrize(
    ("path", "lines", "reason"),
    [
        pytest.param("none.txt", {}, "none.txt", id="missing"),
        pytest.param(".", {}, ".", id="folder"),
        pytest.param("../a", {}, "../a", id="outside"),
        pytest.param("a\0b", {}, "NUL", id="nul"),
        pytest.param("binary", {}, "binary is a binary file of 3 bytes", id="binary"),
        pytest.param("three", {"start_line": 4}, "three has 3 lines; there are none from 4 to the end", id="beyond"),
        pytest.param("three", {"start_line": 3, "end_line": 2}, "there are none from 3 to 2", id="backwards"),
    ],
)
async def test_read_file_refuses(
    runtime: LocalRuntime, workspace: Path, path: str, lines: dict[str, int], reason: str
) -> None:
    """What cannot be read is told with its name."""
    (workspace / "binary").write_bytes(b"a\0b")
    (workspace / "three").write_text("1\n2\n3\n")

    assert reason in await refused(read_file, {"path": path, **lines}, runtime)


# write_file


async def test_write_file_creates_and_replaces(runtime: LocalRuntime, workspace: Path) -> None:
    """The model reads one line, people see what changed."""
    created = await call_tool(write_file, {"path": "new/a.txt", "content": "one\n"}, runtime)
    replaced = await call_tool(write_file, {"path": "new/a.txt", "content": "two\n"}, runtime)

    assert (workspace / "new/a.txt").read_text() == "two\n"
    assert created == ToolOutput("Wrote new/a.txt (4 bytes)", "--- /dev/null\n+++ b/new/a.txt\n@@ -0,0 +1 @@\n+one")
    assert replaced == ToolOutput(
        "Wrote new/a.txt (4 bytes)", "--- a/new/a.txt\n+++ b/new/a.txt\n@@ -1 +1 @@\n-one\n+two"
    )


@pytest.mark.parametrize("path", ["../out.txt", "/etc/pygent-test", "folder", "a\0b"])
async def test_write_file_refuses(runtime: LocalRuntime, workspace: Path, path: str) -> None:
    """Nothing is written outside the workspace, or over a folder."""
    (workspace / "folder").mkdir()

    await refused(write_file, {"path": path, "content": "x"}, runtime)

    assert not (workspace.parent / "out.txt").exists()


# edit_file


async def test_edit_file_changes_only_what_it_should(runtime: LocalRuntime, workspace: Path) -> None:
    """Line ends, the mode of the file and bytes that are no text survive; people see the diff."""
    file = workspace / "run.sh"
    file.write_bytes(b"#!/bin/sh\r\necho caf\xe9\r\necho old")
    file.chmod(0o755)

    output = await call_tool(edit_file, {"path": "run.sh", "old": "echo old", "new": "echo new\nexit"}, runtime)

    assert file.read_bytes() == b"#!/bin/sh\r\necho caf\xe9\r\necho new\r\nexit"
    assert file.stat().st_mode & 0o777 == 0o755
    assert output.text == "Edited run.sh at line 3"
    assert (output.display or "").endswith("-echo old\n+echo new\n+exit")


async def test_edit_file_can_replace_all(runtime: LocalRuntime, workspace: Path) -> None:
    """Renaming is one call."""
    (workspace / "a.txt").write_text("x = 1\ny = x\n")

    output = await call_tool(edit_file, {"path": "a.txt", "old": "x", "new": "z", "replace_all": True}, runtime)

    assert (workspace / "a.txt").read_text() == "z = 1\ny = z\n"
    assert output.text == "Edited a.txt at 2 places"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param({"old": "q", "new": "z"}, "a.txt is not changed: `old` is not in the file.", id="missing"),
        pytest.param({"old": "x", "new": "z"}, "a.txt is not changed: `old` is in the file 2 times", id="ambiguous"),
        pytest.param({"old": "x", "new": "x"}, "a.txt is not changed: `old` and `new` are the same", id="no-op"),
        pytest.param({"path": "b.txt", "old": "x", "new": "z"}, "b.txt", id="no-file"),
        pytest.param({"path": "../b.txt", "old": "x", "new": "z"}, "../b.txt", id="outside"),
    ],
)
async def test_edit_file_refuses(
    runtime: LocalRuntime, workspace: Path, arguments: dict[str, Any], reason: str
) -> None:
    """A refused edit leaves the file as it was."""
    (workspace / "a.txt").write_text("x = 1\ny = x\n")

    assert reason in await refused(edit_file, {"path": "a.txt", **arguments}, runtime)

    assert (workspace / "a.txt").read_text() == "x = 1\ny = x\n"


# download_file


async def test_download_file_returns_content(runtime: LocalRuntime, workspace: Path) -> None:
    """Text comes as it is, bytes come in base64."""
    (workspace / "a.bin").write_bytes(b"a\n\xff")

    text = await call_tool(download_file, {"path": "a.bin"}, runtime)
    binary = await call_tool(download_file, {"path": "a.bin", "binary": True}, runtime)

    assert text == ToolOutput("a\n\ufffd")
    assert base64.b64decode(binary.text) == b"a\n\xff"


async def test_download_file_refuses_half_a_binary(runtime: LocalRuntime, workspace: Path) -> None:
    """Base64 with its middle cut out would be of no use; the most that fits comes whole."""
    most = MAX_TEXT // 4 * 3
    (workspace / "a.bin").write_bytes(b"\0" * most)
    assert len((await call_tool(download_file, {"path": "a.bin", "binary": True}, runtime)).text) == MAX_TEXT

    (workspace / "a.bin").write_bytes(b"\0" * (most + 1))
    assert "a.bin is too large" in await refused(download_file, {"path": "a.bin", "binary": True}, runtime)
