"""The evil shell: commands that would not end, and what is left of them when they have to."""

from __future__ import annotations

import asyncio

from ...runtimes import CommandResult
from .bench import SOON, Bench, must, must_equal
from .corpus import Case, Corpus

ENDINGS = Corpus()

SHAPES = {
    "plain": Case("{}"),
    "children": Case("{} & {} & wait"),
    "pipeline": Case("{} | cat | cat"),
    "grandchildren": Case("sh -c 'sh -c \"{} & wait\"'"),
    "background": Case("nohup {} >/dev/null 2>&1 & {}"),
    "no environment": Case("env -i {}"),
    "job control": Case("bash -c 'set -m; {} & wait'", ("bash",)),
    "setsid": Case("setsid {}", ("setsid",)),
    "setsid -f": Case("setsid -f {}; {}", ("setsid",)),
    "double fork": Case("(setsid sh -c '({} &)' &); {}", ("setsid",)),
    "deaf": Case("trap '' TERM INT HUP; {}; {}"),
    "deaf fugitive": Case("setsid sh -c 'trap \"\" TERM INT HUP; {}; {}' & {}", ("setsid",)),
    "many": Case("f() { [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)) & }; {}; }; f 5"),
}
"""How a command hides its processes; each `{}` is one that takes years."""

HANGS = {
    "fifo that nobody writes": Case("mkfifo f{0}; cat f{0} & exec 3<>f{0}; cat <f{0}"),
    "output replaced by tee": Case("bash -c 'exec > >(tee log-{0}); echo through tee'", ("bash",)),
    "process substitution": Case("bash -c 'cat <(echo {0})'", ("bash",)),
    "coprocess": Case("bash -c 'coproc cat - /dev/null/{0}; echo started'", ("bash",)),
    "endless output": Case("yes {0}"),
    "endless loop": Case(": {0}; while :; do :; done"),
}
"""Commands that hang other agents for good; some of them end by themselves."""


@ENDINGS.promise(cases=SHAPES)
async def timeout_ends_all(bench: Bench, shape: str) -> None:
    """At the timeout nothing of a command survives, in whatever session it hides; what it printed is kept."""
    cmd = shape.replace("{}", bench.nap)
    result = await _timed(bench, f"echo partial; {cmd}", 0.5)

    must_equal((result.output, result.timed_out, result.exit_code), ("partial\n", True, None), "result")
    await bench.must_be_gone()


@ENDINGS.promise(cases=HANGS)
async def famous_hang_ends(bench: Bench, cmd: str) -> None:
    """A shape that hangs other agents is over by the timeout at the latest, with all its processes."""
    result = await _timed(bench, cmd.format(bench.token), 1)

    must(result.timed_out or result.exit_code == 0, f"exit code {result.exit_code}")
    await bench.must_be_gone()


@ENDINGS.promise()
async def inherited_pipe_does_not_hold_the_result_up(bench: Bench) -> None:
    """A background process that keeps the output open keeps nobody waiting."""
    result = await _timed(bench, f"echo hi; {bench.nap} &", timeout=20, bound=SOON)

    must_equal((result.output, result.exit_code, result.timed_out), ("hi\n", 0, False), "result")


@ENDINGS.promise()
async def what_goes_on_in_the_background_is_named(bench: Bench) -> None:
    """A process that a command leaves running is told in the result; one that is not told of does not run."""
    result = await bench.runtime.exec(f"{bench.nap} >/dev/null 2>&1 &")
    living = await bench.living()

    must(bool(result.background) == bool(living), f"told of {result.background}; running: {'; '.join(living)}")


@ENDINGS.promise()
async def zero_timeout_is_no_time(bench: Bench) -> None:
    """A timeout of 0 or less is over at once; it is not taken for none."""
    for timeout in (0, -1):
        result = await _timed(bench, bench.nap, timeout)
        must(result.timed_out, f"timeout={timeout} did not end the command")
    await bench.must_be_gone()


@ENDINGS.promise()
async def no_timeout_is_no_limit(bench: Bench) -> None:
    """With None as timeout a command ends when it ends."""
    result = await bench.runtime.exec("sleep 1; echo done", timeout=None)

    must_equal((result.output, result.exit_code, result.timed_out), ("done\n", 0, False), "result")


@ENDINGS.promise(cases={"once": 1, "twice": 2, "three times": 3})
async def cancelled_command_is_killed(bench: Bench, cancels: int) -> None:
    """When a cancelled call returns, the command, deaf as it may be, and all it started are dead."""
    running = await bench.start(f"trap '' TERM; ({bench.nap} &); {bench.nap} | cat & echo up; {bench.nap}")
    for _ in range(cancels):
        running.cancel()
        await asyncio.sleep(0)
    await _must_end(running, "a cancelled command")

    must(running.cancelled(), "the cancellation was swallowed")
    await bench.must_be_gone()


@ENDINGS.promise("setsid")
async def cancelled_fugitives_are_killed(bench: Bench) -> None:
    """A cancellation reaches those that went into a session of their own, too."""
    running = await bench.start(f"setsid {bench.nap} & echo up; {bench.nap}")
    running.cancel()
    await _must_end(running, "a cancelled command")

    await bench.must_be_gone()


@ENDINGS.promise()
async def cancel_while_the_command_is_being_ended(bench: Bench) -> None:
    """A cancellation between the timeout and the kill returns soon, and leaves nothing alive."""
    dying = asyncio.Event()
    cmd = f"trap 'echo dying' TERM; while :; do {bench.nap}; done"
    running = asyncio.create_task(bench.runtime.exec(cmd, timeout=0.5, on_output=lambda _: dying.set()))
    waiting = asyncio.create_task(dying.wait())
    try:
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)  # some give no time for last words
    finally:
        waiting.cancel()
        running.cancel()
    await _must_end(running, "a command cancelled at its timeout")

    await bench.must_be_gone()


@ENDINGS.promise()
async def commands_run_after_a_kill(bench: Bench) -> None:
    """A runtime that had to end a command by force runs the next one as if nothing had been."""
    await bench.runtime.write_bytes("kept", b"content")
    await bench.runtime.exec(bench.nap, timeout=0.2)
    running = await bench.start(f"echo up; {bench.nap}")
    running.cancel()
    await _must_end(running, "a cancelled command")

    must_equal(await bench.sh("cat kept"), "content", "output of the next command")


async def _timed(bench: Bench, cmd: str, timeout: float, bound: float | None = None) -> CommandResult:
    """Run a command, and see that it is over when its time is."""
    limit = max(timeout, 0) + SOON if bound is None else bound
    try:
        async with asyncio.timeout(limit):
            return await bench.runtime.exec(cmd, timeout=timeout)
    except TimeoutError:
        raise AssertionError(f"with timeout={timeout} it was not over after {limit:g} seconds") from None


async def _must_end(running: asyncio.Task[CommandResult], what: str) -> None:
    await asyncio.wait([running], timeout=SOON)
    must(running.done(), f"{what} did not end within {SOON:g} seconds")
