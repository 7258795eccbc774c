"""The checks for runtimes: ours pass them, and each broken one is caught by the check that names its fault."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import SkipTest

import pytest
from blockbuster import BlockBuster

from pygent import AsyncRuntime, LocalRuntime, RuntimeUnavailable
from pygent.testing.leaks import no_leaks
from pygent.testing.runtime_checks import PROMISES, RuntimeCheck, runtime_conformance
from pygent.testing.runtime_checks import _run as run

from ..thorough import takes_long
from . import broken_runtimes as broken

REQUIRE_BWRAP = os.environ.get("PYGENT_REQUIRE_BWRAP") == "1"


@pytest.mark.parametrize("check", runtime_conformance(LocalRuntime), ids=str)
async def test_local_runtime(check: RuntimeCheck) -> None:
    """The local runtime keeps every promise."""
    await check()


@pytest.fixture(scope="module")
def bubblewrap() -> None:
    """Skips where there can be no sandbox, unless this is a place where there must be one."""
    try:
        asyncio.run(_open_and_close())
    except RuntimeUnavailable as error:
        if REQUIRE_BWRAP:
            raise

        pytest.skip(str(error))


async def _open_and_close() -> None:
    async with in_bubblewrap():
        pass


def in_bubblewrap() -> LocalRuntime:
    return LocalRuntime(sandbox="bwrap")


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("check", runtime_conformance(in_bubblewrap), ids=str)
async def test_local_runtime_in_bubblewrap(check: RuntimeCheck) -> None:
    """The local runtime keeps every promise also where its commands run in a sandbox."""
    await check()


CAUGHT: list[tuple[Callable[[], AsyncRuntime], str, str]] = [
    (broken.Piped, "inherited_pipe_does_not_hold_the_result_up", "not over"),
    (broken.Piped, "timeout_ends_all-children", "alive"),
    (broken.Piped, "flood_is_cut_and_counted", "characters were kept"),
    (broken.Piped, "listener_hears_all", "what the listener heard"),
    (broken.Piped, "nul_is_an_error", "ValueError"),
    (broken.Piped, "command_may_be_long", "Argument list too long"),
    (broken.Blocking, "event_loop_is_left_alone-quiet", "stood still"),
    (broken.OnAsyncio, "timeout_ends_all-plain", "alive"),
    (broken.OnAsyncio, "timeout_ends_all-setsid", "alive"),
    (broken.OnAsyncio, "cancelled_command_is_killed-twice", "alive"),
    (broken.OnAsyncio, "character_in_two_pieces_stays_one", "output"),
    (broken.OnAsyncio, "cleanup_ends_the_background-background", "alive"),
    (broken.Inheriting, "secrets_of_this_program_stay_here", "PYGENT_CONFORMANCE_KEY"),
    (broken.Wandering, "command_starts_in_the_workspace", "cat: mine"),
    (broken.FollowsLinks, "nothing_is_written_outside-link to a folder", "no PathOutsideWorkspace"),
    (broken.FollowsLinks, "nothing_is_written_outside-absolute", "no PathOutsideWorkspace"),
    (broken.FollowsLinks, "nothing_is_read_outside-link to a file", "no PathOutsideWorkspace"),
    (broken.FollowsLinks, "link_at_the_end_is_not_followed-to a file", "the link's target"),
    (broken.FollowsLinks, "link_at_the_end_is_not_followed-to nothing", "files beside"),
    (broken.FollowsLinks, "replacing_makes_a_new_file", "other name"),
    (broken.ForgetsModes, "mode_is_kept-executable", "permissions"),
    (broken.Immortal, "used_up_runtime_says_so-exec", "no RuntimeUnavailable"),
    (broken.CleansUpOnce, "may_be_cleaned_up_again", "cleaned up already"),
    (broken.LeavesTheBackground, "what_goes_on_in_the_background_is_named", "told of"),
    (broken.LeavesTheBackground, "cleanup_ends_fugitives", "alive"),
    (broken.WithoutJobs, "start_of_a_job_returns_at_once", "no jobs here"),
    (broken.StartsOnly, "output_of_a_job_is_told_once", "nothing to tell"),
    (broken.StartsOnly, "killed_job_leaves_nothing-plain", "nothing to kill with"),
    (broken.Repeating, "output_of_a_job_is_told_once", "was told [2-9] times"),
    (broken.OnAsyncio, "killed_job_leaves_nothing-children", "alive"),
    (broken.OnAsyncio, "killed_job_leaves_nothing-setsid", "alive"),
    (broken.Lenient, "unknown_job_is_an_error", "killing an unknown job: no WorkspaceError"),
    (broken.ForgetsJobs, "cleanup_ends_jobs-plain", r"still running after cleanup.*: job-1"),
    (broken.InTheForeground, "slow_command_moves_to_the_background", "no job is named"),
    (broken.Shielded, "cancelled_command_is_no_job", "alive"),
]
"""A runtime, the check that it fails, and what that says."""

CAUGHT_IN_FIVE_SECONDS: list[tuple[Callable[[], AsyncRuntime], str, str]] = [
    (broken.Piped, "cancelled_command_is_killed-once", "had not heard"),
    (broken.OnAsyncio, "cleanup_ends_a_running_command", "had not returned"),
    (broken.FollowsLinks, "what_is_no_file_is_an_error-fifo", "still being read"),
    (broken.Impatient, "zero_timeout_is_no_time", "not over"),
    (broken.InTheForeground, "start_of_a_job_returns_at_once", "the start of a job had not returned"),
]
"""The same, where the check has to wait for what does not come."""


@pytest.mark.parametrize(
    ("make", "name", "complaint"),
    [*CAUGHT, *(pytest.param(*row, marks=takes_long) for row in CAUGHT_IN_FIVE_SECONDS)],
    ids=[f"{make.__name__}-{name}" for make, name, _ in CAUGHT + CAUGHT_IN_FIVE_SECONDS],
)
async def test_broken_runtime_is_caught(
    make: Callable[[], AsyncRuntime], name: str, complaint: str, no_blocking_calls: BlockBuster
) -> None:
    """A runtime with a fault fails the check that names it, soon, with what was found and what was promised."""
    no_blocking_calls.deactivate()  # some of them do block
    check = check_of(make, name)
    with pytest.raises(Exception, match=complaint) as caught:
        await check()

    assert caught.value.__notes__ == [f"the promise: {check.promise}"]


async def test_failed_check_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broken runtime leaves running or lying about is gone when the check has failed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with no_leaks():
        with pytest.raises(AssertionError, match="alive"):
            await check_of(broken.OnAsyncio, "timeout_ends_all-setsid")()

    assert list(tmp_path.iterdir()) == []


@takes_long
async def test_runtime_that_blocks_for_ever_is_freed(no_blocking_calls: BlockBuster) -> None:
    """A check ends also when the runtime holds up the event loop, on which no timeout can end anything."""
    no_blocking_calls.deactivate()
    promise = next(promise for promise in PROMISES if promise.name == "inherited_pipe_does_not_hold_the_result_up")
    started = time.monotonic()
    with pytest.raises(AssertionError, match=r"not over after 0\.5 seconds"):
        await run(promise._replace(seconds=0.5), broken.Blocking)

    assert time.monotonic() - started < 10


def without_programs() -> AsyncRuntime:
    return LocalRuntime(env={"PATH": "/nowhere"})


async def test_missing_program_skips_a_check() -> None:
    """What cannot be asked without `setsid` is skipped where the runtime's shell does not know it, with the reason."""
    with pytest.raises(SkipTest, match="the runtime has no setsid"):
        await check_of(without_programs, "cancelled_fugitives_are_killed")()


def test_checks_have_names_and_promises() -> None:
    """Every check has a name of its own and says in a sentence what is promised."""
    checks = runtime_conformance(LocalRuntime)

    assert len({str(check) for check in checks}) == len(checks) > 100
    assert all(check.promise.endswith(".") for check in checks)


def check_of(make: Callable[[], AsyncRuntime], name: str) -> RuntimeCheck:
    [check] = [check for check in runtime_conformance(make) if check.name == name]
    return check
