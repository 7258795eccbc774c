"""`sources`: from which places of a folder git takes commands that it runs unasked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

GIT_SECONDS = 5.0

MAX_SUBMODULES = 200


def sources(folder: Path) -> list[str]:
    """Return what git itself tells: where the repository and its hooks are, and each submodule's `.git`; blocks.

    A submodule's is among them since a `git status` above looks into it, with the settings that it finds there.

    Returns:
        Relative paths of what is in the folder, though not the folder itself; empty where there is no git.
    """
    places = _asked(folder, "rev-parse", "--absolute-git-dir", "--git-common-dir", "--git-path", "hooks")
    hooks = _asked(folder, "config", "--type=path", "--get", "core.hooksPath")
    found = [*places, *hooks]
    below = [""]
    for parent in below:  # which grows
        listed = _asked(folder / parent, "config", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
        below += [str(Path(parent, line.partition(" ")[2])) for line in listed][: MAX_SUBMODULES - len(below)]
    found += [f"{module}/.git" for module in below[1:]]
    relative = (os.path.relpath(folder / path, folder) for path in found)
    return sorted({path for path in relative if path != "." and path.split("/", 1)[0] != ".."})


def _asked(folder: Path, *arguments: str) -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["git", *arguments],  # noqa: S607 - the user's git, by whose settings it is
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []

    return [os.fsdecode(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []
