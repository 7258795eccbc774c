"""README and manual: links lead somewhere, Python compiles, tables are complete, and every example is shown."""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
from collections.abc import Iterator
from itertools import dropwhile, groupby
from pathlib import Path

import click
import pytest

from pygent.cli.main import cli, run_command_line
from pygent.settings import settings_table

PROJECT = Path(__file__).parent.parent
EXAMPLES = PROJECT / "examples"
PAGES = {
    str(path.relative_to(PROJECT)): path
    for path in [*PROJECT.glob("*.md"), *sorted((PROJECT / "docs").rglob("*.md")), *sorted(EXAMPLES.glob("*.md"))]
}

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
INCLUDE = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """What a link may lead to within a page: its headings, and the names that the reference shows there."""
    text = prose(path)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}
    return slugs | set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))


def python_blocks() -> dict[str, str]:
    """Every Python block, the programs that it includes being put in."""
    blocks = {}
    for name, path in PAGES.items():
        for number, (indent, language, block) in enumerate(FENCE.findall(path.read_text(encoding="utf-8")), start=1):
            if language in ("python", "py"):
                code = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
                blocks[f"{name}:{number}"] = INCLUDE.sub(lambda found: (EXAMPLES / found[1]).read_text(), code)
    return blocks


BLOCKS = python_blocks()


def commands_in(line: str) -> Iterator[list[str]]:
    """The words of each command in a line of a shell, without variables set for it; plain lines only, as we write."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    for is_between, command in groupby(words, lambda word: set(word) <= set("|&;<>()")):
        if not is_between:
            yield list(dropwhile(re.compile(r"\w+=").match, command))


def pygent_commands() -> dict[str, list[str]]:
    """The arguments of every `pygent …` in the blocks of shell."""
    shell = (
        (name, line)
        for name, path in PAGES.items()
        for _, language, block in FENCE.findall(path.read_text(encoding="utf-8"))
        if language in ("sh", "bash", "console")
        for line in block.replace("\\\n", "").splitlines()
    )
    return {
        f"{name}: {line.strip()}": words[1:]
        for name, line in shell
        for words in commands_in(line)
        if words[:1] == ["pygent"]
    }


COMMANDS = pygent_commands()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each link within the project names a file that exists, and a heading in it."""
    path = PAGES[page]
    for target, anchor in LINK.findall(prose(path)):
        there = (path.parent / target).resolve() if target else path

        assert there.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page} links to {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_no_path_of_a_machine(page: str) -> None:
    """What was pasted from somebody's terminal does not tell where they live."""
    found = re.findall(r"(?<![\w./~-])/(?:root|work|home/\w+|Users/\w+)\b\S*", PAGES[page].read_text(encoding="utf-8"))

    assert found == []


@pytest.mark.parametrize("block", BLOCKS)
def test_python_compiles(block: str) -> None:
    """Each Python block is Python; `await` may stand at its top level, as in a notebook."""
    compile(BLOCKS[block], block, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)


@pytest.mark.parametrize("block", BLOCKS)
def test_imported_names_exist(block: str) -> None:
    """What a block imports from Pygent is there."""
    import importlib

    for node in ast.walk(ast.parse(BLOCKS[block])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pygent":
            module = importlib.import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `pygent …` that a reader may copy has the words that the command knows; nothing is run."""

    def stop_at_the_door(group: click.Group) -> None:
        for known in group.commands.values():
            if isinstance(known, click.Group):
                stop_at_the_door(known)
            else:
                monkeypatch.setattr(known, "callback", lambda **_: 0)

    stop_at_the_door(cli)

    assert run_command_line(COMMANDS[command]) == 0


def test_there_are_commands_in_the_manual() -> None:
    """They are found: with variables before them, in pipes, with a comment behind."""
    assert len(COMMANDS) > 5
    assert list(commands_in('A=1 pygent run -m x "a | b" | cat > b  # c')) == [
        ["pygent", "run", "-m", "x", "a | b"],
        ["cat"],
        ["b"],
    ]


def test_every_example_is_in_the_manual() -> None:
    """A program in examples/ is shown on some page."""
    shown = {name for path in PAGES.values() for name in INCLUDE.findall(path.read_text(encoding="utf-8"))}

    assert {path.name for path in EXAMPLES.glob("*.py")} - shown == set()


def test_every_setting_is_in_the_manual() -> None:
    """The table of settings in the reference is the one in the code."""
    rows = ["| name | variable | default | what it is |", "|---|---|---|---|"]
    for row in settings_table():
        names = ", ".join(f"`{name}`" for name in (row.name, *row.aliases))
        variables = ", ".join(f"`{name}`" for name in row.env)
        default = f"`{row.default}`" if row.default not in (None, ()) else ""
        trust = " *Not by a project.*" if row.trusted_only else ""
        note = f" *{row.note.capitalize()}.*" if row.note else ""
        rows.append(f"| {names} | {variables} | {default} | {row.description}{trust}{note} |")
    page = (PROJECT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8").splitlines()

    assert [line for line in page if line.startswith("|")] == rows


def test_the_loop_in_the_manual_is_the_loop_in_the_code() -> None:
    """The page on the architecture shows the loop as it stands, word for word."""
    block = next(
        match[3] for match in FENCE.finditer(PAGES["docs/architecture.md"].read_text("utf-8")) if match[2] == "python"
    )

    assert textwrap.indent(block, "    ") in (PROJECT / "src/pygent/agent.py").read_text("utf-8")
