"""What a docstring says of its function and of each argument; in Google's, Sphinx's or NumPy's way of writing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_ABOUT_ARGUMENTS = (
    "Args",
    "Arguments",
    "Parameters",
    "Params",
    "Keyword Args",
    "Keyword Arguments",
    "Other Parameters",
)
_ABOUT_RESULTS = ("Returns", "Return", "Yields", "Yield", "Raises")
_GOOGLE_HEADING = re.compile(rf"({'|'.join(_ABOUT_ARGUMENTS + _ABOUT_RESULTS)}):\s*")
_UNDERLINE = re.compile(r"-{3,}\s*")
_FIELD = re.compile(r":(\w+)(?:\s+([^:]*))?:(.*)")
_GOOGLE_ENTRY = re.compile(r"(\s*)\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:(.*)")
_NUMPY_ENTRY = re.compile(r"(\s*)\*{0,2}(\w+)()\s*(?::.*)?")


@dataclass(frozen=True, slots=True)
class Docstring:
    """`summary` is the text before the sections about arguments and results; `arguments` are described by name."""

    summary: str = ""
    arguments: dict[str, str] = field(default_factory=dict)


def parse_docstring(text: str) -> Docstring:
    """Read a docstring whose indentation is already removed, as `inspect.getdoc` gives it."""
    lines = text.splitlines()
    sections = [number for number in range(len(lines)) if _begins_section(lines, number)]
    summary = "\n".join(lines[: sections[0]] if sections else lines).strip()
    arguments: dict[str, str] = {}
    for start, end in pairwise([*sections, len(lines)]):
        arguments |= _read_section(lines[start:end])
    return Docstring(summary, arguments)


def _begins_section(lines: Sequence[str], number: int) -> bool:
    line, below = lines[number], lines[number + 1] if number + 1 < len(lines) else ""
    if _FIELD.match(line) or _GOOGLE_HEADING.fullmatch(line):
        return True

    return line.strip() in _ABOUT_ARGUMENTS + _ABOUT_RESULTS and bool(_UNDERLINE.fullmatch(below))


def _read_section(lines: Sequence[str]) -> dict[str, str]:
    if match := _FIELD.match(lines[0]):
        kind, typed_name, text = match.groups(default="")
        if kind not in ("param", "parameter", "arg", "argument") or not typed_name.strip():
            return {}

        return {typed_name.split()[-1].lstrip("*"): _joined([text, *lines[1:]])}

    if lines[0].strip().rstrip(":") not in _ABOUT_ARGUMENTS:
        return {}

    numpy = not lines[0].rstrip().endswith(":")
    return _entries(lines[2:], _NUMPY_ENTRY) if numpy else _entries(lines[1:], _GOOGLE_ENTRY)


def _entries(lines: Sequence[str], entry: re.Pattern[str]) -> dict[str, str]:
    """Split lines into entries, which begin at the indentation of the first one."""
    found: dict[str, list[str]] = {}
    margin, name = None, None
    for line in lines:
        match = entry.fullmatch(line)
        if match and (margin is None or match[1] == margin):
            margin, name = match[1], match[2]
            found[name] = [match[3]]
        elif line.strip() and margin is not None and not line.startswith(f"{margin} "):
            break  # a paragraph or a section of another kind
        elif name is not None:
            found[name].append(line)
    return {name: _joined(text) for name, text in found.items()}


def _joined(lines: Sequence[str]) -> str:
    """The lines of the first paragraph as one."""
    words: list[str] = []
    for line in lines:
        if not line.strip() and words:
            break

        words += line.split()
    return " ".join(words)
