"""`open_closed_streams`: for a process that was started without standard input, output or error."""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Put the null device in the place of each standard stream that is closed, before a file of ours takes it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - for as long as we live
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
