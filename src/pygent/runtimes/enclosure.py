"""`Enclosure`: a workspace whose commands run under bubblewrap, and what in it they may not change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import RuntimeUnavailable
from . import bubblewrap
from .workspace import Workspace

FOLDERS = (".git/hooks", ".vscode", ".idea")

FILES = (
    ".git/config",
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
"""With the folders: what makes other programs run commands later, outside of any sandbox, unasked."""

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
        if self._is_folder(".git") and self._look_at(".git/hooks") is None:  # it is made sooner than forbidden
            with suppress(OSError):
                (workspace.path / ".git" / "hooks").mkdir()
        folders = [name for name in (".git", *FOLDERS) if self._is_folder(name)]
        self._folders = {name: self._look_at(name) for name in folders}
        self._files = [name for name in (".git", *FILES) if self._is_file(name)]
        self.protected = (*(name for name in folders if name != ".git"), *self._files)

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
            folders = {name: name == ".git" for name, seen in self._folders.items() if _same(seen, self._look_at(name))}
            yield [*self._sandbox.arguments(folders, files), *arguments], tuple(files.values())

    def newcomers(self) -> list[str]:
        """Return what has come that would have been protected, had it been there from the start."""
        return [name for name in (*FOLDERS, *FILES) if name not in self.protected and self._look_at(name) is not None]

    def _look_at(self, name: str) -> os.stat_result | None:
        """What a name stands for, no link being followed; None: nothing."""
        folder, _, _ = name.rpartition("/")
        try:
            if folder and not stat.S_ISDIR(os.lstat(f"{self._workspace.path}/{folder}").st_mode):
                return None

            return os.lstat(f"{self._workspace.path}/{name}")  # not Path's: on the way of every command
        except OSError:
            return None

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


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)
