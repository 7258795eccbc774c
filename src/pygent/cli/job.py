"""`Job`: one run, ready to be done; `prepare` makes it of the flags, the settings and standard input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from ..errors import SettingsError
from ..settings import Settings
from .context import read_context, with_context
from .logs import write_log
from .options import RunOptions
from .setup import set_up
from .variables import Variables, variables_of


@dataclass(frozen=True, slots=True)
class Job:
    """One run, ready to be done.

    Attributes:
        prompt: the request, with what stood on standard input.
        settings: all that was chosen.
        options: the flags, for what is no setting.
        variables: what the commands see besides their usual environment.
        notices: what the user should know before it begins.
    """

    prompt: str
    settings: Settings
    options: RunOptions
    variables: Variables
    notices: tuple[str, ...] = ()


def prepare(options: RunOptions) -> Job:
    """Read settings and standard input; nothing is started and nothing sent yet.

    Raises:
        NoModel: there is nobody to ask.
        SettingsError: a setting has a value that is not allowed.
        click.UsageError: there is no request.
    """
    variables = variables_of(options.variables)
    found = set_up(_settings(options, variables))
    settings = found.settings
    if settings.log_file is not None:
        write_log(settings.log_file)
    words = [word for word in options.prompt if word != "-"]
    context = read_context() if words == list(options.prompt) else read_context(first_byte=None, next_byte=None)
    prompt = with_context(" ".join(words).strip(), context.text)
    if not prompt:
        raise click.UsageError('say what should be done: pygent run "..."', click.get_current_context(silent=True))

    notices = (*found.notices, context.notice) if context.notice else found.notices
    return Job(prompt, settings, options, variables, notices)


def _settings(options: RunOptions, variables: Variables) -> Settings:
    settings = Settings.load(
        config=options.config,
        cwd=options.workspace,
        environ=variables.settings,
        overrides={
            "model": options.model,
            "use_docker": options.docker,
            "confirm_bash": False if options.yes else options.confirm_bash,
            "workspace": _here() if options.cwd else options.workspace and str(options.workspace.absolute()),
        },
    )
    if options.ephemeral:
        return replace(settings, workspace=None)

    return settings if settings.workspace else replace(settings, workspace=_here())


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError as error:
        raise SettingsError("the current folder is gone; name another with -w, or use --ephemeral") from error
