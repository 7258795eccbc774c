"""What every test runs under: no blocking call on an event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """A blocking call made by Pygent on an event loop fails the test."""
    with blockbuster_ctx("pygent") as blockbuster:
        yield blockbuster
