"""What comes of what a command prints, however much and however broken."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from .bench import SOON, Bench, must, must_equal
from .corpus import Corpus

OUTPUTS = Corpus()

FLOOD_BYTES = 200_000_000

KEPT_BYTES = 1 << 20
"""More than this of one command's output is of no use to a model."""

GROWTH_BYTES = 64 << 20

LONGEST_GAP = 0.5

_SHORTLY = "sleep 0.2 2>/dev/null || sleep 1"  # not every sleep knows fractions


@OUTPUTS.promise(seconds=60)
async def flood_is_cut_and_counted(bench: Bench) -> None:
    """Of a line of 200 MB the beginning and the end are kept, the rest is counted to the byte, in little memory."""
    flood = f"head -c {FLOOD_BYTES} /dev/zero | tr '\\0' '~'"
    await bench.sh("true")
    before = await asyncio.to_thread(_resident_bytes)
    result = await bench.runtime.exec(f"echo first; {flood}; echo last; : {bench.token}", timeout=50)
    grown = await asyncio.to_thread(_resident_bytes) - before

    must(not result.timed_out, "it took more than 50 seconds")
    must(len(result.output) <= KEPT_BYTES, f"{len(result.output)} characters were kept")
    must(result.output.startswith("first\n~"), f"the beginning is lost: {result.output[:80]!r}")
    must(result.output.endswith("~last\n"), f"the end is lost: {result.output[-80:]!r}")
    must_equal(result.output.count("~") + result.omitted_bytes, FLOOD_BYTES, "bytes kept and omitted")
    must(grown < GROWTH_BYTES, f"this program grew by {grown >> 20} MiB")


@OUTPUTS.promise()
async def little_output_is_whole(bench: Bench) -> None:
    """Output that a model can well read is not cut, and its last newline is kept."""
    result = await bench.runtime.exec("i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; printf end")

    must_equal(result.output, "".join(f"line {number}\n" for number in range(1000)) + "end", "output")
    must_equal(result.omitted_bytes, 0, "omitted bytes")


@OUTPUTS.promise()
async def broken_text_is_replaced(bench: Bench) -> None:
    """Bytes that are no UTF-8 become U+FFFD, and nothing else is lost."""
    result = await bench.runtime.exec(r"printf 'a\377b\300\200c\342\202'")

    must(result.output.startswith("a\ufffdb\ufffd"), f"output: {result.output!r}")
    must(result.output.replace("\ufffd", "") == "abc", f"output: {result.output!r}")


@OUTPUTS.promise()
async def character_in_two_pieces_stays_one(bench: Bench) -> None:
    """A character whose bytes come apart is one, in the result and for the listener."""
    heard: list[str] = []
    cmd = rf"printf 'a\342\202'; {_SHORTLY}; printf '\254b\360\237'; {_SHORTLY}; printf '\230\200c'"
    result = await bench.runtime.exec(cmd, on_output=heard.append)

    must_equal(result.output, "a€b😀c", "output")
    must_equal("".join(heard), result.output, "what the listener heard")


@OUTPUTS.promise()
async def listener_hears_all(bench: Bench) -> None:
    """The pieces that the listener hears make up all that was printed, also what is cut out of the result."""
    heard: list[str] = []
    count = 1_000_000
    cmd = f"echo äöü; head -c {count} /dev/zero | tr '\\0' '~'; echo €; printf '\\377'"
    await bench.runtime.exec(cmd, on_output=heard.append)

    must_equal("".join(heard), f"äöü\n{'~' * count}€\n\ufffd", "what the listener heard")


@OUTPUTS.promise()
async def listener_hears_it_while_it_comes(bench: Bench) -> None:
    """The first line is heard, on the event loop, while the command still runs."""
    threads: set[int] = set()
    begun = asyncio.Event()

    def listen(_: str) -> None:
        threads.add(threading.get_ident())
        begun.set()

    cmd = f"echo first; until [ -e go ]; do sleep 1; done; echo second; : {bench.token}"
    running = asyncio.create_task(bench.runtime.exec(cmd, timeout=25, on_output=listen))
    try:
        async with asyncio.timeout(SOON):
            await begun.wait()
        must(not running.done(), "the command was over before it was heard")
        await bench.runtime.write_bytes("go", b"")
        result = await running
    except TimeoutError:
        raise AssertionError(f"{SOON:g} seconds after its first line the command was not heard") from None
    finally:
        running.cancel()

    must_equal(result.output, "first\nsecond\n", "output")
    must_equal(threads, {threading.get_ident()}, "threads on which the listener was called")


@OUTPUTS.promise(cases={"quiet": "sleep {}", "flood": "yes {}"})
async def event_loop_is_left_alone(bench: Bench, cmd: str) -> None:
    """While a command runs, even one that floods its output, everything else on the event loop gets its turn."""
    gaps: list[float] = []
    clock = asyncio.create_task(_measure(gaps))
    try:
        result = await bench.runtime.exec(cmd.format(bench.token), timeout=1)
    finally:
        clock.cancel()

    must(result.timed_out, "the command ended by itself")
    must(max(gaps, default=9) < LONGEST_GAP, f"the event loop stood still for {max(gaps, default=1):.2f} seconds")


async def _measure(gaps: list[float]) -> None:
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.005)
        now = time.monotonic()
        gaps.append(now - last)
        last = now


def _resident_bytes() -> int:
    """The memory that this program occupies; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0

    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10
