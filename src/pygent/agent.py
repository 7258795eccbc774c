"""`AsyncAgent`: asks the model, runs the tools it calls, feeds the results back, until it is done.

This is the file to read first. `step` is the whole idea; `run_until_stop` repeats it; the rest keeps two promises:
the history is valid for any server at every await, and whatever is started is ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

from .approval import Approver, allow_all
from .cleanup import finish
from .errors import AgentBusy
from .events import (
    Event,
    EventStream,
    Hub,
    MessageAdded,
    RuntimeOpened,
    StepStarted,
    StreamRestarted,
    TextDelta,
    ToolCallsRescued,
    TurnFinished,
    TurnStarted,
)
from .limits import Limits, TimeLimit
from .messages import JSON, Message, Usage
from .models import CustomModel, OpenAIModel, ask
from .persona import Persona
from .persona import system_prompt as default_prompt
from .runtimes import AsyncRuntime, open_runtime
from .session import HistoryFile
from .settings import Settings
from .tool_calls import ToolCalls
from .tools import Tool, ToolFunction, default_tools

NUDGE = "Go on with the task. When it is done, call the `stop` tool."
"""What the user says after a reply without a tool call, when only `stop` may end the run."""


class AsyncAgent:
    """A coding agent: a conversation with a model that can act through tools in a workspace.

    Use it in `async with`, or plainly and call `aclose()` at the end. An agent does one thing at a time; make as many
    agents as you like.

    Args:
        model: a `Model`, or the name of one at the OpenAI-compatible server of the settings; None: the settings' name.
        model_name: the name passed to the model; overrides the one given by `model` or the settings.
        runtime: where commands run. None: one is made as the settings say, and removed by `aclose()`;
            a runtime that you pass stays yours to clean up.
        tools: exactly these tools, as `Tool`s or plain functions; None: the built-in and the registered ones.
        persona: who the agent is; None: the settings' persona.
        system_prompt: replaces the instructions that are otherwise made from the persona.
        approver: asked before each tool call; None: everything is allowed.
        limits: bounds for every step and run.
        settings: where the defaults above come from; None: the environment.
        history: messages to go on from, the system message included.
        system_msg: the original Pygent's name of `system_prompt`.

    Attributes:
        history: the conversation, oldest first; valid for any server at every moment. Yours to change between steps.
        events: the hub to subscribe to.
        usage: the tokens of all replies so far.
        stop_reason: why the last run or step ended, see `TurnFinished.reason`; None while it goes on.
        is_busy: whether a step or a run is going on.

    Raises:
        SettingsError: a setting holds a value that is not allowed.
        ValueError: two of the tools have the same name.
    """

    def __init__(
        self,
        model: CustomModel | str | None = None,
        *,
        model_name: str | None = None,
        runtime: AsyncRuntime | None = None,
        tools: Iterable[Tool | ToolFunction] | None = None,
        persona: Persona | None = None,
        system_prompt: str | None = None,
        approver: Approver | None = None,
        limits: Limits | None = None,
        settings: Settings | None = None,
        history: Sequence[Message] | None = None,
        system_msg: str | None = None,
    ) -> None:
        settings = settings or Settings.from_env()
        if model is None or isinstance(model, str):
            model_name, model = model_name or model, OpenAIModel.from_settings(settings)
        self.model: CustomModel = model
        self.model_name = model_name or settings.model
        self.persona = persona or settings.main_persona
        self.tools: list[Tool] = default_tools() if tools is None else _as_tools(tools)
        self.runtime = runtime or open_runtime(settings=settings)
        self.approver = approver or allow_all
        self.limits = limits or Limits()
        self.events = Hub()
        self.usage = Usage()
        self.stop_reason: str | None = None
        prompt = system_prompt or system_msg or default_prompt(self.persona, [tool.name for tool in self.tools])
        self.history: list[Message] = list(history) if history else [Message.system(prompt)]
        self.is_busy = False
        self._owns_runtime = runtime is None
        self._runtime_told = False
        self._saved = HistoryFile(settings.history_file, history) if settings.history_file else None
        self._specs: list[JSON] = []
        self._specs_of: list[Tool] = []
        self._steering: deque[str] = deque()
        self._scope: TimeLimit | None = None  # around the running step or run
        self._steps, self._answer, self._spent = 0, "", Usage()  # of the running turn

    def __repr__(self) -> str:
        state = "busy" if self.is_busy else "idle"
        return f"<AsyncAgent {self.persona.name!r} model={self.model_name!r} {state} messages={len(self.history)}>"

    async def step(self, user_msg: str | Message | None = None) -> Message:
        """Ask the model once, run the tools it calls, and return its reply.

        Without `user_msg` the conversation goes on as it stands. If a limit or `interrupt()` ends the step,
        `stop_reason` says so and the reply holds what came until then.

        Raises:
            AgentBusy: another step or run is going on.
            ModelError: the model did not answer; call `step()` again to retry.
            RuntimeUnavailable: there is no place to run the tools.
        """
        async with self._busy(), self._limited(self.limits.step_timeout, "step_timeout") as self._scope:
            start = len(self.history)
            return await self._step(user_msg)

        replies = [message for message in self.history[start:] if message.role == "assistant"]
        return replies[-1] if replies else Message.assistant("")

    async def run_until_stop(
        self,
        user_msg: str | Message | None = None,
        max_steps: int | None = 20,
        step_timeout: float | None = None,
        max_time: float | None = None,
        max_non_tool_replies: int | None = 1,
    ) -> Message | None:
        """Repeat steps until the work is done, and return the last reply.

        The run ends at a final tool (`stop`, `continue`), at a limit, at `interrupt()`, or after `max_non_tool_replies`
        replies in a row without a tool call; `stop_reason` says which.

        Args:
            user_msg: the request, a text or a message with parts; None: go on as the conversation stands.
            max_steps: how often the model is asked at the most. Of these limits and the agent's own the smaller wins.
            step_timeout: seconds for each step.
            max_time: seconds for the whole run.
            max_non_tool_replies: 1: an answer in words ends the run; None: only `stop` or a limit does.

        Returns:
            The last reply; None if a limit came before the first.

        Raises:
            AgentBusy: another step or run is going on.
            ModelError: the model did not answer; the history up to there is kept.
            RuntimeUnavailable: there is no place to run the tools.
        """
        limits = self.limits.tightened(max_steps=max_steps, step_timeout=step_timeout, max_time=max_time)
        reply: Message | None = None
        words = 0  # replies in a row without a tool call
        async with self._busy():
            with self._turn(user_msg):
                async with self._limited(limits.max_time, "max_time") as self._scope:
                    while self.stop_reason is None and not self._reached(limits):
                        async with self._limited(limits.step_timeout, "step_timeout"):
                            reply = await self._step(user_msg if self._steps == 0 else None)
                        words = 0 if reply is None or reply.tool_calls else words + 1
                        self._end_at_words(words, max_non_tool_replies)
        return reply

    @asynccontextmanager
    async def stream(
        self, user_msg: str | Message | None = None, *, max_steps: int | None = 20
    ) -> AsyncIterator[EventStream]:
        """Run until stop, seen from outside: `async with agent.stream("…") as events: async for event in events: …`.

        Leaving the block early ends the run. An error of the run is raised when the block is left.
        """
        async with self.events.stream() as events:
            run = asyncio.create_task(self.run_until_stop(user_msg, max_steps), name="pygent-stream")
            run.add_done_callback(lambda _: events.close())
            try:
                yield events
            finally:
                run.cancel()  # does nothing once it has ended
                await finish(asyncio.wait([run]))
                error = None if run.cancelled() else run.exception()
            if error is not None:
                raise error

    def interrupt(self) -> None:
        """End the running step or run now: it returns normally, with `stop_reason` set to `interrupted`.

        Call it on the agent's event loop. While nothing runs it does nothing.
        """
        if self._scope is not None:
            self._scope.end("interrupted")

    def steer(self, text: str) -> None:
        """Say something to the agent at work: the next call of the model sees it as the user's words."""
        self._steering.append(text)

    async def aclose(self) -> None:
        """End what runs and remove the runtime that this agent made; may be called again."""
        if self.is_busy:
            self.interrupt()
        if self._owns_runtime:
            await finish(self.runtime.cleanup())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # The loop: ask, append, act.

    async def _step(self, user_msg: str | Message | None = None) -> Message:
        if user_msg is not None:
            self._add(user_msg if isinstance(user_msg, Message) else Message.user(user_msg))
        reply = await self._ask_model()
        self._add(reply)
        if reply.tool_calls:
            await self._run_tools(reply)
        return reply

    async def _ask_model(self) -> Message:
        while self._steering:
            self._add(Message.user(self._steering.popleft()))
        self._steps += 1
        self.events.emit(StepStarted(number=self._steps))
        heard: list[str] = []

        def emit(event: Event) -> None:
            match event:
                case TextDelta(text=text):
                    heard.append(text)
                case StreamRestarted() | ToolCallsRescued():
                    heard.clear()
            self.events.emit(event)

        try:
            reply = await ask(self.model, self.history, self.model_name, self._tool_specs(), emit)
        except asyncio.CancelledError:
            if heard:  # the user has seen it, so the model should know that it was said
                self._add(Message.assistant("".join(heard) + " [interrupted]"))
            raise

        self._spent += reply.usage or Usage()
        self.usage += reply.usage or Usage()
        self._answer = reply.text
        return reply

    async def _run_tools(self, reply: Message) -> None:
        calls = ToolCalls(reply, self.history, self.tools, self.approver, self.events.emit)
        await calls.run(self._open_runtime)
        if calls.final is not None:
            tool, output = calls.final
            said = output.text if output.display is None else output.display
            self.stop_reason, self._answer = tool.name, "\n\n".join(filter(None, (self._answer, said)))

    # What the loop stands on.

    def _add(self, message: Message) -> None:
        self.history.append(message)
        self.events.emit(MessageAdded(message=message))

    def _tool_specs(self) -> list[JSON]:
        """The tools in the OpenAI shape; the same list as long as they are the same, so that a model can cache it."""
        if self._specs_of != self.tools:
            self._specs_of = list(self.tools)
            self._specs = [tool.spec for tool in self.tools]
        return self._specs

    async def _open_runtime(self) -> AsyncRuntime:
        await self.runtime.open()
        if not self._runtime_told:
            self._runtime_told = True
            self.events.emit(
                RuntimeOpened(kind=self.runtime.kind, workspace=self.runtime.workspace, notice=self.runtime.notice)
            )
        return self.runtime

    def _reached(self, limits: Limits) -> bool:
        """Whether the run has used up its steps or tokens."""
        if limits.max_steps is not None and self._steps >= limits.max_steps:
            self.stop_reason = "max_steps"
        elif limits.max_tokens is not None and self._spent.total_tokens >= limits.max_tokens:
            self.stop_reason = "tokens"
        return self.stop_reason is not None

    def _end_at_words(self, words: int, at_most: int | None) -> None:
        """After a reply in words: the user's turn, unless they steered meanwhile or want more."""
        if not words or self._steering or self.stop_reason:
            return

        if at_most is not None and words >= at_most:
            self.stop_reason = "reply"
        else:
            self._add(Message.user(NUDGE))

    @asynccontextmanager
    async def _busy(self) -> AsyncIterator[None]:
        """One thing at a time; the history file is read before the first and written after each."""
        if self.is_busy:
            raise AgentBusy("this agent is at work; await its step first, interrupt() it, or make another agent")

        self.is_busy, self.stop_reason, self._steps = True, None, 0
        try:
            if self._saved is not None:
                self.history = await self._saved.load_once(self.history)
            try:
                yield
            finally:
                self._scope = None
                if self._saved is not None:  # and was read: what nobody has read must not be replaced
                    await finish(self._saved.save(self.history))
        finally:
            self.is_busy = False

    def _limited(self, seconds: float | None, reason: str) -> TimeLimit:
        return TimeLimit(seconds, reason, self._stop)

    def _stop(self, reason: str) -> None:
        self.stop_reason = reason

    @contextmanager
    def _turn(self, prompt: str | Message | None) -> Iterator[None]:
        """Tell when a run begins and how it ended."""
        started, self._spent, self._answer = time.perf_counter(), Usage(), ""
        self.events.emit(TurnStarted(prompt=prompt.text if isinstance(prompt, Message) else prompt or ""))
        reason = "error"
        try:
            yield
            reason = self.stop_reason or "reply"
        except asyncio.CancelledError:
            reason = "cancelled"
            raise
        finally:
            self.stop_reason = reason
            self.events.emit(
                TurnFinished(
                    reason=reason,
                    answer=self._answer,
                    steps=self._steps,
                    usage=self._spent,
                    duration=time.perf_counter() - started,
                )
            )


def _as_tools(given: Iterable[Tool | ToolFunction]) -> list[Tool]:
    tools = [tool if isinstance(tool, Tool) else Tool.from_function(tool) for tool in given]
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two tools are called {name!r}; give one of them another name")

    return tools
