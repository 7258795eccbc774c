"""On a terminal a person allows each command, sees it as it is, and is not fooled."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ..completions_server import completions_server
from .support import calls, on_terminal, plain, processes_with, says

QUESTION = "[y]es  [N]o  [a]lways this command, or say why not: "


def tool_answers(server) -> list[str]:
    return [message["content"] for message in server.requests[-1]["messages"] if message["role"] == "tool"]


def test_yes_runs_it(tmp_path: Path) -> None:
    """The command is shown before it runs; y runs it, once; the answer is shown once."""
    with (
        completions_server(calls("bash", cmd="touch ran; echo hi"), says("It is done.")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(QUESTION)
        assert not (tmp_path / "ran").exists()
        assert f"The model wants to run, on this machine, {tmp_path}:\n\n    touch ran; echo hi" in plain(
            terminal.shown
        )
        terminal.type("y\n")
        assert terminal.end() == 0

    shown = plain(terminal.shown)
    assert "│ hi\n  └ ok in " in shown
    assert shown.count("touch ran") == 1
    assert shown.count("It is done.") == 1
    assert (tmp_path / "ran").exists()


ANSWERS = {
    "no": ("n\n", "not run: the user said no"),
    "just enter": ("\n", "not run: the user said no"),
    "end of input": ("\x04", "not run: the user said no"),
    "a reason": ("use make instead\n", "not run: the user said: use make instead"),
    "a slip": ("yy\n", "not run: the user said: yy"),
}


@pytest.mark.parametrize(("typed", "told"), ANSWERS.values(), ids=ANSWERS)
def test_anything_but_yes_is_no(typed: str, told: str, tmp_path: Path) -> None:
    """No is the default; a word of the user's own goes to the model, which goes on."""
    with (
        completions_server(calls("bash", cmd="touch ran"), says("Then not.")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(QUESTION)
        terminal.type(typed)
        assert terminal.end() == 0

    assert tool_answers(server) == [told]
    assert told in plain(terminal.shown)
    assert not (tmp_path / "ran").exists()


def test_always_is_for_that_command_alone(tmp_path: Path) -> None:
    """`a` allows the very same command from then on, and no other."""
    replies = [calls("bash", cmd=cmd) for cmd in ("echo a", "echo a", "echo a ")]
    with (
        completions_server(*replies, says("Done.")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(QUESTION)
        terminal.type("a\n")
        terminal.wait_for(QUESTION, times=2)
        terminal.type("n\n")
        assert terminal.end() == 0

    assert [answer.split("\n")[-1] for answer in tool_answers(server)] == ["a", "a", "not run: the user said no"]


def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path) -> None:
    """Keys pressed while nothing was asked do not allow what comes later."""
    with (
        completions_server(calls("bash", "I try.", cmd="touch ran"), says("Done.")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.type("y\n")
        terminal.wait_for(QUESTION)
        terminal.type("\n")
        assert terminal.end() == 0

    assert not (tmp_path / "ran").exists()


SPOOFS = {
    "newlines": ("ls\n\nRun it? " + QUESTION + "y\n", "    Run it? [y]es"),
    "carriage return": ("rm -rf x\rls", "    rm -rf x\\rls"),
    "direction": ("echo \u202efr- mr\u202c", "    echo \\u202efr- mr\\u202c"),
    "clear screen": ("rm x\x1b[2J\x1b[H", "    rm x\\x1b[2J\\x1b[H"),
    "many spaces": ("ls" + " " * 300 + "; rm x", "    ; rm x"),
    "ten kilobytes": ("echo " + "x" * 10_000 + "; rm last", "; rm last\n"),
    "markup": ("echo [red]x[/nope]", "    echo [red]x[/nope]"),
}


@pytest.mark.parametrize(("command", "shown"), SPOOFS.values(), ids=SPOOFS)
def test_command_is_shown_as_it_is(command: str, shown: str, tmp_path: Path) -> None:
    """All of a command is shown, indented, its last line right above the question, whatever it contains."""
    with (
        completions_server(calls("bash", cmd=command), says("Done.")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(f"\nRun it? {QUESTION}")
        terminal.type("n\n")
        assert terminal.end() == 0

    text = plain(terminal.shown)
    assert shown in "\n".join(line.rstrip() for line in text.split("\n")) + "\n"
    assert text.count(f"\nRun it? {QUESTION}") == 1
    asked = text.split(f"{tmp_path}:\n")[1].split(f"\nRun it? {QUESTION}")[0]
    assert all(line.startswith("    ") for line in asked.split("\n") if line.strip())
    assert "x" * 10_000 not in command or asked.count("x") >= 10_000


def test_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    """Ctrl-C at the question ends the run with 130, runs nothing, and leaves the terminal's modes alone."""
    with (
        completions_server(calls("bash", cmd="touch ran")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        before = terminal.modes()
        terminal.wait_for(QUESTION)
        assert terminal.modes() == before
        terminal.type("\x03")
        assert terminal.end() == 130

    assert not (tmp_path / "ran").exists()
    assert "pygent: stopped" in plain(terminal.shown)
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h")


def test_ctrl_c_in_a_command(tmp_path: Path) -> None:
    """Ctrl-C while a command runs ends both; the cursor is there again."""
    mark = f"89{os.getpid()}"
    with (
        completions_server(calls("bash", cmd=f"echo started; sleep {mark}")) as server,
        on_terminal("run", "--yes", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for("  started")
        terminal.type("\x03")
        assert terminal.end() == 130

    assert processes_with(mark) == []
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h")


def test_terminal_that_goes_ends_it(tmp_path: Path) -> None:
    """When the window is closed in the middle of a question, nothing runs and nothing stays."""
    with (
        completions_server(calls("bash", cmd="touch ran")) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(QUESTION)
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.end() == 129

    assert not (tmp_path / "ran").exists()


def test_keyboard_is_asked_when_stdin_is_the_context(tmp_path: Path) -> None:
    """With a pipe as standard input the question is answered at the terminal."""
    log = tmp_path / "log"
    log.write_text("the log\n")
    with (
        completions_server(calls("bash", cmd="touch ran"), says("Done.")) as server,
        log.open("rb") as stdin,
        on_terminal("run", "why?", cwd=tmp_path, base_url=server.base_url, stdin=stdin) as terminal,
    ):
        terminal.wait_for(QUESTION)
        terminal.type("y\n")
        assert terminal.end() == 0

    assert "the log" in server.requests[0]["messages"][-1]["content"]
    assert (tmp_path / "ran").exists()


def test_file_tools_do_not_ask(tmp_path: Path) -> None:
    """What stays inside the workspace needs no question."""
    replies = [calls("write_file", path="a", content="x\n"), calls("read_file", path="a"), says("Done.")]
    with (
        completions_server(*replies) as server,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        assert terminal.end() == 0

    assert "Run it?" not in plain(terminal.shown)
    assert (tmp_path / "a").read_text() == "x\n"


@pytest.mark.parametrize("arguments", [["-q"], ["--json"], ["--output-format", "stream-json"]])
def test_every_format_asks(arguments: list[str], tmp_path: Path) -> None:
    """Silence and machine-readable output do not allow anything by themselves."""
    with (
        completions_server(calls("bash", cmd="touch ran"), says("Done.")) as server,
        on_terminal("run", *arguments, "x", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        terminal.wait_for(QUESTION)
        terminal.type("n\n")
        assert terminal.end() == 0

    assert not (tmp_path / "ran").exists()


def test_pipe_for_errors_means_nobody_to_ask(tmp_path: Path) -> None:
    """A question that nobody would see is not asked: status 5."""
    with (
        completions_server(calls("bash", cmd="touch ran")) as server,
        open(os.devnull, "wb") as nothing,
        on_terminal("run", "x", cwd=tmp_path, base_url=server.base_url, stderr=nothing) as terminal,
    ):
        assert terminal.end() == 5

    assert not (tmp_path / "ran").exists()
