"""Jobs: commands that go on while nobody waits, and that end when they should."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pygent import AsyncRuntime, CommandResult, LocalRuntime, Runtime, RuntimeUnavailable, WorkspaceError
from pygent.portal import shutdown
from pygent.runtimes import jobs
from pygent.runtimes.base import OnTimeout

from .conftest import Nap, within


class Late(AsyncRuntime):
    """The least that a runtime can be: it says everything at the end, and ends at once when it is cancelled."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.ended: list[str] = []

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: object = None) -> CommandResult:
        try:
            await self.go_on.wait()
        finally:
            self.ended.append(cmd)
        return CommandResult(output="all at once\n", exit_code=7)

    async def read_bytes(self, path: str, *, limit_bytes: int = 0) -> bytes:
        return b""

    async def write_bytes(self, path: str, data: bytes) -> None: ...

    async def cleanup(self) -> None:
        await super().cleanup()


async def test_a_server_runs_in_the_background_and_is_used(runtime: LocalRuntime) -> None:
    """The answer comes at once and names the job; other commands reach it; killing it ends it."""
    serve = f"exec {sys.executable} -u -c 'import http.server as h; s=h.HTTPServer((\"127.0.0.1\",0), h.SimpleHTTPRequestHandler); print(s.server_port); s.serve_forever()'"  # noqa: E501

    started = await runtime.bash(serve, background=True)
    assert started.endswith("\n[still running as job-1; see job_output]")
    said = started if re.search(r"^\d+$", started, re.MULTILINE) else await runtime.job_output("job-1", wait=20)
    port = re.search(r"^(\d+)$", said, re.MULTILINE)
    assert port

    fetch = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port[1]}/').status)"
    assert (await runtime.exec(f'{sys.executable} -c "{fetch}"')).output == "200\n"
    assert '"GET / HTTP/1.1" 200' in await runtime.job_output("job-1", wait=20)
    assert re.search(r"\[job-1: (killed|exit) .*\]$", await runtime.job_kill("job-1"))
    assert not runtime.jobs.get("job-1").is_running


async def test_a_start_that_fails_says_so(runtime: LocalRuntime) -> None:
    """A command that ends within the first moment is answered as any other, and is no job."""
    assert await runtime.bash("echo no such file; exit 3", background=True) == (
        "$ echo no such file; exit 3\nno such file\n[exit 3]"
    )
    assert await runtime.job_output() == "There are no jobs. Start one with bash and background=true."


async def test_output_is_shown_once_and_the_end_stays(runtime: LocalRuntime) -> None:
    """Each question is answered with what is new; how it ended can be asked again."""
    await runtime.exec("mkfifo fifo")
    started = await runtime.bash("echo first; read go <fifo; echo second; exit 3", background=True)
    assert "\nfirst\n" in started
    assert "\nfirst\n" not in await runtime.job_output("job-1")

    await runtime.exec("echo go >fifo")
    await runtime.jobs.get("job-1").wait()
    ended = await runtime.job_output("job-1")
    assert re.search(r"\nsecond\n\[job-1: exit 3 after \d\.\ds\]$", ended)
    assert re.search(r"^\$ echo first;.*\n\[job-1: exit 3 after \d\.\ds\]$", await runtime.job_output("job-1"))
    result = runtime.jobs.get("job-1").result
    assert result is not None
    assert result.output == "first\nsecond\n"


async def test_waiting_ends_at_output_or_at_the_end(runtime: LocalRuntime) -> None:
    """`wait` is a bound: news and the end come first, and both wake whoever waits."""
    await runtime.exec("mkfifo fifo")
    await runtime.bash("read a <fifo; echo news; sleep 0.5; exit 4", background=True)
    waiting = [asyncio.create_task(runtime.jobs.get("job-1").wait(50, for_output=True)) for _ in range(3)]
    await runtime.exec("echo >fifo")
    await asyncio.gather(*waiting)
    assert "news" in await runtime.job_output("job-1", wait=50)

    assert "[job-1: exit 4 after" in await runtime.job_output("job-1", wait=50)


async def test_jobs_are_listed_and_unknown_ones_are_told_apart(runtime: LocalRuntime) -> None:
    """Without an id all are shown with their states; a wrong id is answered with the right ones."""
    with pytest.raises(WorkspaceError, match="there is no job 'job-1'; the jobs are: none"):
        await runtime.job_output("job-1")

    for _ in range(2):
        await runtime.bash("sleep 60 #\nmore", background=True)
    await runtime.job_kill("job-1")

    assert re.fullmatch(
        r"job-1: killed after \d\.\ds: \$ sleep 60 # …\njob-2: running for \d\.\ds: \$ sleep 60 # …",
        await runtime.job_output(),
    )
    with pytest.raises(WorkspaceError, match="there is no job 'job-3'; the jobs are: job-1, job-2"):
        await runtime.job_kill("job-3")
    assert repr(runtime.jobs) == "<Jobs running=1 ended=1>"


async def test_killing_asks_first_and_gets_all(runtime: LocalRuntime, nap: Nap) -> None:
    """A job may tidy up at SIGTERM, and says so in its last output; what fled its group ends, too."""
    await runtime.bash(
        f"setsid -f {nap.command} >/dev/null 2>&1; trap 'echo tidied up; exit' TERM; while :; do sleep 0.1; done",
        background=True,
    )
    assert nap.pids()

    assert "\ntidied up\n" in await runtime.job_kill("job-1")
    assert nap.pids() == []


async def test_a_job_that_ignores_sigterm_is_killed(runtime: LocalRuntime, nap: Nap) -> None:
    """After the grace comes SIGKILL."""
    await runtime.bash(f"trap '' TERM; {nap.command}; {nap.command}", background=True)
    assert re.search(r"\[job-1: killed after 2\.\ds\]$", await runtime.job_kill("job-1"))
    assert nap.pids() == []


@pytest.mark.parametrize("timeout", [0, 0.3])
async def test_a_command_that_is_not_done_in_time_goes_on(tmp_path: Path, timeout: float) -> None:
    """With `on_timeout="background"` it is neither ended nor begun anew, and its output so far is in the answer."""
    async with LocalRuntime(tmp_path, on_timeout="background") as runtime:
        await runtime.exec("mkfifo fifo")
        heard: list[str] = []
        answer = await runtime.bash("echo begun; read go <fifo; echo done; exit 5", timeout, on_output=heard.append)
        assert answer.endswith(f"\n[timeout after {timeout:g}s: still running as job-1; see job_output]")
        assert ("\nbegun\n" in answer) == bool(heard) or timeout == 0

        await runtime.exec("echo go >fifo")
        await runtime.jobs.get("job-1").wait()
        assert "[job-1: exit 5 after" in await runtime.job_output("job-1")
        assert "done" not in "".join(heard)


async def test_a_command_that_is_done_in_time_is_no_job(tmp_path: Path) -> None:
    """Its answer is the same as always, an error too."""
    async with LocalRuntime(tmp_path, on_timeout="background") as runtime:
        assert await runtime.bash("echo hi; exit 2") == "$ echo hi; exit 2\nhi\n[exit 2]"
        with pytest.raises(WorkspaceError, match="NUL"):
            await runtime.bash("echo \0")
        assert list(runtime.jobs) == []


@pytest.mark.parametrize("cancels", [1, 3])
async def test_an_interrupted_command_does_not_go_on(tmp_path: Path, nap: Nap, cancels: int) -> None:
    """One that could have been moved to the background is killed like any other while somebody waits for it."""
    async with LocalRuntime(tmp_path, on_timeout="background") as runtime:
        started = asyncio.Event()
        running = asyncio.create_task(runtime.bash(f"echo; {nap.command}", on_output=lambda _: started.set()))
        await started.wait()
        for _ in range(cancels):
            running.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await running

        assert nap.pids() == []
        assert list(runtime.jobs) == []


async def test_a_job_outlives_the_step_that_started_it(runtime: LocalRuntime, nap: Nap) -> None:
    """Cancelling who started it, once it has been told its name, does not end it, and it is found in the list."""
    told = asyncio.Event()

    async def step() -> None:
        await runtime.bash(nap.command, background=True)
        told.set()
        await asyncio.Event().wait()

    going = asyncio.create_task(step())
    await told.wait()
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going

    assert "job-1: running for" in await runtime.job_output()
    await runtime.job_kill("job-1")
    assert nap.pids() == []


async def test_cleanup_ends_all_jobs(tmp_path: Path, nap: Nap) -> None:
    """Nothing is left, who waits is told, and what a job came to can still be asked."""
    runtime = LocalRuntime(tmp_path)
    for _ in range(3):
        await runtime.bash(f"trap '' TERM; {nap.command}; {nap.command}", background=True)
    waiting = asyncio.create_task(runtime.job_output("job-2", wait=50))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await runtime.cleanup()

    assert nap.pids() == []
    assert "[job-2: killed after" in await waiting
    assert repr(runtime.jobs) == "<Jobs running=0 ended=3>"
    with pytest.raises(RuntimeUnavailable, match="cleaned up"):
        await runtime.bash("true", background=True)


def test_the_end_of_the_event_loop_ends_its_jobs(tmp_path: Path, nap: Nap) -> None:
    """`asyncio.run` leaves none behind, and says nothing of them; another loop can still ask."""
    runtime = LocalRuntime(tmp_path)

    async def start() -> None:
        await runtime.bash(nap.command, background=True)

    asyncio.run(start())
    assert nap.pids() == []
    assert "[job-1: killed after" in asyncio.run(runtime.job_output("job-1", wait=5))
    asyncio.run(runtime.cleanup())


async def test_jobs_are_asked_and_killed_from_other_threads(runtime: LocalRuntime, nap: Nap) -> None:
    """They belong to one event loop, but whoever has the runtime can wait for them and end them."""
    await runtime.exec("mkfifo fifo")
    await runtime.bash(f"read go <fifo; echo heard; {nap.command}", background=True)
    answers: list[str] = []

    async def ask_and_kill() -> None:
        answers.append(await runtime.job_output("job-1", wait=20))
        answers.append(await runtime.job_kill("job-1"))

    thread = threading.Thread(target=asyncio.run, args=(ask_and_kill(),))
    thread.start()
    await runtime.exec("echo go >fifo")
    await asyncio.to_thread(thread.join)

    assert "\nheard\n" in answers[0]
    assert "[job-1: killed after" in answers[1]
    assert nap.pids() == []


def test_a_loop_that_stands_still_holds_nobody_up(tmp_path: Path, nap: Nap) -> None:
    """Cleaning up from another loop ends the processes of jobs whose own loop does not run at the moment."""
    runtime = LocalRuntime(tmp_path)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(runtime.bash(nap.command, background=True))
    asyncio.run(asyncio.wait_for(runtime.cleanup(), 5))

    assert nap.pids() == []
    job = runtime.jobs.get("job-1")
    loop.run_until_complete(job.wait())
    assert not job.is_running
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_jobs_of_the_synchronous_face(nap: Nap) -> None:
    """They live on the background loop, go on between calls, and end with the face."""
    with Runtime(use_docker=False) as runtime:
        assert "[still running as job-1" in runtime.bash(nap.command, background=True)
        assert "running for" in runtime.job_output()
        assert "running for" in runtime.job_output("job-1", wait=0.1)
        assert "[job-1: killed after" in runtime.job_kill("job-1")
        assert "[still running as job-2" in runtime.bash(nap.command, background=True)
        assert runtime.on_timeout == "kill"

    assert nap.pids() == []
    shutdown()


def test_no_job_survives_a_killed_program(nap: Nap) -> None:
    """`kill -9` of the program ends its jobs within two seconds, with what fled their group."""
    program = (
        "import asyncio, sys\n"
        "from pygent import LocalRuntime\n"
        "async def main():\n"
        "    runtime = LocalRuntime()\n"
        "    await runtime.bash(sys.argv[1], background=True)\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    command = f"setsid -f {nap.command} >/dev/null 2>&1; {nap.command}"
    with subprocess.Popen([sys.executable, "-c", program, command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)

    assert within(2, lambda: not _sleeping(nap))


async def test_the_output_of_a_job_is_bounded(runtime: LocalRuntime) -> None:
    """A flood that nobody reads takes no more memory than a page, and is counted exactly."""
    await runtime.bash("head -c 50000000 /dev/zero | tr '\\0' x", background=True)
    job = runtime.jobs._jobs["job-1"] if list(runtime.jobs) else None
    if job is None:  # it was done in the first moment
        return

    await job.wait()
    shown = job.take_output()
    omitted = re.search(r"\[(\d+) bytes omitted of (\d+)\]", shown)
    assert omitted
    assert int(omitted[1]) + shown.count("x") == int(omitted[2])
    assert len(shown) < 33_000


async def test_only_so_many_run_and_are_kept(runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is refused with what helps; of those that have ended the oldest are forgotten."""
    monkeypatch.setattr(jobs, "MAX_RUNNING", 2)
    monkeypatch.setattr(jobs, "MAX_KEPT", 3)
    for number in range(1, 7):
        await runtime.bash("sleep 60", background=True)
        if number % 2 == 0:
            with pytest.raises(WorkspaceError, match="2 jobs are running, and that is as many as may; end one"):
                await runtime.bash("sleep 60", background=True)

            runtime.on_timeout = "background"  # there is no room to move to
            assert await runtime.bash("sleep 60", 0.1) == "$ sleep 60\n[timeout after 0.1s]"
            runtime.on_timeout = "kill"
            await asyncio.gather(*(runtime.job_kill(job.id) for job in runtime.jobs if job.is_running))

    assert [job.id for job in runtime.jobs][-2:] == ["job-5", "job-6"]
    assert len(list(runtime.jobs)) <= 5


async def test_a_job_that_leaves_something_running_says_so(runtime: LocalRuntime, nap: Nap) -> None:
    """A daemon that outlives its job is named, as with any command."""
    await runtime.bash(f"sleep 0.4; {nap.command} >/dev/null 2>&1 &\nsleep 0.5", background=True)
    await runtime.jobs.get("job-1").wait()

    assert "[still running in the background: " in await runtime.job_output("job-1")


async def test_a_failing_listener_does_not_cost_the_output(runtime: LocalRuntime) -> None:
    """`on_output` that raises is left alone; the job hears on."""

    def fail(text: str) -> None:
        raise ValueError(text)

    assert "\nheard\n" in await runtime.bash("echo heard; sleep 60", background=True, on_output=fail)


async def test_every_runtime_has_jobs() -> None:
    """One of four methods, which says everything at the end and knows only cancellation, has them for free."""
    runtime = Late()
    runtime.on_timeout = "background"
    assert "[still running as job-1" in await runtime.bash("one", background=True)
    assert "still running as job-2" in await runtime.bash("two", 0)
    assert "still running as job-3" in await runtime.bash("three", 0)
    assert "[job-1: killed after" in await runtime.job_kill("job-1")
    runtime.go_on.set()
    assert "\nall at once\n[job-2: exit 7 after" in await runtime.job_output("job-2", wait=20)
    await runtime.jobs.get("job-3").wait()

    runtime.go_on.clear()
    await runtime.bash("four", background=True)
    async with runtime:
        pass
    assert runtime.ended == ["one", "two", "three", "four"]


async def test_a_start_that_is_interrupted_leaves_no_job(runtime: LocalRuntime, nap: Nap) -> None:
    """Nobody has learnt its name: it ends, is not listed, and its listener hears no more."""
    heard: list[str] = []
    printed = asyncio.Event()

    def listen(text: str) -> None:
        heard.append(text)
        printed.set()

    script = f"echo up; trap 'echo down' EXIT; {nap.command}"
    starting = asyncio.create_task(runtime.bash(script, background=True, on_output=listen))
    await printed.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert nap.pids() == []
    assert list(runtime.jobs) == []
    assert heard == ["up\n"]


async def test_a_job_that_ends_by_itself_was_not_killed() -> None:
    """Also while it is being told to: its exit code is kept."""

    class Quick(Late):
        async def _exec_until(self, stop: asyncio.Future[None], cmd: str, on_output: object) -> CommandResult:
            await stop
            return CommandResult(output="", exit_code=3)

    async with Quick() as runtime:
        await runtime.bash("x", background=True)
        assert "[job-1: exit 3 after" in await runtime.job_kill("job-1")


@pytest.mark.parametrize("seconds", [float("nan")])
async def test_a_time_that_is_none_is_refused(tmp_path: Path, seconds: float) -> None:
    """Whoever is given it says so with the value, and nothing runs."""
    async with LocalRuntime(tmp_path, on_timeout="background") as runtime:
        await runtime.bash("sleep 60", background=True)
        for waiting in (
            runtime.exec("touch ran", timeout=seconds),
            runtime.bash("touch ran", timeout=seconds),
            runtime.jobs.run("touch ran", seconds),
            runtime.jobs.get("job-1").wait(seconds),
            runtime.job_output("job-1", wait=seconds),
        ):
            with pytest.raises(
                ValueError, match=f"(timeout|wait)={seconds} is not allowed; it is a number of seconds, or None"
            ):
                await waiting

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", ["move", "", None])
def test_what_becomes_at_a_timeout_is_one_of_two(value: OnTimeout) -> None:
    """Another word is an error that names them."""
    with pytest.raises(ValueError, match=r"on_timeout=.* is not allowed; it is one of 'kill', 'background'"):
        LocalRuntime(on_timeout=value)


def _sleeping(nap: Nap) -> list[int]:
    return [pid for pid in nap.pids() if Path(f"/proc/{pid}/comm").exists()]
