"""The words of the command line: version, help, and what is said about wrong usage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .support import PYGENT, environment, pygent

THIRD_PARTY = ["aiohttp", "anyio", "asyncio", "click", "httpx", "msgspec", "prompt_toolkit", "rich"]


def test_version_comes_before_everything_else(tmp_path: Path) -> None:
    """`pygent --version` loads nothing that is not Python's, so scripts may ask for it."""
    program = (
        "import sys; sys.argv = ['pygent', '--version']; from pygent.__main__ import main; main(); "
        f"print(sorted(set(sys.modules) & set({THIRD_PARTY!r})))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment(tmp_path)
    ).stdout

    assert printed == "pygent 0.1.0\n[]\n"


def test_help_loads_neither_the_agent_nor_the_terminal(tmp_path: Path) -> None:
    """`--help` is quick: it needs click alone."""
    program = (
        "import sys; sys.argv = ['pygent', 'run', '--help']; from pygent.__main__ import main; main(); "
        f"print(sorted(set(sys.modules) & set({THIRD_PARTY!r})))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment(tmp_path)
    ).stdout

    assert printed.endswith("['click']\n")


def test_alone_it_helps(tmp_path: Path) -> None:
    """Without arguments the command says what it can do, with examples, and that is no failure."""
    run = pygent(cwd=tmp_path)

    assert run.returncode == 0
    assert "\n    pygent demo   " in run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["run", "--help"], ["demo", "-h"], ["config", "show", "-h"], ["models", "-h"]]
)
def test_help(arguments: list[str], tmp_path: Path) -> None:
    """Every command explains itself."""
    run = pygent(*arguments, cwd=tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("Usage: pygent ")
    assert "\b" not in run.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["--version"], ["config", "show"], ["demo", "--fast"], ["models", "--providers"]],
    ids=" ".join,
)
def test_full_disk(arguments: list[str], unbuffered: str, tmp_path: Path) -> None:
    """Output that cannot be written is told in one line, and is a failure."""
    env = environment(tmp_path, PYTHONUNBUFFERED=unbuffered)
    with open("/dev/full", "wb") as full:
        run = subprocess.run([*PYGENT, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=env, timeout=30)

    assert run.stderr == "pygent: standard output cannot be written to: No space left on device\n"
    assert run.returncode == 1


WRONG = {
    "a prompt without run": (["fix it"], 'pygent run "fix it"'),
    "a prompt with control codes": (["\x1b[2J"], "\\x1b[2J"),
    "no such option": (["run", "--nope", "x"], "No such option"),
    "negative timeout": (["run", "--timeout=-1", "x"], "not a number of seconds"),
    "infinite timeout": (["run", "--timeout", "inf", "x"], "not a number of seconds"),
    "no number": (["run", "--timeout", "nan", "x"], "not a number of seconds"),
    "no steps": (["run", "--max-steps", "0", "x"], "x>=1"),
    "no such folder": (["run", "-w", "missing", "x"], "does not exist"),
    "no such file": (["run", "-c", "missing", "x"], "does not exist"),
    "two workspaces": (["run", "--cwd", "--ephemeral", "x"], "exclude each other"),
    "two opinions": (["run", "--yes", "--confirm-bash", "x"], "exclude each other"),
    "a variable without a name": (["run", "-e", "sk-secret", "x"], "NAME=value"),
    "a bad setting": (["run", "-e", "PYGENT_USE_DOCKER=maybe", "x"], "PYGENT_USE_DOCKER is 'maybe'"),
    "a bad address": (["run", "-e", "OPENAI_BASE_URL=localhost", "x"], "OPENAI_BASE_URL"),
    "a log file that cannot be": (["run", "-e", "PYGENT_LOG_FILE=/proc/no/log", "x"], "/proc/no/log"),
    "nothing to do": (["run"], "say what should be done"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path) -> None:
    """What is wrong is told on standard error, and the status is 2; nothing was asked of any model."""
    run = pygent(*arguments, cwd=tmp_path, base_url="http://127.0.0.1:9/v1")

    assert run.returncode == 2
    assert told in run.stderr
    assert run.stdout == ""
    assert "sk-secret" not in run.stderr


def test_settings_are_shown_with_their_sources_and_without_keys(tmp_path: Path) -> None:
    """`config show --sources` answers where a value comes from; a key stays secret."""
    (tmp_path / "pygent.toml").write_text('model = "from-the-project"\n')

    run = pygent("config", "show", "--sources", cwd=tmp_path, base_url="http://localhost:1/v1")

    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in run.stdout.splitlines()}
    assert shown["model"] == f"from-the-project  ({tmp_path}/pygent.toml)"
    assert shown["api_key"] == "***  (OPENAI_API_KEY)"
    assert shown["use_docker"] == "not set  (default)"
    assert run.returncode == 0


def test_bad_settings_are_told(tmp_path: Path) -> None:
    """`config show` says what is wrong with a file, and where."""
    (tmp_path / "pygent.toml").write_text("nonsense = 1\n")

    run = pygent("config", "show", cwd=tmp_path)

    assert (run.returncode, run.stdout) == (2, "")
    assert "there is no setting 'nonsense'" in run.stderr
