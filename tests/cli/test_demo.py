"""`pygent demo` needs nothing, works for real, and proves what it claims."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from pygent import ReplayModel
from pygent.cli.demo.play import CASSETTE
from pygent.cli.demo.project import FILES
from pygent.cli.demo.show import difference

from .support import on_terminal, plain, pygent, started

RECORDED = "Recorded replies of a language model for this project; no model is called."


def test_goes_from_red_to_green(tmp_path: Path) -> None:
    """Without key, network or terminal: tests fail, files change, tests pass, and all is removed."""
    began = time.monotonic()
    run = pygent("demo", cwd=tmp_path, env={"TMPDIR": str(tmp_path), "PATH": "/nonexistent"})

    assert (run.returncode, run.stderr) == (0, "")
    assert time.monotonic() - began < 15
    story = [
        RECORDED,
        "> Some tests of this project fail",
        "● list_files  3 lines",
        "● $ python3 -m unittest -v",
        "│ FAILED (failures=2)",
        "└ exit 1 in ",
        "● read_file",
        "│ -    return int(float(text) * 100)",
        "│ +    return int(Decimal(text) * 100)",
        "● $ python3 -m unittest -v",
        "│ OK",
        "└ ok in ",
        "What changed",
        "--- money.py (before)",
        "+++ bill.py (after)",
    ]
    rest = run.stdout
    for text in story:
        assert text in rest
        rest = rest.split(text, 1)[1]
    assert re.search(r"\nTests: 2 of 4 failed before · all 4 pass now · 5 steps · \d+\.\d s\n$", run.stdout)
    assert "\x1b" not in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_keeps_the_project_if_asked(tmp_path: Path) -> None:
    """With `--keep` the folder stays, its path is told, and its tests pass for anybody."""
    run = pygent("demo", "--fast", "--keep", cwd=tmp_path, env={"TMPDIR": str(tmp_path)})

    folder = Path(re.search(r"The project stays in (.+)\n", run.stdout)[1])
    assert folder.parent == tmp_path
    check = subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, capture_output=True, check=False)
    assert check.returncode == 0
    assert (folder / "test_bill.py").read_text() == FILES["test_bill.py"]


def test_ignores_settings_and_variables(tmp_path: Path) -> None:
    """Whatever is set up, even wrongly, the demo is the same."""
    (tmp_path / "pygent.toml").write_text("nonsense = 1\n")
    env = {"PYGENT_USE_DOCKER": "maybe", "OPENAI_BASE_URL": "nowhere", "PYGENT_HISTORY_FILE": str(tmp_path / "history")}

    assert pygent("demo", cwd=tmp_path, env=env).returncode == 0
    assert not (tmp_path / "history").exists()


def test_is_paced_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal it takes its time, with colours, and words are not broken at the edge."""
    with on_terminal("demo", cwd=tmp_path, size=(40, 60)) as terminal:
        assert terminal.end() == 0

    assert "thinking" in plain(terminal.shown)
    assert "\x1b[32m" in terminal.shown
    assert "I'll see what is here and run the tests before I touch\nanything." in plain(terminal.shown)


def test_reader_that_leaves(tmp_path: Path) -> None:
    """`pygent demo | head -1` ends quietly and leaves nothing behind."""
    with started("demo", "--slow", cwd=tmp_path, env={"TMPDIR": str(tmp_path)}) as process:
        assert process.stdout.readline().startswith(b"pygent demo")
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""

    assert list(tmp_path.iterdir()) == []


def test_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C ends it, and nothing stays."""
    with on_terminal("demo", cwd=tmp_path, env={"TMPDIR": str(tmp_path)}) as terminal:
        terminal.wait_for("thinking")
        terminal.type("\x03")
        assert terminal.end() == 130

    assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []


def test_tells_when_the_tests_do_not_pass(tmp_path: Path) -> None:
    """What is claimed at the end is what the tests say: an agent that did nothing is no success."""
    idle = tmp_path / "idle.jsonl"
    reply = json.dumps({"role": "assistant", "content": "All is fine."})
    idle.write_text(f"{CASSETTE.read_text().splitlines()[0]}\n{reply}\n")
    program = (
        "import sys; from pathlib import Path; from pygent.cli.demo.show import run_demo; "
        "sys.exit(run_demo(fast=True, keep=False, cassette=Path(sys.argv[1])))"
    )

    run = subprocess.run([sys.executable, "-c", program, idle], capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "2 of 4 failed before" in run.stdout
    assert "2 of 4 fail now" in run.stdout


async def test_cassette_says_what_it_is() -> None:
    """The shipped cassette is labelled as recorded, in its first line."""
    model = ReplayModel(CASSETTE)
    await model.load()

    assert model.provenance == RECORDED
    assert os.path.getsize(CASSETTE) < 10_000


def test_difference_names_each_file() -> None:
    """The difference of two states reads like any patch; equal files are not in it."""
    assert difference({"a": "1\n", "b": "2\n"}, {"a": "1\n", "b": "3\n"}) == (
        "--- b (before)\n+++ b (after)\n@@ -1 +1 @@\n-2\n+3\n"
    )
