"""Who may run what: an approver is asked before each tool call, and is the agent's guardrail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from .messages import ToolCall
from .tools import Tool


class Approval(msgspec.Struct, frozen=True):
    """Yes or no, and why: `reason` goes to the model, which may then try something else."""

    allowed: bool
    reason: str = ""


Approver: TypeAlias = Callable[[Tool, ToolCall], Awaitable[Approval] | Approval]
"""Asked before each call, one call at a time, after the arguments were found valid. A plain function must not block."""


async def allow_all(_tool: Tool, _call: ToolCall) -> Approval:
    """Say yes to everything: the library's default, for the embedding program decides."""
    return Approval(allowed=True)
