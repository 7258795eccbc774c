"""One session per thing that a developer does: `nox` runs the checks of a change, `nox -s NAME` one of them."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False  # test on the interpreters that are here

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))

IN_THE_WHEEL = ("pygent/py.typed", "pygent/cli/demo/lost_cent.jsonl")
"""Files beside the code without which an installed Pygent is broken."""

CHECK_WHEEL = """
import sys
from importlib.metadata import files

missing = set(sys.argv[1:]) - {str(file) for file in files("pygent")}
sys.exit(f"not in the wheel: {missing}" if missing else 0)
"""


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting; `nox -s lint -- --fix` mends what can be mended."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the library, and of its users' code in tests/typing."""
    session.install("-e", ".[test]")
    session.run("mypy", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on every interpreter that is installed; arguments behind `--` go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the manual into site/, every warning being an error; `nox -s docs -- serve` shows it while you write."""
    session.install("-e", ".[docs]")
    if session.posargs:
        session.run("mkdocs", *session.posargs)
    else:
        session.run("mkdocs", "build", "--strict", "--quiet", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel into dist/, and check that the wheel is whole and works where only it is installed."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", "dist", silent=True)
    wheel = max(Path("dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)

    fresh = Path(session.create_tmp()) / "fresh"
    python = str(fresh / "bin" / "python")
    session.run("python", "-m", "venv", "--clear", str(fresh))
    session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
    session.run(python, "-c", CHECK_WHEEL, *IN_THE_WHEEL, external=True)
    session.run(python, "-m", "pygent", "--version", external=True)


@nox.session
def soak(session: nox.Session) -> None:
    """Cut off ten thousand requests, at any moment of their lives, and see what is left; arguments: another number."""
    session.install("-e", ".[test]")
    session.run("python", "-W", "error", "-m", "tests.models.cancel_storm", *(session.posargs or ["10000"]))


@nox.session
def sweep(session: nox.Session) -> None:
    """Run what takes long: a run cancelled at every point, hundreds of kills, floods."""
    session.install("-e", ".[test]")
    tests = ["tests/test_cancellation.py", "tests/test_killed.py", "tests/test_soak.py", "tests/testing"]
    session.run("pytest", *tests, *session.posargs, env={"PYGENT_THOROUGH": "1"})


@nox.session
def scoreboard(session: nox.Session) -> None:
    """Play the misbehaving server against Pygent and openai-python, and write docs/scoreboard.md; needs PyPI."""
    session.install("-e", ".")
    session.run("python", "benchmarks/scoreboard.py")


@nox.session(reuse_venv=False)
def demo(session: nox.Session) -> None:
    """Install Pygent as users do, into a fresh environment, and run `pygent demo`."""
    session.install(".")
    session.run("pygent", "demo")
