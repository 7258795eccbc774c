"""Whatever the terminal is: nothing that others say commands it, and it is not asked for what it cannot do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ..completions_server import completions_server
from .support import calls, on_terminal, plain, pygent, says

EVIL = "\x1b[2J\x1b]0;title\x07\x1b]52;c;aGk=\x07\x9b31m\x07fine\rover\u202ertl\u200b [/nope] [link=x]y[/link]"
SHOWN = (
    "\\x1b[2J\\x1b]0;title\\x07\\x1b]52;c;aGk=\\x07\\x9b31m\\x07fine\\rover\\u202ertl\\u200b [/nope] [link=x]y[/link]"
)


def work(tmp_path: Path) -> list:
    (tmp_path / "evil.txt").write_text(EVIL)
    return [
        calls("bash", f"Words: {EVIL}", cmd="sleep 0.3; cat evil.txt; sleep 0.3"),
        calls("nope", **{EVIL: EVIL}),
        calls("edit_file", path="evil.txt", old="fine", new="well"),
        says(f"Answer: {EVIL}"),
    ]


def test_terminal_shows_text_and_obeys_nothing(tmp_path: Path) -> None:
    """Of words, commands, output, diffs and answers no control code reaches the terminal; all can be read."""
    with (
        completions_server(*work(tmp_path)) as server,
        on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, size=(50, 250)) as terminal,
    ):
        assert terminal.end() == 0

    text = plain(terminal.shown)
    assert "\x1b" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", text)
    for place in ("Words: ", "│ ", "Answer: "):
        assert place + SHOWN in text


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_stream_on_a_terminal(stream: str, tmp_path: Path) -> None:
    """Also when only one of the two is a terminal, the answer comes once and on standard output."""
    with (
        completions_server(calls("bash", "I look.", cmd="true"), says(f"Answer: {EVIL}")) as server,
        (tmp_path / "file").open("wb") as file,
        on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, **{stream: file}) as terminal,
    ):
        assert terminal.end() == 0

    written, shown = (tmp_path / "file").read_bytes().decode(), plain(terminal.shown)
    if stream == "stdout":
        assert written == f"Answer: {EVIL}\n"
        assert "Answer:" not in shown
        assert "I look." in shown
    else:
        assert shown == f"Answer: {SHOWN}\n"
        assert "\x1b" not in written
        assert "I look." in written


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    """A terminal gets colours; not with NO_COLOR, nor a dumb one, which is not redrawn either."""
    seen = {}
    for name, env in {"colour": {}, "NO_COLOR": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        with (
            completions_server(calls("bash", cmd="echo hi"), says("Done.")) as server,
            on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, env=env) as terminal,
        ):
            assert terminal.end() == 0
        seen[name] = terminal.shown

    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert {name: bool(coloured.search(shown)) for name, shown in seen.items()} == {
        "colour": True,
        "NO_COLOR": False,
        "dumb": False,
    }
    assert "\x1b" not in seen["dumb"]


@pytest.mark.parametrize("env", [{"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "xx_YY.UTF-8", "LC_ALL": "C"}])
def test_c_locale_is_ascii(env: dict[str, str], tmp_path: Path) -> None:
    """In the C locale only ASCII is drawn; an answer for a pipe stays as it is."""
    with completions_server(calls("bash", "Größe…", cmd="echo ä"), says("Größe.")) as server:
        run = pygent("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, env=env)

    assert run.returncode == 0
    assert run.stdout == "Größe.\n"
    assert run.stderr.isascii()
    assert run.stderr.startswith("pygent - gpt-4.1-mini - this machine")
    assert "* $ echo \\xe4\n  | \\xe4\n  | ok" in run.stderr
    assert "Gr\\xf6\\xdfe\\u2026" in run.stderr


@pytest.mark.parametrize("size", [(5, 20), (2, 1)])
def test_narrow_terminal(size: tuple[int, int], tmp_path: Path) -> None:
    """On a terminal of 20 columns, or of one, it works."""
    with (
        completions_server(calls("bash", "Some words to wrap.", cmd="seq 30"), says("Done with it.")) as server,
        on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, size=size) as terminal,
    ):
        assert terminal.end() == 0

    assert "Done" in plain(terminal.shown).replace("\n", "")


def test_output_is_shown_while_it_comes(tmp_path: Path) -> None:
    """On a terminal the last lines of a running command are seen before it ends."""
    command = "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; while [ ! -e go ]; do sleep 0.05; done"
    with (
        completions_server(calls("bash", cmd=command), says("Done.")) as server,
        on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for("line 9")
        assert "line 3" not in plain(terminal.shown).split("running bash")[-1]
        (tmp_path / "go").touch()
        assert terminal.end() == 0


def test_flood_on_a_terminal_is_bounded(tmp_path: Path) -> None:
    """A command that prints without end is shown in a few lines and ends at its timeout."""
    began = time.monotonic()
    with (
        completions_server(calls("bash", cmd="yes", timeout=1), says("Done.")) as server,
        on_terminal("run", "-y", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        assert terminal.end() == 0

    assert len(terminal.shown) < 100_000
    assert time.monotonic() - began < 20
    assert "timeout after 1s" in plain(terminal.shown)
