"""A runtime's life: opened once, used by many, and gone without a trace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from ...errors import PygentError, RuntimeUnavailable
from ...runtimes import AsyncRuntime
from .bench import CLEANUP_SECONDS, SOON, Bench, must, must_equal, must_raise
from .corpus import Corpus

LIFE = Corpus()

USES: dict[str, Callable[[AsyncRuntime], Awaitable[object]]] = {
    "open": lambda runtime: runtime.open(),
    "exec": lambda runtime: runtime.exec("true"),
    "bash": lambda runtime: runtime.bash("true"),
    "read_bytes": lambda runtime: runtime.read_bytes("file"),
    "write_bytes": lambda runtime: runtime.write_bytes("file", b""),
    "list_files": lambda runtime: runtime.list_files(),
}


@LIFE.promise()
async def opens_at_first_use(bench: Bench) -> None:
    """A runtime that nobody opened opens when it is used, also by several at once, and only once."""
    runtime = bench.make()
    try:
        await asyncio.gather(*(runtime.write_bytes(f"{number}", b"") for number in range(10)))
        listed = (await runtime.exec("ls")).output.split()
        must_equal(sorted(listed), [f"{number}" for number in range(10)], "files in the one workspace")
    finally:
        await runtime.cleanup()


@LIFE.promise()
async def may_be_opened_again(bench: Bench) -> None:
    """Opening what is open, by several at once too, changes nothing."""
    await bench.runtime.write_bytes("file", b"content")
    before = bench.runtime.workspace
    await bench.runtime.open()
    await asyncio.gather(*(bench.runtime.open() for _ in range(5)))

    must_equal(await bench.runtime.read_bytes("file"), b"content", "content")
    must_equal(bench.runtime.workspace, before, "the workspace's place")


@LIFE.promise()
async def runtimes_do_not_meet(bench: Bench) -> None:
    """The end of one runtime ends nothing of another's."""
    background = await bench.runtime.exec(f"{bench.nap} >/dev/null 2>&1 &")
    async with bench.make() as other:
        await other.exec("true")

    must(bool(await bench.living()) == bool(background.background), "a process of this runtime ended with another")
    must_equal(await bench.sh("echo alive"), "alive\n", "output")


@LIFE.promise()
async def may_be_cleaned_up_again(bench: Bench) -> None:
    """Cleaning up twice, at once, or what was never opened, is no error."""
    await bench.runtime.exec("true")
    await asyncio.gather(bench.runtime.cleanup(), bench.runtime.cleanup())
    await bench.runtime.cleanup()
    await bench.make().cleanup()


@LIFE.promise(cases=USES)
async def used_up_runtime_says_so(bench: Bench, use: Callable[[AsyncRuntime], Awaitable[object]]) -> None:
    """After cleanup, of what was opened or never was, every use is RuntimeUnavailable."""
    await bench.runtime.write_bytes("file", b"")
    await bench.runtime.cleanup()
    never_opened = bench.make()
    await never_opened.cleanup()

    with must_raise(RuntimeUnavailable, "use after cleanup"):
        await use(bench.runtime)
    with must_raise(RuntimeUnavailable, "use after the cleanup of what was never opened"):
        await use(never_opened)


@LIFE.promise()
async def cleanup_ends_a_running_command(bench: Bench) -> None:
    """Cleaning up while a command runs ends it, and who waits for it is told soon: by a result or an error of ours."""
    running = await bench.start(f"{bench.nap} | cat & echo up; {bench.nap}")
    await _cleanup(bench)
    await asyncio.wait([running], timeout=SOON)

    must(running.done(), f"{SOON:g} seconds later the call had not returned")
    error = None if running.cancelled() else running.exception()
    if running.cancelled() or (error is not None and not isinstance(error, PygentError)):
        raise AssertionError(f"the call ended with {error!r}, which tells nobody what happened")

    must(error is not None or running.result().exit_code != 0, "a command that was ended is said to have succeeded")
    await bench.must_be_gone(also_inside=False)


@LIFE.promise(cases={"background": "{} >/dev/null 2>&1 &", "no environment": "env -i {} >/dev/null 2>&1 &"})
async def cleanup_ends_the_background(bench: Bench, shape: str) -> None:
    """What commands left in the background ends with the runtime."""
    await bench.runtime.exec(shape.replace("{}", bench.nap))
    await bench.runtime.exec("true")
    await _cleanup(bench)

    await bench.must_be_gone(also_inside=False)


@LIFE.promise("setsid")
async def cleanup_ends_fugitives(bench: Bench) -> None:
    """Daemons in sessions of their own end with the runtime, too."""
    await bench.runtime.exec(f"setsid -f {bench.nap} >/dev/null 2>&1; (setsid {bench.nap} >/dev/null 2>&1 &)")
    await _cleanup(bench)

    await bench.must_be_gone(also_inside=False)


@LIFE.promise()
async def cancelled_cleanup_is_done_all_the_same(bench: Bench) -> None:
    """Who is cancelled, twice, while cleaning up, leaves nothing alive once cleanup was called again."""
    await bench.runtime.exec(f"{bench.nap} >/dev/null 2>&1 &")
    cleaning = asyncio.create_task(bench.runtime.cleanup())
    for _ in range(2):
        await asyncio.sleep(0)
        cleaning.cancel()
    await asyncio.wait([cleaning], timeout=CLEANUP_SECONDS)
    must(cleaning.done(), "the cancelled cleanup did not end")
    await _cleanup(bench)

    await bench.must_be_gone(also_inside=False)


@LIFE.promise()
async def block_cleans_up_when_it_fails(bench: Bench) -> None:
    """`async with` cleans up also when its block raises, and lets the error through."""
    runtime = bench.make()
    with must_raise(LookupError, "the block"):
        async with runtime:
            await runtime.exec(f"{bench.nap} >/dev/null 2>&1 &")
            {"there": 0}["missing"]

    with must_raise(RuntimeUnavailable, "use after the block"):
        await runtime.exec("true")
    await bench.must_be_gone()


async def _cleanup(bench: Bench) -> None:
    started = time.monotonic()
    await bench.runtime.cleanup()
    took = time.monotonic() - started
    must(took < CLEANUP_SECONDS, f"cleanup took {took:.1f} seconds, more than {CLEANUP_SECONDS:g}")
