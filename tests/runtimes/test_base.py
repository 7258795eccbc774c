"""What a runtime of somebody's own gets for its four methods: listing and copying, on any `find`."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from pygent import AsyncRuntime, CommandResult, LocalRuntime, PathOutsideWorkspace, WorkspaceError


class Minimal(AsyncRuntime):
    """A folder of this machine by the four methods and no more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = False

    @property
    def workspace(self) -> str:
        return str(self._folder) if self._opened else ""

    async def open(self) -> None:
        self._opened = True

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: object = None) -> CommandResult:
        await self.open()
        done = await asyncio.to_thread(
            subprocess.run,
            ["/bin/sh", "-c", cmd],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return CommandResult(output=done.stdout.decode("utf-8", "replace"), exit_code=done.returncode)

    async def read_bytes(self, path: str, *, limit_bytes: int = 1 << 20) -> bytes:
        try:
            return await asyncio.to_thread((self._folder / path).read_bytes)
        except OSError as error:
            raise WorkspaceError(f"cannot read {path}: {error}") from error

    async def write_bytes(self, path: str, data: bytes) -> None:
        raise NotImplementedError

    async def cleanup(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with what listings differ about: clutter, links of every sort, and odd names."""
    root = tmp_path / "workspace"
    for name in ("src/a", "src/deep/b", "src/.git/config", "src/node_modules/x/y", "src/two\nlines", "-n/[x]/.git/f"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "worktree").mkdir()
    (root / "worktree" / ".git").write_text("gitdir: elsewhere")
    (tmp_path / "secret").write_text("not yours")
    (root / "src" / "dangling").symlink_to("missing")
    (root / "src" / "outside").symlink_to(tmp_path / "secret")
    (root / "src" / "outside-folder").symlink_to(tmp_path)
    (root / "src" / "inside").symlink_to("a")
    (root / "link-to-src").symlink_to("src")
    os.mkfifo(root / "src" / "fifo")
    return root


@pytest.fixture(params=[Minimal, LocalRuntime])
def either(request: pytest.FixtureRequest, folder: Path) -> AsyncRuntime:
    """The methods that stand on the four, and those that the local runtime has in their place."""
    runtime: AsyncRuntime = request.param(folder)
    return runtime


LISTED = ["src/a", "src/dangling", "src/deep/b", "src/fifo", "src/inside", "src/outside", "src/outside-folder"]
COPIED = [".git/config", "a", "deep/b", "node_modules/x/y", "two\nlines"]


async def test_listing_is_for_a_model(either: AsyncRuntime, folder: Path) -> None:
    """Links are named, clutter is passed over unless it is asked for, and a newline is part of a name."""
    async with either:
        for path in ("src", "./src/", "-n/../src", str(folder / "src"), f"{folder}//src/."):
            assert await either.list_files(path) == sorted([*LISTED, "src/two\nlines"])
        assert await either.list_files("src/.git") == ["src/.git/config"]
        assert await either.list_files("-n/[x]/.git") == ["-n/[x]/.git/f"]
        assert await either.list_files("-n") == []
        assert await either.list_files("worktree") == ["worktree/.git"]
        assert await either.list_files(str(folder / "src" / "a")) == ["src/a"]
        assert "link-to-src" in await either.list_files()
        assert await either.list_files("link-to-src/deep") == ["link-to-src/deep/b"]


async def test_absolute_path_opens_the_workspace(either: AsyncRuntime, folder: Path) -> None:
    """An absolute path is understood also when nothing was opened before."""
    assert await either.list_files(str(folder / "src" / "deep")) == ["src/deep/b"]
    await either.cleanup()


@pytest.mark.parametrize("path", ["missing", "..", "../x", "/etc", "{folder}/../x", "{folder}-not"])
async def test_path_that_is_not_there_is_an_error(
    either: AsyncRuntime, folder: Path, tmp_path: Path, path: str
) -> None:
    """Listing or copying what is missing or outside fails, and the error says which."""
    path = path.format(folder=folder)
    expected = WorkspaceError if path == "missing" else PathOutsideWorkspace
    async with either:
        for use in (either.list_files(path), either.export(path, tmp_path / "out")):
            with pytest.raises(expected):
                await use
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["src", "./src/", "{folder}/src", "link-to-src"])
async def test_export_copies_all_regular_files(either: AsyncRuntime, folder: Path, tmp_path: Path, path: str) -> None:
    """A copy has every regular file, those in `.git` and `node_modules` too; links and the like are passed over."""
    out = tmp_path / "out"
    async with either:
        await either.export(path.format(folder=folder), out)

    assert sorted(str(file.relative_to(out)) for file in out.rglob("*") if not file.is_dir()) == COPIED
    assert (out / "two\nlines").read_text() == "src/two\nlines"


@pytest.mark.parametrize("name", ["dangling", "fifo"])
async def test_export_of_one_bad_file_is_an_error(tmp_path: Path, name: str) -> None:
    """What is named and cannot be copied is not passed over in silence."""
    (tmp_path / "dangling").symlink_to("missing")
    os.mkfifo(tmp_path / "fifo")
    async with LocalRuntime(tmp_path) as runtime:
        with pytest.raises(WorkspaceError, match=name):
            await runtime.export(name, tmp_path / "out")
    if name == "dangling":
        with pytest.raises(WorkspaceError, match=name):
            await Minimal(tmp_path).export(name, tmp_path / "out")


async def test_export_of_one_link_out_of_the_workspace_is_refused(folder: Path, tmp_path: Path) -> None:
    """A link that leads out is refused by name, for a file as for a folder."""
    async with LocalRuntime(folder) as runtime:
        for name in ("src/outside", "src/outside-folder"):
            with pytest.raises(PathOutsideWorkspace):
                await runtime.export(name, tmp_path / "out")


async def test_local_export_keeps_modes_and_may_be_repeated(folder: Path, tmp_path: Path) -> None:
    """Permissions come along, also those of a file that its own second copy could not be written over."""
    (folder / "src" / "a").chmod(0o444)
    (folder / "src" / "deep" / "b").chmod(0o750)
    out = tmp_path / "out"
    async with LocalRuntime(folder) as runtime:
        for _ in range(2):
            await runtime.export("src", out)
        await runtime.export("src/deep/b", tmp_path / "single")

    modes = [path.stat().st_mode & 0o7777 for path in (out / "a", out / "deep" / "b", tmp_path / "single")]
    assert modes == [0o444, 0o750, 0o750]


async def test_local_export_takes_names_that_are_no_text(tmp_path: Path) -> None:
    """A name that is not UTF-8 is kept as it is."""
    name = os.fsdecode(b"latin-\xe9")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / name).write_text("x")
    async with LocalRuntime(tmp_path) as runtime:
        await runtime.export("src", tmp_path / "out")

    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"latin-\xe9"]


async def test_unwritable_destination_is_told(either: AsyncRuntime, tmp_path: Path) -> None:
    """Where the copy cannot be written, the error names the place on this machine."""
    (tmp_path / "file").write_text("in the way")
    async with either:
        with pytest.raises(WorkspaceError, match=f"cannot write {tmp_path}/file"):
            await either.export("src", tmp_path / "file")
