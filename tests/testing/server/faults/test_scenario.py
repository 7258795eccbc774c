"""What makes a function a scenario."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from pygent.testing.server import SCENARIOS
from pygent.testing.server.faults import connections, replies, statuses
from pygent.testing.server.faults.scenario import scenario


async def nap(to: Any) -> None:
    """Nothing happens."""


def test_a_scenario_has_the_name_that_the_decorator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the function is called; a name is taken once."""
    monkeypatch.delitem(SCENARIOS, "reset")

    assert scenario("reset")(nap) is nap
    assert SCENARIOS["reset"] is nap
    with pytest.raises(ValueError, match="two scenarios 'reset'"):
        scenario("reset")(nap)


@pytest.mark.parametrize("module", [connections, replies, statuses])
def test_no_scenario_is_forgotten(module: Any) -> None:
    """Each public coroutine function of these files is one."""
    public = {
        function
        for name, function in vars(module).items()
        if inspect.iscoroutinefunction(function) and function.__module__ == module.__name__ and name[0] != "_"
    }

    assert public == {play for play in SCENARIOS.values() if inspect.getmodule(play) is module}
