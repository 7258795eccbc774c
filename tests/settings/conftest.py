"""What the tests of settings share: an empty home, an empty project, and the warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygent.settings import sources


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without settings, and no configuration folder elsewhere."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Path:
    """A folder with nothing in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def forgotten_warnings() -> Iterator[None]:
    """Each test hears the warnings that are given once a process."""
    sources.warn.cache_clear()
    yield
    sources.warn.cache_clear()


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what the settings have warned of so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "pygent.settings"]
