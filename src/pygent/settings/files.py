"""The files that settings are read from: where they may be, and how one is read."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ..errors import SettingsError

StrPath: TypeAlias = str | os.PathLike[str]

_MAX_FILE_BYTES = 1 << 20


def user_files() -> list[Path]:
    """Where a user's own file may be, the first wins; never a relative path, which would be the project's."""
    from platformdirs import user_config_path

    files: list[Path] = []
    with suppress(RuntimeError):  # neither HOME nor an entry in passwd
        files.append(user_config_path("pygent") / "pygent.toml")
    with suppress(RuntimeError):
        files += [Path.home() / ".pygent.toml", Path.home() / "pygent.toml"]
    return [file for file in files if file.is_absolute()]


def is_file(path: Path) -> bool:
    """Whether there is a regular file that we may know of: a pipe or a device would never end."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a folder may not be read


def read_table(path: Path) -> Mapping[str, object]:
    """Read a file's settings: all of it, or `[tool.pygent]` of a `pyproject.toml`.

    Raises:
        SettingsError: the file does not tell; it says why.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: the settings cannot be read: {error.strerror}") from error

    if len(data) > _MAX_FILE_BYTES:
        raise SettingsError(f"{path}: it is larger than {_MAX_FILE_BYTES} bytes, which no file of settings is")

    try:
        table: object = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: it is not valid TOML: {error}") from error

    for name in ("tool", "pygent") if path.name == "pyproject.toml" else ():
        table = table.get(name, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: tool.pygent must be a table")

    return table
