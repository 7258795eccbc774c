"""What goes on in the background of a runtime: told to the model, and ended when it is to end."""

from __future__ import annotations

import asyncio
import re
import time
from unittest import SkipTest

from ...errors import WorkspaceError
from .bench import CLEANUP_SECONDS, SOON, Bench, must, must_raise
from .corpus import Case, Corpus

JOBS = Corpus()

FUGITIVES = {
    "plain": Case("{}"),
    "children": Case("{} & {} | cat & wait"),
    "no environment": Case("env -i {} & {}"),
    "setsid": Case("setsid {} & {}", ("setsid",)),
    "deaf": Case("trap '' TERM INT HUP; {}; {}"),
}
"""What a job may consist of; each `{}` is a process that takes years."""


@JOBS.promise()
async def start_of_a_job_returns_at_once(bench: Bench) -> None:
    """A command that is started in the background keeps nobody waiting, is named, and is listed as running."""
    name, _ = await _start(bench, bench.nap)

    listed = await bench.runtime.job_output()
    must(f"{name}: running" in listed, f"{name} is not listed as running: {listed!r}")
    must(bool(await bench.living()), "the command does not run")


# In these commands the words are written so that the command itself, which is told too, does not hold them.


@JOBS.promise()
async def output_of_a_job_is_told_once(bench: Bench) -> None:
    """What a job prints is told while it runs, each piece once, and then how it ended."""
    cmd = f"echo fir''st; until [ -e go ]; do sleep 1; done; echo seco''nd; : {bench.token}; exit $((3+4))"
    name, told = await _start(bench, cmd)
    told += await _told_until(bench, name, "first", told)
    await bench.runtime.write_bytes("go", b"")
    told += await _told_until(bench, name, "exit 7", told)
    told += await bench.runtime.job_output(name)

    for word in ("first", "second"):
        must(told.count(word) == 1, f"{word!r} was told {told.count(word)} times: {told!r}")


@JOBS.promise(cases=FUGITIVES)
async def killed_job_leaves_nothing(bench: Bench, shape: str) -> None:
    """When a job was killed it and all that it started are dead, and its last output is told."""
    name, told = await _start(bench, f"echo up''on; {shape.replace('{}', bench.nap)}")
    try:
        async with asyncio.timeout(2 * SOON):
            told += await bench.runtime.job_kill(name)
    except TimeoutError:
        raise AssertionError(f"job_kill had not returned after {2 * SOON:g} seconds") from None

    must(told.count("upon") == 1, f"what it printed was told {told.count('upon')} times: {told!r}")
    must(f"{name}: running" not in await bench.runtime.job_output(), "it is said to run")
    await bench.must_be_gone()


@JOBS.promise()
async def unknown_job_is_an_error(bench: Bench) -> None:
    """To ask or kill a job that there is not is a WorkspaceError, which the model is told."""
    with must_raise(WorkspaceError, "asking an unknown job"):
        await bench.runtime.job_output("job-99")
    with must_raise(WorkspaceError, "killing an unknown job"):
        await bench.runtime.job_kill("job-99")


@JOBS.promise(cases=FUGITIVES)
async def cleanup_ends_jobs(bench: Bench, shape: str) -> None:
    """Jobs end with their runtime, with all that they started."""
    await _start(bench, shape.replace("{}", bench.nap))
    async with asyncio.timeout(CLEANUP_SECONDS):
        await bench.runtime.cleanup()

    running = [job.id for job in bench.runtime.jobs if job.is_running]
    must(not running, f"still running after cleanup, which calls `super().cleanup()`: {', '.join(running)}")
    await bench.must_be_gone(also_inside=False)


@JOBS.promise()
async def slow_command_moves_to_the_background(bench: Bench) -> None:
    """With `on_timeout="background"` a command that is not done in time goes on as a job, and is not started anew."""
    _move_the_slow(bench)
    text = await bench.runtime.bash(f"echo up''on; echo x >>starts; {bench.nap}", timeout=0.5)
    name = _name_in(text)

    must("upon" in text, f"what it had printed is not told: {text!r}")
    must(bool(await bench.living()), "the command was killed")
    must(await bench.sh("cat starts") == "x\n", "the command was started more than once")
    await bench.runtime.job_kill(name)
    await bench.must_be_gone()


@JOBS.promise()
async def cancelled_command_is_no_job(bench: Bench) -> None:
    """With `on_timeout="background"`, too, a cancellation before the time is up kills the command."""
    _move_the_slow(bench)
    begun = asyncio.Event()
    cmd = f"({bench.nap} &); echo up; {bench.nap}"
    running = asyncio.create_task(bench.runtime.bash(cmd, timeout=1000, on_output=lambda _: begun.set()))
    try:
        async with asyncio.timeout(SOON):
            await begun.wait()
    except TimeoutError:
        raise AssertionError(f"after {SOON:g} seconds the listener had not heard what the command printed") from None
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=SOON)

    must(running.cancelled(), f"{SOON:g} seconds after the cancellation the call had not ended with it")
    await bench.must_be_gone()


def _move_the_slow(bench: Bench) -> None:
    try:
        bench.runtime.on_timeout = "background"
    except AttributeError:
        raise SkipTest("the runtime does not let its on_timeout be set") from None


async def _start(bench: Bench, cmd: str) -> tuple[str, str]:
    """Start a job; return its name and what was told."""
    try:
        async with asyncio.timeout(SOON):
            told = await bench.runtime.bash(cmd, background=True)
    except TimeoutError:
        raise AssertionError(f"the start of a job had not returned after {SOON:g} seconds") from None

    return _name_in(told), told


def _name_in(told: str) -> str:
    named = re.search(r"job-\d+", told)
    if named is None:
        raise AssertionError(f"no job is named: {told!r}")

    return named[0]


async def _told_until(bench: Bench, name: str, word: str, before: str) -> str:
    """Ask a job for its output until a word was told, which may have been told before."""
    told = ""
    deadline = time.monotonic() + 2 * SOON
    while word not in before + told:
        must(time.monotonic() < deadline, f"{name} does not tell {word!r}: {before + told!r}")
        told += await bench.runtime.job_output(name, wait=1)
    return told
