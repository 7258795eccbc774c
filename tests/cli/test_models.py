"""`pygent models`, and what `pygent run` takes when nothing is set up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pygent import Message

from ..completions_server import CompletionsServer, completions_server
from .support import KEY, calls, on_terminal, plain, pygent, says, started

TWO: list[Any] = [
    {"id": "small", "object": "model"},
    {"id": "large-with-a-long-name", "object": "model", "context_window": 131072},
]

CLOSED = "http://127.0.0.1:9/v1"


@dataclass(frozen=True)
class Offering:
    """A server that lists models and gives replies.

    Attributes:
        server: what gives the replies.
        asked: the headers of each question for the list, their names in lower case.
    """

    server: CompletionsServer
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.server.requests


@contextmanager
def offering(models: Sequence[Any] | None, *replies: Message, status: int = 200) -> Iterator[Offering]:
    """A server that lists these models, and gives these replies."""
    body = json.dumps({"object": "list", "data": models}).encode()

    with completions_server(*replies) as server:
        offer = Offering(server)
        usual: Any = server.RequestHandlerClass

        class Handler(usual):  # type: ignore[misc] # a class that is known at run time
            def do_GET(self) -> None:  # noqa: N802 - the library's name for it
                offer.asked.append({name.lower(): value for name, value in self.headers.items()})
                found = self.path == "/v1/models"
                self._send(status if found else 404, "application/json", body if found else b"{}")

        server.RequestHandlerClass = Handler
        yield offer


def nearby(*servers: Offering | str) -> dict[str, str]:
    """The variable that says where to look for servers."""
    return {"PYGENT_LOCAL_SERVERS": " ".join(one if isinstance(one, str) else one.base_url for one in servers)}


def test_models_of_the_configured_server(tmp_path: Path) -> None:
    """One name a line, as --model takes it, and beside it how many tokens it can see."""
    with offering(TWO) as server:
        run = pygent("models", cwd=tmp_path, base_url=server.base_url)

    assert run.stdout == "large-with-a-long-name  131,072\nsmall\n"
    assert run.stderr == f"{server.base_url}: 2 models\n"
    assert run.returncode == 0
    assert server.asked[0]["authorization"] == f"Bearer {KEY}"


def test_models_as_json(tmp_path: Path) -> None:
    """For programs, nothing on standard error; what a name would do to a terminal is written out."""
    with offering([{"id": "a\x1b[2Jb", "context_length": 8192}]) as server:
        run = pygent("models", "--json", cwd=tmp_path, base_url=server.base_url)

    assert (run.returncode, run.stderr) == (0, "")
    assert "\x1b" not in run.stdout
    assert json.loads(run.stdout) == [
        {"model": "a\x1b[2Jb", "name": "a\x1b[2Jb", "context_window": 8192, "base_url": server.base_url}
    ]


def test_names_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    """They come from a server."""
    with offering([{"id": "evil\x1b]0;title\x07\nname\u202e"}]) as server:
        run = pygent("models", cwd=tmp_path, base_url=server.base_url)

    assert run.stdout == "evil\\x1b]0;title\\x07\\nname\\u202e\n"


def test_a_server_without_models(tmp_path: Path) -> None:
    """Nothing to list is no failure."""
    with offering([]) as server:
        run = pygent("models", cwd=tmp_path, base_url=server.base_url)

    assert (run.returncode, run.stdout, run.stderr) == (0, "", f"{server.base_url}: 0 models\n")


def test_models_of_a_named_provider(tmp_path: Path) -> None:
    """They are listed with the prefix that --model needs, and no key of another server goes there."""
    with offering(TWO) as server:
        host = server.base_url.removesuffix("/v1").removeprefix("http://")
        env = {"OLLAMA_HOST": host, "OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY}
        run = pygent("models", "ollama", cwd=tmp_path, env=env)

    assert run.stdout.splitlines() == ["ollama:large-with-a-long-name  131,072", "ollama:small"]
    assert "authorization" not in server.asked[0]
    heading, notice = run.stderr.splitlines()
    assert heading == f"Ollama, http://{host}/v1: 2 models"
    assert "only 4,096 tokens" in notice
    assert "OLLAMA_CONTEXT_LENGTH" in notice


def test_models_of_what_runs_here(tmp_path: Path) -> None:
    """With nothing set up this machine is looked at, and all that is found is listed."""
    with offering(TWO) as one, offering([{"id": "other"}]) as other:
        run = pygent("models", cwd=tmp_path, env=nearby(CLOSED, one, other))

    assert run.stdout.split() == ["small", "large-with-a-long-name", "131,072", "other"]
    assert run.stderr.splitlines() == [f"{one.base_url}: 2 models", f"{other.base_url}: 1 model"]


def test_providers_are_listed_without_keys(tmp_path: Path) -> None:
    """Which there are, and whose keys are set."""
    run = pygent("models", "--providers", cwd=tmp_path, env={"GROQ_API_KEY": KEY})

    lines = {line.split()[0]: line for line in run.stdout.splitlines()}
    assert "GROQ_API_KEY is set " in lines["groq"]
    assert "XAI_API_KEY is not set" in lines["xai"]
    assert lines["azure"].endswith("set AZURE_OPENAI_ENDPOINT")
    assert lines["ollama"].endswith("http://localhost:11434/v1")
    assert (run.returncode, run.stderr) == (0, "")

    run = pygent("models", "--providers", cwd=tmp_path, env={"GROQ_API_KEY": "no key", "OLLAMA_HOST": "gpu:x"})
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in run.stdout.splitlines()}
    assert lines["groq"].split() == ["GROQ_API_KEY", "is", "set", "https://api.groq.com/openai/v1"]
    assert lines["ollama"].endswith("set OLLAMA_HOST")

    run = pygent("models", "--providers", "--json", "-e", f"GROQ_API_KEY={KEY}", cwd=tmp_path)
    table = {row["name"]: row for row in json.loads(run.stdout)}
    assert [name for name, row in table.items() if row["has_key"]] == ["groq"]
    assert table["azure"]["base_url"] is None


FAILURES = {
    "nothing there": (["models"], {}, 3, "no model is set up. Three ways out:"),
    "no key": (["models", "groq"], {"OPENAI_API_KEY": KEY}, 3, "there is no API key for Groq: set GROQ_API_KEY"),
    "no place": (["models", "azure"], {"AZURE_OPENAI_API_KEY": KEY}, 2, "set AZURE_OPENAI_ENDPOINT"),
    "no such provider": (["models", "grok"], {}, 2, "there is no provider 'grok'. Known: openai, azure"),
    "both": (["models", "groq", "--providers"], {}, 2, "leave out one of the two"),
    "bad name": (["models"], {"PYGENT_MODEL": "opnai:gpt-5"}, 2, "did you mean openai:gpt-5?"),
    "refused": (["models"], {"OPENAI_BASE_URL": CLOSED}, 1, "127.0.0.1:9"),
    "bad key": (["models", "groq"], {"GROQ_API_KEY": f"{KEY} x"}, 2, "GROQ_API_KEY is ***; it must be printable ASCII"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures_of_models(case: str, tmp_path: Path) -> None:
    """Each has its exit status and one text that helps."""
    arguments, env, code, told = FAILURES[case]

    run = pygent(*arguments, cwd=tmp_path, env=env)

    assert (run.returncode, run.stdout) == (code, "")
    assert told in run.stderr


def test_a_refusal_is_told(tmp_path: Path) -> None:
    """The server's status is in the text."""
    with offering(TWO, status=401) as server:
        run = pygent("models", cwd=tmp_path, base_url=server.base_url)

    assert (run.returncode, run.stdout) == (1, "")
    assert "401" in run.stderr


def test_run_takes_what_runs_here(tmp_path: Path) -> None:
    """With nothing set up the first model that talks is asked, and the choice is said in one line."""
    models = [{"id": "nomic-embed-text"}, {"id": "qwen3:1.7b"}, {"id": "other"}]
    with offering(models, says("Done.")) as server:
        run = pygent("run", "x", cwd=tmp_path, env=nearby(CLOSED, server))

    assert (run.returncode, run.stdout) == (0, "Done.\n")
    assert run.stderr.count(f"No model is set up: taking qwen3:1.7b of {server.base_url}.\n") == 1
    assert server.requests[0]["model"] == "qwen3:1.7b"


def test_run_keeps_to_a_wish(tmp_path: Path) -> None:
    """A model that was named is taken if it is there, and no other in its place."""
    with offering([{"id": "a"}, {"id": "b:latest"}], says("Done.")) as server:
        run = pygent("run", "-m", "b", "x", cwd=tmp_path, env=nearby(server))
        other = pygent("run", "-m", "c", "x", cwd=tmp_path, env=nearby(server))

    assert (run.returncode, server.requests[0]["model"]) == (0, "b:latest")
    assert other.returncode == 3
    assert f"{server.base_url} has no c; it has a, b:latest" in other.stderr
    assert len(server.requests) == 1


def test_nothing_is_looked_for_when_something_is_set_up(tmp_path: Path) -> None:
    """A key, a base URL or a provider is enough; then nobody else is asked."""
    with offering(TWO) as server:
        for env in ({"OPENAI_BASE_URL": CLOSED}, {"PYGENT_MODEL": "groq:x"}):
            run = pygent("run", "--timeout", "0", "x", cwd=tmp_path, env={**nearby(server), **env})
            assert run.returncode in (3, 4)

    assert server.asked == []


NO_MODEL = {
    "nothing": ({}, ["OPENAI_API_KEY", "http://localhost:11434/v1", "pygent demo"]),
    "a key of another": ({"GROQ_API_KEY": KEY}, ["GROQ_API_KEY is set: try -m groq:MODEL"]),
    "its key is missing": ({"PYGENT_MODEL": "xai:grok-4"}, ["no API key for xAI: set XAI_API_KEY"]),
}


@pytest.mark.parametrize("case", NO_MODEL)
def test_what_is_missing_is_told(case: str, tmp_path: Path) -> None:
    """Status 3, and what to do about it."""
    env, told = NO_MODEL[case]

    run = pygent("run", "x", cwd=tmp_path, env=env)

    assert (run.returncode, run.stdout) == (3, "")
    for text in told:
        assert text in run.stderr


def test_a_server_with_nothing_installed_is_told(tmp_path: Path) -> None:
    """It runs, so the user is nearly there."""
    with offering(None) as server:
        run = pygent("run", "x", cwd=tmp_path, env=nearby(server))

    assert run.returncode == 3
    assert f"{server.base_url} has no model to talk to\n" in run.stderr


def test_keys_of_providers_are_for_the_settings_alone(tmp_path: Path) -> None:
    """Commands do not see them, however they were given."""
    env = {"GROQ_API_KEY": KEY, "OLLAMA_HOST": "gpu"}
    with offering(TWO, calls("bash", cmd="echo [$GROQ_API_KEY$XAI_API_KEY]"), says("Done.")) as server:
        run = pygent("run", "-y", "-e", f"XAI_API_KEY={KEY}", "x", cwd=tmp_path, base_url=server.base_url, env=env)

    assert "│ []\n" in run.stderr


def test_who_stops_reading_is_no_failure(tmp_path: Path) -> None:
    """`pygent models | head -1` ends quietly."""
    many = [{"id": f"model-{number:05}"} for number in range(20_000)]
    with offering(many) as server, started("models", cwd=tmp_path, base_url=server.base_url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"model-00000\n"
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == 141


def test_on_a_terminal(tmp_path: Path) -> None:
    """The heading stands above the names."""
    with (
        offering(TWO) as server,
        on_terminal("models", cwd=tmp_path, base_url=server.base_url) as terminal,
    ):
        assert terminal.end() == 0

    assert plain(terminal.shown) == f"{server.base_url}: 2 models\nlarge-with-a-long-name  131,072\nsmall\n"
