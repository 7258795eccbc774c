"""What `import pygent.testing` costs, and what it needs."""

from __future__ import annotations

import subprocess
import sys


def run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=50, check=True
    ).stdout.strip()


def test_the_server_is_loaded_by_who_wants_it() -> None:
    """Fakes and checks of conversations do without it."""
    program = "import sys, pygent.testing; print([name for name in sys.modules if 'testing.server' in name])"

    assert run("-c", program) == "[]"


def test_promises_have_names_without_docstrings() -> None:
    """`python -OO` has none: a promise is then said by its name."""
    program = """
from pygent.testing import ScriptedModel, model_conformance
print(all(check.promise == check.name for check in model_conformance(ScriptedModel)))
"""

    assert run("-OO", "-c", program) == "True"
