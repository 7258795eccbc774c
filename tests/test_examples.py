"""Every example runs as it stands, as a program of its own, against a server with scripted replies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pygent import Message
from pygent.testing import tool_call

from .completions_server import completions_server

EXAMPLES = Path(__file__).parent.parent / "examples"


def calls(name: str, **arguments: object) -> Message:
    return Message.assistant(tool_calls=[tool_call(name, id=f"call_{name}", **arguments)])


SCRIPTS: dict[str, tuple[Sequence[Message], str, Sequence[str]]] = {
    "01_hello": (
        [
            calls("write_file", path="hello.py", content="print('hello')\n"),
            calls("bash", cmd=f"{sys.executable} hello.py"),
            Message.assistant("It prints hello."),
        ],
        "",
        ["It prints hello.", "files: ['hello.py']"],
    ),
    "02_custom_tool": (
        [calls("count_lines", path="poem.txt"), Message.assistant("It has 2 lines.")],
        "",
        ["It has 2 lines."],
    ),
    "03_custom_model": ([], "", ["That gave:", "6 times 7 is 42"]),
    "04_stream_events": (
        [calls("bash", cmd="echo Python 3"), Message.assistant("Python 3.")],
        "",
        ["> bash", "Python 3", "ended by reply after 2 steps"],
    ),
    "05_sync_and_jupyter": (
        [calls("write_file", path="primes.txt", content="2\n3\n5\n"), Message.assistant("Done.")],
        "",
        ["Done.", "files: ['primes.txt']", "no model needed"],
    ),
    "06_approval": (
        [calls("list_files"), calls("bash", cmd="rm -f *.tmp"), Message.assistant("I was not allowed to.")],
        "n\n",
        ["run bash", "I was not allowed to."],
    ),
    "07_testing": (
        [],
        "",
        ["test_a_wrong_guess_is_mended: passed", "test_a_bad_day_of_the_server_is_survived: passed"],
    ),
}
"""For each example: what the model replies, what the user types, what must be printed."""


def test_every_example_is_here() -> None:
    """No example is left out of the table below."""
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_example_runs(name: str, tmp_path: Path) -> None:
    """The program ends well, prints what it should, and leaves nothing on stderr but its prompt."""
    replies, typed, printed = SCRIPTS[name]
    with completions_server(*replies) as server:
        run = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", EXAMPLES / f"{name}.py"],
            input=typed,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "OPENAI_BASE_URL": server.base_url,
                "OPENAI_API_KEY": "test",
                "PYGENT_USE_DOCKER": "0",
            },
            timeout=50,
            check=False,
        )
        assert not server.replies, "the example asked less often than expected"

    assert run.stderr == ""
    assert run.returncode == 0
    for text in printed:
        assert text in run.stdout
    assert list(tmp_path.iterdir()) == []
