"""The command as users run it: a process of its own, with an environment of its own, on pipes or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pygent import Message
from pygent.testing import tool_call

KEY = "sk-sentinel-0123456789"
"""Must never be seen in any output."""

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing takes this long."""

PYGENT = [sys.executable, "-W", "error", "-m", "pygent"]


def calls(name: str, text: str | None = None, **arguments: object) -> Message:
    """A reply with one tool call."""
    calls.number += 1
    return Message.assistant(text, tool_calls=[tool_call(name, id=f"call_{calls.number}", **arguments)])


calls.number = 0


def says(text: str) -> Message:
    """A reply in words."""
    return Message.assistant(text)


def environment(home: Path, base_url: str | None = None, **extra: str) -> dict[str, str]:
    """What the command finds around it; nothing of the machine that runs the tests but PATH."""
    values = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    values["PYGENT_LOCAL_SERVERS"] = "none"  # one may run on the machine of whoever runs the tests
    if base_url is not None:
        values |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": KEY}
    return values | extra


def pygent(
    *arguments: str,
    cwd: Path,
    base_url: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    before: Sequence[str] = (),
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the command on pipes until it ends, and see that it showed neither a key nor a traceback."""
    run = subprocess.run(
        [*before, *PYGENT, *arguments],
        cwd=cwd,
        env=environment(cwd, base_url, **(env or {})),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        **options,
    )
    assert KEY not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run


@contextmanager
def started(
    *arguments: str, cwd: Path, base_url: str | None = None, env: Mapping[str, str] | None = None, **streams: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command on pipes while the block runs; it must have ended by then."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    with subprocess.Popen(
        [*PYGENT, *arguments], cwd=cwd, env=environment(cwd, base_url, **(env or {})), **streams
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


class Terminal:
    """A pseudo-terminal with the command on it: all three streams, and its keyboard.

    Attributes:
        shown: all that was written to it, control codes included.
    """

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self.shown = ""

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until this text is shown, control codes left out."""
        deadline = time.monotonic() + PATIENCE
        while plain(self.shown).count(text) < times:
            assert time.monotonic() < deadline, f"{text!r} is not shown in {self.shown!r}"
            assert self._read(), f"it ended without {text!r}: {self.shown!r}"

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._descriptor, text.encode())

    def end(self) -> int:
        """Read to the end, and return the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"it does not end: {self.shown!r}"
        return self.process.wait(PATIENCE)

    def modes(self) -> list[Any]:
        """The terminal's settings."""
        return termios.tcgetattr(self._descriptor)

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], 0.5)[0]:
            return True

        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:  # Linux's way to say that nobody has it open any more
            return False

        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def on_terminal(
    *arguments: str,
    cwd: Path,
    base_url: str | None = None,
    env: Mapping[str, str] | None = None,
    size: tuple[int, int] = (40, 100),
    **streams: Any,
) -> Iterator[Terminal]:
    """Run the command on a terminal, its own session and controlling terminal included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs} | streams
    launcher = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(int(sys.argv.pop(1)), termios.TIOCSCTTY, 0); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", launcher, str(theirs), *PYGENT[1:], *arguments]
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(cwd, base_url, **(env or {})), pass_fds=[theirs], **streams
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        os.close(ours)


OWN_CODES = re.compile(r"\x1b\[[0-9;]*[mAK]|\x1b\[\?25[lh]|\x1b\[[0-9]*[GJ]")
"""What the command itself writes to a terminal: colours, the cursor up, lines erased, the cursor hidden."""


def plain(text: str) -> str:
    """What a person reads: without the command's own control codes."""
    return OWN_CODES.sub("", text).replace("\r\n", "\n").replace("\r", "")


def processes_with(mark: str) -> Sequence[int]:
    """Which processes have this text in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue

            if mark.encode() in line:
                found.append(int(folder.name))
    return found


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""Which exit status each signal leads to."""
