"""`show_settings`: the settings as a table, for `pygent config show`."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import SettingsError
from ..settings import Settings, settings_table
from .escape import one_line, visible
from .result import ExitCode


def show_settings(config: Path | None, *, with_sources: bool) -> int:
    """Print name, value and, if wished, source of every setting; return the exit status."""
    try:
        settings = Settings.load(config=config)
    except SettingsError as error:
        click.echo(f"pygent: {visible(str(error))}", err=True)
        return ExitCode.USAGE

    width = max(len(row.name) for row in settings_table())
    for row in settings_table():
        line = f"{row.name:{width}}  {_shown(getattr(settings, row.name))}"
        click.echo(f"{line}  ({one_line(settings.sources[row.name])})" if with_sources else line)
    return ExitCode.DONE


def _shown(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(_shown(item) for item in value) or "none"
    return one_line(str(value))
