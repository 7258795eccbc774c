"""`Inspector`: reads whole requests as the strictest server would, and remembers what it must."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Inspector:
    """Looks at the requests of a server, one after the other."""

    def __init__(self) -> None:
        self._named: dict[str, bytes] = {}

    def problem_of(
        self, headers: Mapping[str, str], content: bytes, problem_of_body: Callable[[Any], str | None]
    ) -> str | None:
        """What is wrong with a request; None: nothing.

        Args:
            headers: by their names in lower case.
            content: the bytes of its body.
            problem_of_body: what is to be said against it once it is decoded.
        """
        kind = headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            return f"Content-Type is {kind!r}, not 'application/json'"

        try:
            body = json.loads(content, object_pairs_hook=_without_repetition, parse_constant=_no_constant)
            json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
            return f"the body is no sound JSON: {error}"

        key = headers.get("idempotency-key")
        if key is not None and self._named.setdefault(key, content) != content:
            return f"Idempotency-Key {key!r} came before, with another body"

        return problem_of_body(body)


def _without_repetition(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"the name {name!r} stands twice in one object")

        fields[name] = value
    return fields


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
