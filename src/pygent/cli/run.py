"""`run`: `pygent run` as a whole: prepare, perform, and tell what it came to."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from ..errors import PygentError
from .console import open_console
from .escape import visible
from .job import prepare
from .logs import show_warnings
from .options import RunOptions
from .output import leave_streams, write_stdout
from .perform import perform
from .render import Progress
from .result import LIMIT_REASONS, ExitCode, Failure, RunResult, exit_code_of
from .views import EventLines, Silence, View, json_line
from .writer import is_stuck

HIDDEN = ("stop", "continue")
"""Tools whose calls are not shown, for they only end the run."""


def run(options: RunOptions) -> int:
    """Do what the options say; return the exit status."""
    console = open_console(sys.stderr)
    show_warnings(console)
    view: View = Silence()
    try:
        job = prepare(options)
        view = _view(options, console)
        result = asyncio.run(perform(job, view, console))
    except PygentError as error:
        result = RunResult(exit_code=exit_code_of(error), error=Failure(type=type(error).__name__, message=str(error)))
    code = _print_result(result, options, view) or result.exit_code
    if not is_stuck():
        _say(_last_words(result, options), console)
    return leave_streams(code)


def _view(options: RunOptions, console: Console) -> View:
    if options.output_format == "stream-json":
        return EventLines(sys.stdout.buffer)

    if options.quiet:
        return Silence()

    both_seen = options.output_format == "text" and sys.stdout.isatty() and console.is_terminal
    return Progress(console, hidden=HIDDEN, shows_answer=both_seen)


def _print_result(result: RunResult, options: RunOptions, view: View) -> int | None:
    """Print the answer or the object; return the exit status if nobody takes it, and None if all went well."""
    if options.output_format == "json":
        return write_stdout(json_line(result))

    if view.shows_answer or not result.answer:
        return None

    answer = visible(result.answer) if sys.stdout.isatty() else result.answer
    return write_stdout(answer.rstrip("\n").encode(sys.stdout.encoding, "backslashreplace") + b"\n")


def _last_words(result: RunResult, options: RunOptions) -> str:
    """What the user should know about an end that was not the run's own; empty: nothing."""
    if result.error is not None:
        return result.error.message

    match result.reason:
        case _ if result.exit_code > 128:
            return "" if result.exit_code == ExitCode.BROKEN_PIPE else "stopped"
        case "max_steps":
            return f"stopped: the limit of {options.max_steps} steps is reached; --max-steps allows more"
        case "max_time":
            return f"stopped: the time of {options.timeout:g} s is over; --timeout allows more"
        case reason if reason in LIMIT_REASONS:
            return f"stopped: a limit is reached ({reason})"
    return ""


def _say(text: str, console: Console) -> None:
    if text:
        with suppress(OSError):  # nobody reads it
            console.print(Text(f"pygent: {visible(text)}", style="bold red"), soft_wrap=True)
