"""What the settings say of where commands run holds for `pygent run`, too."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ..completions_server import completions_server
from .support import calls, environment, pygent, says

HAS_BWRAP = shutil.which("bwrap") is not None or "PYGENT_REQUIRE_BWRAP" in os.environ


@pytest.mark.skipif(not HAS_BWRAP, reason="there is no bubblewrap here")
def test_a_sandbox_that_is_asked_for_is_where_commands_run(tmp_path: Path) -> None:
    """The command cannot write beside the workspace, and the first lines say where it runs."""
    beside, project = tmp_path / "beside", tmp_path / "project"
    beside.mkdir()
    project.mkdir()
    with completions_server(calls("bash", cmd=f"echo x >{beside}/file"), says("ok")) as server:
        env = environment(tmp_path, server.base_url, PYGENT_SANDBOX="bwrap")
        result = pygent("run", "--yes", "hi", cwd=project, env=env)

    assert result.returncode == 0, result.stderr
    assert "in a sandbox (bubblewrap)" in result.stderr
    assert list(beside.iterdir()) == []


def test_what_is_not_done_in_time_may_go_on(tmp_path: Path) -> None:
    """The model reads that it goes on as a job."""
    with completions_server(calls("bash", cmd="echo one; sleep 60", timeout=1), says("ok")) as server:
        env = environment(tmp_path, server.base_url, PYGENT_ON_TIMEOUT="background")
        result = pygent("run", "--yes", "hi", cwd=tmp_path, env=env)

    assert result.returncode == 0, result.stderr
    assert "still running as job-1" in server.requests[1]["messages"][-1]["content"]
