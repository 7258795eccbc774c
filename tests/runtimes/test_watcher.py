"""When nobody is left to clean up, the watcher does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pygent.runtimes.watcher import Watcher

from .conftest import Nap, descriptors, within

HOST = """
import asyncio, sys
from pygent.runtimes import LocalRuntime

async def main():
    runtime = LocalRuntime()
    nap = sys.argv[1]
    await runtime.exec(f"setsid -f {nap} >/dev/null 2>&1; nohup {nap} >/dev/null 2>&1 &")
    await runtime.exec(
        f"trap '' TERM HUP; {nap} & setsid {nap} & (setsid sh -c '{nap} & {nap}' &); echo ready; {nap}",
        timeout=None,
        on_output=lambda _: print(runtime.workspace, flush=True),
    )

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_survives_a_killed_program(nap: Nap, number: signal.Signals) -> None:
    """Two seconds after `kill -9` of the program no process is left in whatever session, and no folder."""
    with subprocess.Popen([sys.executable, "-c", HOST, nap.command], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        folder = Path(host.stdout.readline().strip())
        assert folder.is_dir()
        assert within(2, lambda: len(nap.pids()) >= 7)
        host.send_signal(number)
        host.wait()
        ended = time.monotonic()

    assert within(2, lambda: nap.pids() == [] and not folder.exists())
    print(f"all gone {time.monotonic() - ended:.3f} s after the program")


def test_signals_to_the_whole_group_do_not_reach_it(nap: Nap) -> None:
    """It works on through the polite signals that end everything around it, in a session of its own."""
    watcher = Watcher("some-mark:")
    pid = watcher._popen.pid
    assert os.getsid(pid) == pid
    assert within(2, lambda: _ignored_signals(pid) >= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    with subprocess.Popen(nap.command.split(), env={"X": "some-mark:1:"}) as process:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
        watcher.close()
        code = process.poll()
        process.kill()

    assert code == -signal.SIGKILL


def test_no_other_folder_is_touched(tmp_path: Path) -> None:
    """What is no temporary folder of ours stays as it is, whoever asks for its end."""
    (tmp_path / "locked").mkdir(mode=0o500)
    Watcher("no-such-mark:", str(tmp_path)).close()

    assert (tmp_path / "locked").stat().st_mode & 0o777 == 0o500


def test_folder_is_removed_whatever_its_permissions(tmp_path: Path) -> None:
    """Folders that nobody may write to are no obstacle, and of a link only the link is removed."""
    folder, precious = tmp_path / "pygent-with 'quotes' $HOME", tmp_path / "precious"
    (folder / "deep").mkdir(parents=True)
    precious.mkdir()
    (folder / "deep" / "link").symlink_to(precious)
    (folder / "deep").chmod(0o500)
    Watcher("no-such-mark:", str(folder)).close()
    assert not folder.exists()

    folder.symlink_to(precious)
    Watcher("no-such-mark:", str(folder)).close()
    assert list(tmp_path.iterdir()) == [precious]


def test_dismissed_watcher_does_nothing(tmp_path: Path) -> None:
    """Sent away, it removes nothing and leaves nothing open; close and dismiss may follow each other in any order."""
    folder = tmp_path / "pygent-kept"
    folder.mkdir()
    before = descriptors()
    for first, second in ((Watcher.dismiss, Watcher.close), (Watcher.close, Watcher.dismiss)):
        watcher = Watcher("no-such-mark:", str(folder) if first is Watcher.dismiss else "")
        first(watcher)
        second(watcher)

    assert folder.is_dir()
    assert descriptors() == before


def test_killed_watcher_is_no_trouble() -> None:
    """If somebody killed it, closing it is quiet."""
    watcher = Watcher("no-such-mark:")
    os.kill(watcher._popen.pid, signal.SIGKILL)
    watcher.close()


def test_holder_of_the_pipe_does_not_hold_up_the_close(nap: Nap) -> None:
    """A forked process that still holds our end of the pipe does not keep `close` waiting."""
    watcher = Watcher("no-such-mark:")
    with subprocess.Popen(nap.command.split(), pass_fds=[watcher._pipe]) as holder:
        started = time.monotonic()
        watcher.close()
        holder.kill()

    assert time.monotonic() - started < 5


def test_it_is_cheap(tmp_path: Path) -> None:
    """Starting one takes milliseconds."""
    started = time.perf_counter()
    watchers = [Watcher("no-such-mark:") for _ in range(20)]
    made = time.perf_counter()
    for watcher in watchers:
        watcher.dismiss()

    print(f"{(made - started) * 50:.2f} ms to start, {(time.perf_counter() - made) * 50:.2f} ms to dismiss")
    assert made - started < 5


def _ignored_signals(pid: int) -> set[int]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mask = int(status["SigIgn"], 16)
    return {number for number in range(1, 65) if mask & 1 << number - 1}


def test_a_program_that_is_killed_while_it_opens_leaves_nothing(tmp_path: Path) -> None:
    """Not even the temporary folder that it had just made, and was about to fill."""
    program = (
        "import asyncio, os, signal\n"
        "from pygent import LocalRuntime\n"
        "class Deadly:\n"
        "    def __fspath__(self):\n"
        "        print(os.listdir(os.environ['TMPDIR']))\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(LocalRuntime(initial_files=[Deadly()]).open())"
    )
    done = subprocess.run(
        [sys.executable, "-u", "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout[:9]) == (-signal.SIGKILL, "['pygent-")
    assert within(5, lambda: not list(tmp_path.iterdir()))
