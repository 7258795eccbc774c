"""The watch over all tests sees a key wherever one may get to."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import sentinel

pytest_plugins = ["pytester"]

TESTS = """
import logging, sys
import pytest

KEY = "sk-sentinel-" + "1234"

def test_output():
    print("the key is", KEY)

def test_errors():
    print("the key is", KEY, file=sys.stderr)

def test_log():
    logging.getLogger("pygent.models").debug("asking with %s", KEY)

def test_file(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "history.json").write_text(f'{{"key": "{KEY}"}}')

@pytest.fixture
def noisy():
    yield
    print("the key is", KEY)

def test_teardown(noisy):
    pass

def test_fine(tmp_path):
    print("the key is ***")
    (tmp_path / "pygent.toml").write_text(f"api_key = '{KEY}'")
"""


def test_key_that_is_seen_fails_the_test(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    """In the output, on stderr, in the log at its finest, in a file, or when fixtures end: a test that passed fails."""
    pytester.makeconftest(Path(sentinel.__file__).read_text())
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "log_level=DEBUG")

    result.assert_outcomes(passed=2, failed=4, errors=1)
    for place in ("stdout call", "stderr call", "log call", "history.json", "stdout teardown"):
        result.stdout.re_match_lines([f".* shows a key: .*{place}$"])
    capsys.readouterr()  # what the inner run has shown, keys included, which this test would fail for
