"""In a real Jupyter kernel, whose event loop runs while a cell does, the synchronous faces just work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

PREPARE = """
import asyncio, os
from pathlib import Path
from pygent import Agent, AsyncAgent, Runtime, Settings, ToolOutputDelta
from pygent.testing import ScriptedModel, tool_call

asyncio.get_running_loop()  # raises if there is none
local = Settings(use_docker=False)
"""


class Manager(KernelManager):
    """Starts this very interpreter, whatever kernels are installed."""

    kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])


class Kernel:
    """A running kernel: gives the cells to it, and takes what they print."""

    def __init__(self, folder: Path) -> None:
        self.manager = Manager(connection_file=str(folder / "kernel.json"))
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, "IPYTHONDIR": str(folder)}, stderr=DEVNULL)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=50)

    def run(self, code: str, *, interrupt_at: str = "") -> tuple[str, str]:
        """Run a cell and return all that it printed, to either stream, and how it ended: `ok` or the error's name.

        When it prints `interrupt_at`, the stop button is pressed.
        """
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] != "stream":
                return

            printed.append(message["content"]["text"])
            if interrupt_at and interrupt_at in "".join(printed):
                self.manager.interrupt_kernel()

        reply = self.client.execute_interactive(code, timeout=50, output_hook=hear)["content"]
        return "".join(printed), reply.get("ename", reply["status"])

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests: it takes seconds to start."""
    kernel = Kernel(tmp_path_factory.mktemp("jupyter"))
    try:
        assert kernel.run(PREPARE) == ("", "ok")
        yield kernel
    finally:
        kernel.close()


STEP = """
with Agent(ScriptedModel([tool_call("bash", cmd="echo hi"), "Done."]), settings=local) as agent:
    print(agent.run_until_stop("hello").text, agent.history[-2].text.splitlines()[-1])
"""

STREAM = """
with Agent(ScriptedModel(["All done."]), settings=local) as agent, agent.stream("hello") as events:
    print(*(type(event).__name__ for event in events))
"""

RUNTIME = """
with Runtime(use_docker=False) as runtime:
    print(runtime.bash("echo hi"))
"""

AWAIT = """
async with AsyncAgent(ScriptedModel(["Hello."]), settings=local) as agent:
    print((await agent.step("hello")).text)
"""

CELLS = {
    "step": (STEP, "Done. hi\n"),
    "stream": (STREAM, "TurnStarted MessageAdded StepStarted TextDelta TextDelta MessageAdded TurnFinished\n"),
    "runtime": (RUNTIME, "$ echo hi\nhi\n"),
    "await": (AWAIT, "Hello.\n"),
}


@pytest.mark.parametrize(("code", "printed"), CELLS.values(), ids=CELLS)
def test_cell(code: str, printed: str, kernel: Kernel) -> None:
    """A cell works as the same lines do in a script, without a warning."""
    assert kernel.run(code) == (printed, "ok")


def test_interrupted_cell(kernel: Kernel) -> None:
    """The stop button ends the cell and its command, and the agent can go on in the next cell."""
    cell = """
model = ScriptedModel([tool_call("bash", cmd="echo $$; exec sleep 600"), "Go on."])
agent, printed = Agent(model, settings=local), []
agent.events.subscribe(lambda event: isinstance(event, ToolOutputDelta) and printed.append(event.text))
agent.events.subscribe(lambda event: isinstance(event, ToolOutputDelta) and print("started", flush=True))
agent.step("hello")
"""

    assert kernel.run(cell, interrupt_at="started") == ("started\n", "KeyboardInterrupt")
    assert kernel.run("print(Path('/proc', printed[0].strip()).exists(), agent.step().text); agent.close()") == (
        "False Go on.\n",
        "ok",
    )


def test_end_of_the_kernel(tmp_path: Path) -> None:
    """A kernel that is shut down with an open agent leaves nothing behind."""
    kernel = Kernel(tmp_path)
    try:
        kernel.run(PREPARE)
        printed, _ = kernel.run("agent = Agent(settings=local); agent.runtime.open(); print(agent.runtime.workspace)")
    finally:
        kernel.close()

    workspace = Path(printed.strip())
    assert workspace.is_absolute()
    assert not workspace.exists()
