"""Globs of paths, such as `src/**/*.{js,ts}`: as a regular expression for `grep -E`, and as a test for Python.

Both see paths that begin with `./`, and match the end of one, from the beginning of a folder's or the file's name on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from itertools import chain, product

from ..errors import ToolError

MAX_LENGTH = 1_000
"""Characters of a glob."""

MAX_ALTERNATIVES = 100
"""Ways to choose one of each `{…}` of a glob."""

_PART = re.compile(
    r"(?P<folders>(?<![^/])(?:\*\*/)+)|(?P<all>\*{2,})|(?P<some>\*)|(?P<one>\?)"
    r"|\[(?P<not>!)?(?P<set>[^][\\/!^][^][\\/]*)\]|\{(?P<either>[^{}/]*)\}|(?P<char>.)",
    re.DOTALL,
)
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)
_PREFIX = r"\./"


def glob_to_regex(glob: str) -> str:
    """Translate a glob into an extended regular expression as POSIX has it.

    Raises:
        ToolError: it is too long, or has a set such as `[z-a]`, which nothing is in.
    """
    regex = f"{_PREFIX}(.*/)?{''.join(map(_translate, _parts(glob)))}"
    try:
        re.compile(regex)
    except re.error as error:
        raise ToolError(f"the glob {glob:.60} cannot be used: {error}") from None

    return regex


def glob_matcher(glob: str) -> Callable[[str], bool]:
    """Make a function that says whether a path matches; it is quick, whatever the glob.

    `re` tries all ways to share out a path among the wildcards, and holds the interpreter meanwhile. But for what
    stands between two wildcards the first place will do if any does: the groups here are atomic.

    Raises:
        ToolError: it is too long, has a set such as `[z-a]`, which nothing is in, or too many alternatives.
    """
    glob_to_regex(glob)
    choices = [_alternatives(part) for part in _parts(glob)]
    count = math.prod(map(len, choices))
    if count > MAX_ALTERNATIVES:
        raise ToolError(
            f"the glob {glob:.60} has {count:,} alternatives, more than {MAX_ALTERNATIVES}; write fewer {{…}}"
        )

    patterns = [re.compile(_atomic(chain(*chosen)), re.DOTALL) for chosen in product(*choices)]
    return lambda path: any(pattern.fullmatch(path) for pattern in patterns)


def _parts(glob: str) -> list[re.Match[str]]:
    if len(glob) > MAX_LENGTH:
        raise ToolError(
            f"the glob {glob:.60}… has {len(glob):,} characters, more than {MAX_LENGTH:,}; write a simpler one"
        )

    return list(_PART.finditer(glob.removeprefix("./")))


def _alternatives(part: re.Match[str]) -> list[list[re.Match[str]]]:
    """The ways to read a part, each as parts without alternatives."""
    if part.lastgroup != "either":
        return [[part]]

    return [list(_PART.finditer(text)) for text in part["either"].split(",")]


def _atomic(parts: Iterable[re.Match[str]]) -> str:
    """A regular expression that looks for each run of parts between `**` once, and within it for each between `*`."""
    runs: list[tuple[str, list[str]]] = [("(?:.*?/)??", [""])]
    for part in parts:
        match part.lastgroup:
            case "folders":
                runs.append(("(?:.*?/)??", [""]))
            case "all":
                runs.append((".*?", [""]))
            case "some":
                runs[-1][1].append("")
            case _:
                runs[-1][1][-1] += _translate(part)
    *some, last = runs
    found = [f"(?>{wide}{first}{''.join(map(_first_place, rest))})" for wide, (first, *rest) in some]
    wide, (first, *rest) = last
    end = f"{''.join(map(_first_place, rest[:-1]))}[^/]*{rest[-1]}" if rest else ""
    return f"{_PREFIX}{''.join(found)}{wide}{first}{end}"


def _first_place(text: str) -> str:
    return f"(?>[^/]*?{text})"


def _translate(part: re.Match[str]) -> str:
    """A part as POSIX has it."""
    match part.lastgroup:
        case "folders":
            return "(.*/)?"
        case "all":
            return ".*"
        case "some":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set":
            return f"[{'^/' if part['not'] else ''}{_RANGE.sub(_without_slash, part['set'])}]"
        case "either":
            return f"({'|'.join(''.join(map(_translate, parts)) for parts in _alternatives(part))})"
    return f"\\{part[0]}" if part[0] in r".[\()*+?{|^$" else part[0]


def _without_slash(span: re.Match[str]) -> str:
    """A range of a set, without the `/` that may be in it: only `**` crosses folders."""
    return f"{span[1]}-.0-{span[2]}" if span[1] < "/" < span[2] else span[0]
