"""`check_history`: what the strictest server demands of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from ..messages import Message
from .pairing import Turn, pairing_problem


def check_history(messages: Sequence[Message]) -> None:
    """Check that any server would accept this conversation.

    Each tool call of a reply is answered exactly once, right behind the reply and in its order; no answer stands alone;
    no id is used twice. `MisbehavingServer` reads its requests by the same rule.

    Raises:
        AssertionError: which message breaks which rule.
    """
    problem = pairing_problem(
        Turn(message.role, [call.id for call in message.tool_calls], message.tool_call_id) for message in messages
    )
    if problem:
        raise AssertionError(problem)
