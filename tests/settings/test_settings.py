"""Settings: where values come from, what is allowed, and what stays secret."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from pygent import Persona, Settings, SettingsError
from pygent.settings import Secret, SettingRow, settings_table

KEY = "sk-sentinel-7f3a"

SEP = os.pathsep

Warnings: TypeAlias = Callable[[], list[str]]


VARIABLES: list[tuple[str, str, str, object]] = [
    ("PYGENT_MODEL", "gpt-5", "model", "gpt-5"),
    ("PYGENT_MODEL", " gpt-5\n", "model", "gpt-5"),
    ("OPENAI_API_KEY", f"{KEY}\n", "api_key", Secret(KEY)),
    ("OPENAI_BASE_URL", "http://localhost:11434/v1", "base_url", "http://localhost:11434/v1"),
    ("OPENAI_ORG_ID", "org-1", "organization", "org-1"),
    ("OPENAI_PROJECT_ID", "proj_1", "project", "proj_1"),
    ("PYGENT_LOCAL_SERVERS", "http://a/v1  http://b", "local_servers", ("http://a/v1", "http://b")),
    ("PYGENT_LOCAL_SERVERS", "none", "local_servers", ()),
    *[("PYGENT_TOOL_MODE", text, "tool_mode", text) for text in ("auto", "native", "json")],
    *[("PYGENT_SANDBOX", text, "sandbox", text) for text in ("none", "auto", "bwrap")],
    *[("PYGENT_ON_TIMEOUT", text, "on_timeout", text) for text in ("kill", "background")],
    ("PYGENT_SANDBOX_NETWORK", "yes", "sandbox_network", True),
    ("PYGENT_SANDBOX_READABLE", "/opt/a:/opt/b", "sandbox_readable", ("/opt/a", "/opt/b")),
    ("PYGENT_PERSONA_NAME", "Ada", "persona_name", "Ada"),
    ("PYGENT_PERSONA", "a careful reviewer.", "persona", "a careful reviewer."),
    *[("PYGENT_USE_DOCKER", text, "use_docker", True) for text in ("1", "true", "YES", "On")],
    *[("PYGENT_USE_DOCKER", text, "use_docker", False) for text in ("0", "false", "no", "OFF")],
    ("PYGENT_USE_DOCKER", "auto", "use_docker", None),
    ("PYGENT_IMAGE", "alpine", "image", "alpine"),
    ("PYGENT_WORKSPACE", "/srv/work", "workspace", "/srv/work"),
    ("PYGENT_INIT_FILES", f"a.py{SEP}{SEP}b.py", "init_files", ("a.py", "b.py")),
    ("PYGENT_LOG_FILE", "pygent.log", "log_file", "pygent.log"),
    ("PYGENT_HISTORY_FILE", "history.json", "history_file", "history.json"),
    ("PYGENT_CONFIRM_BASH", "0", "confirm_bash", False),
    ("PYGENT_MAX_TASKS", "0", "max_tasks", 0),
    ("PYGENT_STEP_TIMEOUT", "1.5", "step_timeout", 1.5),
    ("PYGENT_TASK_TIMEOUT", "60", "task_timeout", 60.0),
    ("PYGENT_TASK_PERSONAS", f"Ada{SEP}Bob", "task_personas", (Persona("Ada"), Persona("Bob"))),
    (
        "PYGENT_TASK_PERSONAS_JSON",
        '[{"name": "Ada", "description": "tests."}, {"name": "Bob"}]',
        "task_personas",
        (Persona("Ada", "tests."), Persona("Bob")),
    ),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), VARIABLES, ids=[f"{row[0]}={row[1]}" for row in VARIABLES])
def test_variable(name: str, text: str, field: str, value: object) -> None:
    """Each variable sets its field, and the settings know that it did."""
    settings = Settings.from_env({name: text})

    assert getattr(settings, field) == value
    assert settings.sources[field] == name


def test_every_variable_is_tested() -> None:
    """The table above leaves no variable out."""
    assert {row[0] for row in VARIABLES} == {name for row in settings_table() for name in row.env}


@pytest.mark.parametrize("row", settings_table(), ids=lambda row: row.name)
def test_empty_variable_is_as_good_as_none(row: SettingRow) -> None:
    """An empty variable leaves the default."""
    settings = Settings.from_env(dict.fromkeys(row.env, ""))

    assert (getattr(settings, row.name), settings.sources[row.name]) == (row.default, "default")


def test_json_wins_over_names() -> None:
    """PYGENT_TASK_PERSONAS_JSON says more than PYGENT_TASK_PERSONAS, and wins."""
    settings = Settings.from_env({"PYGENT_TASK_PERSONAS": "Bob", "PYGENT_TASK_PERSONAS_JSON": '["Ada"]'})

    assert settings.task_personas == (Persona("Ada"),)


BAD_VARIABLES = [
    ("PYGENT_MODEL", "  ", "not empty"),
    ("PYGENT_MODEL", "gpt\udcff", "UTF-8"),
    ("PYGENT_PERSONA", "a\0b", "NUL"),
    ("OPENAI_BASE_URL", "localhost:8000", "http://"),
    ("OPENAI_BASE_URL", "https://", "name a host"),
    ("OPENAI_BASE_URL", "http://[::1", "IPv6"),
    ("OPENAI_ORG_ID", "org 1", "HTTP header"),
    ("PYGENT_LOCAL_SERVERS", " ", "or none"),
    ("PYGENT_LOCAL_SERVERS", "localhost:1", "http://"),
    ("PYGENT_TOOL_MODE", "text", "auto, native, json"),
    ("PYGENT_USE_DOCKER", "maybe", "yes, no and auto"),
    ("PYGENT_CONFIRM_BASH", "2", "yes, no and auto"),
    ("PYGENT_WORKSPACE", "a\0b", "path"),
    ("PYGENT_MAX_TASKS", "-1", "0 or more"),
    ("PYGENT_MAX_TASKS", "3.0", "0 or more"),
    ("PYGENT_MAX_TASKS", "many", "0 or more"),
    ("PYGENT_STEP_TIMEOUT", "0", "above 0"),
    ("PYGENT_STEP_TIMEOUT", "-1", "above 0"),
    ("PYGENT_TASK_TIMEOUT", "inf", "above 0"),
    ("PYGENT_TASK_TIMEOUT", "nan", "above 0"),
    ("PYGENT_TASK_TIMEOUT", "1 hour", "above 0"),
    ("PYGENT_TASK_PERSONAS_JSON", '[{"name": "Ada"}', "line 1 column 17"),
    ("PYGENT_TASK_PERSONAS_JSON", "[" * 100_000, "recursion"),
    ("PYGENT_TASK_PERSONAS_JSON", '{"name": "Ada"}', "list of personas"),
    ("PYGENT_TASK_PERSONAS_JSON", '[{"description": "tests."}]', "must have a name"),
    ("PYGENT_TASK_PERSONAS_JSON", '[{"name": "Ada", "model": "x"}]', "nothing else"),
    ("PYGENT_TASK_PERSONAS_JSON", '[{"name": ""}]', "not empty"),
]


@pytest.mark.parametrize(
    ("name", "text", "allowed"), BAD_VARIABLES, ids=[f"{name}={text[:20]!r}" for name, text, _ in BAD_VARIABLES]
)
def test_bad_variable(name: str, text: str, allowed: str) -> None:
    """A value that is not allowed is an error, never the default; it names the variable and what is allowed."""
    with pytest.raises(SettingsError) as error:
        Settings.from_env({name: text})

    assert name in str(error.value)
    assert allowed in str(error.value)
    assert len(str(error.value)) < 500


def test_bad_value_is_shown() -> None:
    """The error shows the value, so that it can be found."""
    with pytest.raises(SettingsError, match="PYGENT_USE_DOCKER is 'maybe'"):
        Settings.from_env({"PYGENT_USE_DOCKER": "maybe"})


@pytest.mark.parametrize("name", ["PYGENT_BANNED_COMMANDS", "PYGENT_BANNED_APPS"])
def test_safety_that_cannot_be_had_is_an_error(name: str) -> None:
    """A safety setting of the original that is not supported stops the program instead of being ignored."""
    with pytest.raises(SettingsError, match=f"{name} is not supported.*unset it.*approve"):
        Settings.from_env({name: "rm"})

    assert Settings.from_env({name: ""}) == Settings()


def test_settings_without_effect_are_told_once(warnings: Warnings) -> None:
    """What is set explicitly and does nothing yet is warned of, in one line, once a process."""
    environ = {"PYGENT_IMAGE": "alpine", "PYGENT_MAX_TASKS": "5", "PYGENT_MODEL": "gpt-5"}

    for _ in range(3):
        Settings.from_env(environ)

    assert warnings() == ["no effect in this version yet: PYGENT_IMAGE, PYGENT_MAX_TASKS"]


def test_snapshot_is_told(warnings: Warnings) -> None:
    """PYGENT_SNAPSHOT of the original does nothing, and the user hears it."""
    Settings.from_env({"PYGENT_SNAPSHOT": "x.json"})

    assert warnings() == ["no effect in this version yet: PYGENT_SNAPSHOT"]


async def test_environment_is_read_without_files() -> None:
    """`from_env` may be called on an event loop; without an argument it reads the process's environment."""
    assert isinstance(Settings.from_env(), Settings)


def test_precedence(project: Path, home: Path) -> None:
    """Flag, environment, project file, user file, default: the first that has a value wins, and is its source."""
    user, own = home / ".pygent.toml", project / "pygent.toml"
    user.write_text('model = "user"\npersona_name = "user"\npersona = "user"\nimage = "user"\n')
    own.write_text('model = "project"\npersona_name = "project"\npersona = "project"\n')
    environ = {"PYGENT_MODEL": "env", "PYGENT_PERSONA_NAME": "env"}

    settings = Settings.load(cwd=project, overrides={"model": "flag", "image": None}, environ=environ)

    assert (settings.model, settings.persona_name, settings.persona) == ("flag", "env", "project")
    assert (settings.image, settings.max_tasks) == ("user", 3)
    sources = settings.sources
    assert (sources["model"], sources["persona_name"], sources["persona"]) == (
        "--model",
        "PYGENT_PERSONA_NAME",
        str(own),
    )
    assert (sources["image"], sources["max_tasks"]) == (str(user), "default")


def test_main_persona() -> None:
    """Name and description make the persona."""
    settings = Settings.from_env({"PYGENT_PERSONA_NAME": "Ada", "PYGENT_PERSONA": "a reviewer."})

    assert settings.main_persona == Persona("Ada", "a reviewer.")


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"use_docker": "maybe"}, "--docker is 'maybe'"),
        ({"step_timeout": -1}, "--step-timeout is -1"),
        ({"modell": "x"}, "'modell'; did you mean 'model'"),
    ],
    ids=["value", "number", "name"],
)
def test_bad_flag(overrides: Mapping[str, object], told: str, project: Path) -> None:
    """A flag's bad value is told by the flag's name."""
    with pytest.raises(SettingsError, match=told):
        Settings.load(cwd=project, overrides=overrides, environ={})


def test_settings_made_by_hand() -> None:
    """Code may make settings; they are checked, and a key in plain text becomes a secret."""
    settings = Settings(api_key=KEY, workspace=Path("/srv"), init_files=["a.py"])  # type: ignore[arg-type] # that is it

    assert (settings.api_key, settings.workspace, settings.init_files) == (Secret(KEY), "/srv", ("a.py",))
    assert settings.sources["api_key"] == "code"
    with pytest.raises(SettingsError, match="Settings: max_tasks is True"):
        Settings(max_tasks=True)


def test_replace_keeps_true_sources() -> None:
    """`dataclasses.replace` changes a field; the settings know which came from code."""
    settings = dataclasses.replace(Settings.from_env({"PYGENT_MODEL": "a", "OPENAI_API_KEY": KEY}), model="b")

    assert (settings.sources["model"], settings.sources["api_key"]) == ("code", "OPENAI_API_KEY")
    with pytest.raises(SettingsError, match="model is ''"):
        dataclasses.replace(settings, model="")


def test_table_has_a_row_for_every_field() -> None:
    """A setting cannot be forgotten in the table, nor in the documentation made of it."""
    fields = [field.name for field in dataclasses.fields(Settings) if not field.name.startswith(("_", "provider_"))]

    assert [row.name for row in settings_table()] == fields
    assert all(row.description.endswith(".") for row in settings_table())


def test_secret_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """A key is in no text: not of the settings, not of an error, not of the log."""
    caplog.set_level(logging.DEBUG)
    settings = Settings.from_env({"OPENAI_API_KEY": KEY})
    secret = settings.api_key
    assert secret is not None
    with pytest.raises(SettingsError) as error:
        Settings.from_env({"OPENAI_API_KEY": f"{KEY} x"})
    with pytest.raises(SettingsError) as address_error:
        Settings.from_env({"OPENAI_BASE_URL": f"https://user:{KEY}@host/v1"})

    shown = [
        settings,
        settings.sources,
        secret,
        f"{secret}",
        error.value,
        address_error.value,
        error.getrepr(),
        caplog.text,
    ]
    assert KEY not in "".join(f"{thing} {thing!r}" for thing in shown)
    assert secret.reveal() == KEY
    assert (str(secret), repr(secret)) == ("***", "Secret('***')")


def test_secret_is_not_written() -> None:
    """A key is neither pickled nor encoded, alone or in the settings; it is copied and compared."""
    settings = Settings(api_key=Secret(KEY))
    for write in (pickle.dumps, json.dumps, msgspec.json.encode):
        for thing in (settings, Secret(KEY)):
            with pytest.raises(TypeError):
                write(thing)  # type: ignore[operator] # each takes one thing

    assert copy.deepcopy(settings) == settings
    assert {Secret(KEY), Secret(KEY)} == {copy.copy(Secret(KEY))}
    assert Secret(KEY) != KEY


def test_known_servers_are_read_from_their_own_variables() -> None:
    """Keys and places of the servers that are known by name; an empty variable is as good as none."""
    environ = {"GROQ_API_KEY": f" {KEY}\n", "XAI_API_KEY": " ", "OPENAI_API_KEY": "sk-1", "OLLAMA_HOST": "gpu:99"}

    settings = Settings.from_env({**environ, "AZURE_OPENAI_ENDPOINT": ""})

    assert settings.provider_keys == {"groq": Secret(KEY)}
    assert settings.provider_servers == {"ollama": "gpu:99"}
    assert Settings.from_env({}).provider_keys == {}


def test_keys_of_known_servers_stay_secret() -> None:
    """They are in no text, not written, copied and compared; a bad one does no harm until it is used."""
    settings = Settings(provider_keys={"groq": KEY, "xai": f"{KEY} x\ny"})  # type: ignore[dict-item] # plain text is taken

    assert KEY not in f"{settings} {settings!r} {settings.sources}"
    assert settings.provider_keys["groq"] == Secret(KEY)
    assert copy.deepcopy(settings) == settings
    assert settings != Settings()
    assert isinstance(hash(settings), int)
    for write in (pickle.dumps, msgspec.json.encode):
        with pytest.raises(TypeError):
            write(settings)


def test_flags_reach_the_known_servers(project: Path) -> None:
    """`load` reads their variables, too, and a change keeps them."""
    settings = Settings.load(cwd=project, environ={"GROQ_API_KEY": KEY})

    assert dataclasses.replace(settings, model="x").provider_keys == {"groq": Secret(KEY)}
