"""The built-in tools that are neither files nor search: `bash`, and how a turn ends, `stop` and `continue`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from .base import Tool, ToolOutput

if TYPE_CHECKING:
    from ..runtimes.base import AsyncRuntime

MAX_TIMEOUT = 600
"""Seconds that a command may be given; what takes longer belongs into the background."""


@Tool.from_function
async def bash(
    rt: AsyncRuntime,
    cmd: str,
    timeout: Annotated[float, Meta(ge=1, le=MAX_TIMEOUT)] = 30,
    *,
    on_output: Callable[[str], None],
) -> str:
    """Run a shell command in the workspace and return what it prints and how it ends.

    Every call starts a new shell in the workspace folder: files stay from call to call, but the current folder,
    variables and functions do not, so write `cd folder && …` where it matters. Standard output and standard error come
    together. Standard input is empty: pass flags such as `-y` to programs that would ask. At the timeout the command
    and everything it started are killed. Of a long output the middle is left out; print less, or into a file.

    Args:
        rt: where it runs.
        cmd: the command, as for `sh -c`; it may have several lines.
        timeout: seconds that it may take, from 1 to 600. Start what takes longer in the background, with its output
            in a file.
        on_output: receives the output as it comes.
    """
    return (await rt.exec(cmd, timeout=timeout, on_output=on_output)).render(cmd, timeout)


@partial(Tool.from_function, final=True)
async def stop(rt: AsyncRuntime, summary: str = "") -> ToolOutput:  # noqa: ARG001 - every tool is given the runtime
    """End your turn: the task is done, or cannot be done.

    Args:
        rt: not needed.
        summary: for the user: what you did, how you checked it, and what is still open.
    """
    return ToolOutput(summary or "Done.", display=summary)


@partial(Tool.from_function, name="continue", final=True)
async def continue_(rt: AsyncRuntime, question: str = "") -> ToolOutput:  # noqa: ARG001 - every tool is given the runtime
    """Ask the user, and wait: use it when you cannot go on without an answer or a decision from them.

    Args:
        rt: not needed.
        question: what you need to know, with what you found out so far.
    """
    return ToolOutput(question or "Waiting for the user.", display=question)
