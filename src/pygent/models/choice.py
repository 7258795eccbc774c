"""`choose_model`: from a name, such as `groq:llama-3.3-70b-versatile`, to the model that answers to it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace

from ..errors import SettingsError
from ..providers import PROVIDERS, Provider, server_url
from ..settings import Settings
from .openai import OpenAIModel

_TAG = re.compile(r"latest|(\d+x)?[\d.]+[bm]\b.*", re.IGNORECASE)
"""What follows the colon in Ollama's own names, such as `mistral:7b`."""

_FINE_TUNED = "ft"
"""What OpenAI's names of tuned models begin with, the only ones of its with a colon: `ft:gpt-4.1:my-org::id`."""

_NEAR = 0.8
"""How alike two names of providers are that are taken for a slip: `opnai`, but not `grok`."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, and the name under which its server knows what was asked for."""

    model: OpenAIModel
    name: str


def choose_model(name: str | None, settings: Settings) -> ModelChoice:
    """Return the model with this name, or with the one of the settings if that is None.

    Nothing is sent. Without a key the model says so when it is asked.

    Raises:
        SettingsError: the name or a setting cannot be right.
    """
    named = settings if name is None else replace(settings, model=name)
    chosen = resolve_model(named, is_given=name is not None)
    prefix, colon, _ = chosen.model.partition(":")
    if chosen.base_url is None and colon and prefix != _FINE_TUNED:
        raise SettingsError(
            f"there is no provider {prefix!r}; there are {', '.join(PROVIDERS)}. "
            f"If {chosen.model} is a model of Ollama's, its name is ollama:{chosen.model}"
        )

    return ModelChoice(OpenAIModel.from_settings(chosen), chosen.model)


def resolve_model(settings: Settings, *, is_given: bool = False) -> Settings:
    """Return the settings with a `provider:model` divided into base URL, key and the name that the server knows.

    With a base URL a name is the server's own, whatever it looks like; but what a flag or code says, such as
    `--model groq:llama`, counts more than a base URL of the environment or a file. Keys, organization and project go
    nowhere but to those they were given for.

    Args:
        settings: what was chosen.
        is_given: whether code names the model.

    Raises:
        SettingsError: there is no such provider, or it is not known where its server is.
    """
    prefix, colon, model = settings.model.partition(":")
    provider = PROVIDERS.get(prefix.lower()) if colon else None
    if settings.base_url is not None:
        sources = settings.sources
        is_given = is_given or sources["model"] in ("--model", "code")
        if provider is None or not is_given or sources["base_url"] == "code" or _TAG.fullmatch(model):
            return settings

    if provider is None:
        _check_slip(prefix, model)
        return settings

    if not model:
        raise SettingsError(f"the model's name is missing: {prefix}:NAME; pygent models {prefix} lists them")

    if provider.key_env and settings.key_of(provider) is None and _TAG.fullmatch(model):
        raise SettingsError(
            f"there is no {provider.key_env} for {settings.model}; a model of Ollama's is named ollama:{settings.model}"
        )

    return replace(at_provider(provider, settings), model=model)


def at_provider(provider: Provider, settings: Settings) -> Settings:
    """Return the settings for a provider's server.

    Raises:
        SettingsError: it is not known where that is.
    """
    base_url = url_of(provider, settings)
    if base_url is None:
        raise SettingsError(f"it is not known where your server of {provider.title} is: set {provider.url_env}")

    if provider.name == "openai" and settings.base_url in (None, base_url):  # else OPENAI_API_KEY is for that server
        return replace(settings, base_url=base_url)

    key = None if provider.name == "openai" else settings.key_of(provider)
    return replace(settings, base_url=base_url, api_key=key, organization=None, project=None)


def url_of(provider: Provider, settings: Settings) -> str | None:
    """Return the base URL of a provider's server; None: only the user knows it, and has not said it.

    Raises:
        SettingsError: the variable that names it does not name one.
    """
    server = settings.provider_servers.get(provider.name)
    return provider.base_url if server is None else server_url(provider, server)


def _check_slip(prefix: str, model: str) -> None:
    """Refuse a provider's name that is nearly right; OpenAI, who would be asked, has no such names of models."""
    near = difflib.get_close_matches(prefix, PROVIDERS, n=1, cutoff=_NEAR)
    if model and near and not _TAG.fullmatch(model):
        raise SettingsError(f"there is no provider {prefix!r}; did you mean {near[0]}:{model}?")
