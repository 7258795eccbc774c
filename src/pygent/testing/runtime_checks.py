"""`runtime_conformance`: a list of checks for a runtime of one's own; `runtime_promises/` has what they check."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Timer
from unittest import SkipTest

from .runtime_promises.bench import SOON, Bench, OpenRuntime
from .runtime_promises.corpus import Promise
from .runtime_promises.endings import ENDINGS
from .runtime_promises.files import FILES
from .runtime_promises.jobs import JOBS
from .runtime_promises.life import LIFE
from .runtime_promises.links import LINKS
from .runtime_promises.outputs import OUTPUTS
from .runtime_promises.shell import SHELL

PROMISES: tuple[Promise, ...] = tuple(chain(SHELL, ENDINGS, OUTPUTS, FILES, LINKS, JOBS, LIFE))


@dataclass(frozen=True)
class RuntimeCheck:
    """One promise of an `AsyncRuntime`; `await check()` sees whether a runtime keeps it.

    Attributes:
        name: of the promise, for the list of tests; `str(check)` is the same.
        promise: what must be true, in a sentence.
        run: looks whether it is.
    """

    name: str
    promise: str
    run: Callable[[], Awaitable[None]] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    async def __call__(self) -> None:
        """Open a runtime, check it, and clean up; in bounded time, also when the runtime hangs.

        Raises:
            AssertionError: the promise is broken; the text says how.
            SkipTest: the runtime lacks a program without which it cannot be asked.
        """
        try:
            await self.run()
        except SkipTest:
            raise
        except Exception as error:
            error.add_note(f"the promise: {self.promise}")
            raise


def runtime_conformance(open_runtime: OpenRuntime) -> list[RuntimeCheck]:
    """List the checks that a runtime must pass: the evil shell, floods, files, walls, jobs, and a runtime's life.

        @pytest.mark.parametrize("check", runtime_conformance(MyRuntime), ids=str)
        async def test_my_runtime_is_a_runtime(check):
            await check()

    Each opens a runtime of its own, and leaves nothing behind, also when it fails. Whether processes survive is asked
    of the runtime itself, and of this machine's `/proc`, where those of local runtimes and containers are to be seen. A
    check that takes `bash`, `git` or `setsid` is skipped if `command -v` in the runtime's own shell does not know it.
    Needed in any case is a POSIX `sh` with its usual company: `cat`, `head`, `ls`, `mkfifo`, `sleep`, `tr`, `wc` …

    Args:
        open_runtime: makes a runtime that is not opened yet, in an empty workspace of its own.
    """
    return [RuntimeCheck(promise.name, promise.sentence, partial(_run, promise, open_runtime)) for promise in PROMISES]


async def _run(promise: Promise, open_runtime: OpenRuntime) -> None:
    bench = Bench(open_runtime)
    last_resort = Timer(promise.seconds + SOON, bench.kill)  # for a runtime that blocks the event loop
    last_resort.daemon = True
    last_resort.start()
    try:
        async with asyncio.timeout(promise.seconds) as limit, bench:
            await _must_have(bench, promise.needs)
            await promise.body(bench)
    except TimeoutError as error:
        if not limit.expired():
            raise

        raise AssertionError(f"not over after {promise.seconds:g} seconds") from error
    finally:
        last_resort.cancel()


async def _must_have(bench: Bench, programs: tuple[str, ...]) -> None:
    for program in programs:
        if not await bench.has(program):
            raise SkipTest(f"the runtime has no {program}")
