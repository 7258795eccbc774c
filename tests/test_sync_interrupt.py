"""Ctrl-C in a synchronous call: it raises within a second, and nothing that the call started is alive then."""

from __future__ import annotations

import secrets
import signal
import time
from pathlib import Path

import pytest

from . import interpreter

PREPARE = """
import sys
from pygent import Agent, Runtime, Settings, ToolOutputDelta
from pygent.testing import ScriptedModel, tool_call

def told(event):
    if isinstance(event, ToolOutputDelta):
        print(event.text, end="", flush=True)

def agent(cmd):
    face = Agent(ScriptedModel([tool_call("bash", cmd=cmd, timeout=600)]), settings=Settings(use_docker=False))
    face.events.subscribe(told)
    return face

nap = "sleep TOKEN"
COMMAND = f"trap '' TERM; ({nap} &); setsid {nap} & (setsid sh -c '{nap} & {nap}' &); echo started; {nap}"
"""

CALLS = {
    "step": "agent(COMMAND).step('go')",
    "run": "agent(COMMAND).run_until_stop('go')",
    "stream": "with agent(COMMAND).stream('go') as events:\n        for event in events: pass",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_ends_all_within_a_second(call: str) -> None:
    """However it is called: KeyboardInterrupt comes within a second, after the end of grandchildren and fugitives."""
    token = str(secrets.randbelow(9 * 10**8) + 10**8)
    program = (
        f"try:\n    {call}\nexcept KeyboardInterrupt:\n    print('interrupted', flush=True)\n    sys.stdin.read()\n"
    )
    with interpreter.start(PREPARE.replace("TOKEN", token) + program) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "started\n"
            while len(sleepers(token)) < 5:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            sent = time.monotonic()
            assert process.stdout.readline() == "interrupted\n"
            took = time.monotonic() - sent
            left = sleepers(token)
        finally:
            process.kill()

    print(f"interrupted after {took:.2f} s")
    assert took < 1
    assert left == []


def sleepers(token: str) -> list[str]:
    """The processes that sleep for as many seconds as nobody else."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue

        if line.startswith(b"sleep\0" + token.encode()):
            found.append(path.parent.name)
    return found
