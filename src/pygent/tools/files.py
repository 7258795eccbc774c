"""The built-in tools for files: `read_file`, `write_file`, `edit_file` and `download_file`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from ..errors import PathOutsideWorkspace, ToolError, WorkspaceError
from .base import Tool, ToolOutput
from .edits import diff, numbered, replace
from .results import MAX_TEXT

if TYPE_CHECKING:
    from ..runtimes.base import AsyncRuntime

MAX_LINES = 2_000
MAX_LINE = 2_000
MAX_BASE64_BYTES = MAX_TEXT // 4 * 3

LineNumber = Annotated[int, Meta(ge=1)]


@partial(Tool.from_function, parallel=True)
async def read_file(
    rt: AsyncRuntime, path: str, start_line: LineNumber | None = None, end_line: LineNumber | None = None
) -> str:
    """Read a text file of the workspace, or a part of it, with line numbers.

    Each line comes as its number, a tab, and its text; number and tab are not part of the file. At most 2,000 lines
    come at once; of a longer file, read the part that you need.

    Args:
        rt: where the file is.
        path: the file, relative to the workspace.
        start_line: number of the first line to read, from 1.
        end_line: number of the last line to read; by default as many as fit.
    """
    data = await rt.read_bytes(path)
    if b"\0" in data[:8192]:
        raise ToolError(f"{path} is a binary file of {len(data):,} bytes; look into it with bash, or use download_file")

    return await asyncio.to_thread(_excerpt, path, data, start_line or 1, end_line)


@Tool.from_function
async def write_file(rt: AsyncRuntime, path: str, content: str) -> ToolOutput:
    """Create a file in the workspace, or replace all that it holds; missing folders are made.

    To change a part of an existing file use edit_file.

    Args:
        rt: where the file is.
        path: the file, relative to the workspace.
        content: the whole new content.
    """
    try:
        old = await rt.read_bytes(path)
    except PathOutsideWorkspace:
        raise
    except WorkspaceError:  # most likely there is none; if it cannot be written either, that is said next
        old = None
    text = await rt.write_file(path, content)
    return ToolOutput(text, await asyncio.to_thread(diff, path, old, content.encode("utf-8", "replace")))


@Tool.from_function
async def edit_file(rt: AsyncRuntime, path: str, old: str, new: str, replace_all: bool = False) -> ToolOutput:
    """Replace an exact piece of text in a file of the workspace.

    `old` must be in the file exactly once, character by character, with its indentation; take in a line before or
    after it to make it unique. If it is not there, or more than once, nothing is changed and you are told why.

    Args:
        rt: where the file is.
        path: the file, relative to the workspace.
        old: the text to replace, without the line numbers that read_file shows.
        new: what to put in its place; empty to delete it.
        replace_all: replace every place where `old` stands.
    """
    data = await rt.read_bytes(path)
    try:
        edit = await asyncio.to_thread(replace, data, old, new, everywhere=replace_all)
    except ToolError as error:
        raise ToolError(f"{path} is not changed: {error}") from None

    await rt.write_bytes(path, edit.data)
    places = f"line {edit.line}" if edit.places == 1 else f"{edit.places:,} places"
    return ToolOutput(f"Edited {path} at {places}", await asyncio.to_thread(diff, path, data, edit.data))


@partial(Tool.from_function, parallel=True)
async def download_file(rt: AsyncRuntime, path: str, binary: bool = False) -> str:
    """Return the content of a file of the workspace just as it is, without line numbers.

    Args:
        rt: where the file is.
        path: the file, relative to the workspace.
        binary: return its bytes in base64, for files that are not text.
    """
    content = await rt.read_file(path, binary)
    if binary and len(content) > MAX_TEXT:
        raise ToolError(
            f"{path} is too large: in base64 it has {len(content):,} characters, and {MAX_TEXT:,} fit into an answer"
        )

    return content


def _excerpt(path: str, data: bytes, start: int, end: int | None) -> str:
    """The lines from `start` to `end`, numbered, as many as fit, and how to read on."""
    text = data.decode("utf-8", "replace")
    lines = text.split("\n")  # at nothing else: form feeds and U+2028 are characters of a line
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return f"[{path} is empty]"

    if start > len(lines) or (end is not None and end < start):
        raise ToolError(f"{path} has {len(lines):,} lines; there are none from {start} to {end or 'the end'}")

    shown: list[str] = []
    room = MAX_TEXT - 1_000
    for line in lines[start - 1 : min(end or len(lines), start - 1 + MAX_LINES)]:
        cut = _cut(line.removesuffix("\r"))
        room -= len(cut) + 8
        if room < 0:
            break

        shown.append(cut)
    last = start + len(shown) - 1
    excerpt = numbered(shown, start)
    if last < (end or len(lines)) and last < len(lines):
        excerpt += f"\n[lines {start} to {last} of {len(lines):,}; read on with start_line={last + 1}]"
    if "\r\n" in text:
        excerpt += "\n[its lines end with CRLF, which is not shown]"
    return excerpt


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} [… {len(line) - MAX_LINE:,} more characters]"
