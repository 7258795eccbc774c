"""A write that is cancelled has ended when the cancellation is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pygent import LocalRuntime


@pytest.mark.parametrize("cancels", [1, 3])
async def test_a_cancelled_write_leaves_the_old_or_the_new_file(tmp_path: Path, cancels: int) -> None:
    """Whenever it is cut, and however often: the file is whole, and no temporary file stands beside it."""
    old, new = b"old" * 1_000_000, b"new" * 1_000_000
    async with LocalRuntime(tmp_path) as runtime:
        for ticks in range(12):
            await runtime.write_bytes("file", old)
            write = asyncio.create_task(runtime.write_bytes("file", new))
            for _ in range(ticks):
                await asyncio.sleep(0)
            for _ in range(cancels):
                write.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([write])

            assert (tmp_path / "file").read_bytes() in (old, new)
            assert [path.name for path in tmp_path.iterdir()] == ["file"]
