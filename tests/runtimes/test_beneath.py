"""No path, link or race leads out of the workspace; with the kernel's help and without."""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pygent import PathOutsideWorkspace, WorkspaceError
from pygent.runtimes import beneath
from pygent.runtimes.workspace import Workspace

from .conftest import SECRET, fill_in

OUTSIDE = [
    "../outside/secret",
    "sub/../../outside/secret",
    "sub/../sub/../../outside/secret",
    "/etc/passwd",
    "//etc/passwd",
    "{outside}/secret",
    "{workspace}/../outside/secret",
    "{workspace}-beside/secret",
    "link-to-folder/secret",
    "relative-link/secret",
    "sub/../link-to-folder/secret",
    "magic/secret",
]


STEPS = [
    "..",
    ".",
    "",
    "sub",
    "file",
    "new",
    "link-to-folder",
    "relative-link",
    "link-to-file",
    "outside",
    "secret",
    "magic",
]


@pytest.mark.parametrize("path", [*OUTSIDE, "link-to-file", "dangling", "loop", ".."])
def test_reading_outside_is_refused(workspace: Workspace, path: str) -> None:
    """No path, link or detour reads a file that is not in the workspace."""
    with pytest.raises(PathOutsideWorkspace, match="out"):
        workspace.read_bytes(fill_in(path, workspace))


@pytest.mark.parametrize("path", [*OUTSIDE, "link-to-folder/new/file", "../new", "sub/../..", "dangling/file"])
def test_writing_outside_is_refused(workspace: Workspace, path: str) -> None:
    """No path, link or detour writes a file, or makes a folder, that is not in the workspace."""
    before = sorted((workspace.path.parent / "outside").rglob("*"))
    with pytest.raises(WorkspaceError):
        workspace.write_bytes(fill_in(path, workspace), b"broken in")

    assert (workspace.path.parent / "outside" / "secret").read_bytes() == SECRET
    assert sorted((workspace.path.parent / "outside").rglob("*")) == before
    assert sorted(workspace.path.parent.iterdir()) == [workspace.path.parent / "outside", workspace.path]


@pytest.mark.parametrize("path", ["..", "link-to-folder", "relative-link", "magic", "/etc"])
def test_listing_outside_is_refused(workspace: Workspace, path: str) -> None:
    """No path or link lists a folder that is not in the workspace."""
    with pytest.raises(PathOutsideWorkspace):
        workspace.list_files(path)


@pytest.mark.parametrize("name", ["link-to-file", "dangling", "loop", "magic"])
def test_link_at_the_end_is_replaced(workspace: Workspace, name: str) -> None:
    """Writing to a link puts a file in its place, and what it pointed to is as it was."""
    workspace.write_bytes(name, b"mine")

    assert (workspace.path / name).read_bytes() == b"mine"
    assert not (workspace.path / name).is_symlink()
    assert (workspace.path.parent / "outside" / "secret").read_bytes() == SECRET
    assert not (workspace.path.parent / "outside" / "missing").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=7).map("/".join))
def test_no_combination_leads_outside(workspace: Workspace, path: str) -> None:
    """Whatever steps a path is made of, nothing outside is read, written, made or listed."""
    outside = workspace.path.parent / "outside"
    for use in (workspace.read_bytes, lambda path: workspace.write_bytes(path, b"broken in"), workspace.list_files):
        with suppress(WorkspaceError):
            assert use(path) != SECRET

    assert sorted(path.name for path in outside.iterdir()) == ["folder", "secret"]
    assert (outside / "secret").read_bytes() == SECRET
    assert len(list(workspace.path.parent.iterdir())) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges two names at once")
def test_swapped_folder_never_leads_outside(workspace: Workspace) -> None:
    """While a folder and a link out of the workspace change places 10,000 times, no file outside is touched."""
    inside, link = workspace.path / "swapped", workspace.path / "other"
    inside.mkdir()
    link.symlink_to(workspace.path.parent / "outside")
    exchange = ctypes.CDLL(None).renameat2
    flips, enough = 0, threading.Event()

    def flip() -> None:
        nonlocal flips
        while not enough.is_set():
            assert exchange(-100, bytes(inside), -100, bytes(link), 2) == 0  # AT_FDCWD, RENAME_EXCHANGE
            flips += 1

    thread = threading.Thread(target=flip)
    thread.start()
    written = refused = 0
    try:
        while flips < 10_000 or written + refused < 300:
            try:
                workspace.write_bytes("swapped/secret", b"broken in")
                written += 1
            except WorkspaceError:
                refused += 1
    finally:
        enough.set()
        thread.join()

    print(f"{flips} flips, {written} written inside, {refused} refused")
    assert written
    assert refused
    assert (workspace.path.parent / "outside" / "secret").read_bytes() == SECRET
    assert sorted(path.name for path in (workspace.path.parent / "outside").iterdir()) == ["folder", "secret"]


def test_links_inside_are_followed_by_the_kernel(workspace: Workspace) -> None:
    """A link that stays inside is followed where the kernel can see to it, and refused where it cannot."""
    (workspace.path / "alias").symlink_to("sub")
    if workspace._opener is beneath.walk:
        with pytest.raises(PathOutsideWorkspace):
            workspace.read_bytes("alias/file")
    else:
        assert workspace.read_bytes("alias/file") == b"inside"
        workspace.write_bytes("alias/file", b"through")
        assert (workspace.path / "sub" / "file").read_bytes() == b"through"


def test_best_opener_is_the_kernel_on_linux(tmp_path: Path) -> None:
    """On a Linux of our time confined paths are the kernel's business."""
    assert Workspace(tmp_path)._opener is (beneath.openat2 if sys.platform == "linux" else beneath.walk)
