"""`set_up`: makes sure before a run that there is a model to ask: where the settings say, or one found nearby."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import AuthenticationError
from ..models.choice import resolve_model
from ..models.http.endpoint import Endpoint
from ..models.local import LocalServer, find_local_servers, local_urls, pick_model
from ..providers import PROVIDERS, Provider
from ..settings import Settings
from .escape import one_line
from .result import NoModel

NO_MODEL = """\
no model is set up. Three ways out:
  export OPENAI_API_KEY=...                            a key for OpenAI; pygent models --providers names others
  export OPENAI_BASE_URL=http://localhost:11434/v1     a server of your own, such as Ollama
  pygent demo                                          look at it without a model"""

MAX_NAMES = 5
"""How many models of a server a hint names."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """Settings that name a model, and what the user should know of how it was chosen."""

    settings: Settings
    notices: tuple[str, ...] = ()


def set_up(settings: Settings) -> SetUp:
    """Return settings that name a model; the net is not asked, and this machine only if there is no other way.

    Raises:
        NoModel: there is none, or no key for it.
        SettingsError: the model's name cannot be right.
    """
    if is_chosen(settings):
        check_key(resolve_model(settings))
        return SetUp(settings)

    servers = look_around(settings)
    wanted = settings.model if settings.sources["model"] != "default" else None
    choice = pick_model(servers, wanted)
    if choice is None:
        raise NoModel("\n".join([NO_MODEL, *hints(settings, servers, wanted)]))

    server, name = choice
    notices = [f"No model is set up: taking {name} of {describe(server)}.", *window_notice(server.provider)]
    return SetUp(replace(settings, base_url=server.base_url, model=name), tuple(notices))


def is_chosen(settings: Settings) -> bool:
    """Whether the settings say whom to ask."""
    is_named = resolve_model(settings).base_url is not None
    return is_named or settings.api_key is not None


def check_key(settings: Settings) -> None:
    """Refuse to ask a server without the key that it wants.

    Raises:
        NoModel: there is none; the text says what to set.
    """
    try:
        Endpoint.of(None, None, settings=settings).check_key()
    except AuthenticationError as error:
        raise NoModel(str(error)) from error


def look_around(settings: Settings) -> list[LocalServer]:
    """Return the servers of models on this machine."""
    return asyncio.run(find_local_servers(local_urls(settings)))


def describe(server: LocalServer) -> str:
    """A server in a sentence."""
    return f"{server.provider.title} at {server.base_url}" if server.provider else server.base_url


def window_notice(provider: Provider | None) -> list[str]:
    """Return a warning of a server that is known to give its models too little memory, if it is one."""
    if provider is None or provider.context_window is None:
        return []

    tokens = f"{provider.context_window:,} tokens"
    return [
        f"{provider.title} may give a model only {tokens} and drop the rest: start it with {provider.window_env}=32768."
    ]


def hints(settings: Settings, servers: Sequence[LocalServer], wanted: str | None = None) -> list[str]:
    """Return what is nearly a model, a line each: servers without the wanted one or any, and keys that are set."""
    lines = [f"{describe(server)} has no {wanted or 'model to talk to'}{_others(server)}" for server in servers]
    for name in settings.provider_keys:
        lines += [f"{PROVIDERS[name].key_env} is set: try -m {name}:MODEL; pygent models {name} lists them"]
    return lines


def _others(server: LocalServer) -> str:
    names = [one_line(model.name, 80) for model in server.models]
    more = ", ..." if len(names) > MAX_NAMES else ""
    return f"; it has {', '.join(names[:MAX_NAMES])}{more}" if names else ""
