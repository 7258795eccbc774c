"""`Agent` and its process: quiet at the end, through forks and Ctrl-C, and no command outlives it."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from . import interpreter

PREPARE = """
import os, sys
from pathlib import Path
from pygent import Agent, Runtime, Settings
from pygent.testing import ScriptedModel, tool_call

def agent(*replies):
    return Agent(ScriptedModel(replies), settings=Settings(use_docker=False))
"""


def test_exit_with_an_open_agent() -> None:
    """A program that ends without closing anything ends quietly, and leaves nothing behind."""
    program = """
face, runtime, unused = agent(tool_call("bash", cmd="sleep 600 & echo $!")), Runtime(use_docker=False), agent()
face.step("hello")
runtime.bash("true")
print(face.runtime.workspace, runtime.workspace, face.history[-1].text.splitlines()[1])
"""

    [line] = interpreter.run(PREPARE + program)
    *workspaces, pid = line.split()

    assert len(workspaces) == 2
    assert not any(Path(workspace).exists() for workspace in workspaces)
    assert not is_running(pid)


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 2), reason="starts no threads at the end, not even in time: gh-113964"
)
def test_exit_in_the_midst_of_a_step() -> None:
    """`sys.exit()` while a daemon thread is in a step kills its command, in silence."""
    program = """
import threading
from pygent import ToolOutputDelta
face, running = agent(tool_call("bash", cmd="echo $$; exec sleep 600")), threading.Event()
def hear(event):
    if isinstance(event, ToolOutputDelta):
        print(event.text, end="", flush=True)
        running.set()
face.events.subscribe(hear)
threading.Thread(target=face.step, args=["hello"], daemon=True).start()
running.wait()
sys.exit()
"""

    [pid] = interpreter.run(PREPARE + program)

    assert not is_running(pid)


def test_fork() -> None:
    """A forked child can make agents of its own, and its end does the parent's no harm."""
    program = """
with agent(tool_call("bash", cmd="touch parent")) as face:
    face.step("hello")
    if (pid := os.fork()) == 0:
        with agent(tool_call("bash", cmd="touch child")) as own:
            own.step("hello")
            print(own.runtime.list_files(), flush=True)
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), face.runtime.list_files())
"""
    forking = ("-W", "ignore:This process:DeprecationWarning")  # Python 3.12 warns of forks beside threads

    assert interpreter.run(PREPARE + program, *forking) == ["['child']", "0 ['parent']"]


def test_ctrl_c() -> None:
    """Ctrl-C raises KeyboardInterrupt at once; the command is gone then, and the agent can go on."""
    program = """
face = agent(tool_call("bash", cmd="echo $$; exec sleep 600"), "Go on.")
from pygent import ToolOutputDelta
face.events.subscribe(lambda event: print(event.text, end="") if isinstance(event, ToolOutputDelta) else None)
try:
    face.step("hello")
except KeyboardInterrupt:
    print("interrupted", face.history[-1].text)
print(face.step().text)
"""
    with interpreter.start(PREPARE + program) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        pid = process.stdout.readline().strip()
        assert is_running(pid)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        assert process.stdout.readline() == "interrupted [cancelled: this call did not finish]\n"
        assert time.monotonic() - sent < 2
        assert not is_running(pid)
        assert process.stdout.readline() == "Go on.\n"
        assert (process.wait(20), process.stderr.read()) == (0, "")


def is_running(pid: str) -> bool:
    """Whether a process is there, and no zombie that waits for its parent."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
