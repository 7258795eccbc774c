"""`Settings`: the choices that a user makes outside of code, read once at the door and passed inward.

One table names them all. A value comes from the first that has it: flag, environment, project file, user file,
default. `os.environ` is read here alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ..persona import Persona
from ..providers import PROVIDERS, Provider
from .files import StrPath, is_file, read_table, user_files
from .sources import Given, from_environ, from_file, from_flags, from_project, provider_keys, provider_servers, warn
from .table import LATER, ROWS, TABLE, SettingRow
from .values import OnTimeout, SandboxMode, Secret, ToolMode, as_secret

__all__ = ["OnTimeout", "SandboxMode", "Secret", "SettingRow", "Settings", "ToolMode", "settings_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice that is not made in code; `settings_table()` describes each.

    Beside them it carries what the environment says of the known servers: `provider_keys`, and `provider_servers`, by
    the names of `pygent.providers`.

    Make it with `from_env()` or `load()`, or by hand; `dataclasses.replace` changes one. What it is given is parsed, so
    a key in plain text becomes a `Secret`, and a value that is not allowed is a `SettingsError` at once.
    """

    model: str = "gpt-4.1-mini"
    api_key: Secret | None = None
    base_url: str | None = None
    organization: str | None = None
    project: str | None = None
    local_servers: tuple[str, ...] | None = None
    tool_mode: ToolMode = "auto"
    persona_name: str = "Pygent"
    persona: str = "a coding assistant."
    use_docker: bool | None = None
    sandbox: SandboxMode = "none"
    sandbox_network: bool = False
    sandbox_readable: tuple[str, ...] = ()
    on_timeout: OnTimeout = "kill"
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
    provider_keys: Mapping[str, Secret] = field(default_factory=dict, hash=False)
    provider_servers: Mapping[str, str] = field(default_factory=dict, hash=False)
    _loaded: Mapping[str, tuple[str, object]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for row in _TABLE:
            value = getattr(self, row.name)
            if value is not row.default:
                object.__setattr__(self, row.name, row.read(value, f"Settings: {row.name}"))
        object.__setattr__(self, "provider_keys", {name: as_secret(key) for name, key in self.provider_keys.items()})

    @property
    def main_persona(self) -> Persona:
        """Who the agent is, unless its program says otherwise."""
        return Persona(self.persona_name, self.persona)

    def key_of(self, provider: Provider) -> Secret | None:
        """Return the key that the environment has for a known server.

        Raises:
            SettingsError: no header can hold it.
        """
        if provider.name == "openai":
            return self.api_key

        key = self.provider_keys.get(provider.name)
        return key and cast("Secret", ROWS["api_key"].read(key, provider.key_env))

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """Every key, by the name of its variable: what must not be seen in what a tool prints."""
        keys = {"OPENAI_API_KEY": self.api_key} if self.api_key else {}
        return keys | {PROVIDERS[name].key_env: key for name, key in self.provider_keys.items()}

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
        return cls._of({}, os.environ if environ is None else environ, {})

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
        given: dict[str, Given] = {}
        for path in reversed(user_files()):
            if is_file(path):
                given |= from_file(path, read_table(path))
        given |= from_project(cwd) if config is None else from_file(Path(config), read_table(Path(config)))
        return cls._of(given, os.environ if environ is None else environ, overrides or {})

    @classmethod
    def _of(cls, files: Mapping[str, Given], environ: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
        given = {**files, **from_environ(environ), **from_flags(flags)}
        values: dict[str, Any] = {name: ROWS[name].read(value, label) for name, (_, label, value) in given.items()}
        idle = [given[name].label for name in given if ROWS[name].note]
        if idle:
            warn(f"{LATER}: {', '.join(idle)}")
        return cls(
            **values,
            provider_keys=provider_keys(environ),
            provider_servers=provider_servers(environ),
            _loaded={name: (given[name].source, value) for name, value in values.items()},
        )


_TABLE = tuple(replace(row, default=Settings.__dataclass_fields__[row.name].default) for row in TABLE)


def settings_table() -> list[SettingRow]:
    """Return every setting, in the order of the documentation."""
    return list(_TABLE)
