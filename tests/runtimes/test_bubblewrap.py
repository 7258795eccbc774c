"""What a sandboxed command is to see, as arguments, and how it is found out whether it can be had."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from pygent.runtimes import bubblewrap
from pygent.runtimes.bubblewrap import Sandbox, home_inside, system_view

SANDBOX = Sandbox(
    program="/usr/bin/bwrap", workspace="/w", own="/own", home="/home/me", system=("--ro-bind", "/usr", "/usr")
)


def pairs(arguments: list[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(arguments))


def test_everything_is_unshared_and_no_capability_kept() -> None:
    """Namespaces of its own, no network, no capabilities; the workspace at its own path, and the rest read-only."""
    assert SANDBOX.arguments() == [
        *("/usr/bin/bwrap", "--unshare-all", "--cap-drop", "ALL"),
        *("--ro-bind", "/usr", "/usr"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--bind", "/own/tmp", "/tmp", "--bind", "/own/tmp", "/var/tmp", "--bind", "/own/home", "/home/me"),
        *("--bind", ".", "/w"),
        *("--remount-ro", "/", "--chdir", "/w", "--"),
    ]


def test_the_network_is_there_when_it_is_asked_for() -> None:
    """Sharing it is one word more, and there is no other difference."""
    shared = Sandbox(program="/usr/bin/bwrap", workspace="/w", own="/own", network=True).arguments()
    alone = Sandbox(program="/usr/bin/bwrap", workspace="/w", own="/own").arguments()

    assert [word for word in shared if word not in alone] == ["--share-net"]


def test_protection_comes_after_what_it_protects() -> None:
    """Folders are mounted over the workspace, files from descriptors, so that no link can be put in their place."""
    arguments = SANDBOX.arguments({".git": True, ".git/hooks": False}, {".git/config": 7})
    start = arguments.index("/w") + 1

    assert arguments[start : start + 9] == [
        *("--bind", ".git", "/w/.git"),
        *("--ro-bind", ".git/hooks", "/w/.git/hooks"),
        *("--ro-bind-data", "7", "/w/.git/config"),
    ]


def test_what_may_be_read_lies_over_the_home_and_under_the_workspace() -> None:
    """`~/.pyenv` is seen in the home folder that is otherwise empty; nothing hides the workspace."""
    sandbox = Sandbox(
        program="bwrap", workspace="/home/me/w", own="/own", home="/home/me", readable=("/home/me/.pyenv",)
    )
    arguments = sandbox.arguments()

    assert arguments.index("/home/me") < arguments.index("/home/me/.pyenv") < arguments.index("/home/me/w")


@pytest.mark.parametrize(
    ("home", "inside"),
    [
        pytest.param("/home/me", "/home/me", id="usual"),
        pytest.param("/root", "/root", id="root"),
        pytest.param("/", "", id="all"),
        pytest.param("", "", id="none"),
        pytest.param("somewhere", "", id="relative"),
        pytest.param("/w", "", id="workspace"),
        pytest.param("/w/home", "", id="in the workspace"),
        pytest.param("/usr/share/daemon", "", id="in the system"),
    ],
)
def test_home_is_empty_unless_that_hides_something(home: str, inside: str) -> None:
    """A home that is the workspace, or is in it, stays what it is; one of the system cannot be replaced."""
    assert home_inside(home, "/w") == inside


def test_the_system_is_seen_without_its_secrets() -> None:
    """What only root may read, and we can, is hidden; links stay links."""
    view = pairs(list(system_view(network=False)))

    assert ("--ro-bind", "/usr") in view
    assert all(word != "--bind" for word, _ in view)
    assert (("/dev/null", "/etc/shadow") in view) == os.access("/etc/shadow", os.R_OK)
    assert system_view(network=False, everything=True)[:3] == ("--ro-bind", "/", "/")


def test_a_machine_without_it_says_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `bwrap`: install it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bubblewrap.fault() == "bwrap is not there; install the package bubblewrap"


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        pytest.param(
            "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1",
            "bwrap does not work here: bwrap: No permissions to create a new namespace",
            id="forbidden",
        ),
        pytest.param("exit 5", "bwrap does not work here: it ended with 5", id="silent"),
        pytest.param("sleep 60", "bwrap takes more than 0.5 seconds", id="hangs"),
        pytest.param("exit 0", "", id="works"),
    ],
)
def test_it_is_run_to_find_out(script: str, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That it is installed says nothing: it is run until it works, in bounded time; its own words are the reason."""
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\necho >>{tmp_path}/runs\n{script.replace('sleep', 'exec sleep')}\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(bubblewrap, "PROBE_SECONDS", 0.5)

    assert [bubblewrap.fault(), bubblewrap.fault()] == [fault, fault]
    assert (tmp_path / "runs").read_text() == ("\n\n" if fault else "\n")
