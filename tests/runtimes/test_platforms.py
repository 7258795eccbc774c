"""Where this does not run: other systems, told apart by faking them in a program of its own."""

from __future__ import annotations

import subprocess
import sys

FAKE = """
import asyncio, concurrent.futures, ctypes, importlib, multiprocessing, os, resource, shutil, signal, subprocess, sys
import tempfile, threading, unittest.mock, uuid  # the standard library's own decisions are made by now
import anyio, anyio._backends._asyncio, msgspec, platformdirs
import pygent.portal, pygent.settings
"""

WINDOWS = f"""{FAKE}
sys.platform = "win32"
for name in ("resource", "fcntl", "termios", "pwd", "grp"):
    sys.modules[name] = None
for name in dir(os):
    if name.startswith("O_") and name[2:] not in "RDONLY WRONLY RDWR CREAT EXCL TRUNC APPEND".split():
        delattr(os, name)
for name in ("killpg", "pidfd_open", "fchmod", "fchown", "getuid", "setsid"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP"):
    delattr(signal, name)
"""

MACOS = f"""{FAKE}
sys.platform = "darwin"
for name in ("pidfd_open", "O_PATH"):
    delattr(os, name)
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_on_windows_all_can_be_imported_and_commands_say_what_helps() -> None:
    """There is no local runtime, and nothing happens halfway: the error names WSL and containers."""
    program = f"""{WINDOWS}
import pygent.runtimes, pygent.runtimes.sync, pygent.tools
from pygent import LocalRuntime, RuntimeUnavailable
async def main():
    runtime = LocalRuntime("workspace-that-is-never-made")
    for use in (runtime.exec("echo hi"), runtime.write_bytes("x", b""), runtime.bash("echo hi", background=True)):
        try:
            await use
        except RuntimeUnavailable as error:
            print(error)
    await runtime.cleanup()
asyncio.run(main())
print(os.path.exists("workspace-that-is-never-made"))
"""
    told = "commands do not run on Windows itself; run Pygent in WSL or in a container"
    assert run(program).splitlines() == [told, told, told, "False"]


def test_on_macos_the_portable_ways_are_taken() -> None:
    """No `openat2`: components are walked; no pidfd: a thread waits; no bubblewrap: told, or an error by name."""
    program = f"""{MACOS}
from pygent.runtimes import beneath, bubblewrap
def no_syscall(*args, **kwargs):
    raise AttributeError("syscall")
beneath.openat2 = no_syscall
shutil.which = lambda *args, **kwargs: None
from pygent import LocalRuntime, RuntimeUnavailable
async def main():
    async with LocalRuntime(sandbox="auto") as runtime:
        print(runtime._opened.workspace._opener.__name__)
        print(await runtime.write_file("a/b", "text"), await runtime.read_file("a/b"))
        print((await runtime.exec("cat a/b; exit 3")).render("x"))
        print((await runtime.exec("sleep 60", timeout=0.2)).timed_out)
        print(runtime.notice.rpartition("you may do: ")[2])
    try:
        await LocalRuntime(sandbox="bwrap").open()
    except RuntimeUnavailable as error:
        print(error)
asyncio.run(main())
"""
    assert run(program).splitlines() == [
        "walk",
        "Wrote a/b (4 bytes) text",
        "$ x",
        "text",
        "[exit 3]",
        "True",
        "bwrap is not there; install the package bubblewrap",
        "there is no sandbox to run commands in: bwrap is not there; install the package bubblewrap",
    ]
