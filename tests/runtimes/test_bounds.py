"""What one command may use up by accident, and how it says that it means it."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pygent import LocalRuntime
from pygent.runtimes.bounds import bounds


async def test_commands_are_bounded_from_their_first_moment(runtime: LocalRuntime) -> None:
    """No core file, no file beyond 4 GiB, 4,096 open files at most; also for what a command starts at once."""
    script = "(ulimit -c; ulimit -f; ulimit -n) & wait"
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    files = 4096 if soft == resource.RLIM_INFINITY else min(4096, soft)
    assert (await runtime.exec(script)).output == f"0\n{(4 << 30) // 512}\n{files}\n"


async def test_a_runaway_file_is_ended_and_the_limit_can_be_lifted(tmp_path: Path) -> None:
    """A loop that fills the disk ends; a command that means it lifts the limit."""
    async with LocalRuntime(tmp_path, max_file_bytes=1 << 20) as runtime:
        ended = await runtime.exec("exec head -c 3000000 /dev/zero >big")
        assert ended.exit_code not in (0, None)
        assert (tmp_path / "big").stat().st_size == 1 << 20
        assert (await runtime.exec("ulimit -f unlimited; head -c 3000000 /dev/zero >big")).exit_code == 0


async def test_limits_are_options(tmp_path: Path) -> None:
    """Each can be left to what this program itself may."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    async with LocalRuntime(tmp_path, max_file_bytes=None, max_open_files=None) as runtime:
        assert (await runtime.exec("ulimit -f; ulimit -n")).output == f"unlimited\n{soft}\n"


def test_a_program_with_less_passes_on_what_it_has() -> None:
    """Where this program has less than we would allow, its commands have no more."""
    program = (
        "import resource as r\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (100, 200)); r.setrlimit(r.RLIMIT_FSIZE, (512000, 1024000))\n"
        "from pygent.runtimes.bounds import bounds\n"
        "print(bounds(4 << 30, 4096).decode())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == "ulimit -c 0; ulimit -S -f 1000; ulimit -S -n 100; \n"
    assert bounds(None, None) == b"ulimit -c 0; "


@pytest.mark.parametrize(
    ("cmd", "output"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("# only a comment", "", id="comment"),
        pytest.param("echo $0 $#", "/bin/sh 0\n", id="arguments"),
        pytest.param("cat <<'end'\ntext\nend", "text\n", id="here document"),
        pytest.param("{ echo a; }", "a\n", id="group"),
        pytest.param("! false && echo b", "b\n", id="negation"),
    ],
)
async def test_commands_do_not_notice(runtime: LocalRuntime, cmd: str, output: str) -> None:
    """The prefix changes nothing of what a command means, nor the lines that errors name."""
    result = await runtime.exec(cmd)
    assert (result.output, result.exit_code) == (output, 0)
    assert (await runtime.exec("\n\nif")).output.startswith("/bin/sh: 3: ")
