"""The first lines of a run: which model works where, and who allows its commands."""

from __future__ import annotations

from ..runtimes import AsyncRuntime
from .console import Marks
from .describe import Block
from .escape import one_line
from .job import Job


def greeting(job: Job, runtime: AsyncRuntime, permission: str, marks: Marks) -> list[Block]:
    """Return the lines; `permission` says who allows commands."""
    name = f" {marks.dot} ".join(("pygent", one_line(job.settings.model, 80), place_of(runtime)))
    lines = [("bold", f"{name} (no container)" if is_host(runtime) else name)]
    if is_host(runtime):
        how = f"in a sandbox ({runtime.isolation})" if runtime.isolation else "with your rights, not in a sandbox"
        lines.append(("dim", f"Commands run {how}; {permission}."))
    notices = [*job.notices, *([runtime.notice] if runtime.notice else [])]
    return [*lines, *(("yellow", one_line(notice)) for notice in notices)]


def is_host(runtime: AsyncRuntime) -> bool:
    """Whether commands may do what the user may do; so is whatever is not known to be a container."""
    return runtime.kind != "docker"


def place_of(runtime: AsyncRuntime) -> str:
    """Where commands run, in the user's words."""
    folder = one_line(runtime.workspace, 1000)
    return f"this machine, {folder}" if is_host(runtime) else f"container, {folder}"
