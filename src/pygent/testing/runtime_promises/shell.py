"""What a command finds when it starts, and what is told of its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import WorkspaceError
from .bench import Bench, must, must_equal, must_raise
from .corpus import Corpus

SHELL = Corpus()

BIG_COMMAND_BYTES = 300_000

MANY = 20


@SHELL.promise(cases={str(code): code for code in (0, 1, 2, 77, 126, 127, 255)})
async def exit_code_is_told(bench: Bench, code: int) -> None:
    """The exit status of a command is the result's, and its output comes with it."""
    result = await bench.runtime.exec(f"echo before; exit {code}")

    must_equal((result.exit_code, result.output), (code, "before\n"), "exit code and output")
    must(not result.timed_out, "timed_out is set although it was not")


@SHELL.promise()
async def unknown_command_is_a_result(bench: Bench) -> None:
    """A command that does not exist is a result, 127, as it is in every shell."""
    result = await bench.runtime.exec("no-such-command-anywhere")

    must_equal(result.exit_code, 127, "exit code")


@SHELL.promise()
async def end_by_a_signal_is_told(bench: Bench) -> None:
    """The end by a signal is told: by its number, negative, or as shells do, plus 128."""
    result = await bench.runtime.exec("kill -11 $$")

    must(result.exit_code in (-11, 128 + 11), f"exit code of a command that signal 11 ended: {result.exit_code}")


@SHELL.promise()
async def both_streams_come_in_their_order(bench: Bench) -> None:
    """Standard output and standard error are one text, in the order in which they were written."""
    result = await bench.runtime.exec("echo one; echo two >&2; echo three; echo four >&2")

    must_equal(result.output, "one\ntwo\nthree\nfour\n", "output")


@SHELL.promise()
async def command_starts_in_the_workspace(bench: Bench) -> None:
    """Every command starts in the workspace, whatever the one before did, and files are the same for all."""
    await bench.runtime.write_bytes("mine", b"content\n")
    await bench.runtime.exec("cd /; export LEFT=over")

    must_equal(await bench.sh("cat mine; echo ${LEFT-nothing}"), "content\nnothing\n", "output")
    must_equal(await bench.sh("pwd -P"), f"{bench.runtime.workspace}\n", "the folder that a command starts in")


@SHELL.promise()
async def input_is_empty(bench: Bench) -> None:
    """Who reads the standard input gets its end at once."""
    output = await bench.sh(f": {bench.token}; cat; read line; echo read=$?")

    must_equal(output, "read=1\n", "output")


@SHELL.promise()
async def there_is_no_terminal(bench: Bench) -> None:
    """A command has no terminal to ask for a password at."""
    output = await bench.sh("(: </dev/tty) 2>/dev/null && echo terminal || echo none; [ -t 0 ] || [ -t 1 ] || echo no")

    must_equal(output, "none\nno\n", "output")


@SHELL.promise("git")
async def git_asks_nobody(bench: Bench) -> None:
    """A commit without a message fails instead of waiting in an editor."""
    commit = f"git -c user.name={bench.token} -c user.email=a@b commit --allow-empty"
    result = await bench.runtime.exec(f"git init -q . && {commit}", timeout=10)

    must(not result.timed_out, "git waited for somebody")
    must(result.exit_code not in (0, None), f"git committed without a message: {result.output!r}")


@SHELL.promise()
async def secrets_of_this_program_stay_here(bench: Bench) -> None:
    """No variable of this program that holds a key, a token or a secret is in a command's environment."""
    with _planted(bench.token):
        async with bench.make() as runtime:
            seen = (await runtime.exec("env; export -p")).output
    names = [line.partition("=")[0] for line in seen.splitlines() if f"secret-{bench.token}" in line]

    must("PATH=" in seen, f"the environment could not be looked at: {seen[:200]!r}")
    must(not names, f"commands see {', '.join(names)}")


@contextmanager
def _planted(token: str) -> Iterator[None]:
    names = [f"PYGENT_CONFORMANCE_{kind}" for kind in ("KEY", "TOKEN", "SECRET", "PASSWORD")]
    os.environ.update(dict.fromkeys(names, f"secret-{token}"))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


@SHELL.promise()
async def nul_is_an_error(bench: Bench) -> None:
    """A command with a NUL in it, which no shell can take, is a WorkspaceError."""
    with must_raise(WorkspaceError, "a command with NUL"):
        await bench.runtime.exec("echo a\0b")


@SHELL.promise()
async def half_a_character_is_no_reason_to_fail(bench: Bench) -> None:
    """A lone surrogate in a command, which models write, does not keep it from running."""
    must((await bench.sh("echo '\ud83d' end")).endswith(" end\n"), "the command did not run")


@SHELL.promise()
async def command_may_be_long(bench: Bench) -> None:
    """A command of 300 KB runs whole, and finds its input as empty as ever."""
    text = "x" * BIG_COMMAND_BYTES
    output = await bench.sh(f"cat; printf %s '{text}' | wc -c; : {bench.token}")

    must_equal(output.strip(), str(len(text)), "bytes that arrived")


@SHELL.promise()
async def many_commands_run_at_once(bench: Bench) -> None:
    """Twenty commands at the same time run side by side, and each gets its own result."""
    meet = f"touch here-{{0}}; until [ $(ls | grep -c here-) = {MANY} ]; do sleep 1; done; : {bench.token}; exit {{0}}"
    commands = (f"echo {number}; {meet.format(number)}" for number in range(MANY))
    results = await asyncio.gather(*(bench.runtime.exec(cmd, timeout=25) for cmd in commands))

    found = [(result.output, result.exit_code) for result in results]
    must_equal(found, [(f"{number}\n", number) for number in range(MANY)], "results")
