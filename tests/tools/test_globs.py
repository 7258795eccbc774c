"""Globs mean the same everywhere, and never take long."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import ToolError
from pygent.tools.globs import glob_matcher, glob_to_regex


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "src/a.py", True),
        ("*.py", "a.pyc", False),
        ("*.py", "a.py/x", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "lib/src/a.py", True),
        ("src/*.py", "asrc/a.py", False),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/er/a.py", True),
        ("**/test_*.py", "test_a.py", True),
        ("./a.py", "a.py", True),
        ("a.?", "a.c", True),
        ("a.?", "a.py", False),
        ("[ab].py", "b.py", True),
        ("[!ab].py", "b.py", False),
        ("[!ab].py", "c.py", True),
        ("*.{js,ts}", "x.ts", True),
        ("*.{js,t?}", "x.tsx", False),
        ("a+b(c).[py", "a+b(c).[py", True),
        ("a.b", "axb", False),
        ("{a", "{a", True),
        ("a*[+-a]*b", "ax/ab", False),
        ("[!a].py", "b/.py", False),
        ("**/a/**/b*/**", "x/a/b/c/bd/e", True),
        ("a**b*c", "a/b/bc", True),
        ("{*a,b}*", "xa/c", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    """A glob means what people mean by it."""
    assert glob_matcher(glob)(f"./{path}") is matches
    assert bool(re.fullmatch(glob_to_regex(glob), f"./{path}")) is matches


@pytest.mark.parametrize("glob", ["[z-a].py", "{a,[z-a]}"])
def test_a_glob_that_means_nothing_is_refused(glob: str) -> None:
    """Grep would find nothing, without a word."""
    for translate in (glob_to_regex, glob_matcher):
        with pytest.raises(ToolError, match="glob"):
            translate(glob)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "glob",
    [
        "*a" * 60 + "*b",
        "**a" * 60 + "**b",
        "**a*a" * 30 + "**b",
        "**/*a*" * 30 + "b",
        "{a,aa}" * 6 + "*b",
        "*?" * 60 + "b",
    ],
    ids=["some", "all", "mixed", "folders", "either", "one"],
)
@pytest.mark.parametrize("path", ["a" * 250, "a/" * 250 + "a", f"{'a' * 100}/" * 20], ids=["name", "deep", "long"])
def test_no_glob_takes_long(glob: str, path: str) -> None:
    """What a model writes never keeps the interpreter busy, however many wildcards it has."""
    matches = glob_matcher(glob)

    assert [matches(f"./{path}{number}") for number in range(10)] == [False] * 10


def test_a_glob_of_many_alternatives_is_refused() -> None:
    """Their number grows with the power of the braces."""
    assert glob_matcher("*.{a,b}{c,d}{e,f}")("./x.ade")
    with pytest.raises(ToolError, match=r"has 1,048,576 alternatives, more than 100; write fewer \{…\}"):
        glob_matcher("{a,b}" * 20)


@pytest.mark.parametrize("translate", [glob_matcher, glob_to_regex])
def test_a_very_long_glob_is_refused(translate: Callable[[str], object]) -> None:
    """It is a mistake, and compiling it would take long."""
    with pytest.raises(ToolError, match="has 5,000 characters, more than 1,000; write a simpler one"):
        translate("a" * 5_000)


@given(st.text(alphabet="ab.*?[]!{},/+()^$\\|-", max_size=8), st.text(alphabet="ab./+[]{}", min_size=1, max_size=8))
def test_globs_mean_the_same_to_grep_and_to_python(glob: str, path: str) -> None:
    """Whatever a model writes is a valid pattern for both, with the same matches."""
    regex = glob_to_regex(glob)

    by_grep = subprocess.run(["grep", "-Eqe", f"^{regex}$"], input=f"./{path}\n", text=True)

    assert by_grep.returncode == (0 if re.fullmatch(regex, f"./{path}") else 1)
    assert glob_matcher(glob)(f"./{path}") is (by_grep.returncode == 0)


@given(st.text(alphabet="ab*?/", max_size=12), st.text(alphabet="ab/", min_size=1, max_size=12))
def test_the_first_place_will_do(glob: str, path: str) -> None:
    """A path is found whenever some way to share it out among the wildcards fits."""
    assert glob_matcher(glob)(f"./{path}") is bool(re.fullmatch(glob_to_regex(glob), f"./{path}", re.DOTALL))
