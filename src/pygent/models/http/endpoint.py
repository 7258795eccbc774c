"""`Endpoint`: the address of an OpenAI-compatible server, and what opens its door."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...errors import AuthenticationError, ModelError, SettingsError
from ...providers import PROVIDERS, provider_of
from ...settings import Secret, Settings

OPENAI_URL = str(PROVIDERS["openai"].base_url)

_SHORTEST_SECRET = 8
"""A shorter key, such as the `none` of a local server, is no secret; hiding it would mangle ordinary words."""

_TELLING = 12
"""A key that was cut off is hidden, too, if more than this is left: its first letters only say whose it is."""


class Endpoint:
    """Where requests go and how they are signed.

    Attributes:
        url: the base URL, without a slash at the end; an Azure URL may have a query, `api-version=…`.
        provider: whose server it is, if that is known.

    Raises:
        SettingsError: the URL or the key cannot be right; the text does not show the key.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        self.url = _checked_url(OPENAI_URL if base_url is None else base_url)
        self.provider = provider_of(self.url)
        self._key = None if api_key is None else _checked_header("API key", api_key)
        self._account = {
            name: _checked_header(name, value)
            for name, value in (("OpenAI-Organization", organization), ("OpenAI-Project", project))
            if value
        }

    @classmethod
    def of(
        cls,
        base_url: str | None,
        api_key: str | None,
        *,
        organization: str | None = None,
        project: str | None = None,
        settings: Settings | None = None,
    ) -> Endpoint:
        """The endpoint that a model's arguments name; what is not given comes from the settings, if there are any.

        A known server that the settings do not name gets its own key, such as GROQ_API_KEY, never the one that is meant
        for another.
        """
        if settings is None:
            return cls(base_url, api_key, organization=organization, project=project)

        url = settings.base_url if base_url is None else base_url
        if api_key is None:
            api_key = _key_for(url, settings, is_named=base_url is None)
        organization, project = organization or settings.organization, project or settings.project
        return cls(url, api_key, organization=organization, project=project)

    def __repr__(self) -> str:
        return f"<Endpoint {self.url}>"

    @property
    def account(self) -> tuple[object, ...]:
        """What tells this endpoint from another: the server, and who asks it."""
        return (self.url, *self.headers().items())

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """The key, if there is one, by the name of its variable where that is known."""
        name = (self.provider.key_env if self.provider else "") or "API key"
        return {name: Secret(self._key)} if self._key else {}

    def address(self, path: str) -> str:
        """The URL of a path below the base URL, such as `/models`."""
        parts = urlsplit(self.url)
        return parts._replace(path=parts.path + path).geturl()

    def check_key(self, model: str | None = None) -> None:
        """Refuse, before any network, to ask without a key who is known to want one.

        Raises:
            AuthenticationError: there is no key; the text says what to set.
        """
        if self._key is not None or self.provider is None or not self.provider.key_env:
            return

        text = f"there is no API key for {self.provider.title}: set {self.provider.key_env}"
        if self.provider is PROVIDERS["openai"]:
            text += ", or set OPENAI_BASE_URL to a server that needs none, such as http://localhost:11434/v1 for Ollama"
        raise AuthenticationError(text, model=model, attempts=0)

    def headers(self) -> dict[str, str]:
        """What says who is asking."""
        if self._key is None:
            return self._account

        if self.provider is not None and self.provider.key_header == "api-key":
            return {"api-key": self._key, **self._account}

        return {"Authorization": f"Bearer {self._key}", **self._account}

    def redact(self, error: ModelError) -> None:
        """Take the key out of an error: some servers repeat it in theirs."""
        if self._key is None or len(self._key) < _SHORTEST_SECRET:
            return

        forms = {self._key, json.dumps(self._key)[1:-1], self._key.replace("/", "\\/")}  # as it is, and as JSON has it
        shown = re.compile("|".join(map(re.escape, forms)) + "|" + re.escape(self._key[:_TELLING]) + r"\S*")  # cut off
        error.args = tuple(shown.sub("[redacted]", str(arg)) for arg in error.args)
        for name, value in vars(error).items():
            if isinstance(value, str):
                setattr(error, name, shown.sub("[redacted]", value))


def settings_for(base_url: str | None, api_key: str | None, settings: Settings | None) -> Settings | None:
    """The settings that a model's arguments leave something to: those given, or the environment.

    With both URL and key given it is not read: a program that says all itself is not to be surprised.
    """
    if settings is None and (base_url is None or api_key is None):
        return Settings.from_env()

    return settings


def _key_for(url: str | None, settings: Settings, *, is_named: bool) -> str | None:
    """The key of the settings for a server; `is_named`: they name it, so that theirs is meant for it."""
    provider = provider_of(_checked_url(url)) if url is not None else None
    own = None if provider is None else settings.key_of(provider)
    key = own if provider is not None and not is_named else settings.api_key or own
    return None if key is None else key.reveal()


def _checked_url(url: str) -> str:
    """The URL without a slash at its end, or a path that is not its own."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it raises for a bad one
    except ValueError as error:
        raise SettingsError(f"base_url {url!r} is no URL: {error}") from error

    if "@" in parts.netloc:
        raise SettingsError("base_url must not hold a password; pass it as api_key")

    if parts.scheme not in ("http", "https") or not parts.hostname or any(char.isspace() for char in url):
        raise SettingsError(f"base_url {url!r} must begin with http:// or https://, name a host and hold no space")

    if parts.fragment or not re.fullmatch(r"(api-version=[\w.-]+)?", parts.query):
        raise SettingsError(
            f"base_url {url!r} must end with its path, such as /v1; only Azure has a query: api-version"
        )

    return parts._replace(
        path=parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/responses")
    ).geturl()


def _checked_header(what: str, value: str) -> str:
    """The value, if a header can hold it; else an error that does not repeat it."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        state = "holds a space, a line break or another character that none has" if value else "is empty"
        raise SettingsError(f"the {what} {state}; copy it again")

    return value
