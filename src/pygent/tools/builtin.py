"""The built-in tools that are neither files nor search: `bash` and its jobs, and the ends of a turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from .base import Tool, ToolOutput

if TYPE_CHECKING:
    from ..runtimes.base import AsyncRuntime

MAX_TIMEOUT = 600
"""Seconds that a command may be given, and a job waited for; what takes longer belongs into the background."""


@Tool.from_function
async def bash(
    rt: AsyncRuntime,
    cmd: str,
    timeout: Annotated[float, Meta(ge=1, le=MAX_TIMEOUT)] = 30,
    background: bool = False,
    *,
    on_output: Callable[[str], None],
) -> str:
    """Run a shell command in the workspace and return what it prints and how it ends.

    Every call starts a new shell in the workspace folder: files stay from call to call, but the current folder,
    variables and functions do not, so write `cd folder && …` where it matters. Standard output and standard error come
    together. Standard input is empty: pass flags such as `-y` to programs that would ask. At the timeout the command
    and everything it started are killed, unless the answer says that it goes on as a job. Of a long output the middle
    is left out; print less, or into a file.

    Start servers, watchers and long builds with `background=true`, without `&`: the answer comes at once and names the
    job, such as `job-1`; `job_output` shows what it prints from then on, and `job_kill` ends it.

    Args:
        rt: where it runs.
        cmd: the command, as for `sh -c`; it may have several lines.
        timeout: seconds that it may take, from 1 to 600; without effect on a command in the background.
        background: let it go on as a job, and answer at once.
        on_output: receives the output as it comes.
    """
    return await rt.bash(cmd, timeout, background=background, on_output=on_output)


@partial(Tool.from_function, parallel=True)
async def job_output(rt: AsyncRuntime, job_id: str = "", wait: Annotated[float, Meta(ge=0, le=MAX_TIMEOUT)] = 0) -> str:
    """Show what a command in the background has printed since you last asked, and whether it runs or how it ended.

    Args:
        rt: where it runs.
        job_id: the job, such as `job-1`; leave it out to list all jobs.
        wait: seconds to wait, if there is nothing new yet, until it prints something or ends.
    """
    return await rt.job_output(job_id, wait)


@Tool.from_function
async def job_kill(rt: AsyncRuntime, job_id: str) -> str:
    """End a command in the background and everything it started, and show the last of its output.

    Args:
        rt: where it runs.
        job_id: the job, such as `job-1`.
    """
    return await rt.job_kill(job_id)


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
