"""Commands that misbehave, on a real shell: each test's name is what the runtime promises about them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pygent import WorkspaceError
from pygent.runtimes import CommandResult, LocalRuntime

from .conftest import Nap, descriptors, within

GRACE = 2.0


async def test_output_and_status_are_told(runtime: LocalRuntime) -> None:
    """Both streams come in their order, and the exit status with them."""
    result = await runtime.exec("echo one; echo two >&2; echo three; exit 7")

    assert (result.output, result.exit_code, result.timed_out) == ("one\ntwo\nthree\n", 7, False)
    assert result.background == ()


async def test_signal_is_a_negative_status(runtime: LocalRuntime) -> None:
    """A command that a signal ended has that signal's number, negative."""
    assert (await runtime.exec("kill -11 $$")).exit_code == -11


async def test_inherited_pipe_does_not_hold_the_result_up(runtime: LocalRuntime, nap: Nap) -> None:
    """A background process keeps the output open; the result comes at once all the same, and names it."""
    result = await runtime.exec(f"echo hi; {nap.command} &", timeout=20)

    assert (result.output, result.exit_code) == ("hi\n", 0)
    assert result.duration < 2
    assert list(result.background) == nap.pids() != []


async def test_quiet_background_process_is_named(runtime: LocalRuntime, nap: Nap) -> None:
    """A background process that writes to a file is told, too: somebody may want to end it."""
    result = await runtime.exec(f"nohup {nap.command} >log 2>&1 &")

    assert list(result.background) == nap.pids() != []


@pytest.mark.parametrize("shape", ["env -i {} >/dev/null 2>&1 &", "env -i {} &"], ids=["quiet", "with the pipe"])
async def test_background_process_without_environment_is_named(runtime: LocalRuntime, nap: Nap, shape: str) -> None:
    """A background process that cleared its environment is found by its session."""
    result = await runtime.exec(shape.format(nap.command))

    assert list(result.background) == nap.pids() != []


@pytest.mark.parametrize(
    "shape",
    [
        "{}",
        "env -i {}",
        "bash -c 'set -m; env -i {} & wait'",
        "{} & {} & wait",
        "{} | cat | cat",
        "sh -c 'sh -c \"{} & wait\"'",
        "setsid {}",
        "setsid -f {}; {}",
        "(setsid sh -c '({} &)' &); {}",
        "nohup {} >/dev/null 2>&1 & {}",
    ],
    ids=[
        "plain",
        "no environment",
        "job control",
        "children",
        "pipeline",
        "grandchildren",
        "setsid",
        "setsid -f",
        "double fork",
        "nohup",
    ],
)
async def test_timeout_ends_all_and_keeps_the_output(runtime: LocalRuntime, nap: Nap, shape: str) -> None:
    """At the timeout nothing of the command survives, in whatever session it hides; what it printed is kept."""
    result = await runtime.exec(f"echo partial; {shape.replace('{}', nap.command)}", timeout=0.3)

    assert (result.output, result.exit_code, result.timed_out) == ("partial\n", None, True)
    assert result.duration < 0.3 + GRACE + 1
    assert nap.pids() == []


async def test_ignored_sigterm_is_followed_by_sigkill(runtime: LocalRuntime, nap: Nap) -> None:
    """A command that ignores all polite signals is killed when the grace is over."""
    result = await runtime.exec(f"trap '' TERM INT HUP; echo stubborn; {nap.command}; {nap.command}", timeout=0.2)

    assert (result.output, result.timed_out) == ("stubborn\n", True)
    assert GRACE <= result.duration < 0.2 + GRACE + 1
    assert nap.pids() == []


async def test_sigterm_leaves_time_to_tidy_up(runtime: LocalRuntime) -> None:
    """A command that minds SIGTERM may say its last words."""
    result = await runtime.exec("trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done", timeout=0.2)

    assert (result.output.endswith("bye\n"), result.exit_code, result.timed_out) == (True, None, True)
    assert result.duration < GRACE


@pytest.mark.parametrize(
    ("cmd", "timeout"),
    [
        ("mkfifo f; cat f & exec 3<>f; cat <f", 0.3),
        ("exec > >(tee log); echo through tee", 20),
        ("cat <(sleep 0.05; echo late)", 20),
        ("coproc cat; echo started", 20),
    ],
    ids=["fifo that nobody writes", "output replaced by tee", "process substitution", "coprocess"],
)
async def test_famous_hangs_do_not_hang(runtime: LocalRuntime, cmd: str, timeout: float) -> None:
    """The shapes that hang other agents end by the timeout at the latest."""
    await runtime.write_bytes("script", cmd.encode())
    result = await runtime.exec("bash script", timeout=timeout)

    assert result.timed_out == (timeout < 1)
    assert result.duration < min(timeout, 2) + GRACE + 1


async def test_flood_is_cut_in_the_middle_and_counted(runtime: LocalRuntime) -> None:
    """Of 200 MB the first and the last 16 KiB are kept, the rest is counted to the byte, in constant memory."""
    await runtime.exec("true")
    before = _resident_bytes()
    result = await runtime.exec("echo first; head -c 200M /dev/zero; echo last")

    total = 6 + 200 * 1024 * 1024 + 5
    assert result.omitted_bytes == total - 32768
    assert f"[{result.omitted_bytes} bytes omitted of {total}]" in result.output
    assert result.output.startswith("first\n")
    assert result.output.endswith("last\n")
    assert _resident_bytes() - before < 20 << 20


async def test_flood_leaves_the_event_loop_alone(runtime: LocalRuntime) -> None:
    """While `yes` floods its pipe, others get their turn: no gap comes near a blocked loop's."""
    gaps: list[float] = []
    clock = asyncio.create_task(_measure_gaps(gaps))
    result = await runtime.exec("yes", timeout=1)
    clock.cancel()

    print(f"yes: {result.omitted_bytes >> 20} MiB, longest gap {max(gaps) * 1000:.1f} ms")
    assert result.timed_out
    assert len(gaps) > 100
    assert max(gaps) < 0.5


async def test_nobody_is_at_the_keyboard(runtime: LocalRuntime) -> None:
    """What waits for input gets its end at once; there is no terminal; git opens no editor."""
    result = await runtime.exec("cat; read line; echo read=$?; (: </dev/tty) 2>/dev/null || echo no terminal")

    assert result.output == "read=1\nno terminal\n"
    commit = await runtime.exec(
        "git init -q . && git -c user.name=a -c user.email=a@b commit --allow-empty; echo status=$?"
    )
    assert "status=1" in commit.output or "not found" in commit.output
    assert not commit.timed_out


async def test_broken_text_is_replaced(runtime: LocalRuntime) -> None:
    """Bytes that are no UTF-8 become U+FFFD; a character that comes in two pieces stays one."""
    heard: list[str] = []
    cmd = r"printf '\342\202'; sleep 0.1; printf '\254 \377 \342\202'"
    result = await runtime.exec(cmd, on_output=heard.append)

    assert result.output == "€ \ufffd \ufffd"
    assert "".join(heard) == result.output
    assert len(heard) > 1


async def test_output_is_heard_while_it_comes(runtime: LocalRuntime) -> None:
    """`on_output` hears the first line while the command still runs, and in the end all of it."""
    first = asyncio.Event()
    heard: list[str] = []

    def listen(text: str) -> None:
        heard.append(text)
        first.set()

    cmd = "echo first; while [ ! -e go ]; do sleep 0.01; done; head -c 100000 /dev/zero | tr '\\0' x"
    running = asyncio.create_task(runtime.exec(cmd, on_output=listen))
    await first.wait()
    await runtime.write_bytes("go", b"")
    result = await running

    assert "".join(heard) == "first\n" + "x" * 100_000
    assert result.omitted_bytes == 100_006 - 32768


async def test_failing_listener_is_logged_and_left_alone(
    runtime: LocalRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    """An `on_output` that raises is called once; the command goes on."""
    calls: list[str] = []

    def fail(text: str) -> None:
        calls.append(text)
        raise ValueError("no ears")

    result = await runtime.exec("echo a; sleep 0.1; echo b", on_output=fail)

    assert (result.output, calls) == ("a\nb\n", ["a\n"])
    assert "no ears" in caplog.text


@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_cancelled_command_is_killed(runtime: LocalRuntime, nap: Nap, cancels: int) -> None:
    """However often the caller is cancelled, the command and its fugitives are dead when it is told so."""
    started = asyncio.Event()
    cmd = f"trap '' TERM; echo up; setsid {nap.command} & {nap.command}"
    running = asyncio.create_task(runtime.exec(cmd, on_output=lambda _: started.set()))
    await started.wait()
    before = time.monotonic()
    for _ in range(cancels):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running

    assert time.monotonic() - before < 1
    assert nap.pids() == []


async def test_cancel_cuts_the_grace_short(runtime: LocalRuntime, nap: Nap) -> None:
    """A cancel between SIGTERM and SIGKILL does not wait for the grace to end."""
    dying = asyncio.Event()
    cmd = f"trap 'echo dying' TERM; while :; do {nap.command}; done"
    running = asyncio.create_task(runtime.exec(cmd, timeout=0.2, on_output=lambda _: dying.set()))
    await dying.wait()
    before = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert time.monotonic() - before < 1
    assert nap.pids() == []


async def test_fork_bomb_ends_at_the_timeout(runtime: LocalRuntime, nap: Nap) -> None:
    """Some hundred processes that start each other are killed as one."""
    bomb = f"f() {{ [ $1 -gt 0 ] && {{ f $(($1-1)) & f $(($1-1)) & }}; {nap.command}; }}; f 7"
    result = await runtime.exec(bomb, timeout=1)

    assert result.timed_out
    assert nap.pids() == []


async def test_nul_is_an_error_that_says_so(runtime: LocalRuntime) -> None:
    """No shell can be given a NUL; the error is ours."""
    with pytest.raises(WorkspaceError, match="NUL"):
        await runtime.exec("echo a\0b")


@pytest.mark.parametrize("size", [131_071, 131_072, 3_000_000])
async def test_command_may_be_of_any_length(runtime: LocalRuntime, size: int) -> None:
    """Where the kernel takes no such argument, the command arrives all the same, and its input is as empty as ever."""
    begin, end = "echo begin; cat; ls -l /proc/self/fd | wc -l; cat <<'END'\n", "\nEND\n"
    text = "x" * (size - len(begin) - len(end))
    plain = await runtime.exec("echo begin; ls -l /proc/self/fd | wc -l")
    result = await runtime.exec(begin + text + end)

    assert result.exit_code == 0
    assert result.output.startswith(plain.output + "xxx")
    assert result.omitted_bytes == len(plain.output) + len(text) + 1 - 32768


async def test_lone_surrogate_is_replaced(runtime: LocalRuntime) -> None:
    """Half an emoji in a command is no reason to fail."""
    assert (await runtime.exec("echo '\ud83d'")).output == "?\n"


async def test_zero_timeout_is_no_time(runtime: LocalRuntime, nap: Nap) -> None:
    """0 means 0, and so does less; None means no limit."""
    for timeout in (0, -1):
        assert (await runtime.exec(nap.command, timeout=timeout)).timed_out
    assert (await runtime.exec("sleep 0.05", timeout=None)).exit_code == 0
    assert nap.pids() == []


async def test_fifty_at_once_and_three_hundred_in_a_row_leave_nothing_open(runtime: LocalRuntime) -> None:
    """Each command gets its own result, and all descriptors and children are given back."""
    await runtime.exec("true")
    before = descriptors()
    gaps: list[float] = []
    clock = asyncio.create_task(_measure_gaps(gaps))
    results = await asyncio.gather(*(runtime.exec(f"echo {number}; exit {number}") for number in range(50)))
    clock.cancel()

    print(f"50 at once: longest gap of the event loop {max(gaps) * 1000:.1f} ms")
    assert [(result.output, result.exit_code) for result in results] == [(f"{n}\n", n) for n in range(50)]
    assert descriptors() == before
    for _ in range(300):
        assert (await runtime.exec("true")).exit_code == 0
    assert descriptors() == before


async def test_blocked_default_threads_do_not_block_commands(runtime: LocalRuntime) -> None:
    """Plain tools that wait in the event loop's threads for their commands do not keep these from running."""
    loop = asyncio.get_running_loop()

    def plain_tool() -> CommandResult:
        return asyncio.run_coroutine_threadsafe(runtime.exec("echo done"), loop).result()

    results = await asyncio.gather(*(asyncio.to_thread(plain_tool) for _ in range(40)))

    assert [result.output for result in results] == ["done\n"] * 40


async def test_works_without_pidfd(runtime: LocalRuntime, nap: Nap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel cannot tell of a process's end by a descriptor, a thread waits for it."""
    monkeypatch.delattr(os, "pidfd_open")

    assert (await runtime.exec("echo a; exit 3")).exit_code == 3
    assert (await runtime.exec(f"{nap.command}", timeout=0.2)).timed_out
    assert nap.pids() == []


def test_lost_status_is_no_success(tmp_path: Path) -> None:
    """In a program that lets nobody wait for its children, a command's status is unknown: 255, not 0."""
    program = (
        "import asyncio, signal; from pygent.runtimes import LocalRuntime\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        f"print(asyncio.run(LocalRuntime({str(tmp_path)!r}).exec('echo out')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)

    assert "output='out\\n', exit_code=255" in done.stdout, done.stderr


def test_cancelled_loop_leaves_no_process(tmp_path: Path, nap: Nap) -> None:
    """`asyncio.run` that ends while a command runs ends the command."""

    async def main() -> None:
        runtime = LocalRuntime(tmp_path)
        started = asyncio.Event()
        task = asyncio.create_task(runtime.exec(f"echo; {nap.command}", on_output=lambda _: started.set()))
        await started.wait()
        assert not task.done()

    asyncio.run(main())

    assert within(1, lambda: not nap.pids())


async def _measure_gaps(gaps: list[float]) -> None:
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last - 0.001)
        last = now


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
