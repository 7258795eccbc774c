"""`AsyncAgent`: asks the model, runs the tools it calls, feeds the results back, until it is done.

This is the file to read first. `_step` is the whole idea; `run_until_stop` repeats it; the rest keeps two promises:
the history is valid for any server at every await, and whatever is started is ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
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
    TurnStarted,
)
from .limits import Limits
from .messages import JSON, Message, Prompt, Usage, as_user_message
from .models import CustomModel, FallbackModel, ServedModel, ask, choose_model
from .persona import Persona
from .persona import system_prompt as default_prompt
from .redaction import Redactor
from .replies import never_silent, parse_message, with_new_call_ids
from .runtimes import AsyncRuntime, open_runtime
from .session import HistoryFile
from .settings import Settings
from .tool_calls import ToolCalls
from .tools import Tool, ToolFunction, as_tools, default_tools
from .turn import Turn

CLOSE_SECONDS = 10.0
"""How long `aclose()` waits for the end of what it interrupts; tools have five seconds to end."""

NUDGE = "Go on with the task. When it is done, call the `stop` tool."
"""What the user says after a reply without a tool call, when only `stop` may end the run."""


class AsyncAgent:
    """A coding agent: a conversation with a model that can act through tools in a workspace.

    Use it in `async with`, or plainly and call `aclose()` at the end. An agent does one thing at a time; make as many
    agents as you like.

    Args:
        model: a `Model`, or the name of one: at the OpenAI-compatible server of the settings, or with its provider, as
            in `groq:llama-3.3-70b-versatile`; None: the settings' name.
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
        stop_reason: why the last step or run ended, see `TurnFinished.reason`; None while it goes on.
        answer: what the last step or run came to, in words; empty when it was cut off.

    Raises:
        SettingsError: a setting holds a value that is not allowed.
        TypeError: `tools` is no list of tools, or `runtime` no AsyncRuntime.
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
            choice = choose_model(model or model_name, settings)
            model_name = model_name if model and model_name else choice.name
            model = choice.model
        self.model: CustomModel = model
        self.model_name = model_name or settings.model
        self.persona = persona or settings.main_persona
        self.tools: list[Tool] = default_tools() if tools is None else as_tools(tools)
        self.runtime = open_runtime(settings=settings) if runtime is None else _as_runtime(runtime)
        self.approver = approver or allow_all
        self.limits = limits or Limits()
        self.events = Hub()
        self.usage = Usage()
        self.stop_reason: str | None = None
        self.answer = ""
        prompt = system_prompt or system_msg or default_prompt(self.persona, [tool.name for tool in self.tools])
        self.history: list[Message] = [parse_message(message) for message in history or (Message.system(prompt),)]
        self._owns_runtime = runtime is None
        self._secrets = settings.secrets
        self._runtime_told = False
        self._saved = HistoryFile(settings.history_file, history) if settings.history_file else None
        self._specs: list[JSON] = []
        self._specs_of: list[Tool] = []
        self._steering: deque[str] = deque()
        self._turn: Turn | None = None  # the one that goes on
        self._idle = asyncio.Event()  # set at the end of each turn

    def __repr__(self) -> str:
        state = "busy" if self.is_busy else "idle"
        return f"<AsyncAgent {self.persona.name!r} model={self.model_name!r} {state} messages={len(self.history)}>"

    @property
    def is_busy(self) -> bool:
        """Whether a step or a run is going on."""
        return self._turn is not None

    async def step(self, user_msg: Prompt | None = None) -> Message:
        """Ask the model once, run the tools it calls, and return its reply: a run of one step.

        Without `user_msg` the conversation goes on as it stands. If a limit or `interrupt()` ends the step,
        `stop_reason` says so and the reply holds what came until then.

        Raises:
            AgentBusy: another step or run is going on.
            ModelError: the model did not answer; call `step()` again to retry.
            RuntimeUnavailable: there is no place to run the tools.
        """
        return await self.run_until_stop(user_msg, max_steps=1) or Message.assistant("")

    async def run_until_stop(
        self,
        user_msg: Prompt | None = None,
        max_steps: int | None = None,
        step_timeout: float | None = None,
        max_time: float | None = None,
        max_non_tool_replies: int | None = 1,
    ) -> Message | None:
        """Repeat steps until the work is done, and return the last reply.

        The run ends at a final tool (`stop`, `continue`), at a limit, at `interrupt()`, or after `max_non_tool_replies`
        replies in a row without a tool call; `stop_reason` says which.

        Args:
            user_msg: the request, a text or a message with parts; None: go on as the conversation stands.
            max_steps: how often the model is asked at the most; None: as the agent's limits say, else 20. Of these
                limits and the agent's own the smaller wins.
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
        turn = Turn(self.limits.tightened(max_steps=max_steps, step_timeout=step_timeout, max_time=max_time))
        request = None if user_msg is None else as_user_message(user_msg)
        words = 0  # replies in a row without a tool call
        async with self._working(turn, request):
            if self._saved is not None:
                self.history = await self._saved.load_once(self.history)
            while turn.goes_on():
                async with turn.step_limit():
                    reply = await self._step(turn, request if turn.steps == 0 else None)
                    words = 0 if reply.tool_calls else words + 1
                    self._end_at_words(turn, reply, words, max_non_tool_replies)
        return turn.reply

    @asynccontextmanager
    async def stream(
        self,
        user_msg: Prompt | None = None,
        max_steps: int | None = None,
        step_timeout: float | None = None,
        max_time: float | None = None,
        max_non_tool_replies: int | None = 1,
    ) -> AsyncIterator[EventStream]:
        """Run until stop, seen from outside: `async with agent.stream("…") as events: async for event in events: …`.

        The arguments are those of `run_until_stop`. Leaving the block early ends the run. An error of the run is raised
        when the block is left.
        """
        async with self.events.stream() as events:
            run = asyncio.create_task(
                self.run_until_stop(user_msg, max_steps, step_timeout, max_time, max_non_tool_replies),
                name="pygent-stream",
            )
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
        if self._turn is not None:
            self._turn.interrupt()

    def steer(self, text: str) -> None:
        """Say something to the agent at work: the next call of the model sees it as the user's words."""
        self._steering.append(text)

    async def aclose(self) -> None:
        """End what runs, wait for its end, and remove the runtime that this agent made; may be called again."""
        try:
            if self._turn is not None:
                self.interrupt()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self._idle.wait()
        finally:  # also when a tool of the run closes its agent, and is cancelled with it
            if self._owns_runtime:
                await finish(self.runtime.cleanup())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # The loop: ask, append, act.

    async def _step(self, turn: Turn, request: Message | None) -> Message:
        while self._steering:
            self._add(Message.user(self._steering.popleft()))
        if request is not None:
            self._add(request)
        reply = await self._ask_model(turn)
        self._add(reply)
        if reply.tool_calls:
            await self._run_tools(turn, reply)
        return reply

    async def _ask_model(self, turn: Turn) -> Message:
        turn.steps += 1
        self.events.emit(StepStarted(number=turn.steps))
        heard: list[str] = []

        def emit(event: Event) -> None:
            match event:
                case TextDelta(text=text):
                    heard.append(text)
                case StreamRestarted() | ToolCallsRescued():
                    heard.clear()
            self.events.emit(event)

        try:
            reply = await ask(self.model, tuple(self.history), self.model_name, self._tool_specs(), emit)
        except asyncio.CancelledError:
            if heard:  # the user has seen it, so the model should know that it was said
                turn.reply = Message.assistant("".join(heard) + " [interrupted]")
                self._add(turn.reply)
            raise

        reply = never_silent(with_new_call_ids(reply, self.history))
        turn.add(reply)
        self.usage += reply.usage or Usage()
        return reply

    async def _run_tools(self, turn: Turn, reply: Message) -> None:
        calls = ToolCalls(reply, self.history, self.tools, self.approver, self.events.emit, self._redactor())
        await calls.run(self._runtime_for)
        if calls.final is not None:
            tool, output = calls.final
            said = output.text if output.display is None else output.display
            turn.end(tool.name, "\n\n".join(filter(None, (reply.text, said))))

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

    def _redactor(self) -> Redactor:
        """What takes known keys out of what tools print; the model, and so its key, may have been changed."""
        own = self.model.secrets if isinstance(self.model, ServedModel | FallbackModel) else {}
        return Redactor({**self._secrets, **own})

    async def _runtime_for(self, tool: Tool) -> AsyncRuntime:
        """The runtime, opened; but to end a turn there need not be one."""
        if not tool.final:
            await self.runtime.open()
            if not self._runtime_told:
                self._runtime_told = True
                kind, workspace, notice = self.runtime.kind, self.runtime.workspace, self.runtime.notice
                self.events.emit(RuntimeOpened(kind=kind, workspace=workspace, notice=notice))
        return self.runtime

    def _end_at_words(self, turn: Turn, reply: Message, words: int, at_most: int | None) -> None:
        """After a reply in words: the user's turn, unless they steered meanwhile or want more."""
        if not words or self._steering or turn.reason:
            return

        if at_most is not None and words >= at_most:
            turn.end("reply", reply.text)
        else:
            self._add(Message.user(NUDGE))

    @asynccontextmanager
    async def _working(self, turn: Turn, request: Message | None) -> AsyncIterator[None]:
        """One turn at a time: tell of its begin and end, and keep the history file."""
        if self._turn is not None:
            raise AgentBusy("this agent is at work; await its step first, interrupt() it, or make another agent")

        self._turn, self._idle, self.stop_reason = turn, asyncio.Event(), None
        self.answer = ""
        self.events.emit(TurnStarted(prompt=request.text if request else ""))
        try:
            async with turn.limit:
                yield
        except BaseException as error:
            turn.reason = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
            raise
        finally:
            try:
                if self._saved is not None and self._saved.is_loaded:  # what nobody has read must not be replaced
                    await finish(self._saved.save(self.history))
            finally:
                self._turn, self.stop_reason, self.answer = None, turn.reason, turn.answer
                self.events.emit(turn.finished())
                self._idle.set()


def _as_runtime(runtime: AsyncRuntime) -> AsyncRuntime:
    if not isinstance(runtime, AsyncRuntime):
        raise TypeError(f"runtime={runtime!r} is no AsyncRuntime; of a Runtime pass its async_runtime")

    return runtime
