"""`Settings`: the choices that a user makes outside of code, read once at the door and passed inward.

One table, `_TABLE`, names them all; variables, file keys, error texts and documentation follow from it. A value comes
from the first that has it: flag, environment, project file, user file, default. `os.environ` is read here alone.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SettingsError
from ..persona import Persona
from .files import StrPath, is_file, read_table, user_files
from .values import (
    Secret,
    parse_count,
    parse_path,
    parse_paths,
    parse_personas,
    parse_seconds,
    parse_secret,
    parse_switch,
    parse_text,
    parse_token,
    parse_url,
)

_log = logging.getLogger("pygent.settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice that is not made in code; `settings_table()` describes each.

    Make it with `from_env()` or `load()`, or by hand; `dataclasses.replace` changes one. What it is given is parsed, so
    a key in plain text becomes a `Secret`, and a value that is not allowed is a `SettingsError` at once.
    """

    model: str = "gpt-4.1-mini"
    api_key: Secret | None = None
    base_url: str | None = None
    organization: str | None = None
    project: str | None = None
    persona_name: str = "Pygent"
    persona: str = "a coding assistant."
    use_docker: bool | None = None
    image: str = "python:3.12-slim"
    workspace: str | None = None
    init_files: tuple[str, ...] = ()
    log_file: str | None = None
    history_file: str | None = None
    confirm_bash: bool | None = None
    max_tasks: int = 3
    step_timeout: float | None = None
    task_timeout: float | None = None
    task_personas: tuple[Persona, ...] = ()
    _loaded: Mapping[str, tuple[str, object]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for row in _TABLE:
            value = getattr(self, row.name)
            if value is not row.default:
                object.__setattr__(self, row.name, row.read(value, f"Settings: {row.name}"))

    @property
    def main_persona(self) -> Persona:
        """Who the agent is, unless its program says otherwise."""
        return Persona(self.persona_name, self.persona)

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each value came from: `default`, `PYGENT_MODEL`, `/path/pygent.toml`, `--model`, or `code`."""
        return {row.name: self._source(row) for row in _TABLE}

    def _source(self, row: SettingRow) -> str:
        value = getattr(self, row.name)
        source, loaded = self._loaded.get(row.name, ("default", row.default))
        return source if value == loaded else "code"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, and no file: safe on an event loop.

        Raises:
            SettingsError: a variable holds a value that is not allowed, or asks for what this version cannot do.
        """
        return cls._of(_from_environ(os.environ if environ is None else environ))

    @classmethod
    def load(
        cls,
        *,
        config: StrPath | None = None,
        cwd: StrPath | None = None,
        overrides: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """Read flags, environment and files; what stands first wins.

        The project file is `pygent.toml` in `cwd`, or else `[tool.pygent]` of its `pyproject.toml`. It came with the
        project and is not trusted: what could send the key elsewhere, weaken the sandbox or touch other files is
        ignored, with a warning. The user files are `pygent.toml` in the platform's configuration folder, `.pygent.toml`
        and `pygent.toml` in the home folder, in this order.

        Args:
            config: a file that is trusted and read in place of the project file.
            cwd: the project's folder; by default the current one.
            overrides: what flags said, by the names of the fields; None stands for a flag that was not given.
            environ: the variables; by default the process's own.

        Raises:
            SettingsError: a value is not allowed, a key unknown, or a file unreadable; it says which and where.
        """
        given: dict[str, _Given] = {}
        for path in reversed(user_files()):
            if is_file(path):
                given |= _from_file(path, read_table(path))
        given |= _from_project(cwd) if config is None else _from_file(Path(config), read_table(Path(config)))
        given |= _from_environ(os.environ if environ is None else environ)
        given |= _from_flags(overrides or {})
        return cls._of(given)

    @classmethod
    def _of(cls, given: Mapping[str, _Given]) -> Settings:
        values: dict[str, Any] = {name: _ROWS[name].read(value, label) for name, (_, label, value) in given.items()}
        idle = [given[name].label for name in given if _ROWS[name].note]
        if idle:
            _warn(f"{_LATER}: {', '.join(idle)}")
        return cls(**values, _loaded={name: (given[name].source, value) for name, value in values.items()})


# ── The table ───────────────────────────────────────────────────────────────────────────────────────────────────────

_LATER = "no effect in this version yet"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting.

    Attributes:
        name: the field of `Settings`, and the key in a file.
        env: the variables that set it, the first that is not empty wins; one that ends in `_JSON` holds JSON.
        parse: makes the value; a ValueError says what is allowed.
        description: what it is, for the documentation.
        aliases: other keys for it in a file.
        flag: the command's name for it.
        trusted_only: whether a file of the project may not set it.
        note: what to know about it in this version; empty: nothing.
    """

    name: str
    env: tuple[str, ...]
    parse: Callable[[object], object]
    description: str
    aliases: tuple[str, ...] = ()
    flag: str = ""
    trusted_only: bool = False
    note: str = ""

    @property
    def default(self) -> object:
        """The value when nobody gives one."""
        default: object = Settings.__dataclass_fields__[self.name].default
        return default

    def read(self, value: object, label: str) -> object:
        """Parse a value that was found at `label`, or raise the SettingsError that tells the user."""
        try:
            return self.parse(value)
        except ValueError as error:
            shown = "***" if self.parse is parse_secret else re.sub("//.*@", "//***@", repr(value))
            raise SettingsError(f"{label} is {shown:.200}; {error}") from None


_TABLE = (
    SettingRow("model", ("PYGENT_MODEL",), parse_text, "The model's name."),
    SettingRow("api_key", ("OPENAI_API_KEY",), parse_secret, "The key for the model's server.", trusted_only=True),
    SettingRow(
        "base_url",
        ("OPENAI_BASE_URL",),
        parse_url,
        "An OpenAI-compatible server; OpenAI's own if not set.",
        trusted_only=True,
    ),
    SettingRow(
        "organization",
        ("OPENAI_ORG_ID",),
        parse_token,
        "The organization that pays, if a key has several.",
        trusted_only=True,
    ),
    SettingRow(
        "project",
        ("OPENAI_PROJECT_ID",),
        parse_token,
        "The project that pays, if a key has several.",
        trusted_only=True,
    ),
    SettingRow("persona_name", ("PYGENT_PERSONA_NAME",), parse_text, "What the agent calls itself."),
    SettingRow("persona", ("PYGENT_PERSONA",), parse_text, "What the agent is: the end of “You are Pygent, …”."),
    SettingRow(
        "use_docker",
        ("PYGENT_USE_DOCKER",),
        parse_switch,
        "Whether commands run in a container: yes, no, or auto: if Docker is there.",
        flag="--docker",
        trusted_only=True,
    ),
    SettingRow("image", ("PYGENT_IMAGE",), parse_text, "The container's image.", note=_LATER),
    SettingRow(
        "workspace",
        ("PYGENT_WORKSPACE",),
        parse_path,
        "The folder to work in; a temporary one if not set.",
        trusted_only=True,
    ),
    SettingRow(
        "init_files",
        ("PYGENT_INIT_FILES",),
        parse_paths,
        f"Files and folders to copy into the workspace; in the variable with {os.pathsep!r} between them.",
        aliases=("initial_files",),
        trusted_only=True,
    ),
    SettingRow("log_file", ("PYGENT_LOG_FILE",), parse_path, "Where the command writes its log.", trusted_only=True),
    SettingRow(
        "history_file", ("PYGENT_HISTORY_FILE",), parse_path, "Where the conversation is kept.", trusted_only=True
    ),
    SettingRow(
        "confirm_bash",
        ("PYGENT_CONFIRM_BASH",),
        parse_switch,
        "Whether the command asks before each shell command: yes, no, or auto: if it runs on the host.",
        flag="--yes",
        trusted_only=True,
    ),
    SettingRow(
        "max_tasks", ("PYGENT_MAX_TASKS",), parse_count, "How many delegated tasks may run at once.", note=_LATER
    ),
    SettingRow(
        "step_timeout", ("PYGENT_STEP_TIMEOUT",), parse_seconds, "Seconds for a step of a delegated task.", note=_LATER
    ),
    SettingRow("task_timeout", ("PYGENT_TASK_TIMEOUT",), parse_seconds, "Seconds for a delegated task.", note=_LATER),
    SettingRow(
        "task_personas",
        ("PYGENT_TASK_PERSONAS_JSON", "PYGENT_TASK_PERSONAS"),
        parse_personas,
        f"Who tasks may be delegated to: names with {os.pathsep!r} between them; "
        "in JSON and TOML a list of tables with `name` and `description`.",
        note=_LATER,
    ),
)

_ROWS = {row.name: row for row in _TABLE}

_REFUSED = ("PYGENT_BANNED_COMMANDS", "PYGENT_BANNED_APPS")
"""Safety settings of the original: to run without what they ask for would be unsafe, so they are an error."""


def settings_table() -> list[SettingRow]:
    """Return every setting, in the order of the documentation."""
    return list(_TABLE)


# ── Where values come from ──────────────────────────────────────────────────────────────────────────────────────────


class _Given(NamedTuple):
    source: str
    label: str  # the source in an error's words
    value: object


def _from_environ(environ: Mapping[str, str]) -> dict[str, _Given]:
    """What the variables say; an empty one is as good as none."""
    for name in _REFUSED:
        if environ.get(name):
            raise SettingsError(
                f"{name} is not supported in this version and would leave commands unbanned; "
                "unset it, and approve commands instead: PYGENT_CONFIRM_BASH=1, or an approver"
            )

    if environ.get("PYGENT_SNAPSHOT"):
        _warn(f"{_LATER}: PYGENT_SNAPSHOT")
    given = {}
    for row in _TABLE:
        for name in row.env:
            if text := environ.get(name):
                given[row.name] = _Given(name, name, _decoded(name, text) if name.endswith("_JSON") else text)
                break
    return given


def _decoded(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{name} is not valid JSON: {error}") from error


def _from_flags(overrides: Mapping[str, object]) -> dict[str, _Given]:
    given = {}
    for name, value in overrides.items():
        if name not in _ROWS:
            raise SettingsError(f"there is no setting {name!r}{_did_you_mean(name, _ROWS)}")

        if value is not None:
            flag = _ROWS[name].flag or f"--{name.replace('_', '-')}"
            given[name] = _Given(flag, flag, value)
    return given


def _from_project(cwd: StrPath | None) -> dict[str, _Given]:
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

        _warn(f"{error}; no settings are read from it")  # it is not ours, and to mend it may be the agent's task
        return {}

    given = _from_file(path, table)
    if any(is_file(file) and file.samefile(path) for file in user_files()):
        return given

    ignored = [name for name in given if _ROWS[name].trusted_only]
    if ignored:
        _warn(
            f"ignored {', '.join(ignored)} in {path}: a project's own file may not set it; "
            f"if you trust this one: --config {path}"
        )
    return {name: found for name, found in given.items() if name not in ignored}


def _from_file(path: Path, table: Mapping[str, object]) -> dict[str, _Given]:
    keys = {key: row.name for row in _TABLE for key in (row.name, *row.aliases)}
    given: dict[str, _Given] = {}
    for key, value in table.items():
        if key not in keys:
            raise SettingsError(f"{path}: there is no setting {key!r}{_did_you_mean(key, keys)}")

        if keys[key] in given:
            raise SettingsError(f"{path}: {key!r} says the same as {keys[key]!r}; keep one of them")

        given[keys[key]] = _Given(str(path), f"{path}: {key}", value)
    return given


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@lru_cache(maxsize=256)  # once a process is enough: a program may make a thousand agents
def _warn(text: str) -> None:
    _log.warning("%s", text)
