"""The built-in tools that find things: `list_files` and `grep`."""

from __future__ import annotations

import asyncio
import re
import shlex
from functools import partial
from typing import TYPE_CHECKING

from ..errors import ToolError
from ..runtimes.base import IGNORED_FOLDERS
from .base import Tool
from .globs import glob_matcher, glob_to_regex

if TYPE_CHECKING:
    from ..runtimes.base import AsyncRuntime

MAX_FILES = 500
MAX_MATCHES = 200
MAX_LINE = 250
TIMEOUT = 60

_REGEX_TOKEN = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|[^]])*\]|\\.|\(\?:", re.DOTALL)
_ESCAPE = re.compile(r"\\.")
_OUTSIDE_BRACKETS = {r"\d": "[0-9]", r"\D": "[^0-9]", r"\t": "\t", "(?:": "("}
_IN_BRACKETS = {r"\d": "0-9", r"\w": "[:alnum:]_", r"\s": "[:space:]", r"\t": "\t"}
_MATCH = re.compile(r"\./(.+?):(\d+):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08]")

_REFUSALS = {
    11: "there is no {path}",
    12: "{path} leads out of the workspace",
    13: "{path} is a link; search the file that it points to",
    14: "the pattern is no extended regular expression: {output}",
    15: "{output} is not installed where commands run",
}

# POSIX sh, and of its programs the options that GNU, BSD and BusyBox share. The path's links are resolved, then it must
# be inside, and from there no link is followed. A name that has a newline in it could pass for another: it is left out.
_GREP = """\
root=$(pwd -P) at={path} name=
echo | grep -E -e {pattern} 2>&1; [ $? -lt 2 ] || exit 14
for needed in find xargs; do command -v $needed >/dev/null || {{ echo $needed; exit 15; }}; done
[ -d "$at" ] || {{ name=/${{at##*/}}; at=${{at%/*}}; }}
cd -P -- "${{at:-/}}" 2>/dev/null || exit 11
case $PWD/ in "$root"/*) ;; *) exit 12 ;; esac
at=.${{PWD#"$root"}}$name
cd -P -- "$root" || exit 11
[ -h "$at" ] && exit 13
[ -e "$at" ] || exit 11
find "$at" \\( {ignored} \\) ! -path "$at" -prune -o -type f ! -path '*
*' -print 2>/dev/null | LC_ALL=C sort | grep -E -e {files} | tr '\\n' '\\0' \\
| xargs -0 grep -{flags} -e {pattern} -- /dev/null 2>/dev/null \\
| tr '\\0' '\\1' | head -n {lines} | cut -c 1-{width}
exit 0
"""


@partial(Tool.from_function, parallel=True)
async def list_files(rt: AsyncRuntime, path: str = ".", pattern: str | None = None) -> str:
    """List the files in a folder of the workspace and in all folders below it.

    Folders that tools make, such as .git, node_modules and __pycache__, are passed over. At most 500 files come at
    once.

    Args:
        rt: where the files are.
        path: the folder, relative to the workspace.
        pattern: only files whose path ends like this, such as `*.py`, `test_*.{js,ts}` or `src/**/*.c`; `*` does not
            cross folders, `**` does.
    """
    files = await rt.list_files(path)
    if pattern is not None:
        matches = glob_matcher(pattern)
        files = await asyncio.to_thread(lambda: [file for file in files if matches(f"./{file}")])
    if not files:
        return f"[no files in {path}{f' match {pattern}' if pattern else ''}]"

    shown = files[:MAX_FILES]
    if len(files) > MAX_FILES:
        shown.append(f"[and {len(files) - MAX_FILES:,} more; name a folder in it or a pattern]")
    return "\n".join(shown)


@partial(Tool.from_function, parallel=True)
async def grep(
    rt: AsyncRuntime, pattern: str, path: str = ".", glob: str | None = None, ignore_case: bool = False
) -> str:
    r"""Search the files of the workspace for a regular expression, line by line.

    Each match comes as path, line number and line. At most 200 matches come at once. Binary files, links, and folders
    that tools make, such as .git and node_modules, are passed over.

    Args:
        rt: where the files are.
        pattern: a regular expression as for `grep -E`, where `\w`, `\d`, `\s` and `\b` work too, but not look-around.
        path: the folder or file to search, relative to the workspace.
        glob: only files whose path ends like this, such as `*.py` or `src/**/*.c`.
        ignore_case: whether `a` also finds `A`.
    """
    script = _GREP.format(
        path=shlex.quote(path if path.startswith("/") else f"./{path}"),
        pattern=shlex.quote(_to_posix(pattern)),
        ignored=" -o ".join(f"-name {shlex.quote(name)}" for name in IGNORED_FOLDERS),
        files=shlex.quote(f"^{glob_to_regex(glob or '*')}$"),
        flags="HnsIEi" if ignore_case else "HnsIE",
        lines=MAX_MATCHES + 1,
        width=6 * MAX_LINE,
    )
    printed: list[str] = []  # the result keeps only the ends of a long output
    result = await rt.exec(script, timeout=TIMEOUT, on_output=printed.append)
    output = "".join(printed)
    if result.timed_out:
        raise ToolError(f"searching {path} took more than {TIMEOUT} seconds; name a folder in it, or a glob")

    if result.exit_code in _REFUSALS:
        raise ToolError(_REFUSALS[result.exit_code].format(path=path, output=output.strip()))

    return _found(output.split("\n"), pattern, path)


def _to_posix(pattern: str) -> str:
    """Write what models know from other regular expressions, and grep would misread without a word, in grep's way."""

    def translate(token: re.Match[str]) -> str:
        text = token[0]
        if text.startswith("["):
            return _ESCAPE.sub(lambda escape: _IN_BRACKETS.get(escape[0], escape[0]), text)

        return _OUTSIDE_BRACKETS.get(text, text)

    return _REGEX_TOKEN.sub(translate, pattern)


def _found(lines: list[str], pattern: str, path: str) -> str:
    """The matches as the model sees them, and how many more there may be."""
    matches = [match for line in lines if not _CONTROL.search(line) and (match := _MATCH.fullmatch(line))]
    shown = [f"{file}:{number}:{_cut(text)}" for file, number, text in (match.groups() for match in matches)]
    if len(shown) > MAX_MATCHES:
        more = f"[there are more than {MAX_MATCHES} matches; search for something rarer, in a folder, or with a glob]"
        return "\n".join([*shown[:MAX_MATCHES], more])

    if shown:
        return "\n".join(shown)

    return f"[no matches for {pattern} in {path}]"


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} […]"
