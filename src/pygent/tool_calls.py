"""`ToolCalls`: the calls of one reply, and how each gets exactly one answer, whatever happens.

Every call is answered `UNANSWERED` from the moment it is asked for, and its own answer replaces that. So the history is
valid at every await, and a cancelled or crashed call needs no repair.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TypeAlias

from .approval import Approval, Approver
from .errors import ToolError
from .events import Emit, MessageAdded, ToolFinished, ToolOutputDelta, ToolStarted
from .messages import JSON, Message, ToolCall
from .redaction import Redactor
from .runtimes import AsyncRuntime
from .schema import validate
from .tools import Tool, ToolOutput, call_tool

UNANSWERED = "[cancelled: this call did not finish]"
"""What the model sees of a call that did not come to its end."""

MAX_CALLS = 32
"""Calls of one reply that are run; the rest are answered that they were too many."""

RuntimeFor: TypeAlias = Callable[[Tool], Awaitable[AsyncRuntime]]
"""Gives a tool its runtime, opened."""


class ToolCalls:
    """Answers the tool calls of `reply`, the last message of `history`.

    Attributes:
        final: the final tool that was called with success, and what it put out; None: the work goes on.
    """

    def __init__(
        self,
        reply: Message,
        history: list[Message],
        tools: Sequence[Tool],
        approver: Approver,
        emit: Emit,
        redact: Redactor,
    ) -> None:
        self._reply = reply
        self._history = history
        self._start = len(history)
        self._tools = {tool.name: tool for tool in tools}
        self._approver = approver
        self._asking = asyncio.Lock()
        self._emit = emit
        self._redact = redact
        self.final: tuple[Tool, ToolOutput] | None = None
        history += [Message.tool(call.id, UNANSWERED) for call in reply.tool_calls]

    async def run(self, runtime_for: RuntimeFor) -> None:
        """Run the calls in their order; neighbours whose tools are marked parallel run together."""
        try:
            for parallel, batch in groupby(enumerate(self._reply.tool_calls), key=self._is_parallel):
                if parallel:
                    await self._together(list(batch), runtime_for)
                else:
                    for number, call in batch:
                        await self._answer(number, call, runtime_for)
        finally:
            for message in self._history[self._start : self._start + len(self._reply.tool_calls)]:
                self._emit(MessageAdded(message=message))

    async def _together(self, batch: Sequence[tuple[int, ToolCall]], runtime_for: RuntimeFor) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number, call in batch:
                    group.create_task(self._answer(number, call, runtime_for), name=f"pygent-{call.function.name}")
        except BaseExceptionGroup as errors:  # a failing tool is an answer; this is the approver's, or no runtime
            raise errors.exceptions[0] from None

    async def _answer(self, number: int, call: ToolCall, runtime_for: RuntimeFor) -> None:
        """Run one call and put what it gave in the place of its answer."""
        output, started = ToolOutput(UNANSWERED, is_error=True), time.perf_counter()
        try:
            tool, arguments = self._check(number, call)
            await self._approve(tool, call)
            runtime = await runtime_for(tool)
            started = time.perf_counter()  # what came before was the user's time
            self._emit(ToolStarted(call=call))
            output = await call_tool(tool, arguments, runtime, on_output=partial(self._tell, call), redact=self._redact)
            if tool.final and not output.is_error:
                self.final = tool, output
        except ToolError as error:
            output = ToolOutput(str(error), is_error=True)
        finally:
            self._history[self._start + number] = Message.tool(call.id, output.text)
            self._emit(
                ToolFinished(
                    call_id=call.id,
                    name=call.function.name,
                    output=output.text,
                    display=output.display,
                    is_error=output.is_error,
                    duration=time.perf_counter() - started,
                )
            )

    async def _approve(self, tool: Tool, call: ToolCall) -> None:
        """Ask the approver, one call at a time; a no is what the model is told."""
        async with self._asking:
            verdict = self._approver(tool, call)
            approval = await verdict if inspect.isawaitable(verdict) else verdict
        if not isinstance(approval, Approval):
            raise TypeError(f"the approver returned {approval!r}; it must return Approval(allowed=True) or False")

        if not approval.allowed:
            raise ToolError(f"not run: {approval.reason or 'the user does not allow this call'}")

    def _check(self, number: int, call: ToolCall) -> tuple[Tool, dict[str, JSON]]:
        """Return the tool and its arguments, or raise what the model should know instead."""
        name = call.function.name
        match self._reply.finish_reason:
            case "length":
                raise ToolError(
                    "not run: your reply was cut off at the token limit and may be incomplete; write less at once"
                )
            case "content_filter":
                raise ToolError("not run: the server's content filter cut your reply off, so it may be incomplete")

        if number >= MAX_CALLS:
            raise ToolError(f"not run: too many calls in one reply; the first {MAX_CALLS} were run, call again")

        if name not in self._tools:
            raise ToolError(f"there is no tool {name!r}; the tools are: {', '.join(self._tools) or 'none'}")

        return self._tools[name], validate(call.function.arguments, self._tools[name].parameters)

    def _is_parallel(self, item: tuple[int, ToolCall]) -> bool:
        tool = self._tools.get(item[1].function.name)
        return tool is not None and tool.parallel

    def _tell(self, call: ToolCall, text: str) -> None:
        self._emit(ToolOutputDelta(call_id=call.id, text=text))
