"""From a name to a model: who is asked, with which key, and what is refused before anybody is."""

from __future__ import annotations

import pytest

from pygent.errors import AuthenticationError, SettingsError
from pygent.models.choice import at_provider, choose_model, resolve_model
from pygent.models.http.endpoint import Endpoint
from pygent.providers import PROVIDERS
from pygent.settings import Settings

OPENAI_KEY = "sk-openai-0123456789"

ENVIRON = {"OPENAI_API_KEY": OPENAI_KEY, "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
KEYS = {one.key_env: f"key-of-{name}" for name, one in PROVIDERS.items() if one.key_env and name != "openai"}


def asked(name: str | None, environ: dict[str, str]) -> tuple[str, str, dict[str, str]]:
    """Who is asked for this name: the address, the name that is sent, and the headers."""
    settings = resolve_model(Settings.from_env(environ | ({} if name is None else {"PYGENT_MODEL": name})))
    endpoint = Endpoint.of(None, None, settings=settings)
    return endpoint.url, settings.model, endpoint.headers()


def bearer(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


ACCOUNT = {**bearer(OPENAI_KEY), "OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1"}

NAMES = {
    None: ("https://api.openai.com/v1", "gpt-4.1-mini", ACCOUNT),
    "gpt-5": ("https://api.openai.com/v1", "gpt-5", ACCOUNT),
    "openai:gpt-5": ("https://api.openai.com/v1", "gpt-5", ACCOUNT),
    "ft:gpt-4.1:me::id": ("https://api.openai.com/v1", "ft:gpt-4.1:me::id", ACCOUNT),
    "grok:x": ("https://api.openai.com/v1", "grok:x", ACCOUNT),
    "llama3.2:1b": ("https://api.openai.com/v1", "llama3.2:1b", ACCOUNT),
    "groq:openai/gpt-oss-20b": ("https://api.groq.com/openai/v1", "openai/gpt-oss-20b", bearer("key-of-groq")),
    "openrouter:a/b:free": ("https://openrouter.ai/api/v1", "a/b:free", bearer("key-of-openrouter")),
    "mistral:7b": ("https://api.mistral.ai/v1", "7b", bearer("key-of-mistral")),
    "azure:mine": ("https://mine.openai.azure.com/openai/v1", "mine", {"api-key": "key-of-azure"}),
    "ollama:qwen2.5-coder:1.5b": ("http://localhost:11434/v1", "qwen2.5-coder:1.5b", {}),
    "vllm:Qwen/Qwen3": ("http://localhost:8000/v1", "Qwen/Qwen3", {}),
}


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_who_is_asked(name: str | None) -> None:
    """A known prefix leads to its server with its own key; all else is a name of OpenAI's. No key goes astray."""
    environ = {**ENVIRON, **KEYS, "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/"}

    assert asked(name, environ) == NAMES[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=str)
def test_with_a_base_url_a_name_is_the_server_s_own(name: str) -> None:
    """`mistral:7b` is a name of Ollama's; it is sent as it is, to the server that was named, with its key."""
    environ = {**ENVIRON, **KEYS, "OPENAI_BASE_URL": "http://gpu.example.com/v1"}

    assert asked(name, environ) == ("http://gpu.example.com/v1", name, ACCOUNT)


def test_a_named_server_may_be_known() -> None:
    """With OPENAI_BASE_URL at a known server OPENAI_API_KEY is for it, or else its own variable."""
    environ = {"OPENAI_BASE_URL": "https://api.groq.com/openai/v1", "GROQ_API_KEY": "key-of-groq"}

    assert asked("x", environ)[2] == bearer("key-of-groq")
    assert asked("x", {**environ, "OPENAI_API_KEY": OPENAI_KEY})[2] == bearer(OPENAI_KEY)


def test_openai_s_key_is_for_the_base_url_that_it_came_with() -> None:
    """Who moved OPENAI_API_KEY to another server does not mean it for OpenAI."""
    settings = Settings.from_env({**ENVIRON, "OPENAI_BASE_URL": "http://gpu.example.com/v1"})

    assert at_provider(PROVIDERS["openai"], settings).api_key is None


def test_ollama_is_where_it_says() -> None:
    """OLLAMA_HOST counts."""
    assert asked("ollama:x", {"OLLAMA_HOST": "gpu"})[0] == "http://gpu:11434/v1"


REFUSED = {
    "opnai:gpt-5": "there is no provider 'opnai'; did you mean openai:gpt-5?",
    "gemni:gemini-3": "did you mean gemini:gemini-3?",
    "groq:": "the model's name is missing: groq:NAME",
    "azure:mine": "set AZURE_OPENAI_ENDPOINT",
    "mistral:7b": "there is no MISTRAL_API_KEY for mistral:7b; a model of Ollama's is named ollama:mistral:7b",
    "mistral:latest": "ollama:mistral:latest",
}


@pytest.mark.parametrize(("name", "told"), REFUSED.items())
def test_names_that_cannot_be(name: str, told: str) -> None:
    """What is certainly wrong is told at once, with what may be meant."""
    with pytest.raises(SettingsError) as caught:
        choose_model(name, Settings.from_env(ENVIRON))

    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["mixtral:8x7b", "llama:7b", "grok:x", ":x", "opnai:", "qwen3-coder:latest"])
def test_names_of_other_servers(name: str) -> None:
    """OpenAI has no names with a colon but those of tuned models: who would be asked there is told what there is."""
    with pytest.raises(SettingsError, match=f"ollama:{name}"):
        choose_model(name, Settings.from_env(ENVIRON))


@pytest.mark.parametrize("name", ["grog", "ft:gpt-4.1:my-org::id"])
def test_names_that_may_be(name: str) -> None:
    """What only looks like a slip is sent as it is: the server knows its names."""
    assert choose_model(name, Settings.from_env(ENVIRON)).name == name


def test_a_provider_that_is_given_counts_more_than_an_address_that_is_there() -> None:
    """What code says goes where it says, with the key that is meant for there; case does not matter."""
    environ = {**ENVIRON, "OPENAI_BASE_URL": "http://gpu:8000/v1", "GROQ_API_KEY": "gsk-1234567890"}
    settings = Settings.from_env(environ)

    assert choose_model("Groq:llama", settings).model._client.endpoint.url == PROVIDERS["groq"].base_url
    assert choose_model("mistral:7b", settings).model._client.endpoint.url == "http://gpu:8000/v1"
    assert choose_model(None, Settings.from_env({**environ, "PYGENT_MODEL": "groq:x"})).name == "groq:x"
    assert choose_model("groq:x", Settings(base_url="http://mine/v1")).name == "groq:x"


@pytest.mark.parametrize("name", [name for name, one in PROVIDERS.items() if one.key_env and one.base_url])
async def test_a_missing_key_is_named(name: str) -> None:
    """Nothing is sent, and the error says which variable; the key of another server does not do."""
    others = {**KEYS, "OPENAI_API_KEY": OPENAI_KEY}
    del others[PROVIDERS[name].key_env]
    choice = choose_model(f"{name}:x", Settings.from_env(others))

    with pytest.raises(AuthenticationError, match=f"set {PROVIDERS[name].key_env}") as caught:
        await choice.model.chat([], choice.name, [])

    assert caught.value.attempts == 0


def test_a_name_in_code_goes_before_that_of_the_settings() -> None:
    """None is the name of the settings."""
    settings = Settings.from_env({"PYGENT_MODEL": "ollama:a"})

    assert choose_model(None, settings).name == "a"
    assert choose_model("ollama:b", settings).name == "b"
    assert "localhost:11434" in repr(choose_model(None, settings).model)
