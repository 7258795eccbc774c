"""`ScriptedModel`: a model that says what the test wrote down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ..errors import ModelError
from ..events import Emit, TextDelta
from ..messages import JSON, Message, ToolCall, ToolCallFunction, Usage
from .history import check_history

Reply: TypeAlias = (
    str | Message | BaseException | ToolCall | Sequence[ToolCall] | Callable[[Sequence[Message]], Message]
)
"""A text, a whole message, tool calls, an error to raise, or a function of the conversation."""


def tool_call(name: str, arguments: str | None = None, /, *, id: str | None = None, **values: JSON) -> ToolCall:  # noqa: A002 - the wire's name
    """Write a tool call down: `tool_call("bash", cmd="ls")`, or with the arguments' JSON text as it stands."""
    import msgspec

    text = arguments if arguments is not None else msgspec.json.encode(values).decode()
    return ToolCall(id=id or f"call_{name}", function=ToolCallFunction(name=name, arguments=text))


class ScriptedModel:
    """Plays its replies in order, streams texts word by word, and remembers what it was asked.

    It is as strict as the strictest server: a conversation with an unanswered call fails the test at once.

    Attributes:
        requests: the conversations it was given, each as a tuple of messages.
        tools: the tool lists it was given, beside them.
    """

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self._replies = iter(replies)
        self._calls = 0
        self.requests: list[tuple[Message, ...]] = []
        self.tools: list[tuple[JSON, ...]] = []

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        """Return the next reply.

        Raises:
            ModelError: the script is at its end.
            AssertionError: the conversation is not valid.
        """
        check_history(messages)
        self.requests.append(tuple(messages))
        self.tools.append(tuple(tools))
        await asyncio.sleep(0)  # as a real one would, give way at least once
        try:
            reply = self._message(next(self._replies), messages)
        except StopIteration:
            raise ModelError(f"the script has no reply number {len(self.requests)}", model=model) from None

        if emit is not None and reply.text:
            for piece in re.findall(r"\S+\s*|\s+", reply.text):
                emit(TextDelta(text=piece))
        return reply

    def _message(self, reply: Reply, messages: Sequence[Message]) -> Message:
        match reply:
            case Message():
                return reply
            case BaseException():
                raise reply
            case str():
                return Message(role="assistant", content=reply, finish_reason="stop", usage=Usage(total_tokens=1))
            case ToolCall():
                return self._calling([reply])
            case list() | tuple():
                return self._calling(reply)
        return reply(messages)  # type: ignore[operator] # what is left is the function

    def _calling(self, calls: Sequence[ToolCall]) -> Message:
        """A reply with these calls, their ids made unique within the script."""
        unique = []
        for call in calls:
            self._calls += 1
            unique.append(ToolCall(id=f"{call.id}_{self._calls}", function=call.function))
        return Message(
            role="assistant", tool_calls=tuple(unique), finish_reason="tool_calls", usage=Usage(total_tokens=1)
        )
