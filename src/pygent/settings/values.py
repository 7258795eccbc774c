"""What a setting may be: `Secret`, and a parser for each kind of value.

A parser takes the text of a variable, a value of TOML, or one that it has made; a ValueError says what is allowed.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from ..persona import Persona

ToolMode: TypeAlias = Literal["auto", "native", "json"]
"""How tools are offered to a model."""

SandboxMode: TypeAlias = Literal["none", "auto", "bwrap"]
"""Where commands on this machine run: as the user does, under bubblewrap, or under that if it works."""

OnTimeout: TypeAlias = Literal["kill", "background"]
"""What becomes of a shell command that is not done in time."""


class Secret:
    """A text that only `reveal()` shows: not `str`, `repr`, JSON or pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, to be sent where it belongs."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled: it would be readable in the pickle; hand it over in the environment")


def as_secret(value: Secret | str) -> Secret:
    """A text that is not to be shown, if it is not one yet."""
    return value if isinstance(value, Secret) else Secret(value)


def parse_text(value: object) -> str:
    """A text that is not blank, without the space around it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it must be a text that is not empty")

    if re.search("[\0\ud800-\udfff]", value):  # a variable's bytes that are not UTF-8 arrive as lone surrogates
        raise ValueError("it must be UTF-8 without NUL")

    return value.strip()


def parse_token(value: object) -> str:
    """A text that can stand in an HTTP header."""
    text = parse_text(value)
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("it must be printable ASCII without spaces, for it goes into an HTTP header")

    return text


def parse_secret(value: object) -> Secret:
    """A token that is not shown."""
    return Secret(parse_token(value.reveal() if isinstance(value, Secret) else value))


def parse_url(value: object) -> str:
    """An HTTP address without a password."""
    text = parse_text(value)
    parts = urlsplit(text)  # itself a ValueError for a bad IPv6 address
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and name a host")

    if "@" in parts.netloc:
        raise ValueError("it must not hold a password; give the key in OPENAI_API_KEY")

    return text


def parse_urls(value: object) -> tuple[str, ...]:
    """A list of HTTP addresses, or a text with spaces between them; `none` is the empty list."""
    parts = value.split() if isinstance(value, str) else value
    if parts == ["none"]:
        return ()

    if not isinstance(parts, list | tuple) or (isinstance(value, str) and not parts):
        raise ValueError("it must be base URLs with spaces between them, or none")

    return tuple(map(parse_url, parts))


def parse_word(*words: str) -> Callable[[object], str]:
    """Return a parser that takes one of these words."""

    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"allowed are {', '.join(words)}")

        return str(value)

    return parse


def parse_path(value: object) -> str:
    """A path; `~` is the home folder."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("it must be a path")

    return os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises when there is no home


def parse_paths(value: object) -> tuple[str, ...]:
    """A list of paths, or a text with the platform's separator between them."""
    parts = [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(f"it must be a list of paths, or paths with {os.pathsep!r} between them")

    return tuple(map(parse_path, parts))


_SWITCH: Mapping[str, bool | None] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
    "auto": None,
}


def parse_switch(value: object) -> bool | None:
    """Yes, no, or auto, which is None."""
    word = str(value).strip().lower()
    if word not in _SWITCH:
        raise ValueError("allowed are yes, no and auto, and for yes and no also true and false, on and off, 1 and 0")

    return _SWITCH[word]


def parse_yes_or_no(value: object) -> bool:
    """Yes or no."""
    switch = parse_switch(value)
    if switch is None:
        raise ValueError("allowed are yes and no, also true and false, on and off, 1 and 0")

    return switch


def parse_count(value: object) -> int:
    """A whole number, 0 or more."""
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError("it must be a whole number, 0 or more")

    return int(text)


def parse_seconds(value: object) -> float:
    """A finite number above 0."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError("it must be a number of seconds above 0; leave it out for no limit")

    return seconds


def parse_personas(value: object) -> tuple[Persona, ...]:
    """A list of names or of tables with `name` and `description`; or a text, names with the separator between them."""
    parts = [name for name in value.split(os.pathsep) if name] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("it must be a list of personas, each with a name and a description")

    return tuple(map(_parse_persona, parts))


def _parse_persona(value: object) -> Persona:
    match value:
        case Persona():
            return value
        case str():
            return Persona(parse_text(value))
        case {"name": name, **rest} if rest.keys() <= {"description"}:
            return Persona(parse_text(name), *map(parse_text, rest.values()))
    raise ValueError("each persona must have a name, may have a description, and nothing else")
