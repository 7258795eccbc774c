"""Importing Pygent, and asking for its version, costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

HEAVY = {"aiodocker", "aiohttp", "anyio", "asyncio", "click", "httpx", "msgspec", "prompt_toolkit", "rich"}

SHOW_HEAVY = f"import sys; print('loaded:', *sorted({HEAVY!r}.intersection(sys.modules)))"


def python(*arguments: str) -> list[str]:
    """Run an interpreter of its own, warnings being errors, and return the lines that it printed."""
    run = subprocess.run(
        [sys.executable, "-W", "error", *arguments], capture_output=True, text=True, timeout=50, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.splitlines()


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import pygent", id="import"),
        pytest.param("import pygent; pygent.__version__; dir(pygent)", id="version and names"),
        pytest.param("from pygent import PygentError, ToolError", id="errors"),
    ],
)
def test_import_loads_nothing_heavy(program: str) -> None:
    """`import pygent` loads neither asyncio nor any third party."""
    assert python("-c", f"{program}\n{SHOW_HEAVY}") == ["loaded:"]


def test_version_loads_nothing_heavy() -> None:
    """`pygent --version` answers at once: it loads neither asyncio nor any third party."""
    program = f"""
import runpy, sys
sys.argv = ["pygent", "--version"]
try:
    runpy.run_module("pygent", run_name="__main__", alter_sys=True)
except SystemExit as end:
    print("status:", end.code or 0)
{SHOW_HEAVY}"""

    assert python("-c", program) == [f"pygent {version('pygent')}", "status: 0", "loaded:"]


def test_star_import_gives_every_name() -> None:
    """`from pygent import *` works, and brings what `__all__` lists."""
    program = "from pygent import *\nimport pygent; print(sorted(set(pygent.__all__) - set(globals())))"

    assert python("-c", program) == ["[]"]


def test_dir_lists_every_name() -> None:
    """Tab completion shows all names before any of them is loaded."""
    program = "import pygent; print(dir(pygent) == pygent.__all__, 'AsyncAgent' in vars(pygent))"

    assert python("-c", program) == ["True False"]


@pytest.mark.parametrize(
    "module", ["openai_compat", "errors", "events", "messages", "models", "runtimes", "testing", "tools"]
)
def test_module_imports_alone(module: str) -> None:
    """Each public module can be imported first: no order of imports is needed."""
    python("-c", f"import pygent.{module}")
