"""Tool calls in Python's syntax, as Llama and Gemma write them: `[bash(cmd="ls"), stop()]`. Nothing is evaluated."""

from __future__ import annotations

import re

from ...messages import JSON
from ..wire import LENIENT

_BEGIN = re.compile(r"\[?\s*[A-Za-z_]\w*\(")
_NAME = re.compile(r"\s*([A-Za-z_]\w*)\(\s*")
_KEYWORD = re.compile(r"([A-Za-z_]\w*)\s*=\s*")
_STRING = re.compile(r"""(\"""|'''|"|')((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_WORD = re.compile(r"(True|False|None)\b")
_BETWEEN = re.compile(r"\s*(,\s*|(?=[)\]]))")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

_WORDS = {"True": True, "False": False, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_CODES = "xuUN01234567abfv"


def begins_python_call(text: str, position: int) -> bool:
    """Whether a call, or a list of calls, may begin here."""
    return _BEGIN.match(text, position) is not None


def parse_python_calls(text: str, position: int) -> tuple[list[tuple[str, dict[str, JSON]]], int]:
    """Return name and arguments of the call here, or of each in the list here, and where they end.

    Raises:
        ValueError: it is no call with keyword arguments that are plain values.
    """
    if text[position] != "[":
        call, position = _call(text, position)
        return [call], position

    calls = []
    position += 1
    while not text.startswith("]", position):
        call, position = _call(text, position)
        calls.append(call)
        position = _behind(_BETWEEN, text, position).end()
    return calls, position + 1


def _call(text: str, position: int) -> tuple[tuple[str, dict[str, JSON]], int]:
    name = _behind(_NAME, text, position)
    position = name.end()
    arguments: dict[str, JSON] = {}
    while not text.startswith(")", position):
        keyword = _behind(_KEYWORD, text, position)
        if keyword[1] in arguments:
            raise ValueError(f"{keyword[1]} comes twice")

        arguments[keyword[1]], position = _value(text, keyword.end())
        position = _behind(_BETWEEN, text, position).end()
    return (name[1], arguments), position + 1


def _value(text: str, position: int) -> tuple[JSON, int]:
    if match := _STRING.match(text, position):
        return _ESCAPE.sub(_unescaped, match[2]), match.end()

    if match := _WORD.match(text, position):
        return _WORDS[match[1]], match.end()

    return LENIENT.raw_decode(text, position)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1] in _CODES:
        raise ValueError(f"the code of a character: {escape[0]}")  # rare, and a guess would be a wrong command

    return _ESCAPES.get(escape[1], escape[0])  # Python, too, leaves others as they are


def _behind(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise ValueError(f"no call at character {position}")

    return match
