"""`check_history`: what the strictest server demands of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from ..messages import Message


def check_history(messages: Sequence[Message]) -> None:
    """Check that any server would accept this conversation.

    Each tool call of a reply is answered exactly once, right behind the reply and in its order; no answer stands alone.

    Raises:
        AssertionError: which message breaks which rule.
    """
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        if message.role == "tool":
            if not open_calls or message.tool_call_id != open_calls[0]:
                raise AssertionError(f"message {number} answers {message.tool_call_id!r}; open calls: {open_calls}")

            open_calls.pop(0)
            continue

        if open_calls:
            raise AssertionError(f"message {number} ({message.role}) comes before the answers to {open_calls}")

        open_calls = [call.id for call in message.tool_calls]
        if len(seen | set(open_calls)) != len(seen) + len(open_calls):
            raise AssertionError(f"message {number} uses a call id again: {open_calls}")

        seen |= set(open_calls)
    if open_calls:
        raise AssertionError(f"no answers to {open_calls}")
