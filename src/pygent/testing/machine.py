"""What this program occupies of its machine: open descriptors and the processes that it started. Linux alone tells."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROC = "/proc"


@dataclass(frozen=True)
class Process:
    """A living process, or one that has ended and that its parent has not asked for its status.

    Attributes:
        pid: its number.
        started: when, in ticks of the system; numbers are given anew.
        parent: the number of its parent.
        name: of its program.
        is_zombie: whether it has ended.
    """

    pid: int
    started: int
    parent: int = field(compare=False)
    name: str = field(compare=False)
    is_zombie: bool = field(compare=False)

    def __str__(self) -> str:
        command = " ".join(_read(f"{PROC}/{self.pid}/cmdline").replace(b"\0", b" ").decode("utf-8", "replace").split())
        end = ", ended, but nobody waited for it" if self.is_zombie else ""
        return f"process {self.pid}: {command[:200] or self.name}{end}"


def descriptors() -> dict[int, str]:
    """Return where the open descriptors of this program lead; blocks. None without `/proc`."""
    found = {}
    for number in _numbers(f"{PROC}/self/fd"):
        with suppress(OSError):  # the folder's own, closed by now
            found[int(number)] = os.readlink(f"{PROC}/self/fd/{number}")  # noqa: PTH115 - it is no path: `socket:[17]`
    return found


def describe(descriptor: int, target: str) -> str:
    """Say what a descriptor is; for a connection, from where to where."""
    if not target.startswith("socket:"):
        return f"descriptor {descriptor}: {target}"

    own, peer = _addresses(descriptor)
    if not peer:
        return f"socket {descriptor}: {own or target}, not connected"

    return f"connection {descriptor}: {own} to {peer}"


def _addresses(descriptor: int) -> tuple[str, str]:
    """Return a socket's own address and its peer's, empty if there is none."""
    own = peer = ""
    with suppress(OSError):
        connection = socket.socket(fileno=descriptor)
        try:
            own = _address(connection.getsockname())
            peer = _address(connection.getpeername())
        finally:
            connection.detach()  # it belongs to somebody else
    return own, peer


def _address(name: object) -> str:
    return ":".join(map(str, name[:2])) if isinstance(name, tuple) else str(name or "an unnamed end")


def started_processes(tag: str) -> set[Process]:
    """Return the descendants of this program, and whoever carries a tag in its environment; blocks.

    A daemon's parent is the system's first process: only by the tag is it found.
    """
    table = {process.pid: process for process in map(_process, _numbers(PROC)) if process is not None}
    mine = os.getpid()
    return {
        process
        for process in table.values()
        if process.pid != mine and (_descends(process, mine, table) or _has(process.pid, tag))
    }


def _numbers(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []


def _process(number: str) -> Process | None:
    name, _, rest = _read(f"{PROC}/{number}/stat").partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    if len(fields) < 20:
        return None

    return Process(
        pid=int(number),
        started=int(fields[19]),
        parent=int(fields[1]),
        name=name.decode("utf-8", "replace"),
        is_zombie=fields[0] in (b"Z", b"X"),
    )


def _descends(process: Process, ancestor: int, table: Mapping[int, Process]) -> bool:
    seen: set[int] = set()
    current: Process | None = process
    while current is not None and current.pid not in seen:
        if current.parent == ancestor:
            return True

        seen.add(current.pid)
        current = table.get(current.parent)
    return False


def _has(pid: int, tag: str) -> bool:
    return tag.encode() in _read(f"{PROC}/{pid}/environ")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # it is gone, or not ours
        return b""
