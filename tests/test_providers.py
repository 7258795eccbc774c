"""The servers that are known by name: where they are, and how they are recognised."""

from __future__ import annotations

from pathlib import Path

import pytest

from pygent.errors import SettingsError
from pygent.providers import PROVIDERS, VARIABLES, provider_of, server_url

NAMES = ["openai", "azure", "openrouter", "groq", "mistral", "deepseek", "together", "xai", "gemini", "ollama",
         "lmstudio", "llamacpp", "vllm"]  # fmt: skip


def test_who_is_known() -> None:
    """The names that users write before the colon."""
    assert list(PROVIDERS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_row_is_whole(name: str) -> None:
    """A server is somewhere, or a variable says where; those elsewhere want a key, and take it over TLS alone."""
    one = PROVIDERS[name]

    assert one.name == name
    assert one.base_url or one.url_env
    assert bool(one.key_env) is not one.local
    assert one.base_url is None or one.base_url.startswith("http://localhost:" if one.local else "https://")
    assert one.base_url is None or provider_of(one.base_url) is one
    assert bool(one.context_window) is bool(one.window_env)


def test_each_row_is_in_the_manual() -> None:
    """With its name, the variable of its key, and the one of its place."""
    page = (Path(__file__).parent.parent / "docs" / "guides" / "providers.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}

    assert list(rows) == NAMES
    for name, one in PROVIDERS.items():
        assert all(f"`{variable}`" in rows[name] for variable in (one.key_env, one.url_env) if variable)
        assert one.title in rows[name]


def test_variables_are_no_others() -> None:
    """Only these are taken from the environment, and kept from commands."""
    assert "" not in VARIABLES
    assert {"GROQ_API_KEY", "OPENAI_API_KEY", "OLLAMA_HOST", "AZURE_OPENAI_ENDPOINT"} < VARIABLES


WHOSE = {
    "https://api.groq.com/openai/v1": "groq",
    "https://api.openai.com": "openai",
    "http://localhost:11434/v1": "ollama",
    "http://127.0.0.1:1234/v1": "lmstudio",
    "http://[::1]:8080/v1": "llamacpp",
    "http://localhost:8000/v1": "vllm",
    "http://gpu.example.com:11434/v1": "ollama",
    "https://mine.openai.azure.com/openai/v1": "azure",
    "https://mine.services.ai.azure.com/openai/v1": "azure",
    "https://mine.openai.azure.us/openai/v1": "azure",
    "https://gateway.example.com/openai/deployments/d?api-version=2024-10-21": "azure",
    "http://gpu.example.com:8000/v1": None,
    "http://localhost/v1": None,
    "https://api.groq.com.example.com/v1": None,
    "https://notopenai.azure.com.example.com": None,
    "https://example.com": None,
}


@pytest.mark.parametrize(("url", "name"), WHOSE.items())
def test_servers_are_recognised_by_their_address(url: str, name: str | None) -> None:
    """By the whole host name, or on this machine by the port."""
    one = provider_of(url)

    assert (one and one.name) == name


SERVERS = [
    ("ollama", "0.0.0.0", "http://127.0.0.1:11434/v1"),
    ("ollama", "[::]:99", "http://[::1]:99/v1"),
    ("ollama", "gpu", "http://gpu:11434/v1"),
    ("ollama", "gpu:99", "http://gpu:99/v1"),
    ("ollama", ":99", "http://localhost:99/v1"),
    ("ollama", "http://gpu/", "http://gpu/v1"),
    ("ollama", "https://ollama.example.com", "https://ollama.example.com/v1"),
    ("ollama", "https://example.com/ollama/", "https://example.com/ollama/v1"),
    ("azure", "https://mine.openai.azure.com", "https://mine.openai.azure.com/openai/v1"),
    ("azure", "https://mine.openai.azure.com/", "https://mine.openai.azure.com/openai/v1"),
    ("azure", "https://mine.openai.azure.com/openai/v1/", "https://mine.openai.azure.com/openai/v1"),
]


@pytest.mark.parametrize(("name", "server", "url"), SERVERS)
def test_servers_are_named_as_their_own_tools_name_them(name: str, server: str, url: str) -> None:
    """OLLAMA_HOST may be what Ollama itself reads, AZURE_OPENAI_ENDPOINT what the portal shows."""
    assert server_url(PROVIDERS[name], server) == url


@pytest.mark.parametrize(
    ("name", "server", "told"),
    [
        ("ollama", "gpu:many", "OLLAMA_HOST is 'gpu:many'"),
        ("ollama", "http://[::1", "OLLAMA_HOST is"),
        ("azure", "mine", "must be like https://"),
        ("ollama", "https://me:hunter2@gpu", "must not hold a password"),
    ],
)
def test_servers_that_cannot_be(name: str, server: str, told: str) -> None:
    """The error names the variable, and shows no password."""
    with pytest.raises(SettingsError, match=PROVIDERS[name].url_env) as caught:
        server_url(PROVIDERS[name], server)

    assert told.replace("\\", "") in str(caught.value)
    assert "hunter2" not in str(caught.value)
