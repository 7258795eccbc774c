"""Finding files and lines in a real workspace, with the system's tools and with BusyBox's."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pygent import LocalRuntime
from pygent.tools import call_tool
from pygent.tools.search import MAX_FILES, MAX_MATCHES, grep, list_files

BUSYBOX = shutil.which("busybox")
PROGRAMS = ("find", "xargs", "grep", "sort", "tr", "head", "cut", "sh", "cat")


@pytest.fixture(
    params=["system", pytest.param("busybox", marks=pytest.mark.skipif(BUSYBOX is None, reason="no busybox here"))]
)
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    """A runtime whose commands find the system's programs, or BusyBox's and nothing else."""
    env = {}
    if request.param == "busybox":
        (tmp_path / "bin").mkdir()
        for program in PROGRAMS:
            (tmp_path / "bin" / program).symlink_to(str(BUSYBOX))
        env = {"PATH": str(tmp_path / "bin")}
    async with LocalRuntime(tmp_path / "workspace", env=env) as runtime:
        yield runtime


FILES = {
    "a.py": "import os\n\ndef main():\n    return os.getcwd()\n",
    "b.txt": "main course\nMAIN\n",
    "src/core/c.py": "from a import main\n",
    "src/d e.py": "x = 'main: 7'\n",
    "src/.hidden.py": "main = 1\n",
    ".git/config": "main\n",
    "node_modules/m/index.js": "main\n",
    "src/__pycache__/c.txt": "main\n",
}


@pytest.fixture
def project(workspace: Path) -> Path:
    for name, content in FILES.items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(content)
    (workspace / "binary").write_bytes(b"main\0\x01main\n")
    (workspace.parent / "outside").mkdir()
    (workspace.parent / "outside" / "secret.txt").write_text("main secret\n")
    (workspace / "link.txt").symlink_to(workspace.parent / "outside" / "secret.txt")
    (workspace / "folder").symlink_to(workspace.parent / "outside")
    (workspace / "inside").symlink_to("src")
    return workspace


DIRECTLY = ["src/.hidden.py:1:main = 1", "src/d e.py:1:x = 'main: 7'"]


async def found(runtime: LocalRuntime, pattern: str, **arguments: Any) -> list[str]:
    output = await call_tool(grep, {"pattern": pattern, **arguments}, runtime)
    assert not output.is_error, output.text
    return output.text.splitlines()


# grep


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        pytest.param(
            {"pattern": "main"},
            [
                "a.py:3:def main():",
                "b.txt:1:main course",
                "src/.hidden.py:1:main = 1",
                "src/core/c.py:1:from a import main",
                "src/d e.py:1:x = 'main: 7'",
            ],
            id="everywhere",
        ),
        pytest.param({"pattern": "main", "path": "b.txt"}, ["b.txt:1:main course"], id="one-file"),
        pytest.param({"pattern": "main", "path": "./src/core/"}, ["src/core/c.py:1:from a import main"], id="folder"),
        pytest.param({"pattern": "main", "path": "src/d e.py"}, ["src/d e.py:1:x = 'main: 7'"], id="space"),
        pytest.param({"pattern": "main", "path": "node_modules"}, ["node_modules/m/index.js:1:main"], id="ignored"),
        pytest.param({"pattern": "main", "path": "inside/core"}, ["src/core/c.py:1:from a import main"], id="link"),
        pytest.param({"pattern": "MAIN"}, ["b.txt:2:MAIN"], id="case"),
        pytest.param(
            {"pattern": "MAIN", "path": "b.txt", "ignore_case": True},
            ["b.txt:1:main course", "b.txt:2:MAIN"],
            id="ignore-case",
        ),
        pytest.param({"pattern": r"^def \w+\(|'.*[0-9]'", "glob": "a*"}, ["a.py:3:def main():"], id="regex"),
        pytest.param({"pattern": "main", "glob": "*.txt"}, ["b.txt:1:main course"], id="glob"),
        pytest.param({"pattern": "main", "glob": "src/*d*.py"}, DIRECTLY, id="one-folder"),
        pytest.param(
            {"pattern": "^from", "glob": "src/**/*.{py,js}"}, ["src/core/c.py:1:from a import main"], id="deep"
        ),
        pytest.param({"pattern": "-e"}, ["[no matches for -e in .]"], id="looks-like-an-option"),
        pytest.param({"pattern": "$(touch pwned)'\"`"}, ["[no matches for $(touch pwned)'\"` in .]"], id="quotes"),
        pytest.param({"pattern": r"(?:[\w\t]+: |:)\d\b"}, ["src/d e.py:1:x = 'main: 7'"], id="perl"),
    ],
)
async def test_grep_finds(runtime: LocalRuntime, arguments: dict[str, Any], lines: list[str]) -> None:
    """Path, line number and line, sorted by path; nothing from binaries, links and folders that tools make."""
    assert await found(runtime, **arguments) == lines


@pytest.mark.usefixtures("project")
async def test_grep_takes_an_absolute_path_inside(runtime: LocalRuntime) -> None:
    """Paths that commands print can be searched."""
    assert await found(runtime, "course", path=f"{runtime.workspace}/b.txt") == ["b.txt:1:main course"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param({"path": "none"}, "there is no none", id="missing"),
        pytest.param({"path": "src/none.py"}, "there is no src/none.py", id="missing-file"),
        pytest.param({"path": ".."}, ".. leads out of the workspace", id="parent"),
        pytest.param({"path": "src/../.."}, "src/../.. leads out of the workspace", id="parents"),
        pytest.param({"path": "../workspace-2"}, "../workspace-2 leads out of the workspace", id="no-such-sibling"),
        pytest.param({"path": "/etc"}, "/etc leads out of the workspace", id="absolute"),
        pytest.param({"path": "/"}, "/ leads out of the workspace", id="root"),
        pytest.param({"path": "/etc/passwd"}, "/etc/passwd leads out of the workspace", id="absolute-file"),
        pytest.param({"path": "folder"}, "folder leads out of the workspace", id="folder-link"),
        pytest.param({"path": "folder/secret.txt"}, "folder/secret.txt leads out", id="through-a-link"),
        pytest.param({"path": "link.txt"}, "link.txt is a link", id="file-link"),
        pytest.param({"path": "$(id)"}, "there is no $(id)", id="substitution"),
        pytest.param({"path": "a\0b"}, "NUL", id="nul"),
        pytest.param({"pattern": "main("}, "the pattern is no extended regular expression", id="pattern"),
    ],
)
async def test_grep_refuses(runtime: LocalRuntime, arguments: dict[str, Any], reason: str) -> None:
    """Searching stays inside the workspace, and says why it did not search."""
    output = await call_tool(grep, {"pattern": "secret", **arguments}, runtime)

    assert output.is_error
    assert reason in output.text
    assert "main secret" not in output.text


async def test_grep_is_not_led_out_by_a_name_with_a_newline(runtime: LocalRuntime, project: Path) -> None:
    """A file whose name looks like two paths gives away neither."""
    (project / "x\n.").mkdir()
    (project / "x\n." / "link.txt").write_text("nothing")

    assert not any("secret" in line for line in await found(runtime, "main"))


async def test_grep_is_bounded(runtime: LocalRuntime, workspace: Path) -> None:
    """Of very many matches the first come, of a very long line the beginning."""
    (workspace / "many.txt").write_text(f"{'é' * 5_000}\n" * 5_000)

    lines = await found(runtime, "é")

    assert len(lines) == MAX_MATCHES + 1
    assert lines[-1].startswith(f"[there are more than {MAX_MATCHES} matches")
    assert re.fullmatch(r"many.txt:1:é{250} \[…\]", lines[0])


async def test_grep_says_what_is_not_installed(tmp_path: Path) -> None:
    """In an image without findutils the model learns that it must do without."""
    (tmp_path / "bin").mkdir()
    for program in ("grep", "cat"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    async with LocalRuntime(tmp_path / "workspace", env={"PATH": str(tmp_path / "bin")}) as runtime:
        output = await call_tool(grep, {"pattern": "x"}, runtime)

    assert (output.is_error, output.text) == (True, "find is not installed where commands run")


# list_files


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        pytest.param(
            {},
            [
                "a.py",
                "b.txt",
                "binary",
                "folder",
                "inside",
                "link.txt",
                "src/.hidden.py",
                "src/core/c.py",
                "src/d e.py",
            ],
            id="all",
        ),
        pytest.param({"path": "src"}, ["src/.hidden.py", "src/core/c.py", "src/d e.py"], id="folder"),
        pytest.param({"pattern": "*.txt"}, ["b.txt", "link.txt"], id="name"),
        pytest.param({"pattern": "core/*"}, ["src/core/c.py"], id="folder-and-name"),
        pytest.param({"pattern": "src/**"}, ["src/.hidden.py", "src/core/c.py", "src/d e.py"], id="below"),
        pytest.param({"pattern": "*.rs"}, ["[no files in . match *.rs]"], id="none"),
    ],
)
async def test_list_files_lists(runtime: LocalRuntime, arguments: dict[str, Any], files: list[str]) -> None:
    """Files below a folder, sorted, without those that tools make."""
    output = await call_tool(list_files, arguments, runtime)

    assert output.text.splitlines() == files


async def test_list_files_is_bounded(runtime: LocalRuntime, workspace: Path) -> None:
    """Of very many files the first come, with the count of the rest."""
    for number in range(MAX_FILES + 7):
        (workspace / f"{number:04}").touch()

    lines = (await call_tool(list_files, {}, runtime)).text.splitlines()

    assert lines[MAX_FILES - 1 :] == [f"{MAX_FILES - 1:04}", "[and 7 more; name a folder in it or a pattern]"]


@pytest.mark.parametrize("path", ["none", "..", "/etc", "folder"])
@pytest.mark.usefixtures("project")
async def test_list_files_refuses(runtime: LocalRuntime, path: str) -> None:
    """Listing stays inside the workspace."""
    output = await call_tool(list_files, {"path": path}, runtime)

    assert "secret" not in output.text
    assert output.is_error or output.text == path
