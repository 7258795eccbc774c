"""Where settings come from: the environment, flags, the project's file and the user's own."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..errors import SettingsError
from ..providers import PROVIDERS
from .files import StrPath, is_file, read_table, user_files
from .table import LATER, ROWS, TABLE
from .values import Secret

_log = logging.getLogger("pygent.settings")

_REFUSED = ("PYGENT_BANNED_COMMANDS", "PYGENT_BANNED_APPS")
"""Safety settings of the original: to run without what they ask for would be unsafe, so they are an error."""


class Given(NamedTuple):
    """A value as it was found, not parsed yet."""

    source: str
    label: str  # the source in an error's words
    value: object


def from_environ(environ: Mapping[str, str]) -> dict[str, Given]:
    """What the variables say; an empty one is as good as none."""
    for name in _REFUSED:
        if environ.get(name):
            raise SettingsError(
                f"{name} is not supported in this version and would leave commands unbanned; "
                "unset it, and approve commands instead: PYGENT_CONFIRM_BASH=1, or an approver"
            )

    if environ.get("PYGENT_SNAPSHOT"):
        warn(f"{LATER}: PYGENT_SNAPSHOT")
    given = {}
    for row in TABLE:
        for name in row.env:
            if text := environ.get(name):
                given[row.name] = Given(name, name, _decoded(name, text) if name.endswith("_JSON") else text)
                break
    return given


def _decoded(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{name} is not valid JSON: {error}") from error


def provider_keys(environ: Mapping[str, str]) -> dict[str, Secret]:
    """The keys of known servers, by their names; OpenAI's is a setting. They are looked at when one is used."""
    keys = {
        one.name: environ.get(one.key_env, "").strip() for one in PROVIDERS.values() if one.key_env != "OPENAI_API_KEY"
    }
    return {name: Secret(key) for name, key in keys.items() if key}


def provider_servers(environ: Mapping[str, str]) -> dict[str, str]:
    """Where the user's own ones of the known servers are, by their names, in the words of their variables."""
    servers = {one.name: environ.get(one.url_env, "").strip() for one in PROVIDERS.values()}
    return {name: server for name, server in servers.items() if server}


def from_flags(overrides: Mapping[str, object]) -> dict[str, Given]:
    """What flags say, by the names of the fields; None stands for a flag that was not given."""
    given = {}
    for name, value in overrides.items():
        if name not in ROWS:
            raise SettingsError(f"there is no setting {name!r}{_did_you_mean(name, ROWS)}")

        if value is not None:
            flag = ROWS[name].flag or f"--{name.replace('_', '-')}"
            given[name] = Given(flag, flag, value)
    return given


def from_project(cwd: StrPath | None) -> dict[str, Given]:
    """What the project file says; only where it is a user file at the same time is it trusted."""
    try:
        folder = Path(cwd) if cwd is not None else Path.cwd()
    except OSError:  # the current folder was deleted
        return {}

    path = next(filter(is_file, (folder / "pygent.toml", folder / "pyproject.toml")), None)
    if path is None:
        return {}

    try:
        table = read_table(path)
    except SettingsError as error:
        if path.name != "pyproject.toml":
            raise

        warn(f"{error}; no settings are read from it")  # it is not ours, and to mend it may be the agent's task
        return {}

    given = from_file(path, table)
    if any(is_file(file) and file.samefile(path) for file in user_files()):
        return given

    ignored = [name for name in given if ROWS[name].trusted_only]
    if ignored:
        warn(
            f"ignored {', '.join(ignored)} in {path}: a project's own file may not set it; "
            f"if you trust this one: --config {path}"
        )
    return {name: found for name, found in given.items() if name not in ignored}


def from_file(path: Path, table: Mapping[str, object]) -> dict[str, Given]:
    """What a file that is trusted says."""
    keys = {key: row.name for row in TABLE for key in (row.name, *row.aliases)}
    given: dict[str, Given] = {}
    for key, value in table.items():
        if key not in keys:
            raise SettingsError(f"{path}: there is no setting {key!r}{_did_you_mean(key, keys)}")

        if keys[key] in given:
            raise SettingsError(f"{path}: {key!r} says the same as {keys[key]!r}; keep one of them")

        given[keys[key]] = Given(str(path), f"{path}: {key}", value)
    return given


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=256)  # once a process is enough: a program may make a thousand agents
def warn(text: str) -> None:
    """Tell the user, once."""
    _log.warning("%s", text)
