"""Where things happen: `AsyncRuntime`, the port, and the places that implement it; `open_runtime` chooses one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import AsyncRuntime
from .choice import open_runtime
from .command import CommandResult, OnOutput
from .local import LocalRuntime

if TYPE_CHECKING:
    from .sync import Runtime

__all__ = ["AsyncRuntime", "CommandResult", "LocalRuntime", "OnOutput", "Runtime", "open_runtime"]


def __getattr__(name: str) -> Any:
    """Import the synchronous face when it is asked for; only that needs the portal."""
    if name == "Runtime":
        from .sync import Runtime

        return Runtime

    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
