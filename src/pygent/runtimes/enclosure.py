"""`Enclosure`: a workspace whose commands run under bubblewrap, and what in it they may not change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import RuntimeUnavailable
from . import bubblewrap
from .repository import sources
from .workspace import Workspace

FOLDERS = (".git", ".githooks", ".husky", ".vscode", ".idea")

FILES = (
    ".git",
    ".gitmodules",
    ".gitconfig",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".envrc",
    ".mcp.json",
    ".pygent.toml",
    "pygent.toml",
)
"""With the folders: what makes other programs run commands later, outside of any sandbox, unasked.

All of `.git` is: were but its settings and hooks, a command could name other settings by `.git/commondir`, or put a
repository of its own into the index as a submodule, and the next `git status` outside would run what that says.
"""

BARE = ("HEAD", "objects", "refs")
"""A folder that holds these is a repository itself, whose settings lie in it."""

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


class Enclosure:
    """Starts commands under bubblewrap in a workspace, and protects what is there when it is made.

    What commands make themselves is not protected: `git init` in an empty folder gives a repository that works. But
    `newcomers` names it, for what they wrote there may be meant for whoever opens the folder next.

    Folders are protected as long as they are the same ones. Nothing inside can replace them, so they always are, unless
    somebody outside does; what stands there then might be a link, and is better not mounted.

    Args:
        workspace: where they run.
        own: an empty folder for their home and their `/tmp`.
        home: where they have their home.
        network: whether they have the network.
        readable: further files and folders that they can read.

    Attributes:
        protected: the files and folders of the workspace that they cannot change.

    Raises:
        RuntimeUnavailable: the workspace is everything, or something of `readable` is not there.
    """

    def __init__(self, workspace: Workspace, own: str, home: str, *, network: bool, readable: Sequence[str]) -> None:
        self._workspace = workspace
        self._sandbox = _sandbox(str(workspace.path), own, home, network, readable)
        told = sources(workspace.path)
        folders = [name for name in dict.fromkeys((*FOLDERS, *told)) if self._is_folder(name)]
        self._files = [name for name in dict.fromkeys((*FILES, *told)) if self._is_file(name)]
        self.protected = (*folders, *self._files)
        self._was_bare = all(self._look_at(name) is not None for name in BARE)
        held = {above for name in self.protected for above in _above(name) if not self._is_protected(above)}
        shown = sorted({*folders, *held}, key=lambda name: name.count("/"))  # what is mounted later hides the earlier
        self._folders = {name: (self._look_at(name), name in held) for name in shown}

    @contextmanager
    def around(self, arguments: Sequence[str | bytes]) -> Iterator[tuple[list[str | bytes], tuple[int, ...]]]:
        """Give the arguments that start a command inside, and the descriptors to hand over; blocks."""
        with ExitStack() as closing:
            files = {}
            for name in self._files:
                with suppress(OSError):  # removed, or no file any more
                    descriptor = self._workspace.open_beneath(name, _READ)
                    closing.callback(os.close, descriptor)
                    if stat.S_ISREG(os.fstat(descriptor).st_mode):
                        files[name] = descriptor
            folders = {
                name: writable for name, (seen, writable) in self._folders.items() if _same(seen, self._look_at(name))
            }
            yield [*self._sandbox.arguments(folders, files), *arguments], tuple(files.values())

    def newcomers(self) -> list[str]:
        """Return what has come that would have been protected, had it been there from the start."""
        wanted = dict.fromkeys((*FOLDERS, *FILES))
        found = [name for name in wanted if name not in self.protected and self._look_at(name) is not None]
        is_bare = all(self._look_at(name) is not None for name in BARE)
        return [*found, BARE[0]] if is_bare and not self._was_bare else found

    def _look_at(self, name: str) -> os.stat_result | None:
        """What a name stands for, no link being followed; None: nothing."""
        try:
            for folder in _above(name):
                if not stat.S_ISDIR(os.lstat(f"{self._workspace.path}/{folder}").st_mode):
                    return None

            return os.lstat(f"{self._workspace.path}/{name}")  # not Path's: on the way of every command
        except OSError:
            return None

    def _is_protected(self, name: str) -> bool:
        return any(f"{name}/".startswith(f"{other}/") for other in self.protected)

    def _is_folder(self, name: str) -> bool:
        seen = self._look_at(name)
        return seen is not None and stat.S_ISDIR(seen.st_mode)

    def _is_file(self, name: str) -> bool:
        seen = self._look_at(name)
        return seen is not None and stat.S_ISREG(seen.st_mode)


def _sandbox(workspace: str, own: str, home: str, network: bool, readable: Sequence[str]) -> bubblewrap.Sandbox:
    if workspace == "/":
        raise RuntimeUnavailable("the workspace is /, so a sandbox would keep commands from nothing; name a folder")

    for path in readable:
        if not os.path.lexists(path):
            raise RuntimeUnavailable(f"sandbox_readable names {path!r}, which is not there")

    for name in ("tmp", "home"):
        Path(own, name).mkdir()
    return bubblewrap.Sandbox(
        program=bubblewrap.program(),
        workspace=workspace,
        own=own,
        home=bubblewrap.home_inside(home, workspace),
        network=network,
        system=bubblewrap.system_view(network=network, everything="/" in readable),
        readable=tuple(path for path in readable if path != "/"),
    )


def _above(name: str) -> list[str]:
    """The folders that hold something: of `a/b/c`, `a` and `a/b`. One that is mounted itself cannot be moved away."""
    names = name.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)
