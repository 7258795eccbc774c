"""A watch over all tests: no key that one of them uses may be seen where a key must not be.

Every key in the tests begins with `sk-sentinel-`. A test that passes, and left one in its output, in the log or in a
file, fails. conftest.py imports the hook.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

SENTINEL = "sk-sentinel-"

WRITTEN_BY_TESTS = (".toml", ".py")
"""Files that settings are read from, and programs of tests: these may hold a key."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail that has shown a key; after its last phase, when its programs have ended, look at its files."""
    report = yield
    shown = [name for name, text in report.sections if name.endswith(call.when) and SENTINEL in text]
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if call.when == "call" and isinstance(folder, Path):
        shown += map(str, files_with_key(folder))
    if shown and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{report.when} of {item.nodeid} shows a key: " + ", ".join(shown)
    return report


def files_with_key(folder: Path) -> list[Path]:
    """The files below a folder that hold a key and were not written by the test itself."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix not in WRITTEN_BY_TESTS and path.is_file() and SENTINEL.encode() in beginning_of(path)
    ]


def beginning_of(path: Path) -> bytes:
    """The first MiB: some tests make files of gigabytes."""
    with path.open("rb") as file:
        return file.read(1 << 20)
