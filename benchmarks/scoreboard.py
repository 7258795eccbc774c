"""Plays all that the misbehaving server can do against Pygent and openai-python, and writes docs/scoreboard.md.

`python benchmarks/scoreboard.py` needs Pygent installed, and PyPI: the other library is put, at its latest version,
into an environment that is thrown away. What is right stands in `expectations.py`, the words of the page in
`scoreboard.md`.
"""

from __future__ import annotations

import asyncio
import json
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from contest import BOUND, MAX_RETRIES, SECONDS, TOTAL
from expectations import EXPECTATIONS, Expectation, Row, check_completeness

from pygent.testing.server import MisbehavingServer, catalogue

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "scoreboard.md"


@dataclass(frozen=True)
class Contestant:
    """A library, and the program in which it plays."""

    name: str
    program: tuple[str, ...]


PYGENT = Contestant("Pygent", ("ask_pygent.py",))
STREAM = Contestant("openai-python, `.stream()`", ("ask_openai.py",))
JOINED = Contestant("openai-python, chunks joined", ("ask_openai.py", "joined"))

COLUMNS = [(PYGENT, True), (STREAM, True), (JOINED, True), (PYGENT, False), (STREAM, False)]
"""Who plays, streamed or not. Without a stream there is one way to ask openai-python."""

GOOD, REFUSED, BAD = "right", "refused", "wrong"


@dataclass(frozen=True)
class Verdict:
    """What one contestant made of one case: `right`, `refused` or `wrong`, and how."""

    mark: str
    how: str


def judge(expected: Expectation, outcome: dict[str, Any], requests: int) -> Verdict:
    """Compare what came with what is right."""
    match outcome["kind"]:
        case "overran":
            return Verdict(BAD, f"still waiting after {BOUND:g} s")
        case "foreign":
            return Verdict(BAD, f"raised `{outcome['type']}`")
        case "error":
            if expected.hides_key and outcome["key"] in outcome["text"]:
                return Verdict(BAD, f"`{outcome['type']}` shows the key")
            if expected.error and expected.requests not in (None, requests):
                return Verdict(BAD, f"sent {requests} requests, not {expected.requests}")
            return Verdict(GOOD if expected.error else REFUSED, f"`{outcome['type']}`")
    if expected.fits(outcome["content"], outcome["calls"], outcome["finish"]):
        return Verdict(GOOD, "the reply")

    if expected.texts:
        return Verdict(BAD, "another reply than was sent")

    if "odd" in outcome:
        return Verdict(BAD, f"returned {outcome['odd']}")

    return Verdict(BAD, f"took it for {'a' if outcome['content'] or outcome['calls'] else 'an empty'} reply")


async def play(
    server: MisbehavingServer, contestant: Contestant, python: str, rows: Sequence[Row], stream: bool
) -> tuple[str, list[dict[str, Any]]]:
    """Let a contestant play all rows; its version, and its outcomes."""
    column = COLUMNS.index((contestant, stream))
    cases = []
    for number, row in enumerate(rows):
        key = f"sk-secret-{column}-{number}-end"
        own = f",{key}" if row.fault.startswith("seq:") else ""  # the turns of a sequence are counted by its name
        model = f"fault:{row.fault}{own}"
        cases.append({"base_url": server.base_url, "key": key, "model": model, "stream": stream})
    program = await asyncio.create_subprocess_exec(
        *(python, str(HERE / contestant.program[0]), *contestant.program[1:]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    output, _ = await program.communicate(json.dumps(cases).encode())
    if program.returncode:
        raise SystemExit(f"{contestant.name} did not play to the end: exit {program.returncode}")

    played, *outcomes = [json.loads(line) for line in output.splitlines()]
    return played, outcomes


async def install(folder: Path) -> str:
    """Make an environment with the latest openai-python; the interpreter in it."""
    python = folder / "bin" / "python"
    for command in (
        (sys.executable, "-m", "venv", str(folder)),
        (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "openai"),
    ):
        process = await asyncio.create_subprocess_exec(*command)
        if await process.wait():
            raise SystemExit(f"failed: {' '.join(command)}")
    return str(python)


async def main() -> None:
    """Play, judge, write."""
    check_completeness()
    versions: dict[str, str] = {}
    columns: list[list[Verdict]] = []
    with tempfile.TemporaryDirectory() as folder:
        foreign = await install(Path(folder))
        for contestant, stream in COLUMNS:
            sys.stderr.write(f"{contestant.name}, {'streamed' if stream else 'whole'} …\n")
            python = sys.executable if contestant is PYGENT else foreign
            async with MisbehavingServer(strict=None) as server:
                versions[contestant.name], outcomes = await play(server, contestant, python, EXPECTATIONS, stream)
                sent = Counter(request.headers.get("authorization", "")[7:] for request in server.log)
            columns.append(
                [
                    judge(row.streamed if stream else row.whole, outcome, sent[outcome["key"]])
                    for row, outcome in zip(EXPECTATIONS, outcomes, strict=True)
                ]
            )
    await asyncio.to_thread(lambda: PAGE.write_text(page(versions, columns)))


def page(versions: dict[str, str], columns: Sequence[Sequence[Verdict]]) -> str:
    """The page of the manual."""
    heads = [f"{who.name}, streamed" if stream else f"{who.name.split(',')[0]}, whole" for who, stream in COLUMNS]
    totals = [Counter(verdict.mark for verdict in column) for column in columns]
    counts = [[f"{total[mark]}" for total in totals] for mark in (GOOD, REFUSED, BAD)]
    kinds = [_kinds(column) for column in columns]
    about = catalogue()
    notes: list[str] = []
    lines = []
    for number, row in enumerate(EXPECTATIONS):
        name = row.fault.partition(":")[0]
        expected = (
            row.streamed.words
            if row.streamed.words == row.whole.words
            else f"{row.streamed.words}; whole: {row.whole.words}"
        )
        marks = ", ".join(str(_note(notes, text)) for text in (row.streamed.why, row.streamed.note) if text)
        cells = [_cell(column[number]) for column in columns]
        shown = f"`{_escaped(row.fault)}`"
        lines.append(
            _line(
                [
                    shown,
                    _escaped(about.get(name, "One accident, and then a reply.")),
                    f"{expected} <sup>{marks}</sup>",
                    *cells,
                ]
            )
        )
    return (
        (HERE / "scoreboard.md")
        .read_text()
        .format(
            date=date.today().isoformat(),
            python=platform.python_version(),
            system=platform.system(),
            pygent=versions[PYGENT.name],
            openai=versions[STREAM.name],
            transports=", ".join(f"{name} {version(name)}" for name in ("httpx", "httpx-aiohttp", "aiohttp")),
            seconds=SECONDS,
            total=TOTAL,
            bound=BOUND,
            retries=MAX_RETRIES,
            rows=len(EXPECTATIONS),
            heads=" | ".join(heads),
            rule="|".join(["---"] * len(heads)),
            right=_line(["**right**", *counts[0]]),
            refused=_line(["refused", *counts[1]]),
            wrong=_line(["**wrong**", *counts[2]]),
            kinds="\n".join(
                _line([kind, *(str(found[kind]) for found in kinds)]) for kind in sorted(set().union(*kinds))
            ),
            table="\n".join(lines),
            notes="\n".join(f"{number}. {text}" for number, text in enumerate(notes, 1)),
        )
    )


_KINDS = {
    "raised": "raised an exception that is not of the library",
    "returned": "returned what is no completion, or one without choices",
    "sent": "sent too many or too few requests",
}
"""Ways to be wrong that differ in detail, by their first word."""


def _kinds(column: Sequence[Verdict]) -> Counter[str]:
    """In which ways a contestant was wrong."""
    kinds: Counter[str] = Counter()
    for verdict in column:
        if verdict.mark == BAD:
            kinds[f"· {_KINDS.get(verdict.how.split()[0], verdict.how)}"] += 1
    return kinds


def _note(notes: list[str], text: str) -> int:
    if text not in notes:
        notes.append(text)
    return notes.index(text) + 1


def _cell(verdict: Verdict) -> str:
    sign = {GOOD: "✓", REFUSED: "–", BAD: "✗"}[verdict.mark]
    return f"{sign} {verdict.how}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    asyncio.run(main())
