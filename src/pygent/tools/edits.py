"""What `edit_file` does to a file's bytes: one exact replacement, or the reason why not; and diffs for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ToolError

MAX_SHOWN = 12
"""Lines or places that an explanation names."""

MAX_PLACES = 1_000
"""Places of an ambiguous text that are counted."""

MAX_COMPARED = 5_000
"""Lines that are searched for something similar, or compared for a diff: more would take seconds."""

_NUMBERED = re.compile(r"\s*\d+\t")


@dataclass(frozen=True, slots=True)
class Edit:
    """A file's new content, in how many places it was changed, and in which line first."""

    data: bytes
    places: int
    line: int


def replace(data: bytes, old: str, new: str, *, everywhere: bool = False) -> Edit:
    """Replace `old` by `new` where it stands exactly once, or everywhere; all other bytes stay as they are.

    In a file whose lines all end alike, the line ends of `old` and `new` are taken to be those of the file.

    Raises:
        ToolError: `old` is not there, not unique, or the same as `new`; the text helps to do better.
    """
    if not old:
        raise ToolError("`old` is empty; use write_file to write a whole file")

    line_end = _line_end(data)
    before, after = (text if line_end is None else _with_line_ends(text, line_end) for text in (old, new))
    if before == after:
        raise ToolError("`old` and `new` are the same; there is nothing to change")

    target, replacement = before.encode("utf-8", "replace"), after.encode("utf-8", "replace")
    places = _places(data, target)
    if not places:
        raise ToolError(f"`old` is not in the file. {_advice(data.decode('utf-8', 'replace'), old, new)}")

    lines = [data.count(b"\n", 0, place) + 1 for place in places[:MAX_SHOWN]]
    if len(places) > 1 and not everywhere:
        times = f"{len(places)} times" if len(places) <= MAX_PLACES else f"more than {MAX_PLACES} times"
        more = ", …" if len(places) > len(lines) else ""
        raise ToolError(
            f"`old` is in the file {times}, at lines {', '.join(map(str, lines))}{more}; "
            f"add lines around it to make it unique, or set replace_all"
        )

    return Edit(data.replace(target, replacement), data.count(target), lines[0])


def diff(path: str, old: bytes | None, new: bytes) -> str | None:
    """Return the unified diff of a file, for people; `old` is None for a new one. None: too long to compare."""
    before, after = ((data or b"").decode("utf-8", "replace").splitlines() for data in (old, new))
    if len(before) + len(after) > 2 * MAX_COMPARED:
        return None

    lines = difflib.unified_diff(before, after, "/dev/null" if old is None else f"a/{path}", f"b/{path}", lineterm="")
    return "\n".join(lines) or None


def numbered(lines: Sequence[str], first: int) -> str:
    """Write lines with their numbers in front."""
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines, first))


def _line_end(data: bytes) -> str | None:
    """How the lines of a file end, if they all end alike."""
    total, windows = data.count(b"\n"), data.count(b"\r\n")
    if windows == 0:
        return "\n"

    return "\r\n" if windows == total else None


def _with_line_ends(text: str, line_end: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", line_end)


def _places(data: bytes, target: bytes) -> list[int]:
    """Where the target begins; places that overlap count, because they too are a doubt about what is meant."""
    places: list[int] = []
    place = data.find(target)
    while place >= 0 and len(places) <= MAX_PLACES:
        places.append(place)
        place = data.find(target, place + 1)
    return places


def _advice(text: str, old: str, new: str) -> str:
    """Find out what `old` may have meant."""
    wanted, lines = old.splitlines() or [""], text.split("\n")
    if all(_NUMBERED.match(line) for line in wanted):
        return "Leave out the line numbers that read_file puts in front of each line."

    if start := _stripped_start(lines, wanted):
        found = lines[start - 1 : start - 1 + len(wanted)]
        cause = "whitespace"
        match _indentation(wanted), _indentation(found):
            case " ", "\t":
                cause = "whitespace (the file has tabs there)"
            case "\t", " ":
                cause = "whitespace (the file has spaces, not tabs)"
        return f"Line {start} and what follows differ from it only in {cause}:\n{_excerpt(lines, start, len(wanted))}"

    if new and new in text:
        return f"`new` is there already, at line {text.count(chr(10), 0, text.index(new)) + 1}."

    if start := _similar_start(lines, wanted):
        return f"The most similar lines are:\n{_excerpt(lines, start, len(wanted))}"

    return "Nothing in it is similar; read the file again."


def _stripped_start(lines: Sequence[str], wanted: Sequence[str]) -> int:
    """The number of the line where `wanted` stands if whitespace at both ends of lines is ignored; 0: nowhere."""
    bare, sought = [line.strip() for line in lines], [line.strip() for line in wanted]
    starts = (number for number, line in enumerate(bare, 1) if line == sought[0])
    return next((start for start in starts if bare[start - 1 : start - 1 + len(sought)] == sought), 0)


def _indentation(lines: Sequence[str]) -> str:
    """The characters that lines begin with: tabs, spaces, both or neither."""
    return "".join(sorted({line[0] for line in lines if line[:1] in ("\t", " ")}))


def _similar_start(lines: Sequence[str], wanted: Sequence[str]) -> int:
    """The number of the line where something like `wanted` stands, judged by its longest line; 0: nowhere."""
    bare = [line.strip()[:200] for line in lines[:MAX_COMPARED]]
    longest = max(wanted, key=lambda line: len(line.strip()))
    near = difflib.get_close_matches(longest.strip()[:200], set(bare) - {""}, n=1)
    return max(bare.index(near[0]) + 1 - wanted.index(longest), 1) if near else 0


def _excerpt(lines: Sequence[str], start: int, count: int) -> str:
    shown = [line.rstrip("\r")[:200] for line in lines[start - 1 : start - 1 + min(count, MAX_SHOWN)]]
    return numbered(shown, start)
