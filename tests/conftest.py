"""What every test runs under: no blocking call on an event loop, no key where it can be seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from .sentinel import pytest_runtest_makereport  # noqa: F401 - no test shows a key


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """A blocking call made by Pygent on an event loop fails the test."""
    with blockbuster_ctx("pygent") as blockbuster:
        yield blockbuster
