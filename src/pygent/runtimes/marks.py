"""Finding processes by a mark in their environment: it stays on whatever a command starts, in any session or group."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

VARIABLE = "PYGENT_EXEC_ID"
"""The variable that holds the mark of the command, `runtime:number:`, after those of an agent that runs this one."""

SWEEP_SECONDS = 2.0
"""A fork bomb outside its group can outrun any sweep; this bounds the race."""

_LOOKS = 4


def find(mark: str) -> tuple[int, ...]:
    """Return the ids of the living processes that carry `mark`; none where there is no `/proc`.

    Blocks for some milliseconds: call it in a thread. A child that replaced its whole environment is not found.
    """
    needle = mark.encode()
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - ten times a Path's speed
    except OSError:
        return ()

    return tuple(sorted(int(number) for number in numbers if needle in _environment(number)))


def sweep(mark: str) -> None:
    """Kill every process that carries `mark`, and again those they started meanwhile, until none is found."""
    deadline = time.monotonic() + SWEEP_SECONDS
    while (pids := find(mark)) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)  # the killed ones are still to be seen for a moment


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
