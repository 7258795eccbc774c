"""Settings from files: which are read, which are trusted, and what a broken one leads to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pygent import Persona, Settings, SettingsError
from pygent.settings import Secret, settings_table

KEY = "sk-sentinel-7f3a"

Warnings: TypeAlias = Callable[[], list[str]]

TRUSTED_ONLY = {
    "api_key": KEY,
    "base_url": "https://evil.example/v1",
    "organization": "org-1",
    "project": "proj_1",
    "local_servers": ["http://evil.example/v1"],
    "use_docker": False,
    "sandbox": "none",
    "sandbox_network": True,
    "sandbox_readable": ["/etc"],
    "confirm_bash": False,
    "init_files": ["/etc/passwd"],
    "log_file": "/etc/passwd",
    "history_file": "/etc/passwd",
    "workspace": "/",
}


def toml(**values: object) -> str:
    """Write values down; what the tests use of JSON is TOML, too."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def test_project_file_sets_what_is_harmless(project: Path, warnings: Warnings) -> None:
    """Model, persona and the like may come with the project."""
    file = project / "pygent.toml"
    file.write_text(toml(model="gpt-5", persona_name="Ada", persona="a reviewer.", image="alpine", step_timeout=5))

    settings = Settings.load(cwd=project, environ={})

    assert (settings.model, settings.main_persona) == ("gpt-5", Persona("Ada", "a reviewer."))
    assert (settings.image, settings.step_timeout, settings.sources["image"]) == ("alpine", 5.0, str(file))
    assert warnings() == [f"no effect in this version yet: {file}: image, {file}: step_timeout"]


@pytest.mark.parametrize("name", TRUSTED_ONLY)
def test_project_file_is_not_trusted(
    name: str, project: Path, warnings: Warnings, caplog: pytest.LogCaptureFixture
) -> None:
    """What a stranger's repository could harm with is ignored, with one warning that names key, file and remedy."""
    file = project / "pygent.toml"
    file.write_text(toml(model="gpt-5", **{name: TRUSTED_ONLY[name]}))

    settings = Settings.load(cwd=project, environ={})

    assert (settings.model, settings.sources[name]) == ("gpt-5", "default")
    assert warnings() == [
        f"ignored {name} in {file}: a project's own file may not set it; if you trust this one: --config {file}"
    ]
    assert KEY not in caplog.text


def test_every_key_is_decided() -> None:
    """The table of the test above holds exactly the keys that only a trusted file may set."""
    assert set(TRUSTED_ONLY) == {row.name for row in settings_table() if row.trusted_only}


def test_named_file_is_trusted(project: Path, warnings: Warnings) -> None:
    """`config` names a file that the user trusts: all of it counts, in place of the project file."""
    (project / "pygent.toml").write_text(toml(persona_name="Bob"))
    file = project / "trusted.toml"
    file.write_text(toml(**TRUSTED_ONLY))

    settings = Settings.load(config=file, cwd=project, environ={})

    assert (settings.api_key, settings.base_url) == (Secret(KEY), "https://evil.example/v1")
    assert (settings.use_docker, settings.init_files) == (False, ("/etc/passwd",))
    assert settings.persona_name == "Pygent"
    assert warnings() == []


@pytest.mark.parametrize("name", [".config/pygent/pygent.toml", ".pygent.toml", "pygent.toml"])
def test_user_file_is_trusted(name: str, home: Path, project: Path) -> None:
    """The user's own file, in each place where it may be, sets everything."""
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(toml(**TRUSTED_ONLY))

    settings = Settings.load(cwd=project, environ={})

    assert (settings.workspace, settings.sources["workspace"]) == ("/", str(file))


def test_user_files_add_up(home: Path, project: Path) -> None:
    """Of two user files the one in the configuration folder wins, and the other adds to it."""
    (home / ".config/pygent").mkdir(parents=True)
    (home / ".config/pygent/pygent.toml").write_text(toml(model="a"))
    (home / ".pygent.toml").write_text(toml(model="b", persona_name="Ada"))

    settings = Settings.load(cwd=project, environ={})

    assert (settings.model, settings.persona_name) == ("a", "Ada")


def test_home_as_project(home: Path, warnings: Warnings) -> None:
    """In the home folder the project file is the user's own, and trusted."""
    (home / "pygent.toml").write_text(toml(workspace="/srv"))

    assert Settings.load(cwd=home, environ={}).workspace == "/srv"
    assert warnings() == []


def test_pyproject(project: Path) -> None:
    """Without a `pygent.toml` the table `[tool.pygent]` counts; named as the `config` it does, too."""
    file = project / "pyproject.toml"
    file.write_text('[project]\nname = "x"\n[tool.pygent]\nmodel = "gpt-5"\nuse_docker = false\n')

    assert Settings.load(cwd=project, environ={}).model == "gpt-5"
    assert Settings.load(config=file, cwd=project, environ={}).use_docker is False

    (project / "pygent.toml").write_text('persona_name = "Ada"\n')
    assert Settings.load(cwd=project, environ={}).model == Settings().model


def test_pyproject_of_others(project: Path) -> None:
    """A `pyproject.toml` that says nothing of Pygent says nothing."""
    (project / "pyproject.toml").write_text('[project]\nname = "x"\n')

    assert Settings.load(cwd=project, environ={}) == Settings()


def test_broken_pyproject_is_no_obstacle(project: Path, warnings: Warnings) -> None:
    """A `pyproject.toml` that cannot be read may be what the agent is asked to mend: a warning, no error."""
    (project / "pyproject.toml").write_text("[project\n")

    assert Settings.load(cwd=project, environ={}) == Settings()
    assert re.search(r"pyproject\.toml: it is not valid TOML: .*line 1.*no settings are read", warnings()[0])


def test_names_of_the_original(home: Path, project: Path) -> None:
    """`initial_files` and `[[task_personas]]` are read as the original Pygent did."""
    (home / ".pygent.toml").write_text(
        'initial_files = ["a.py", "b.py"]\n[[task_personas]]\nname = "Ada"\ndescription = "tests."\n'
    )

    settings = Settings.load(cwd=project, environ={})

    assert settings.init_files == ("a.py", "b.py")
    assert settings.task_personas == (Persona("Ada", "tests."),)


BAD_FILES = [
    ("model = \n", "not valid TOML.*line 1"),
    ('model = "a"\nmodel = "b"\n', "not valid TOML.*line 2"),
    ("x = " + "[" * 100_000, "not valid TOML"),
    ("#" * (1 << 20) + "\n", "larger than"),
    ('modell = "gpt-5"\n', "no setting 'modell'; did you mean 'model'"),
    ("_loaded = 1\n", "no setting '_loaded'"),
    ("model = 3\n", "model is 3; it must be a text"),
    ('model = ""\n', "model is ''; it must be a text"),
    ('use_docker = "maybe"\n', "use_docker is 'maybe'; allowed are"),
    ("max_tasks = true\n", "max_tasks is True"),
    ("step_timeout = false\n", "step_timeout is False"),
    ("task_timeout = inf\n", "task_timeout is inf"),
    ("init_files = [1]\n", "must be a path"),
    ("init_files = 1\n", "list of paths"),
    ("task_personas = [1]\n", "must have a name"),
    ('init_files = ["a"]\ninitial_files = ["b"]\n', "says the same as 'init_files'"),
]


@pytest.mark.parametrize(("text", "told"), BAD_FILES, ids=[text[:25] for text, _ in BAD_FILES])
def test_bad_file(text: str, told: str, project: Path) -> None:
    """A file that cannot be understood is an error, never the defaults; it names file and place."""
    file = project / "named.toml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=f"{re.escape(str(file))}: .*{told}") as error:
        Settings.load(config=file, cwd=project, environ={})

    assert len(str(error.value)) < 500


def test_bad_key_is_not_shown(project: Path) -> None:
    """A key that is not allowed is not shown by the error."""
    file = project / "named.toml"
    file.write_text(toml(api_key=[KEY]))

    with pytest.raises(SettingsError, match=r"api_key is \*\*\*") as error:
        Settings.load(config=file, cwd=project, environ={})

    assert KEY not in str(error.value)


@pytest.mark.parametrize("name", ["missing.toml", ".", "latin1.toml", "pyproject.toml"])
def test_named_file_must_be_readable(name: str, project: Path) -> None:
    """A file that the user names and that cannot be read is an error."""
    (project / "latin1.toml").write_bytes(b'persona_name = "\xe9"')
    (project / "pyproject.toml").write_text("[tool]\npygent = 1\n")

    with pytest.raises(SettingsError, match=re.escape(f"{project / name}: ")):
        Settings.load(config=project / name, cwd=project, environ={})


def test_broken_project_file_is_an_error(project: Path) -> None:
    """The project's `pygent.toml` is ours: a broken one is told, not passed over."""
    (project / "pygent.toml").write_text("model = \n")

    with pytest.raises(SettingsError, match="not valid TOML"):
        Settings.load(cwd=project, environ={})


def test_pipe_is_not_waited_for(project: Path) -> None:
    """A `pygent.toml` that is no regular file is passed over: a pipe would never end."""
    os.mkfifo(project / "pygent.toml")

    assert Settings.load(cwd=project, environ={}) == Settings()


NO_HOME = """
import os, pwd
from pathlib import Path
from pygent import Settings

def nobody(uid):
    raise KeyError(uid)

pwd.getpwuid = nobody
Path("~/.config/pygent").mkdir(parents=True)
Path("~/.config/pygent/pygent.toml").write_text('workspace = "/trap"')
print(Settings.load().workspace)
"""

DELETED_FOLDER = """
import os
from pygent import Settings
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
print(Settings.load().workspace)
"""


@pytest.mark.parametrize("program", [NO_HOME, DELETED_FOLDER], ids=["no home", "deleted folder"])
def test_strange_surroundings(program: str, tmp_path: Path) -> None:
    """It works without HOME and an entry in passwd, where a folder named `~` is no home, and in a deleted folder."""
    environ = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CONFIG_HOME")}

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )

    assert (run.stdout, run.stderr) == ("None\n", "")
