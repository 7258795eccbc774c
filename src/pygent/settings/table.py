"""`TABLE`: a row for every setting: the variables and keys that set it, what is allowed, and who may.

Error texts, the command line and the documentation follow from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from ..errors import SettingsError
from .values import (
    OnTimeout,
    SandboxMode,
    ToolMode,
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
    parse_urls,
    parse_word,
    parse_yes_or_no,
)

LATER = "no effect in this version yet"
"""What is said of a setting that is known and not used."""


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
        default: the value when nobody gives one; `Settings` knows it.
    """

    name: str
    env: tuple[str, ...]
    parse: Callable[[object], object]
    description: str
    aliases: tuple[str, ...] = ()
    flag: str = ""
    trusted_only: bool = False
    note: str = ""
    default: object = None

    def read(self, value: object, label: str) -> object:
        """Parse a value that was found at `label`, or raise the SettingsError that tells the user."""
        try:
            return self.parse(value)
        except ValueError as error:
            shown = "***" if self.parse is parse_secret else re.sub("//.*@", "//***@", repr(value))
            raise SettingsError(f"{label} is {shown:.200}; {error}") from None


TABLE = (
    SettingRow("model", ("PYGENT_MODEL",), parse_text, "The model's name, or `provider:model`."),
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
    SettingRow(
        "local_servers",
        ("PYGENT_LOCAL_SERVERS",),
        parse_urls,
        "Where the command looks for a server when none is set up: base URLs with spaces between them, or none; "
        "if not set, the usual ports of this machine.",
        trusted_only=True,
    ),
    SettingRow(
        "tool_mode",
        ("PYGENT_TOOL_MODE",),
        parse_word(*get_args(ToolMode)),
        "How tools are offered to the model: native, as the protocol has it; json, as a text to fill in; "
        "or auto: native, and json where that is refused.",
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
    SettingRow(
        "sandbox",
        ("PYGENT_SANDBOX",),
        parse_word(*get_args(SandboxMode)),
        "Whether commands on this machine run under bubblewrap: none, bwrap, or auto: if that works here.",
        trusted_only=True,
    ),
    SettingRow(
        "sandbox_network",
        ("PYGENT_SANDBOX_NETWORK",),
        parse_yes_or_no,
        "Whether commands in that sandbox have the network: yes or no.",
        trusted_only=True,
    ),
    SettingRow(
        "sandbox_readable",
        ("PYGENT_SANDBOX_READABLE",),
        parse_paths,
        f"Further files and folders that commands in that sandbox can read, with {os.pathsep!r} between them.",
        trusted_only=True,
    ),
    SettingRow(
        "on_timeout",
        ("PYGENT_ON_TIMEOUT",),
        parse_word(*get_args(OnTimeout)),
        "What happens to a shell command that is not done in time: kill, or background: it goes on as a job.",
    ),
    SettingRow("image", ("PYGENT_IMAGE",), parse_text, "The container's image.", note=LATER),
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
        "max_tasks", ("PYGENT_MAX_TASKS",), parse_count, "How many delegated tasks may run at once.", note=LATER
    ),
    SettingRow(
        "step_timeout", ("PYGENT_STEP_TIMEOUT",), parse_seconds, "Seconds for a step of a delegated task.", note=LATER
    ),
    SettingRow("task_timeout", ("PYGENT_TASK_TIMEOUT",), parse_seconds, "Seconds for a delegated task.", note=LATER),
    SettingRow(
        "task_personas",
        ("PYGENT_TASK_PERSONAS_JSON", "PYGENT_TASK_PERSONAS"),
        parse_personas,
        f"Who tasks may be delegated to: names with {os.pathsep!r} between them; "
        "in JSON and TOML a list of tables with `name` and `description`.",
        note=LATER,
    ),
)

ROWS = {row.name: row for row in TABLE}
