"""Ctrl-C and its kin: everything that was started ends, quietly, with the status that says why."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ..completions_server import completions_server
from .support import PATIENCE, SIGNALS, calls, processes_with, pygent, says, started


def wait_until_shown(process: subprocess.Popen[bytes], text: str) -> None:
    """Read standard error until this text comes."""
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while text.encode() not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([process.stderr], [], [], 0.5)[0]:
            data = os.read(process.stderr.fileno(), 4096)
            assert data, shown
            shown += data


@pytest.mark.parametrize("signum", SIGNALS)
def test_signal_in_the_middle_of_a_command(signum: signal.Signals, tmp_path: Path) -> None:
    """The command and what it left in the background are gone, the status is right, and no traceback is shown."""
    mark = f"86{os.getpid()}{signum:03}"
    command = f"sleep {mark} & setsid sleep {mark} & sleep {mark}"
    with (
        completions_server(calls("bash", cmd=command)) as server,
        started("run", "-y", "--json", "x", cwd=tmp_path, base_url=server.base_url) as process,
    ):
        wait_until_shown(process, "● $ sleep")
        while len(processes_with(mark)) < 4:  # the shell, and three that sleep
            assert process.poll() is None

        process.send_signal(signum)
        out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == SIGNALS[signum]
    assert processes_with(mark) == []
    assert json.loads(out)["exit_code"] == SIGNALS[signum]
    assert json.loads(out)["reason"] == "cancelled"
    assert b"Traceback" not in err


def test_signal_while_the_model_is_silent(tmp_path: Path) -> None:
    """A model that never answers can be left at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with started("run", "x", cwd=tmp_path, base_url=url) as process:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
            connection.close()

    assert (process.returncode, out) == (130, b"")
    assert b"pygent: stopped" in err
    assert b"Traceback" not in err


def test_second_signal_changes_nothing(tmp_path: Path) -> None:
    """Who presses Ctrl-C twice gets the same clean end, also while a command refuses to die."""
    mark = f"87{os.getpid()}"
    command = f"trap '' TERM INT; echo ready; while true; do sleep {mark}; done"
    with (
        completions_server(calls("bash", cmd=command)) as server,
        started("run", "-y", "--output-format", "stream-json", "x", cwd=tmp_path, base_url=server.base_url) as process,
    ):
        while b"tool_output_delta" not in process.stdout.readline():
            assert process.poll() is None

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode in (130, 143)
    assert processes_with(mark) == []
    assert b"Traceback" not in err


def test_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """Under nohup the work goes on when the terminal goes."""
    with completions_server(calls("bash", cmd="kill -HUP $PPID; sleep 0.2"), says("Done.")) as server:
        command = ["run", "-y", "x"]
        with started(
            *command,
            cwd=tmp_path,
            base_url=server.base_url,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        ) as process:
            out, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, b"Done.\n")


def test_reader_of_events_that_leaves_ends_the_run(tmp_path: Path) -> None:
    """`| head -1` ends the run quietly, as it does for every Unix program; its commands are gone."""
    mark = f"88{os.getpid()}"
    command = f"for i in $(seq 1000); do echo $i; sleep 0.01; done; sleep {mark}"
    with (
        completions_server(calls("bash", cmd=command)) as server,
        started("run", "-y", "--output-format", "stream-json", "x", cwd=tmp_path, base_url=server.base_url) as process,
    ):
        assert b"turn_started" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr.read() == b""

    assert processes_with(mark) == []


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_reader_of_the_answer_that_left(arguments: list[str], tmp_path: Path) -> None:
    """An answer that nobody takes is no traceback, only a status."""
    reader, writer = os.pipe()
    os.close(reader)
    with (
        completions_server(says("Done.")) as server,
        started("run", "-q", *arguments, "x", cwd=tmp_path, base_url=server.base_url, stdout=writer) as process,
    ):
        os.close(writer)
        _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (141, b"")


def test_progress_that_nobody_reads_is_no_reason_to_end(tmp_path: Path) -> None:
    """With standard error closed at the other end the work is done all the same."""
    reader, writer = os.pipe()
    os.close(reader)
    with (
        completions_server(calls("bash", cmd="echo hi"), says("Done.")) as server,
        started("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, stderr=writer) as process,
    ):
        os.close(writer)
        out, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, b"Done.\n")


def test_progress_that_is_stuck_is_no_reason_to_hang(tmp_path: Path) -> None:
    """A reader of standard error that stopped reading, with its pipe full, stops neither the work nor its end."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with (
        completions_server(calls("bash", cmd="yes | head -c 9000000; touch ran"), says("Done.")) as server,
        started("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, stderr=writer) as process,
    ):
        os.close(writer)
        out, _ = process.communicate(timeout=PATIENCE)
    os.close(reader)

    assert (process.returncode, out) == (0, b"Done.\n")
    assert (tmp_path / "ran").exists()


def test_full_disk_is_told(tmp_path: Path) -> None:
    """An answer that cannot be written is a failure, and is told."""
    with (
        completions_server(says("Done.")) as server,
        open("/dev/full", "wb") as full,
        started("run", "-q", "x", cwd=tmp_path, base_url=server.base_url, stdout=full) as process,
    ):
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert err == b"pygent: standard output cannot be written to: No space left on device\n"


@pytest.mark.parametrize(
    ("streams", "answer"), [("<&-", "Done.\n"), ("2>&-", "Done.\n"), (">&-", ""), ("<&- >&- 2>&-", "")]
)
def test_closed_streams_are_survived(streams: str, answer: str, tmp_path: Path) -> None:
    """Started without standard input, output or error, it does its work."""
    shell = ["sh", "-c", f'exec "$@" {streams}', "sh"]
    with completions_server(calls("bash", cmd="touch ran"), says("Done.")) as server:
        run = pygent("run", "-y", "x", cwd=tmp_path, base_url=server.base_url, before=shell)

    assert (run.returncode, run.stdout) == (0, answer)
    assert (tmp_path / "ran").exists()
