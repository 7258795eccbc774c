"""`ModelInfo`: what a server says of a model that it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..messages import JSON

_WINDOW_KEYS = ("context_length", "context_window", "max_model_len", "max_context_length", "n_ctx", "n_ctx_train")
"""Where servers say how long a conversation may be; the protocol has no word for it."""


@dataclass(frozen=True, slots=True, order=True)
class ModelInfo:
    """A model that a server offers.

    Attributes:
        name: what to call it in a request.
        context_window: how many tokens a conversation with it may have; None: the server does not say.
    """

    name: str
    context_window: int | None = None


def parse_models(listing: JSON) -> list[ModelInfo]:
    """Read the answer of `GET /models`, sorted by name.

    Raises:
        ValueError: it is no such answer.
    """
    entries = listing.get("data", listing.get("models")) if isinstance(listing, Mapping) else listing
    if not isinstance(entries, list):
        raise ValueError("no list of models")

    found = {}
    for entry in entries:
        match entry:
            case {"id": str(name)} | {"name": str(name)} if name:
                found[name] = ModelInfo(name, _window(entry))
    return sorted(found.values(), key=lambda info: info.name)


def _window(entry: Mapping[str, JSON]) -> int | None:
    meta = entry.get("meta")  # llama.cpp
    for part in (entry, meta if isinstance(meta, Mapping) else {}):
        for key in _WINDOW_KEYS:
            value = part.get(key)
            if isinstance(value, int) and value > 0:
                return value
    return None
