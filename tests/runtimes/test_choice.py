"""`open_runtime` gives what was asked for, and never less without a word."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from pygent import RuntimeUnavailable, Settings
from pygent.runtimes import LocalRuntime, bubblewrap, open_runtime
from pygent.runtimes.local import tell


def test_container_is_never_replaced_by_the_host() -> None:
    """Who asks for a container gets one or an error that says what else to do."""
    with pytest.raises(RuntimeUnavailable, match="use_docker=False"):
        open_runtime(use_docker=True)


def test_host_on_request_needs_no_notice(caplog: pytest.LogCaptureFixture) -> None:
    """Who asks for this machine gets it without a warning."""
    runtime = open_runtime(use_docker=False)

    assert isinstance(runtime, LocalRuntime)
    assert runtime.notice is None
    assert not caplog.records


async def test_host_by_default_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Who did not say where commands run is told that it is this machine: on each runtime, and in the log once.

    The log tells it when the first workspace is opened, not when a runtime is made that may never run anything.
    """
    tell.cache_clear()
    runtimes = [open_runtime() for _ in range(3)]
    assert all(isinstance(runtime, LocalRuntime) for runtime in runtimes)
    assert all("on this machine" in str(runtime.notice) for runtime in runtimes)
    assert not caplog.records

    for runtime in runtimes:
        async with runtime:
            await runtime.open()
    assert [(record.name, record.levelno, record.message) for record in caplog.records] == [
        ("pygent.runtimes", logging.WARNING, runtimes[0].notice)
    ]


async def test_settings_fill_what_is_not_given(tmp_path: Path) -> None:
    """Arguments left out come from the settings; arguments given win."""
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    settings = Settings(use_docker=False, workspace=str(tmp_path / "settings"), init_files=(str(tmp_path / "one"),))
    async with open_runtime(settings=settings) as runtime:
        assert runtime.workspace == str(tmp_path / "settings")
        assert runtime.notice is None
        assert await runtime.list_files() == ["one"]
    async with open_runtime(
        workspace=tmp_path / "given", initial_files=[tmp_path / "two"], settings=settings
    ) as runtime:
        assert runtime.workspace == str(tmp_path / "given")
        assert await runtime.list_files() == ["two"]
    with pytest.raises(RuntimeUnavailable):
        open_runtime(use_docker=True, settings=settings)


@pytest.mark.skipif(bool(bubblewrap.fault()), reason=bubblewrap.fault() or "bubblewrap works")
async def test_a_sandbox_speaks_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Who takes the best there is, and a sandbox, is not told that commands may do anything."""
    async with open_runtime(sandbox="auto", on_timeout="background") as runtime:
        assert (runtime.isolation, runtime.notice) == ("bubblewrap", None)
        assert runtime.on_timeout == "background"
    assert not caplog.records


def test_synchronous_face_is_imported_when_asked_for() -> None:
    """Importing the runtimes does not import the portal; asking for something that is not there is an error."""
    program = (
        "import sys, pygent.runtimes as r\n"
        "assert not {'pygent.portal', 'pygent.runtimes.sync', 'anyio'} & set(sys.modules)\n"
        "assert not hasattr(r, 'nothing')\n"
        "assert r.Runtime.__module__ == 'pygent.runtimes.sync'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
