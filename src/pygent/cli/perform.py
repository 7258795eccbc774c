"""`perform`: one run from its start to its cleaned-up end, whatever ends it."""

from __future__ import annotations

import logging
from functools import partial

from rich.console import Console

from ..agent import AsyncAgent
from ..errors import PygentError
from ..events import TurnFinished
from ..messages import Usage
from ..runtimes import AsyncRuntime, open_runtime
from .ask import AllowAll, AskFirst, NobodyToAsk
from .console import marks_of, terminal_descriptor
from .greeting import greeting, is_host
from .job import Job
from .result import LIMIT_REASONS, ExitCode, Failure, RunResult
from .views import View, shown
from .writer import Writer

APPROVAL_NEEDED = "ApprovalNeeded"

NOBODY_THERE = """\
the model wants to run a command, and there is no terminal to ask at:
    {command}
Allow all commands with --yes, or run pygent in a terminal to be asked about each."""

_log = logging.getLogger("pygent.cli")


async def perform(job: Job, view: View, console: Console) -> RunResult:
    """Do the job, show it in the view, ask at the console, and return the result when all that was started has ended.

    Raises:
        PygentError: the agent could not be made; nothing was started.
    """
    failure: Failure | None = None
    workspace = ""
    agent = AsyncAgent(runtime=_runtime(job), settings=job.settings)
    async with shown(agent, view) as show:
        approver = agent.approver = _approver(job, agent, show.writer, view, console)
        try:
            await agent.runtime.open()
            workspace = agent.runtime.workspace
            show.writer.say(partial(view.greet, greeting(job, agent.runtime, approver.permission, marks_of(console))))
            await agent.run_until_stop(job.prompt, max_steps=job.options.max_steps, max_time=job.options.timeout)
        except Exception as error:
            failure = _failure(error)
    if approver.wanted is not None:
        failure = Failure(type=APPROVAL_NEEDED, message=NOBODY_THERE.format(command=approver.wanted))
    end = show.end or TurnFinished(reason="error", answer="", steps=0, usage=Usage(), duration=0.0)
    return RunResult(
        answer=end.answer,
        reason=end.reason,
        steps=end.steps,
        usage=end.usage,
        duration=end.duration,
        workspace=workspace,
        exit_code=show.exit_code or _exit_code(end.reason, failure),
        error=failure,
    )


def _runtime(job: Job) -> AsyncRuntime:
    """Where commands run: as the settings say, and without a word on Docker on this machine."""
    settings = job.settings
    return open_runtime(use_docker=bool(settings.use_docker), env=job.variables.commands, settings=settings)


def _approver(
    job: Job, agent: AsyncAgent, writer: Writer, view: View, console: Console
) -> AllowAll | AskFirst | NobodyToAsk:
    """Who allows commands: everybody, the person at the terminal, or nobody if there is no terminal."""
    confirm = job.settings.confirm_bash
    if confirm is False or (confirm is None and not is_host(agent.runtime)):
        return AllowAll()

    keyboard = terminal_descriptor()
    return (
        NobodyToAsk(agent.interrupt) if keyboard is None else AskFirst(writer, view, console, keyboard, agent.runtime)
    )


def _failure(error: Exception) -> Failure:
    if isinstance(error, PygentError):
        _log.info("the run failed", exc_info=error)
        return Failure(type=type(error).__name__, message=str(error))

    _log.error("the run failed: %r", error, exc_info=error)
    return Failure(type=type(error).__name__, message=f"internal error: {error!r}; the log file has its traceback")


def _exit_code(reason: str, failure: Failure | None) -> ExitCode:
    if failure is not None:
        return ExitCode.APPROVAL_NEEDED if failure.type == APPROVAL_NEEDED else ExitCode.FAILED

    return ExitCode.LIMIT if reason in LIMIT_REASONS else ExitCode.DONE
