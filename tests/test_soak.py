"""Much, many and for long: what commands cost in the end. Programs of their own measure themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from .thorough import THOROUGH, takes_long

MEASURE = """
import asyncio, json, os, resource, sys, time
from pathlib import Path
from pygent import LocalRuntime

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def highest_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

def descriptors():
    return len(os.listdir("/proc/self/fd"))

def children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

async def lag(gaps):
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.002)
        gaps.append(time.monotonic() - before - 0.002)

async def main():
    async with LocalRuntime(sandbox=sys.argv[1]) as runtime:
        for _ in range(30):
            await runtime.exec("echo warm; exit 3")
        await asyncio.gather(*(runtime.exec("true") for _ in range(10)))
        return await measure(runtime)

"""

FLOOD = """
async def measure(runtime):
    before = highest_memory()
    result = await runtime.exec(f"head -c {int(sys.argv[2])} /dev/zero", timeout=None)
    grown = highest_memory() - before
    return {"kept": len(result.output), "omitted": result.omitted_bytes, "grown": grown, "seconds": result.duration}
"""

AT_ONCE = """
async def measure(runtime):
    before, gaps, started = (descriptors(), children()), [], time.monotonic()
    clock = asyncio.create_task(lag(gaps))
    results = await asyncio.gather(*(runtime.exec(f"sleep 0.2; echo {n}; exit {n}") for n in range(50)))
    clock.cancel()
    seconds = time.monotonic() - started
    same = (descriptors(), children()) == before
    right = [(r.output, r.exit_code) for r in results] == [(f"{n}\\n", n) for n in range(50)]
    return {"right": right, "nothing_left": same, "lag": max(gaps), "seconds": seconds}
"""

IN_A_ROW = """
async def measure(runtime):
    before, memory_before, started = (descriptors(), children()), memory(), time.monotonic()
    for number in range(int(sys.argv[2])):
        background = "sleep 0 &" if number % 10 == 0 else ""
        result = await runtime.exec(f"echo {number}; {background} exit 3")
        assert (result.output, result.exit_code) == (f"{number}\\n", 3), result
    seconds, same = time.monotonic() - started, (descriptors(), children()) == before
    return {"nothing_left": same, "grown": memory() - memory_before, "seconds": seconds}
"""


def measured(program: str, *arguments: object) -> dict[str, Any]:
    """What a program says of itself, as JSON."""
    text = MEASURE + program + "\nprint(json.dumps(asyncio.run(main())))"
    done = subprocess.run(
        [sys.executable, "-c", text, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    print(found)
    return found


sandboxes = pytest.mark.parametrize("sandbox", ["none", pytest.param("bwrap", marks=takes_long)])


@pytest.mark.timeout(300)
@sandboxes
def test_two_gigabytes_of_output_take_little_memory(sandbox: str) -> None:
    """Whatever a command prints, memory stays what it was, give or take a few megabytes, and nothing is miscounted."""
    size = 2 << 30
    found = measured(FLOOD, sandbox, size)

    assert found["omitted"] == size - 32768
    assert found["kept"] < 40_000
    assert found["grown"] < 64 << 20


@sandboxes
def test_fifty_commands_run_at_once(sandbox: str) -> None:
    """Fifty commands run side by side, each gets its own result, and the event loop is free meanwhile."""
    found = measured(AT_ONCE, sandbox)

    assert found["right"]
    assert found["nothing_left"]
    assert found["seconds"] < 10
    assert found["lag"] < 0.5


@pytest.mark.timeout(300)
@sandboxes
def test_a_thousand_commands_in_a_row_cost_nothing(sandbox: str) -> None:
    """After a thousand commands there is no descriptor and no child more, and the memory has not grown by 2 MiB."""
    found = measured(IN_A_ROW, sandbox, 5000 if THOROUGH else 1000)

    assert found["nothing_left"]
    assert found["grown"] < 2 << 20
