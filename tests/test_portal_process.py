"""The background loop and its process: through forks and Ctrl-C, and quiet at the end."""

from __future__ import annotations

import signal

from . import interpreter

PREPARE = """
import asyncio, os, sys, threading
from pygent import portal
from pygent.cleanup import finish

class Owner: pass
async def aclose(): print("closed", flush=True)
async def answer(): return 42
"""


def test_exit_closes_quietly() -> None:
    """At the end of the program what is open is closed, with worker threads at hand, and nothing is said."""
    program = """
async def aclose_in_a_thread(): await asyncio.to_thread(print, "closed in a thread", flush=True)
owner = Owner()
close = portal.Closer(owner, aclose_in_a_thread)
async def use_a_thread(): await asyncio.to_thread(int)
portal.call(use_a_thread)
"""

    assert interpreter.run(PREPARE + program) == ["closed in a thread"]


def test_exit_without_use_is_quiet() -> None:
    """What was never used needs no closing, and no thread is started for it."""
    assert interpreter.run(PREPARE + "owner = Owner(); close = portal.Closer(owner, aclose)") == []


def test_exit_waits_for_threads() -> None:
    """A thread that the program waits for finishes its call first."""
    program = """
started = threading.Event()
async def slow():
    started.set()
    await asyncio.sleep(0.2)
    print("finished", flush=True)
threading.Thread(target=portal.call, args=[slow]).start()
started.wait()
owner = Owner(); close = portal.Closer(owner, aclose)
"""

    assert interpreter.run(PREPARE + program) == ["finished", "closed"]


def test_exit_leaves_daemon_threads_behind() -> None:
    """A daemon thread in the midst of a call ends with the program, in silence."""
    program = """
started = threading.Event()
async def forever():
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaned up", flush=True)
threading.Thread(target=portal.call, args=[forever], daemon=True).start()
started.wait()
"""

    assert interpreter.run(PREPARE + program) == ["cleaned up"]


def test_call_after_the_end_is_refused() -> None:
    """An `atexit` function comes too late to start anything, and is told so."""
    program = """
import atexit
def late():
    try: portal.call(answer)
    except RuntimeError as error: print(error)
atexit.register(late)
portal.call(answer)
"""

    assert interpreter.run(PREPARE + program) == [
        "the program is ending: what Pygent had open is closed, and nothing can be started"
    ]


def test_fork() -> None:
    """A forked child has a loop of its own, leaves alone what the parent opened, and the parent's loop goes on."""
    program = """
owner = Owner()
close = portal.Closer(owner, aclose)
print(portal.call(answer), flush=True)
if (pid := os.fork()) == 0:
    close()
    print("child", portal.call(answer), flush=True)
    sys.exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print("parent", status, portal.call(answer), flush=True)
"""

    forking = ("-W", "ignore:This process:DeprecationWarning")  # Python 3.12 warns of forks beside threads

    assert interpreter.run(PREPARE + program, *forking) == ["42", "child 42", "parent 0 42", "closed"]


def test_ctrl_c_twice() -> None:
    """The first Ctrl-C waits for the cleanup; a second one does not, if that hangs."""
    program = """
async def stubborn():
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaning up", flush=True)
        await asyncio.sleep(30)
async def announce():
    asyncio.get_running_loop().call_soon(print, "ready")
    await stubborn()
portal.SHUTDOWN_SECONDS = 0.5
try:
    portal.call(announce)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with interpreter.start(PREPARE + program) as process:
        assert process.stdout is not None
        for line in ("ready", "cleaning up", "interrupted"):
            assert process.stdout.readline() == f"{line}\n"
            process.send_signal(signal.SIGINT) if line != "interrupted" else None
        assert process.wait(20) == 0
