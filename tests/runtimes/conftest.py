"""What the runtimes' tests share: a runtime in a temporary folder, and processes that can be told from all others."""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pygent.runtimes import LocalRuntime, beneath
from pygent.runtimes.workspace import Workspace

SECRET = b"not yours"


class Nap:
    """A `sleep` of its own odd length, by which it is found again without any mark of ours."""

    def __init__(self) -> None:
        self.seconds = f"{random.randint(100, 999)}.{random.randint(10**8, 10**9)}"
        self.command = f"sleep {self.seconds}"

    def pids(self) -> list[int]:
        """The processes that sleep so, or whose command line speaks of it."""
        found = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                cmdline = Path("/proc", pid, "cmdline").read_bytes()
            except OSError:
                continue
            if self.seconds.encode() in cmdline:
                found.append(int(pid))
        return found


@pytest.fixture
def nap() -> Nap:
    return Nap()


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path / "workspace") as runtime:
        yield runtime


@pytest.fixture(params=[beneath.openat2, beneath.walk], ids=["openat2", "walk"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace beside a folder with a secret, and in it every link and detour that leads there."""
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "secret").write_bytes(SECRET)
    root = tmp_path / "workspace"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(b"inside")
    (root / "link-to-folder").symlink_to(outside)
    (root / "relative-link").symlink_to("../outside")
    (root / "link-to-file").symlink_to(outside / "secret")
    (root / "dangling").symlink_to(outside / "missing")
    (root / "loop").symlink_to("loop")
    held = os.open(outside, os.O_RDONLY)
    (root / "magic").symlink_to(f"/proc/self/fd/{held}")
    yield Workspace(root, opener=request.param)
    os.close(held)


def fill_in(path: str, workspace: Workspace) -> str:
    return path.format(workspace=workspace.path, outside=workspace.path.parent / "outside")


def descriptors() -> list[str]:
    """What this process holds open, once the garbage is gone; the listing's own descriptor left out."""
    gc.collect()
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(f"{number} -> {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return sorted(found)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in time; for processes of which nobody tells us."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
