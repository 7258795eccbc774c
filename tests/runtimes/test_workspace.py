"""Files are read whole or not at all, and written whole or not at all."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pygent import RuntimeUnavailable, WorkspaceError
from pygent.runtimes.workspace import MAX_LISTED_FILES, Workspace

from .conftest import descriptors, fill_in


@pytest.mark.parametrize("path", ["sub/file", "./sub//file", "sub/../sub/file", "{workspace}/sub/file"])
def test_paths_inside_are_found(workspace: Workspace, path: str) -> None:
    """Relative, winding and absolute paths to a file inside all lead to it."""
    path = fill_in(path, workspace)
    assert workspace.read_bytes(path) == b"inside"
    workspace.write_bytes(path, b"new")
    assert (workspace.path / "sub" / "file").read_bytes() == b"new"
    assert workspace.list_files(path) == ["sub/file"]


def test_missing_folders_are_made(workspace: Workspace) -> None:
    """Writing makes the folders that it needs, however deep, and writing again finds them."""
    deep = "/".join(["d"] * 300) + "/file"
    for content in (b"1", b"2"):
        workspace.write_bytes("a/b/../c/file", content)
        workspace.write_bytes(deep, content)

    assert (workspace.path / "a" / "c" / "file").read_bytes() == b"2"
    assert workspace.read_bytes(deep) == b"2"


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device"])
def test_only_regular_files_are_read(workspace: Workspace, kind: str) -> None:
    """Reading something else is an error at once; it never waits."""
    path = workspace.path / kind
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            here = os.getcwd()
            os.chdir(workspace.path)  # a socket's path must be short
            with socket.socket(socket.AF_UNIX) as unix:
                unix.bind(kind)
            os.chdir(here)
        case "folder":
            path.mkdir()
        case "device":
            if os.getuid() != 0:
                pytest.skip("only root makes devices")
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    before = time.monotonic()
    with pytest.raises(WorkspaceError, match=f"cannot read .?{kind}"):
        workspace.read_bytes(kind)

    assert time.monotonic() - before < 1


def test_large_and_growing_files_are_refused(workspace: Workspace) -> None:
    """A file beyond the limit is refused without being read, and the error says what to do."""
    with (workspace.path / "sparse").open("wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(WorkspaceError, match=r"5368709120 bytes, more than the 10485760 .* head"):
        workspace.read_bytes("sparse")
    with pytest.raises(WorkspaceError, match="6 bytes"):
        workspace.read_bytes("sub/file", limit_bytes=5)

    assert workspace.read_bytes("sub/file", limit_bytes=6) == b"inside"


def test_replacing_keeps_the_mode(workspace: Workspace) -> None:
    """A replaced file keeps its permissions, a new one gets those that the umask leaves."""
    file = workspace.path / "sub" / "file"
    for mode in (0o755, 0o600, 0o444):
        file.chmod(mode)
        workspace.write_bytes("sub/file", b"changed")
        assert stat.S_IMODE(file.stat().st_mode) == mode
    umask = os.umask(0o027)
    try:
        workspace.write_bytes("new", b"")
    finally:
        os.umask(umask)

    assert stat.S_IMODE((workspace.path / "new").stat().st_mode) == 0o640


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_replacing_keeps_the_owner(workspace: Workspace) -> None:
    """Root at work in a user's folder does not take their files from them."""
    os.chown(workspace.path / "sub" / "file", 1234, 1235)
    workspace.write_bytes("sub/file", b"changed")

    info = (workspace.path / "sub" / "file").stat()
    assert (info.st_uid, info.st_gid) == (1234, 1235)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("n" * 256, "File name too long"),
        ("sub", "Is a directory"),
        ("sub/file/below", "Not a directory"),
        ("", "Is a directory"),
        ("sub/", "Is a directory"),
        ("a\0b", "NUL"),
        ("a\ud800b", "surrogates"),
    ],
)
def test_failed_write_says_why_and_leaves_nothing(workspace: Workspace, path: str, reason: str) -> None:
    """A write that cannot be is a WorkspaceError with the system's reason; no file is changed or left behind."""
    before = sorted(workspace.path.rglob("*"))
    with pytest.raises(WorkspaceError, match=reason):
        workspace.write_bytes(path, b"x")

    assert sorted(workspace.path.rglob("*")) == before
    assert (workspace.path / "sub" / "file").read_bytes() == b"inside"


@pytest.mark.parametrize("path", ["missing", "sub/missing", "missing/file", "a\0b", "n" * 5000])
def test_failed_read_says_why(workspace: Workspace, path: str) -> None:
    """Reading what is not there is a WorkspaceError that names it."""
    with pytest.raises(WorkspaceError, match=r"No such file|NUL|too long"):
        workspace.read_bytes(path)


def test_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    """When there is no room for the new content, the old is intact and no temporary file remains."""
    (tmp_path / "file").write_bytes(b"old")
    program = (
        "import resource, sys; from pygent.runtimes.workspace import Workspace\n"
        f"workspace = Workspace({str(tmp_path)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "workspace.write_bytes('file', b'x' * 1_000_000)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)

    assert done.stderr.splitlines()[-1] == "pygent.errors.WorkspaceError: cannot write 'file': File too large"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_read_only_folder_is_an_error() -> None:
    """Where nobody may write, the error says so and the old content is intact."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "file").write_bytes(b"old")
        folder.chmod(0o555)
        program = (
            "import os; from pygent.runtimes.workspace import Workspace\n"
            f"workspace = Workspace({name!r})\n"
            "if os.getuid() == 0: os.setuid(65534)\n"  # root may write everywhere
            "workspace.write_bytes('file', b'new')"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
        folder.chmod(0o755)

        assert done.stderr.splitlines()[-1] == "pygent.errors.WorkspaceError: cannot write 'file': Permission denied"
        assert (folder / "file").read_bytes() == b"old"


def test_killed_writer_leaves_one_version_or_the_other(tmp_path: Path) -> None:
    """`kill -9` in the middle of a write never leaves half a file."""
    versions = [letter * 500_000 for letter in (b"a", b"b")]
    (tmp_path / "file").write_bytes(versions[0])
    program = (
        "from pygent.runtimes.workspace import Workspace\n"
        f"workspace = Workspace({str(tmp_path)!r})\n"
        "print('ready', flush=True)\n"
        "while True:\n    for letter in (b'a', b'b'): workspace.write_bytes('file', letter * 500_000)"
    )
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(random.uniform(0, 0.03))  # anywhere in a write
            writer.send_signal(signal.SIGKILL)
        assert (tmp_path / "file").read_bytes() in versions


def test_listing_names_links_and_passes_over_clutter(workspace: Workspace) -> None:
    """All files are listed, links by name; what tools keep for themselves is not looked into."""
    for name in ("sub/.git/config", "node_modules/x/y", "sub/deep/er", ".hidden"):
        (workspace.path / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.path / name).write_bytes(b"")
    (workspace.path / os.fsdecode(b"latin-\xe9")).write_bytes(b"")

    links = ["dangling", "link-to-file", "link-to-folder", "loop", "magic", "relative-link"]
    everything = sorted([".hidden", "sub/deep/er", "sub/file", "latin-\ufffd", *links])
    assert workspace.list_files() == everything
    assert workspace.list_files(str(workspace.path)) == everything
    assert workspace.list_files("sub/../sub/.") == ["sub/deep/er", "sub/file"]
    assert workspace.list_files("sub/.git") == ["sub/.git/config"]
    with pytest.raises(WorkspaceError, match="No such file"):
        workspace.list_files("missing")


def test_listing_has_an_end(workspace: Workspace) -> None:
    """Beyond the limit it asks for a folder, rather than leaving out the rest in silence."""
    files = workspace.list_files()

    assert workspace.list_files(limit=len(files)) == files
    with pytest.raises(WorkspaceError, match="more than 6 files"):
        workspace.list_files(limit=len(files) - 1)
    assert MAX_LISTED_FILES == 100_000


@pytest.mark.parametrize("damage", ["deleted", "moved", "replaced by a link", "made anew"])
def test_lost_workspace_is_told(workspace: Workspace, damage: str) -> None:
    """When the folder is gone or something else is in its place, nothing is read or written anywhere."""
    elsewhere = workspace.path.parent / "elsewhere"
    if damage in ("deleted", "made anew"):
        shutil.rmtree(workspace.path)
    else:
        workspace.path.rename(elsewhere)
    if damage == "made anew":
        workspace.path.mkdir()
    elif damage == "replaced by a link":
        workspace.path.symlink_to(elsewhere)

    for call in (lambda: workspace.read_bytes("sub/file"), lambda: workspace.write_bytes("x", b""), workspace.check):
        with pytest.raises(RuntimeUnavailable, match=f"the workspace {workspace.path} is gone"):
            call()
    assert not (workspace.path / "x").exists()
    assert not (elsewhere / "x").exists()


def test_folder_is_made_or_the_error_names_it(tmp_path: Path) -> None:
    """A missing folder is made; a path that cannot be one is an error with its name and the reason."""
    assert Workspace(tmp_path / "a" / "b").path.is_dir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below", "a\0b"):
        with pytest.raises(RuntimeUnavailable, match=r"cannot use .* as a workspace"):
            Workspace(path)


def test_link_to_a_workspace_is_resolved_once(tmp_path: Path) -> None:
    """A workspace may be named by a link; changing the link later changes nothing."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("one")
    workspace = Workspace(tmp_path / "link")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")
    workspace.write_bytes("file", b"")

    assert workspace.path == (tmp_path / "one").resolve()
    assert (tmp_path / "one" / "file").exists()


async def test_nothing_stays_open(workspace: Workspace) -> None:
    """Success or failure, every operation closes what it opened; the workspace itself closes when it is forgotten."""
    before = descriptors()

    def work() -> None:
        other = Workspace(workspace.path)
        for path in ("sub/file", "missing", "link-to-file", "../x", "deep/er/file"):
            for call in (other.read_bytes, lambda path: other.write_bytes(path, b"x"), other.list_files):
                try:
                    call(path)
                except WorkspaceError:
                    continue

    await asyncio.to_thread(work)

    assert descriptors() == before
