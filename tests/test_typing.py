"""The types are what users see of the library: their code, in tests/typing, is free of errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

MISTAKES = [
    "Message(content='no role')",
    "Message.user('hello').content = 'changed'",
    "Limits(steps=3)",
    "AsyncAgent(model=3)",
    "AsyncAgent().run_until_stop('fix it', max_stepz=3)",
    "Agent().step(b'bytes')",
    "CommandResult().output.decode()",
]
"""Each line is one."""


def mypy(*arguments: str) -> str:
    """Run mypy with the project's settings and cache, and return its report."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.timeout(300)  # without a cache mypy reads the libraries, too
def test_users_code_is_free_of_type_errors() -> None:
    """What users typically write needs no cast and no ignore, in strict mode."""
    assert mypy("tests/typing/api.py") == "Success: no issues found in 1 source file\n"


@pytest.mark.timeout(300)
def test_mistakes_are_found(tmp_path: Path) -> None:
    """The types are no blanket `Any`: common mistakes are errors."""
    program = tmp_path / "mistakes.py"
    program.write_text("\n".join(["from pygent import *", *MISTAKES]), encoding="utf-8")

    report = mypy("--no-error-summary", str(program))

    assert {int(line.split(":")[1]) for line in report.splitlines()} == set(range(2, len(MISTAKES) + 2))
