"""Finding what a command started: by a mark in the environment, which stays in any session, or else by the session."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress

VARIABLE = "PYGENT_EXEC_ID"
"""The variable that holds the mark of the command, `runtime:number:`, after those of an agent that runs this one."""

SWEEP_SECONDS = 2.0
"""A fork bomb outside its group can outrun any sweep; this bounds the race."""

_LOOKS = 4


def find(mark: str, sessions: Collection[int] = ()) -> tuple[int, ...]:
    """Return the ids of the living processes that carry `mark` or are in one of `sessions`; none without `/proc`.

    Blocks for some milliseconds: call it in a thread. A child that replaced its whole environment and went into a
    session of its own is not found.
    """
    needle = mark.encode()
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - ten times a Path's speed
    except OSError:
        return ()

    wanted = frozenset(sessions)
    return tuple(
        sorted(
            int(number)
            for number in numbers
            if (wanted and _session(number) in wanted) or needle in _environment(number)
        )
    )


def without_first(pids: Collection[int]) -> tuple[int, ...]:
    """Leave out the first process of each namespace, which is there for the others, and ends when they have."""
    return tuple(pid for pid in pids if not _is_first(pid))


def alive(session: int) -> bool:
    """Whether a session whose leader has ended still has somebody in its first process group.

    As long as it has, its number is given to no other. A process that has the number shows that it was given anew.
    """
    try:
        os.killpg(session, 0)
    except OSError:
        return False

    try:
        os.kill(session, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False

    return False


def sweep(mark: str, sessions: Collection[int] = ()) -> None:
    """Kill every process that `find` finds, and again those they started meanwhile, until none is found."""
    deadline = time.monotonic() + SWEEP_SECONDS
    for session in sessions:
        with suppress(OSError):
            os.killpg(session, signal.SIGKILL)  # a whole group at one blow, also where there is no /proc
    while (pids := find(mark, sessions)) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)  # the killed ones are still to be seen for a moment


def _is_first(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", "rb", buffering=0) as file:  # noqa: PTH123 - as below
            numbers = next(line for line in file.readall().split(b"\n") if line.startswith(b"NSpid:")).split()[1:]
    except (OSError, StopIteration):
        return False

    return len(numbers) > 1 and numbers[-1] == b"1"


def _session(pid: str) -> int:
    """Return the session that a process lives in; 0 if it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - twice a Path's speed
            state, _, _, session, *_ = file.readall().rpartition(b")")[2].split()  # a program's name may hold anything
    except (OSError, ValueError):
        return 0

    return 0 if state in (b"Z", b"X") else int(session)


def _environment(pid: str) -> bytes:
    """Return the environment that a process was started with; empty if it is gone, or not ours to read."""
    folder = f"/proc/{pid}"
    try:
        for _ in range(_LOOKS):
            with open(f"{folder}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - twice a Path's speed
                data = file.readall()
            if data:
                return data

            # In the middle of an exec there is a program, but no environment yet; zombies and the kernel's own
            # threads have neither.
            os.readlink(f"{folder}/exe")  # noqa: PTH115 - the same
            time.sleep(0.0005)
    except OSError:
        pass
    return b""
