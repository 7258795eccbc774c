"""The sweep itself: it visits every point, and finds what a cancellation breaks."""

from __future__ import annotations

import asyncio

import pytest

from pygent.testing import cancel_sweep


class Careful:
    """Puts back what it took, wherever it is cancelled."""

    def __init__(self) -> None:
        self.taken = 0

    async def run(self) -> None:
        self.taken += 1
        try:
            for _ in range(5):
                await asyncio.sleep(0)
        finally:
            self.taken -= 1

    async def check(self) -> None:
        assert self.taken == 0


class Careless(Careful):
    """Awaits between taking and the `try` that puts back."""

    async def run(self) -> None:
        self.taken += 1
        await asyncio.sleep(0)
        self.taken -= 1


class Sloppy(Careful):
    """Starts a task and forgets it."""

    async def run(self) -> None:
        self.forgotten = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)


def test_a_careful_scenario_survives_every_point() -> None:
    """All steps are visited, and a stride visits one in so many."""
    points = cancel_sweep(Careful)

    assert points >= 6
    assert cancel_sweep(Careful, stride=2) == (points + 1) // 2


@pytest.mark.parametrize(("scenario", "complaint"), [(Careless, "taken == 0"), (Sloppy, "left over")])
def test_what_breaks_is_found(scenario: type[Careful], complaint: str) -> None:
    """A scenario that loses something fails, and the note says where."""
    with pytest.raises(AssertionError) as caught:
        cancel_sweep(scenario)

    assert complaint.split()[0] in str(caught.value)
    assert "cancelled at loop step" in caught.value.__notes__[0]
