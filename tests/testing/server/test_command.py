"""`python -m pygent.testing.server`: the server for programs in any language."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

COMMAND = [sys.executable, "-W", "error", "-m", "pygent.testing.server"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=50)


def test_it_serves_until_ctrl_c() -> None:
    """It shows what can go wrong and where it listens, a line for each request, and ends without a traceback."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            shown = ""
            while not (found := re.search(r"^OPENAI_BASE_URL=(\S+)$", shown, re.MULTILINE)):
                line = server.stdout.readline()
                assert line, f"it ended: {shown}"
                shown += line
            with urlopen(f"{found[1]}/models", timeout=10) as answer:
                assert answer.status == 200
            server.send_signal(signal.SIGINT)
            _, log = server.communicate(timeout=20)
        finally:
            server.kill()

    assert server.returncode == 130
    assert re.search(r"^fault:midsse +Some words, and then the connection ends\.$", shown, re.MULTILINE)
    assert re.fullmatch(r"\d\d:\d\d:\d\d GET /v1/models ok\n", log)


def test_it_lists_what_can_go_wrong() -> None:
    """A line each, and that is all."""
    listed = run("--list")

    assert listed.returncode == 0
    assert listed.stderr == ""
    assert all(line.startswith("fault:") for line in listed.stdout.splitlines())


def test_it_lists_without_docstrings() -> None:
    """`python -OO` has none: what cannot explain itself is listed with its name."""
    listed = subprocess.run([sys.executable, "-OO", *COMMAND[1:], "--list"], capture_output=True, text=True, timeout=50)

    assert listed.stderr == ""
    assert re.search(r"^fault:429ra +429ra$", listed.stdout, re.MULTILINE)
    assert re.search(r"^fault:crlf +Lines end with CR LF\.$", listed.stdout, re.MULTILINE)


def test_a_port_in_use_is_said() -> None:
    """In a line, with the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = run("--port", str(port))

    assert failed.returncode == 2
    assert f"cannot listen at 127.0.0.1:{port}" in failed.stderr
    assert "Traceback" not in failed.stderr
