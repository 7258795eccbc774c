"""`pygent run` without a terminal: answers, objects, events, context, settings, and every exit status."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from pygent import TurnFinished
from pygent.events import decode_event

from ..completions_server import completions_server
from .support import KEY, calls, pygent, says


def test_answer_on_stdout_progress_on_stderr(tmp_path: Path) -> None:
    """Standard output holds the answer and nothing else; what was done is told beside it."""
    replies = [
        calls("bash", "I look around.", cmd="echo seen"),
        calls("write_file", path="a.txt", content="x\n"),
        says("All done."),
    ]
    with completions_server(*replies) as server:
        run = pygent("run", "--yes", "do", "it", cwd=tmp_path, base_url=server.base_url)

    assert (run.returncode, run.stdout) == (0, "All done.\n")
    for told in ("gpt-4.1-mini", f"this machine, {tmp_path} (no container)", "none asks first", "I look around."):
        assert told in run.stderr
    assert "● $ echo seen\n  │ seen\n  └ ok" in run.stderr
    assert "3 steps · 45 tokens" in run.stderr
    assert "All done." not in run.stderr
    assert "\x1b" not in run.stderr
    assert server.requests[0]["messages"][-1] == {"role": "user", "content": "do it"}
    assert (tmp_path / "a.txt").read_text() == "x\n"


def test_print_is_run(tmp_path: Path) -> None:
    """`pygent -p "..."` and `pygent --json --print "..."` are what people type elsewhere."""
    with completions_server(says("one"), says("two")) as server:
        first = pygent("-p", "hello", cwd=tmp_path, base_url=server.base_url)
        second = pygent("--quiet", "--print", "hello", cwd=tmp_path, base_url=server.base_url)

    assert (first.stdout, second.stdout, second.stderr) == ("one\n", "two\n", "")


def test_json_is_one_object(tmp_path: Path) -> None:
    """`--json` prints what the run came to, for programs."""
    with completions_server(calls("bash", cmd="true"), says("Done.")) as server:
        run = pygent("run", "--json", "-y", "x", cwd=tmp_path, base_url=server.base_url)

    result = json.loads(run.stdout)
    assert result.pop("duration") > 0
    assert result.pop("usage") == {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    assert result == {
        "answer": "Done.",
        "reason": "reply",
        "steps": 2,
        "workspace": str(tmp_path),
        "exit_code": 0,
        "error": None,
    }
    assert "Done." not in run.stderr


def test_stream_json_is_the_events(tmp_path: Path) -> None:
    """Each line is an event that Pygent itself reads back; the last says how it ended."""
    replies = [calls("bash", cmd="echo hi"), says("Done. \ud83d")]
    with completions_server(*replies) as server:
        run = pygent("run", "--output-format", "stream-json", "-y", "x", cwd=tmp_path, base_url=server.base_url)

    events = [decode_event(line) for line in run.stdout.splitlines()]
    names = [type(event).__name__ for event in events]
    assert names[0] == "TurnStarted"
    assert {"StepStarted", "MessageAdded", "ToolStarted", "ToolOutputDelta", "ToolFinished", "TextDelta"} <= set(names)
    assert isinstance(events[-1], TurnFinished)
    assert (events[-1].reason, events[-1].answer[:5]) == ("reply", "Done.")
    assert (run.returncode, run.stderr) == (0, "")


def test_quiet_says_only_what_went_wrong(tmp_path: Path) -> None:
    """With `-q` standard error stays empty when all goes well."""
    with completions_server(calls("bash", cmd="true"), says("Done.")) as server:
        run = pygent("run", "-q", "-y", "x", cwd=tmp_path, base_url=server.base_url)

    assert (run.stdout, run.stderr) == ("Done.\n", "")


def test_stdin_is_context(tmp_path: Path) -> None:
    """What is piped in reaches the model beside the request; without a request it is the request."""
    with completions_server(says("a"), says("b"), says("c")) as server:
        for arguments in (["why?"], [], ["-", "why?"]):
            assert pygent("run", *arguments, cwd=tmp_path, base_url=server.base_url, stdin="log\n").returncode == 0

    asked = [request["messages"][-1]["content"] for request in server.requests]
    assert asked == ["why?\n\n<stdin>\nlog\n</stdin>", "log", "why?\n\n<stdin>\nlog\n</stdin>"]


def test_variables_for_one_run(tmp_path: Path) -> None:
    """`-e` sets settings for this run, and variables for its commands; keys stay out of the commands' sight."""
    replies = [calls("bash", cmd="echo [$COLOUR] [$OPENAI_API_KEY$PYGENT_MODEL]"), says("Done.")]
    with completions_server(*replies) as server:
        run = pygent(
            *("run", "-y", "-e", "COLOUR=blue", "-e", "PYGENT_MODEL=mine"),
            *("-e", f"OPENAI_BASE_URL={server.base_url}", "-e", f"OPENAI_API_KEY={KEY}", "x"),
            cwd=tmp_path,
        )

    assert run.returncode == 0
    assert server.requests[0]["model"] == "mine"
    assert "│ [blue] []\n" in run.stderr


def test_flag_over_variable_over_project_file(tmp_path: Path) -> None:
    """The nearest choice wins."""
    (tmp_path / "pygent.toml").write_text('model = "project"\npersona_name = "Ada"\n')
    config = tmp_path / "mine.toml"
    config.write_text('model = "config"\nconfirm_bash = false\n')
    env = {"PYGENT_MODEL": "variable"}
    with completions_server(*map(says, "abcd")) as server:
        for arguments, extra in (([], {}), ([], env), (["--model", "flag"], env), (["-c", str(config)], {})):
            run = pygent("run", *arguments, "x", cwd=tmp_path, base_url=server.base_url, env=extra)

    assert [request["model"] for request in server.requests] == ["project", "variable", "flag", "config"]
    assert "none asks first" in run.stderr
    assert "You are Ada," in server.requests[0]["messages"][0]["content"]


def test_works_where_it_is_told_to(tmp_path: Path) -> None:
    """In the current folder, in the one of `-w` or of the settings, or in one that is gone afterwards."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    env = {"PYGENT_WORKSPACE": str(there)}
    table = [
        ([], {}, here),
        (["-w", "../there"], {}, there),
        ([], env, there),
        (["--cwd"], env, here),
        (["--ephemeral"], env, None),
    ]
    for arguments, extra, expected in table:
        with completions_server(calls("bash", cmd="pwd; touch mark"), says("Done.")) as server:
            run = pygent("run", "-y", "--json", *arguments, "x", cwd=here, base_url=server.base_url, env=extra)

        workspace = Path(json.loads(run.stdout)["workspace"])
        assert f"│ {workspace}\n" in run.stderr
        if expected is None:
            assert not workspace.exists()
        else:
            assert workspace == expected
            (workspace / "mark").unlink()
    assert list(here.iterdir()) == list(there.iterdir()) == []


@pytest.mark.parametrize(("arguments", "code"), [(["x"], 2), (["--ephemeral", "x"], 0)])
def test_deleted_folder_is_told(arguments: list[str], code: int, tmp_path: Path) -> None:
    """In a folder that is gone the command says what helps, and that does help."""
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh"]
    with completions_server(says("Done.")) as server:
        run = pygent("run", *arguments, cwd=tmp_path, base_url=server.base_url, before=shell)

    assert run.returncode == code
    assert ("use --ephemeral" in run.stderr) == (code == 2)


def test_home_is_not_needed(tmp_path: Path) -> None:
    """Without HOME, or with one that cannot be written, it works."""
    with completions_server(says("a"), says("b")) as server:
        for home in ("", "/proc/none"):
            run = pygent("run", "x", cwd=tmp_path, base_url=server.base_url, env={"HOME": home})

            assert (run.returncode, run.stdout != "") == (0, True)


# Exit statuses.


def test_no_model_is_told_at_once(tmp_path: Path) -> None:
    """Without key and server: status 3, and three ways out."""
    run = pygent("run", "x", cwd=tmp_path)

    assert (run.returncode, run.stdout) == (3, "")
    for way in ("OPENAI_API_KEY", "http://localhost:11434/v1", "pygent demo"):
        assert way in run.stderr

    assert json.loads(pygent("run", "--json", "x", cwd=tmp_path).stdout)["error"]["type"] == "NoModel"


def test_server_that_is_not_there(tmp_path: Path) -> None:
    """A model that cannot be reached: status 1, one clear line, and the traceback in the log file alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    log = tmp_path / "log"

    run = pygent("run", "--json", "x", cwd=tmp_path, base_url=url, env={"PYGENT_LOG_FILE": str(log)})

    assert run.returncode == 1
    result = json.loads(run.stdout)
    assert (result["reason"], result["exit_code"]) == ("error", 1)
    assert result["error"]["type"].startswith("Model")
    assert run.stderr.splitlines()[-1] == f"pygent: {result['error']['message']}"
    assert "Traceback" in log.read_text()
    assert KEY not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_docker_is_never_replaced_silently(tmp_path: Path) -> None:
    """`--docker` without containers: status 1, and nothing ran on this machine."""
    with completions_server(calls("bash", cmd="touch ran")) as server:
        run = pygent("run", "--yes", "--docker", "x", cwd=tmp_path, base_url=server.base_url)

    assert run.returncode == 1
    assert "Docker" in run.stderr
    assert list(tmp_path.iterdir()) == []


LIMITS = {
    "steps": (["--max-steps", "1"], "max_steps", "the limit of 1 steps is reached; --max-steps allows more"),
    "time": (["--timeout", "1"], "max_time", "the time of 1 s is over; --timeout allows more"),
    "no time at all": (["--timeout", "0"], "max_time", "the time of 0 s is over; --timeout allows more"),
}


@pytest.mark.parametrize(("arguments", "reason", "told"), LIMITS.values(), ids=LIMITS)
def test_limit(arguments: list[str], reason: str, told: str, tmp_path: Path) -> None:
    """A limit ends the run with status 4 and says which it was and what raises it."""
    command = "true" if reason == "max_steps" else "sleep 31"
    with completions_server(calls("bash", cmd=command), says("never")) as server:
        run = pygent("run", "-y", "--json", *arguments, "x", cwd=tmp_path, base_url=server.base_url)

    assert run.returncode == 4
    assert json.loads(run.stdout)["reason"] == reason
    assert told in run.stderr


def test_nobody_to_ask(tmp_path: Path) -> None:
    """Without a terminal and without --yes the first command ends the run: status 5; nothing ran."""
    replies = [calls("write_file", path="a", content="x"), calls("bash", cmd="touch ran"), says("never")]
    with completions_server(*replies) as server:
        run = pygent("run", "x", cwd=tmp_path, base_url=server.base_url)

    assert (run.returncode, run.stdout) == (5, "")
    for told in ("wants to run a command", "    touch ran", "--yes"):
        assert told in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("allowed", [["--yes"], ["--no-confirm-bash"], ["-e", "PYGENT_CONFIRM_BASH=0"]])
def test_allowed_beforehand(allowed: list[str], tmp_path: Path) -> None:
    """Each way to allow all commands does."""
    with completions_server(calls("bash", cmd="touch ran"), says("Done.")) as server:
        assert pygent("run", *allowed, "x", cwd=tmp_path, base_url=server.base_url).returncode == 0

    assert (tmp_path / "ran").exists()


def test_final_tools_are_done(tmp_path: Path) -> None:
    """`stop` and `continue` end well, and what they say is the answer."""
    with completions_server(calls("stop", summary="Finished."), calls("continue", question="Which one?")) as server:
        runs = [pygent("run", "x", cwd=tmp_path, base_url=server.base_url) for _ in range(2)]

    assert [(run.returncode, run.stdout) for run in runs] == [(0, "Finished.\n"), (0, "Which one?\n")]


def test_history_goes_on(tmp_path: Path) -> None:
    """With a history file the second run knows the first."""
    env = {"PYGENT_HISTORY_FILE": str(tmp_path / "history.json")}
    with completions_server(says("Hello Ada."), says("Ada.")) as server:
        pygent("run", "I am Ada.", cwd=tmp_path, base_url=server.base_url, env=env)
        pygent("run", "Who am I?", cwd=tmp_path, base_url=server.base_url, env=env)

    assert [message["content"] for message in server.requests[1]["messages"][1:]] == [
        "I am Ada.",
        "Hello Ada.",
        "Who am I?",
    ]
    assert os.stat(tmp_path / "history.json").st_mode & 0o777 == 0o600
