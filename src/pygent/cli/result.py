"""`RunResult`: what a run came to, as `--json` prints it; and the exit codes, which scripts can rely on."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from ..errors import PygentError, SettingsError
from ..messages import Usage


class ExitCode(IntEnum):
    """What the command's exit status says; beside these 128 and the number of a signal: 130 Ctrl-C, 143 SIGTERM."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_MODEL = 3
    LIMIT = 4
    APPROVAL_NEEDED = 5
    BROKEN_PIPE = 141  # as a program that SIGPIPE ends


class NoModel(SettingsError):
    """There is nothing to ask: no key, and no server of the user's own."""


def exit_code_of(error: PygentError) -> ExitCode:
    """The exit status for what kept a command from its work."""
    match error:
        case NoModel():
            return ExitCode.NO_MODEL
        case SettingsError():
            return ExitCode.USAGE
    return ExitCode.FAILED


LIMIT_REASONS = frozenset({"max_steps", "max_time", "step_timeout", "tokens"})
"""The reasons for the end of a run that are limits."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not come to its own end: the name of the error, and its text."""

    type: str
    message: str


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to.

    Attributes:
        answer: the model's last words, or what its final tool said.
        reason: why the run ended: `stop`, `continue`, `reply`, a limit, `interrupted`, `cancelled` or `error`.
        steps: how often the model was asked.
        usage: the tokens of all replies.
        duration: seconds.
        workspace: the folder that was worked in; empty when it did not come to that.
        exit_code: the command's exit status.
        error: what kept it from its own end; null: nothing.
    """

    answer: str = ""
    reason: str = "error"
    steps: int = 0
    usage: Usage = Usage()
    duration: float = 0.0
    workspace: str = ""
    exit_code: int = ExitCode.FAILED
    error: Failure | None = None
