"""`list_models`: `pygent models`, what can be asked: the models of a server, or the servers known by name."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from ..errors import PygentError, SettingsError
from ..messages import JSON
from ..models import OpenAIModel, Timeouts
from ..models.choice import at_provider, resolve_model, url_of
from ..models.http.endpoint import Endpoint
from ..models.info import ModelInfo
from ..providers import PROVIDERS, Provider, provider_of
from ..settings import Settings
from .console import open_console
from .escape import one_line, visible
from .logs import show_warnings
from .options import ModelsOptions
from .output import leave_streams, write_stdout
from .result import NoModel, exit_code_of
from .setup import NO_MODEL, check_key, hints, is_chosen, look_around, window_notice
from .variables import variables_of

PATIENCE = Timeouts(whole_reply=30, total=60)


@dataclass(frozen=True, slots=True)
class Listing:
    """What one server offers.

    Attributes:
        base_url: where it is.
        provider: whose it is, if that is known.
        prefix: what `--model` needs before its names.
        models: what it offers.
    """

    base_url: str
    provider: Provider | None
    prefix: str
    models: Sequence[ModelInfo]

    @property
    def heading(self) -> list[str]:
        """The server in a line, and what to know of it."""
        place = f"{self.provider.title}, {self.base_url}" if self.provider else self.base_url
        count = len(self.models)
        return [f"{place}: {count} model{'' if count == 1 else 's'}", *window_notice(self.provider)]


def list_models(options: ModelsOptions) -> int:
    """Do what the options say; return the exit status."""
    console = open_console(sys.stderr)
    show_warnings(console)
    try:
        settings = Settings.load(config=options.config, environ=variables_of(options.variables).settings)
        if options.providers:
            output = _providers(settings, as_json=options.as_json)
        else:
            listings = _listings(settings, options.provider)
            output = _as_json(listings) if options.as_json else _as_text(listings)
            for line in [] if options.as_json else [line for listing in listings for line in listing.heading]:
                console.print(Text(one_line(line), style="dim"), soft_wrap=True)
    except PygentError as error:
        console.print(Text(f"pygent: {visible(str(error))}", style="bold red"), soft_wrap=True)
        return leave_streams(exit_code_of(error))

    return leave_streams(write_stdout(output.encode(sys.stdout.encoding, "backslashreplace")) or 0)


def _listings(settings: Settings, name: str | None) -> list[Listing]:
    """Ask the named server, or the one of the settings, or whoever is found on this machine."""
    if name is None and not is_chosen(settings):
        servers = look_around(settings)
        if not servers:
            raise NoModel("\n".join([NO_MODEL, *hints(settings, [])]))

        return [_listing(one.base_url, one.models, settings) for one in servers]

    chosen = resolve_model(settings) if name is None else at_provider(PROVIDERS[name], settings)
    check_key(chosen)
    url = Endpoint.of(None, None, settings=chosen).url
    return [_listing(url, asyncio.run(_ask(chosen)), settings)]


async def _ask(settings: Settings) -> list[ModelInfo]:
    model = OpenAIModel(settings=settings, timeouts=PATIENCE, max_retries=0)
    try:
        return await model.list_models()
    finally:
        await model.aclose()


def _listing(base_url: str, models: Sequence[ModelInfo], settings: Settings) -> Listing:
    """What a server offers; its names have a prefix where `--model` would ask it only with one."""
    named = next((one for one in PROVIDERS.values() if _place(one, settings) == base_url), None)
    prefix = f"{named.name}:" if named and named.name != "openai" and settings.base_url is None else ""
    return Listing(base_url, named or provider_of(base_url), prefix, models)


def _place(provider: Provider, settings: Settings) -> str | None:
    """Where the server of a provider is; None: the user has not said it, or not in a way to be understood."""
    try:
        return url_of(provider, settings)
    except SettingsError:
        return None


def _as_text(listings: Iterable[Listing]) -> str:
    """A line for each model: its name as `--model` takes it, and how many tokens it can see, if that is known."""
    rows = [
        (one_line(listing.prefix + model.name), f"{model.context_window:,}" if model.context_window else "")
        for listing in listings
        for model in listing.models
    ]
    return _columns(rows)


def _as_json(listings: Iterable[Listing]) -> str:
    return _lines_of_json(
        {
            "model": listing.prefix + model.name,
            "name": model.name,
            "context_window": model.context_window,
            "base_url": listing.base_url,
        }
        for listing in listings
        for model in listing.models
    )


def _providers(settings: Settings, *, as_json: bool) -> str:
    """Every server that is known by name, and whether its key is set."""
    keys = {"openai": settings.api_key, **settings.provider_keys}
    if as_json:
        return _lines_of_json(
            {
                "name": one.name,
                "title": one.title,
                "base_url": _place(one, settings),
                "key_env": one.key_env or None,
                "has_key": keys.get(name) is not None,
            }
            for name, one in PROVIDERS.items()
        )

    rows = []
    for name, one in PROVIDERS.items():
        state = f"{one.key_env} is {'set' if keys.get(name) else 'not set'}" if one.key_env else "needs no key"
        rows.append((name, state, _place(one, settings) or f"set {one.url_env}"))
    return _columns(rows)


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows as lines, their columns below each other."""
    if not rows:
        return ""

    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _lines_of_json(objects: Iterable[Mapping[str, JSON]]) -> str:
    """A list with each object on a line of its own."""
    lines = ",\n ".join(json.dumps(one) for one in objects)
    return f"[{lines}]\n"
