"""`run_demo`: `pygent demo` as a whole: play it, show what changed, and say what that proves."""

from __future__ import annotations

import asyncio
import difflib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ...errors import PygentError
from ..console import marks_of, open_console
from ..describe import diff_blocks
from ..escape import visible
from ..logs import show_warnings
from ..output import leave_streams, stdout_failed
from ..render import Progress
from ..result import ExitCode
from .play import CASSETTE, Ending, play
from .project import FILES


def run_demo(*, fast: bool | None, keep: bool, cassette: Path = CASSETTE) -> int:
    """Play the demo; return 0 if the project's tests pass at its end.

    Args:
        fast: without pauses; None: with pauses on a terminal only.
        keep: leave the project's folder, and say where it is.
        cassette: what the model replies.
    """
    console, errors = open_console(sys.stdout), open_console(sys.stderr)
    show_warnings(errors)
    folder = tempfile.mkdtemp(prefix="pygent-demo-") if keep else None
    paced = sys.stdout.isatty() if fast is None else not fast
    try:
        ending = asyncio.run(
            play(Progress(console, shows_answer=True, shows_costs=False), folder=folder, paced=paced, cassette=cassette)
        )
        code = ending if isinstance(ending, int) else _show_ending(ending, folder, console)
    except PygentError as error:
        errors.print(Text(f"pygent: {visible(str(error))}", style="bold red"), soft_wrap=True)
        code = ExitCode.FAILED
    except OSError as error:
        code = stdout_failed(error)
    return leave_streams(code)


def _show_ending(ending: Ending, folder: str | None, console: Console) -> int:
    """Print the difference that was made, and the proof; return the exit status."""
    before, after = ending.before, ending.after
    mended = after.passed and after.total >= before.total
    console.print(Text("\nWhat changed\n", style="bold"))
    for style, line in diff_blocks(difference(FILES, ending.files)):
        console.print(Text(line, style=style), soft_wrap=True)
    parts = [
        f"Tests: {before.failed} of {before.total} failed before",
        f"all {after.total} pass now" if mended else f"{after.failed} of {after.total} fail now",
        f"{ending.turn.steps} steps",
        f"{ending.turn.duration:.1f} s",
    ]
    console.print(
        Text(f"\n{f' {marks_of(console).dot} '.join(parts)}", style="bold green" if mended else "bold red"),
        soft_wrap=True,
    )
    if folder is not None:
        console.print(Text(f"The project stays in {visible(folder)}"), soft_wrap=True)
    return ExitCode.DONE if mended else ExitCode.FAILED


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return what two states of some files differ in, as a unified diff."""
    lines: list[str] = []
    for name, content in before.items():
        old, new = content.splitlines(keepends=True), after[name].splitlines(keepends=True)
        lines += difflib.unified_diff(old, new, f"{name} (before)", f"{name} (after)", n=2)
    return "".join(lines)
