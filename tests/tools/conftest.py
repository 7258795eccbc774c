"""A real workspace, and a fresh registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pygent import LocalRuntime
from pygent.tools import reset_tools


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path / "workspace") as runtime:
        yield runtime


@pytest.fixture
def workspace(runtime: LocalRuntime) -> Path:
    return Path(runtime.workspace)


@pytest.fixture(autouse=True)
def fresh_registry() -> Iterator[None]:
    yield
    reset_tools()
