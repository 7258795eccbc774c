"""Further fields of a request, as its maker wishes: checked and encoded once, when the model is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from ...errors import SettingsError
from ...messages import JSON


def encode_options(options: Mapping[str, JSON] | None, temperature: float | None, *, own: Collection[str]) -> bytes:
    """Encode further fields of a body, each with a comma before it.

    Args:
        options: the fields.
        temperature: one that has an argument of its own; None: it is left out.
        own: fields that are made of the arguments of `chat()`.

    Raises:
        SettingsError: an option is one of `own`, or JSON cannot hold it.
    """
    fields = {**({} if temperature is None else {"temperature": temperature}), **(options or {})}
    taken = sorted(fields.keys() & set(own))
    if taken:
        raise SettingsError(f"options must not hold {', '.join(taken)}: they are made from the arguments of chat()")

    try:
        return b"".join(
            b"," + msgspec.json.encode(name) + b":" + msgspec.json.encode(value) for name, value in fields.items()
        )
    except (TypeError, ValueError) as error:
        raise SettingsError(f"options hold what JSON cannot: {error}") from error
