"""`Sandbox`: a command's view of this machine under bubblewrap, as a list of arguments; and whether that works here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROBE_SECONDS = 5.0

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu")
"""What programs stand on: all that a command sees of the machine, and cannot change."""

_SECRETS = (
    "shadow*",
    "gshadow*",
    "sudoers*",
    "ssh/ssh_host_*_key",
    "ssl/private",
    "krb5.keytab",
)
"""What only root can read in `/etc`, which we may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What a command sees and may do.

    It has namespaces of its own and no capabilities: as root it could remount what is read-only otherwise. Three
    options that are often seen with these are left out on purpose. `--new-session`: the command starts in a session of
    its own anyway, without a terminal to type into, and in one of bubblewrap's it would not hear our SIGTERM.
    `--die-with-parent`: it dies with the *thread* that started it, and takes what a command left in the background with
    it; the mark and the watcher end everything, and more surely than outside, for the namespace dies with its first
    process. `--clearenv`: the environment is made of an allowlist already, and `--setenv` would show the values to
    everybody on the machine, in the list of processes.

    Attributes:
        program: the path of `bwrap`.
        workspace: the folder to work in, which has the same path inside: what a command prints, a tool's answer and
            the user's editor then mean the same file, and tools that keep absolute paths, such as virtual environments
            and builds, go on working.
        own: a folder outside; its `tmp` and `home` are the command's.
        home: where the home folder is.
        network: whether the machine's network is there; else there is none but a loopback of the command's own.
        system: arguments for the folders that programs stand on.
        readable: further files and folders to be seen, unchangeable.
    """

    program: str
    workspace: str
    own: str
    home: str = ""
    network: bool = False
    system: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()

    def arguments(self, folders: Mapping[str, bool] | None = None, files: Mapping[str, int] | None = None) -> list[str]:
        """Return what to put before a command that is started in the workspace.

        Args:
            folders: in the workspace, which cannot be moved, and whether they can be written to.
            files: in the workspace, which cannot be changed, with descriptors to read them from; so nobody can put a
                link to something else in their place while we start.
        """
        arguments = [self.program, "--unshare-all", *(("--share-net",) if self.network else ()), "--cap-drop", "ALL"]
        arguments += [*self.system, "--proc", "/proc", "--dev", "/dev"]
        for place in ("/tmp", "/var/tmp"):  # noqa: S108 - not ours but theirs
            arguments += self._folder("tmp", place, (self.home, self.workspace, *self.readable))
        if self.home:
            arguments += self._folder("home", self.home, (self.workspace, *self.readable))
        for path in self.readable:
            arguments += ["--ro-bind", path, path]
        arguments += ["--bind", ".", self.workspace]  # not its path: that may lead elsewhere by now
        for name, writable in (folders or {}).items():
            arguments += ["--bind" if writable else "--ro-bind", name, f"{self.workspace}/{name}"]
        for name, descriptor in (files or {}).items():
            arguments += ["--ro-bind-data", f"{descriptor}", f"{self.workspace}/{name}"]
        return [*arguments, "--remount-ro", "/", "--chdir", self.workspace, "--"]

    def _folder(self, own: str, place: str, mounted: Sequence[str]) -> list[str]:
        """A folder to write to, which is kept from command to command unless something is mounted below it.

        For what leads to a mount point must not be in the hands of the commands: one could put a link in its place, and
        the next start would follow it, with our rights.
        """
        if any(path and PurePosixPath(path).is_relative_to(place) for path in mounted):
            return ["--tmpfs", place]

        return ["--bind", f"{self.own}/{own}", place]


def home_inside(home: str, workspace: str) -> str:
    """Return where a sandbox has its home folder, empty if it is not to have one of its own."""
    path = PurePosixPath(home)
    if not path.is_absolute() or path == PurePosixPath("/") or path.is_relative_to(workspace):
        return ""

    return "" if any(path.is_relative_to(folder) for folder in _SYSTEM) else str(path)


def system_view(*, network: bool, everything: bool = False) -> tuple[str, ...]:
    """Return the arguments for what there is of the system on this machine, or for everything, without its secrets."""
    arguments = ["--ro-bind", "/", "/", "--tmpfs", "/run"] if everything else []  # sockets there obey whoever sees them
    for path in () if everything else _SYSTEM:
        if os.path.islink(path):  # noqa: PTH114 - the list is of texts
            arguments += ["--symlink", os.readlink(path), path]  # noqa: PTH115 - the same
        elif os.path.isdir(path):  # noqa: PTH112 - the same
            arguments += ["--ro-bind", path, path]
    for secret in sorted(str(path) for pattern in _SECRETS for path in Path("/etc").glob(pattern)):
        if os.access(secret, os.R_OK):
            arguments += ["--tmpfs", secret] if os.path.isdir(secret) else ["--ro-bind", "/dev/null", secret]  # noqa: PTH112
    names = Path("/etc/resolv.conf").resolve()
    if network and names.is_file() and not _is_shown(names):  # as with systemd, in /run
        arguments += ["--ro-bind", str(names), str(names)]
    return tuple(arguments)


def _is_shown(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _SYSTEM)


_works: set[tuple[str, bool]] = set()
"""With which program and network there was a sandbox; that there was none is not kept, as it can be mended."""


def program() -> str:
    """Return the path of `bwrap`; empty: there is none."""
    return shutil.which("bwrap") or ""


def fault(*, network: bool = False) -> str:
    """Return why there can be no sandbox here; empty: there can be one. Found out by making one, until one was made.

    That it is installed says little: AppArmor, a container, or a setting of the kernel may forbid it. Blocks.
    """
    bwrap = program()
    if not bwrap:
        return "bwrap is not there; install the package bubblewrap"

    if (bwrap, network) in _works:
        return ""

    with tempfile.TemporaryDirectory(prefix="pygent-") as folder:
        for name in ("tmp", "home", "workspace"):
            Path(folder, name).mkdir()
        workspace = f"{folder}/workspace"
        sandbox = Sandbox(
            program=bwrap, workspace=workspace, own=folder, network=network, system=system_view(network=network)
        )
        found = _fault_of([*sandbox.arguments(), "/bin/sh", "-c", "exit 0"], workspace)
    if not found:
        _works.add((bwrap, network))
    return found


def _fault_of(arguments: Sequence[str], folder: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"bwrap takes more than {PROBE_SECONDS:g} seconds"
    except OSError as error:
        return f"bwrap cannot be started: {error}"

    if done.returncode == 0:
        return ""

    words = done.stderr.decode("utf-8", "replace").strip() or f"it ended with {done.returncode}"
    return f"bwrap does not work here: {words.splitlines()[-1]:.200}"
