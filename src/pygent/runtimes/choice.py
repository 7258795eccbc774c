"""`open_runtime`: chooses the place where commands run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import RuntimeUnavailable
from .base import AsyncRuntime
from .local import LocalRuntime

if TYPE_CHECKING:
    from ..settings import OnTimeout, SandboxMode, Settings

ON_THIS_MACHINE = "commands run on this machine, not in a container: they may do whatever you may do"


def open_runtime(
    *,
    use_docker: bool | None = None,
    workspace: str | os.PathLike[str] | None = None,
    initial_files: Sequence[str | os.PathLike[str]] = (),
    env: Mapping[str, str] | None = None,
    on_timeout: OnTimeout | None = None,
    sandbox: SandboxMode | None = None,
    sandbox_network: bool | None = None,
    sandbox_readable: Sequence[str | os.PathLike[str]] = (),
    settings: Settings | None = None,
) -> AsyncRuntime:
    """Return the runtime that is asked for; it opens at its first use.

    Args:
        use_docker: True: a container or an error, never this machine; False: this machine; None: the best there is,
            and `notice` on the runtime says so if that is this machine, as does a warning in the log, once, when the
            first is opened.
        workspace: the folder to work in; None: a temporary one.
        initial_files: files and folders of this machine that are copied into the workspace.
        env: variables for the commands, beside those that they have anyway.
        on_timeout: what `bash` does with a command that is not done in time: `kill` it (the default), or let it go on
            as a job in the `background`.
        sandbox: whether commands on this machine run under bubblewrap; None: `none`; see `LocalRuntime`.
        sandbox_network: whether they have the network there; None: no.
        sandbox_readable: further files and folders that they can read there.
        settings: where arguments that are not given come from.

    Raises:
        RuntimeUnavailable: there is no container to be had; of a sandbox that is said when the runtime opens.
        ValueError: `on_timeout` or `sandbox` is none of those that there are.
    """
    if settings is not None:
        use_docker = settings.use_docker if use_docker is None else use_docker
        workspace = workspace or settings.workspace
        initial_files = initial_files or settings.init_files
        on_timeout = on_timeout or settings.on_timeout
        sandbox = sandbox or settings.sandbox
        sandbox_readable = sandbox_readable or settings.sandbox_readable
        sandbox_network = settings.sandbox_network if sandbox_network is None else sandbox_network
    if use_docker:
        raise RuntimeUnavailable(
            "this version of Pygent has no Docker runtime yet; "
            "pass use_docker=False (--no-docker) to run commands on this machine"
        )

    runtime = LocalRuntime(
        workspace,
        env=env,
        initial_files=initial_files,
        on_timeout=on_timeout or "kill",
        sandbox=sandbox or "none",
        sandbox_network=bool(sandbox_network),
        sandbox_readable=sandbox_readable,
    )
    if use_docker is None and sandbox in (None, "none"):  # about a sandbox the runtime speaks for itself
        runtime.notice = ON_THIS_MACHINE
    return runtime
