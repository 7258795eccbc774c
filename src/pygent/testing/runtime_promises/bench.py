"""`Bench`: a runtime on trial, and the means to find what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from ...runtimes import AsyncRuntime, CommandResult

OpenRuntime: TypeAlias = Callable[[], AsyncRuntime]
"""Makes a fresh runtime that is not opened yet."""

SOON = 5.0
"""Seconds beyond its own time in which a command must be over: the grace that it gets, and the search for fugitives.

What does not end by itself takes years in these checks, so the bound may be wide."""

MOMENT = 1.0
"""Seconds that the system may take to bury who was killed."""

CLEANUP_SECONDS = 20.0

# The token is put together by the shell, or the search would find itself.
_LOOK = """
wanted="{}""{}"
if [ -d /proc/self ]; then
    for file in /proc/[0-9]*/cmdline; do
        case "$(tr '\\0' ' ' <"$file")" in *"$wanted"*) echo "$file" ;; esac
    done 2>/dev/null
else
    ps -A -o args= | while read -r line; do case "$line" in *"$wanted"*) echo "$line" ;; esac; done
fi
"""


class Bench:
    """A fresh runtime, open for the length of a check, and then gone, with all that a broken one leaves behind.

    Args:
        make: makes a runtime.

    Attributes:
        make: the same, for checks that need one of their own.
        runtime: the runtime on trial.
        token: nine digits that are in the command line of everything that a check starts, and nowhere else.
        nap: a command that sleeps for years, and is found by its token.
        scratch: a folder of this machine, outside of every workspace.
    """

    def __init__(self, make: OpenRuntime) -> None:
        self.make = make
        self.token = str(secrets.randbelow(9 * 10**8) + 10**8)
        self.nap = f"sleep {self.token}"

    async def __aenter__(self) -> Self:
        self.scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pygent-conformance-"))
        self.runtime = self.make()
        try:
            await self.runtime.open()
        except BaseException:
            await self._leave()
            raise

        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(CLEANUP_SECONDS):
                await self.runtime.cleanup()
        except Exception:
            if error is None:
                raise
        finally:
            await self._leave()

    async def _leave(self) -> None:
        await asyncio.to_thread(self.kill)
        await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    async def sh(self, cmd: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        result = await self.runtime.exec(cmd, timeout=20)
        must(
            result.exit_code == 0 and not result.timed_out,
            f"{cmd!r} ended with {result.exit_code}: {result.output[-500:]!r}",
        )
        return result.output

    async def has(self, program: str) -> bool:
        """Whether the runtime's shell knows a program."""
        return (await self.runtime.exec(f"command -v {program}", timeout=20)).exit_code == 0

    async def start(self, cmd: str, *, timeout: float | None = None) -> asyncio.Task[CommandResult]:
        """Start a command that prints something first, and return when that was heard, or when it is over."""
        begun = asyncio.Event()
        running = asyncio.create_task(self.runtime.exec(cmd, timeout=timeout, on_output=lambda _: begun.set()))
        waiting = asyncio.create_task(begun.wait())
        try:
            done, _ = await asyncio.wait([running, waiting], timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
            must(bool(done), f"after {SOON:g} seconds the listener had not heard what a command printed first")
        except BaseException:
            running.cancel()
            raise
        finally:
            waiting.cancel()
        return running

    async def living(self) -> list[str]:
        """What is alive of all that the check started: as the runtime's commands see it, and as this machine does."""
        inside = await self.sh(_LOOK.format(self.token[:4], self.token[4:]))
        return [*inside.split("\n")[:-1], *(await asyncio.to_thread(self.visible)).values()]

    async def must_be_gone(self, *, also_inside: bool = True) -> None:
        """Wait a moment for the end of all that the check started.

        Args:
            also_inside: ask the runtime, too; one that was cleaned up cannot be asked.

        Raises:
            AssertionError: something is alive.
        """
        deadline = time.monotonic() + MOMENT
        while left := await asyncio.to_thread(self.visible):
            must(time.monotonic() < deadline, f"still alive: {'; '.join(left.values())}")
            await asyncio.sleep(0.02)
        if also_inside:
            must(not (living := await self.living()), f"still alive: {'; '.join(living)}")

    def visible(self) -> dict[int, str]:
        """The processes of this machine whose command line holds the token; blocks. None without `/proc`."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            except OSError:
                continue

            if self.token in line and path.parent.name != str(os.getpid()):
                found[int(path.parent.name)] = line[:200]
        return found

    def kill(self) -> None:
        """Kill what is visible of it; blocks."""
        for pid in self.visible():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def must(holds: bool, complaint: str) -> None:
    """Raise AssertionError unless it holds."""
    if not holds:
        raise AssertionError(complaint)


def must_equal(found: object, wanted: object, what: str) -> None:
    """Raise AssertionError unless the two are equal."""
    must(found == wanted, f"{what}: {_short(found)}, and not {_short(wanted)}")


@contextmanager
def must_raise(error: type[Exception] | Sequence[type[Exception]], what: str) -> Iterator[None]:
    """Raise AssertionError unless the block raises this error; another one is told."""
    kinds = (error,) if isinstance(error, type) else tuple(error)
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except kinds:
        return
    except Exception as other:
        raise AssertionError(f"{what}: {other!r}, and not {names}") from other

    raise AssertionError(f"{what}: no {names}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:140]} ... {text[-140:]}"
