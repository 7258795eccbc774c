"""Programs that run in an interpreter of their own: for what happens at its end, after a fork, or at Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from subprocess import PIPE, Popen

STRICT = ("-X", "dev", "-W", "error")
"""Whatever is left open, or noisy at the end, shows on stderr."""


def run(program: str, *options: str) -> list[str]:
    """Run a program to its end, which must be quiet and successful, and return the lines that it printed."""
    done = subprocess.run(
        [sys.executable, *STRICT, *options, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    return done.stdout.splitlines()


def start(program: str) -> Popen[str]:
    """Start a program, to be read from and sent signals."""
    return Popen([sys.executable, *STRICT, "-u", "-c", program], stdout=PIPE, stderr=PIPE, text=True)
