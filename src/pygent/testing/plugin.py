"""A pytest plugin for those who test agents: `pytest_plugins = ["pygent.testing.plugin"]` in a conftest.py loads it.

Fixtures: `scripted_model`, `local_runtime`, `no_network`. Marker: `no_leaks`. It works with pytest-asyncio, with
anyio's plugin and without either, and is loaded on request only: importing Pygent costs nobody's test run a thing.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ..runtimes import LocalRuntime
from .leaks import no_leaks, tagged
from .scripted_model import Reply, ScriptedModel

MakeScriptedModel: TypeAlias = Callable[..., ScriptedModel]
"""Takes replies, one an argument."""

_scripts: pytest.StashKey[list[tuple[ScriptedModel, int]]] = pytest.StashKey()
_hosts: pytest.StashKey[list[str]] = pytest.StashKey()

_REFUSAL = "this test must not use the network, and wants to reach "


@pytest.fixture
def scripted_model(request: pytest.FixtureRequest) -> MakeScriptedModel:
    """Makes models with a script: `scripted_model(tool_call("bash", cmd="ls"), "Done.")`.

    A test that passes although a reply was never asked for fails: its agent stopped early.
    """
    scripts = request.node.stash.setdefault(_scripts, [])

    def make(*replies: Reply) -> ScriptedModel:
        model = ScriptedModel(replies)
        scripts.append((model, len(replies)))
        return model

    return make


@pytest.fixture
def local_runtime(tmp_path: Path) -> Iterator[LocalRuntime]:
    """An open runtime in `tmp_path / "workspace"`, cleaned up with all its processes when the test is over."""
    runtime = LocalRuntime(tmp_path / "workspace")
    _run(runtime.open())
    yield runtime
    _run(runtime.cleanup())


def _run(coro: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine where no event loop runs; no other plugin is needed for that, and none disturbed."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(coro)


@pytest.fixture
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test whose Python would connect to another machine, or look up its name: no model is paid by mistake.

    Servers on this machine can be reached. Only connections by sockets of this Python and its look-ups of names are
    seen. What commands do is not seen; give the runtime `sandbox="bwrap"` for that.
    """
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
    refused = request.node.stash.setdefault(_hosts, [])

    def check(host: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "localhost")
        if not _is_here(name):
            refused.append(name)
            pytest.fail(_REFUSAL + name)

    def checked_connect(self: socket.socket, address: Any) -> None:
        check(address[0] if isinstance(address, tuple) else None)  # the others are of this machine
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        check(address[0] if isinstance(address, tuple) else None)
        return connect_ex(self, address)

    def checked_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", checked_resolve)


def _is_here(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

    return address.is_loopback or address.is_unspecified


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and see to it that runtimes of fixtures pass the tag on."""
    session = ExitStack()
    session.enter_context(tagged())
    config.add_cleanup(session.close)
    config.addinivalue_line(
        "markers",
        "no_leaks(patience=2.0): the test leaves no task, thread, child process, open file or connection; "
        "what its fixtures have open is not counted",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Put a marked test into a `no_leaks` block, and see to it afterwards that the fixtures' demands were met."""
    marker = item.get_closest_marker("no_leaks")
    if marker is not None and isinstance(item, pytest.Function):
        item.obj = _without_leaks(item.obj, functools.partial(no_leaks, *marker.args, **marker.kwargs))
    result = yield
    for host in item.stash.get(_hosts, []):
        pytest.fail(_REFUSAL + host)  # somebody has taken the first failure for an error of the connection
    for model, count in item.stash.get(_scripts, []):
        if len(model.requests) < count:
            pytest.fail(f"of the {count} replies in a script only {len(model.requests)} were asked for")
    return result


def _without_leaks(test: Callable[..., Any], block: Callable[[], no_leaks]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def run_async(*args: Any, **kwargs: Any) -> None:
            async with block():
                await test(*args, **kwargs)

        return run_async

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with block():
            test(*args, **kwargs)

    return run
