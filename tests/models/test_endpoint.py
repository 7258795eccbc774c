"""The address of a server and its key: what is refused at once, and that the key is never shown."""

from __future__ import annotations

import pytest

from pygent.errors import AuthenticationError, ModelStatusError, SettingsError
from pygent.models.http.endpoint import OPENAI_URL, Endpoint
from pygent.models.http.timeouts import Timeouts
from pygent.settings import Settings

from .conftest import KEY

URLS = {
    "http://localhost:8080/v1": "http://localhost:8080/v1",
    "http://localhost:8080/v1/": "http://localhost:8080/v1",
    "https://example.com": "https://example.com",
    "http://[::1]:8080/v1": "http://[::1]:8080/v1",
    "http://localhost/v1/chat/completions": "http://localhost/v1",
    "http://[fe80::1%25eth0]/v1": "http://[fe80::1%25eth0]/v1",
    "https://a.openai.azure.com/openai/v1/?api-version=preview": "https://a.openai.azure.com/openai/v1?api-version=preview",
}


@pytest.mark.parametrize(("url", "normal"), URLS.items())
def test_urls_are_normalised(url: str, normal: str) -> None:
    """A slash too many does no harm."""
    assert Endpoint(url).url == normal


@pytest.mark.parametrize(
    "url",
    ["localhost:8080", "example.com/v1", "ftp://example.com", "http://", "unix:///run/model.sock", "/v1", "http://[::1/v1",
     "http://example.com:port/v1", "http://example.com:70000/v1", "http://example.com/v1?key=1", "http://example.com/v1#x",
     "http://example.com/v1?api-version=1&key=2", "http://example.com/v1?api-version=a%0ab", "http://exa mple.com", "http://a\nb",
     "http://[::1", "http://[gpu]/v1", "http:///v1", "http:localhost", ""],
)  # fmt: skip
def test_bad_urls_are_refused_at_once(url: str) -> None:
    """The error shows the URL; it comes when the model is made, not when it is asked."""
    with pytest.raises(SettingsError) as caught:
        Endpoint(url)

    assert repr(url) in str(caught.value)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    """It would be in every error and log."""
    with pytest.raises(SettingsError) as caught:
        Endpoint("https://user:hunter2@example.com/v1")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["", "sk-abc\n", "sk abc", "sk-\u201cabc\u201d", "sk-a\tb", " sk-abc", "sk-\x00"], ids=ascii
)
def test_keys_that_no_header_can_hold_are_refused_and_not_shown(key: str) -> None:
    """Most often a line break came along when the key was copied."""
    with pytest.raises(SettingsError) as caught:
        Endpoint("http://localhost/v1", key)

    assert "API key" in str(caught.value)
    assert "abc" not in str(caught.value)


def test_who_asks_and_who_pays_is_in_the_headers() -> None:
    """Key, organization and project are sent; without them nothing is."""
    assert Endpoint(None, KEY, organization="org-1", project="proj-1").headers() == {
        "Authorization": f"Bearer {KEY}",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj-1",
    }
    assert Endpoint("http://localhost/v1").headers() == {}


NEED_A_KEY = {
    None: "OPENAI_API_KEY, or set OPENAI_BASE_URL to a server that needs none",
    OPENAI_URL: "OPENAI_API_KEY",
    "https://api.groq.com/openai/v1": "no API key for Groq: set GROQ_API_KEY",
    "https://mine.openai.azure.com/openai/v1": "AZURE_OPENAI_API_KEY",
}


@pytest.mark.parametrize(("url", "told"), NEED_A_KEY.items())
def test_known_servers_need_their_key(url: str | None, told: str) -> None:
    """The error says what to set; a server of one's own may need none."""
    with pytest.raises(AuthenticationError, match=told):
        Endpoint(url).check_key()

    Endpoint(url, KEY).check_key()
    Endpoint("http://localhost:11434/v1").check_key()
    Endpoint("http://gpu.example.com/v1").check_key()


def test_azure_takes_its_key_in_a_header_of_its_own() -> None:
    """`Authorization` would be a token of Entra ID there."""
    assert Endpoint("https://mine.openai.azure.com/openai/v1", KEY).headers() == {"api-key": KEY}


ADDRESSES = {
    "http://localhost:8080": "http://localhost:8080/models",
    "http://localhost:8080/v1/": "http://localhost:8080/v1/models",
    "http://[::1]:8080/v1": "http://[::1]:8080/v1/models",
    "https://a.openai.azure.com/openai/deployments/d/?api-version=2024-10-21": (
        "https://a.openai.azure.com/openai/deployments/d/models?api-version=2024-10-21"
    ),
}


@pytest.mark.parametrize(("url", "address"), ADDRESSES.items())
def test_the_query_stays_behind_the_path(url: str, address: str) -> None:
    """Azure's version belongs to every address."""
    assert Endpoint(url).address("/models") == address


KEYS = {"OPENAI_API_KEY": "sk-openai", "GROQ_API_KEY": "gsk-groq"}

WHOSE_KEY = [
    (None, {}, "sk-openai"),
    ("http://gpu.example.com/v1", {}, "sk-openai"),
    ("https://api.groq.com/openai/v1", {}, "gsk-groq"),
    ("https://api.x.ai/v1", {}, None),
    ("http://localhost:11434/v1", {}, None),
    (None, {"OPENAI_BASE_URL": "https://api.groq.com/openai/v1"}, "sk-openai"),
    (None, {"OPENAI_BASE_URL": "https://api.groq.com/openai/v1", "OPENAI_API_KEY": ""}, "gsk-groq"),
    (None, {"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "sk-openai"),
]


@pytest.mark.parametrize(("url", "environ", "key"), WHOSE_KEY)
def test_a_key_goes_to_whom_it_is_for(url: str | None, environ: dict[str, str], key: str | None) -> None:
    """OPENAI_API_KEY is for OpenAI, or for OPENAI_BASE_URL; a known server that code names gets its own or none."""
    headers = Endpoint.of(url, None, settings=Settings.from_env({**KEYS, **environ})).headers()

    assert headers == ({} if key is None else {"Authorization": f"Bearer {key}"})


def test_the_key_is_taken_out_of_errors() -> None:
    """Some servers repeat it in theirs. A short key is no secret, and its letters are in ordinary words."""
    error = ModelStatusError(f"wrong: {KEY}", status=401, body=f"you sent {KEY}")
    Endpoint(None, KEY).redact(error)
    cut = ModelStatusError(f"wrong: {KEY[:-3]}", status=401, body=f'{{"sent": "{KEY}"}}')
    Endpoint(None, KEY).redact(cut)
    ordinary = ModelStatusError("there is none", status=401)
    Endpoint(None, "none").redact(ordinary)

    assert (str(error), error.body) == ("wrong: [redacted]", "you sent [redacted]")
    assert (str(cut), cut.body) == ("wrong: [redacted]", '{"sent": "[redacted]"}')
    assert KEY not in repr(Endpoint(None, KEY))
    assert str(ordinary) == "there is none"


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "5"])
def test_timeouts_are_checked(seconds: float) -> None:
    """A wrong one is refused when it is made; None is no limit and 0 is none at all."""
    with pytest.raises(ValueError, match=r"idle_content=.*: a limit is a number from 0 up"):
        Timeouts(idle_content=seconds)

    assert Timeouts(idle_content=None, total=0).total == 0
