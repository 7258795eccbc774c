"""`Agent`: the synchronous face of `AsyncAgent`. It adds nothing, and waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, Self, TypeVar, overload

from .agent import AsyncAgent
from .approval import Approver
from .events import Event, Hub
from .limits import Limits
from .messages import Message, Prompt, Usage
from .models import CustomModel
from .persona import Persona
from .portal import Closer, call, call_soon, warn_if_loop_runs
from .runtimes import AsyncRuntime
from .runtimes.sync import Runtime
from .settings import Settings
from .tools import Tool, ToolFunction

T = TypeVar("T")


class _Same(Generic[T]):
    """An attribute that is the async agent's own."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, face: None, owner: type) -> Self: ...
    @overload
    def __get__(self, face: Agent, owner: type) -> T: ...
    def __get__(self, face: Agent | None, owner: type) -> Self | T:
        if face is None:
            return self

        value: T = getattr(face.async_agent, self._name)
        return value

    def __set__(self, face: Agent, value: T) -> None:
        setattr(face.async_agent, self._name, value)


class Agent:
    """Asks the model, runs the tools it calls, feeds the results back, until it is done: `AsyncAgent`, without asyncio.

    Each method does and raises what its namesake does, and Ctrl-C ends it cleanly. It works in a script, in Jupyter,
    inside a running event loop, and from several threads. Close it or use it as a context manager; else it is closed
    when it is forgotten, or with the program. Subscribers and approvers are called on another thread.

    Arguments and attributes are those of `AsyncAgent`; a `Runtime` may be passed, too.

    Attributes:
        async_agent: the `AsyncAgent` behind this face.
    """

    history = _Same[list[Message]]()
    events = _Same[Hub]()
    tools = _Same[list[Tool]]()
    model = _Same[CustomModel]()
    model_name = _Same[str]()
    persona = _Same[Persona]()
    approver = _Same[Approver]()
    limits = _Same[Limits]()
    usage = _Same[Usage]()
    stop_reason = _Same[str | None]()
    is_busy = _Same[bool]()
    answer = _Same[str]()

    def __init__(
        self,
        model: CustomModel | str | None = None,
        *,
        model_name: str | None = None,
        runtime: AsyncRuntime | Runtime | None = None,
        tools: Iterable[Tool | ToolFunction] | None = None,
        persona: Persona | None = None,
        system_prompt: str | None = None,
        approver: Approver | None = None,
        limits: Limits | None = None,
        settings: Settings | None = None,
        history: Sequence[Message] | None = None,
        system_msg: str | None = None,
    ) -> None:
        self._given = runtime  # a Runtime ends when it is forgotten: not while this agent uses it
        self.async_agent = AsyncAgent(
            model,
            model_name=model_name,
            runtime=runtime.async_runtime if isinstance(runtime, Runtime) else runtime,
            tools=tools,
            persona=persona,
            system_prompt=system_prompt,
            approver=approver,
            limits=limits,
            settings=settings,
            history=history,
            system_msg=system_msg,
        )
        self._close = Closer(self, self.async_agent.aclose)

    def __repr__(self) -> str:
        return repr(self.async_agent).replace("<AsyncAgent", f"<{type(self).__name__}", 1)

    @property
    def runtime(self) -> Runtime:
        """Where its commands run."""
        if isinstance(self._given, Runtime):
            return self._given

        return Runtime.of(self.async_agent.runtime, owner=self)

    def step(self, user_msg: Prompt | None = None) -> Message:
        """Ask the model once, run the tools it calls, and return its reply."""
        return call(self.async_agent.step, user_msg)

    def run_until_stop(
        self,
        user_msg: Prompt | None = None,
        max_steps: int | None = None,
        step_timeout: float | None = None,
        max_time: float | None = None,
        max_non_tool_replies: int | None = 1,
    ) -> Message | None:
        """Repeat steps until the work is done, and return the last reply; `stop_reason` says why it ended."""
        return call(self.async_agent.run_until_stop, user_msg, max_steps, step_timeout, max_time, max_non_tool_replies)

    @contextmanager
    def stream(
        self,
        user_msg: Prompt | None = None,
        max_steps: int | None = None,
        step_timeout: float | None = None,
        max_time: float | None = None,
        max_non_tool_replies: int | None = 1,
    ) -> Iterator[Iterator[Event]]:
        """Run until stop, seen from outside: `with agent.stream("…") as events: for event in events: …`.

        Leaving the block early ends the run. An error of the run is raised when the block is left.
        """
        warn_if_loop_runs("AsyncAgent.stream")
        stream = self.async_agent.stream(user_msg, max_steps, step_timeout, max_time, max_non_tool_replies)
        events = call(stream.__aenter__)
        try:
            yield iter(lambda: call(anext, events, None), None)
        finally:
            call(stream.__aexit__, None, None, None)

    def interrupt(self) -> None:
        """End the running step or run now; call it from any thread, or from a subscriber."""
        call_soon(self.async_agent.interrupt)

    def steer(self, text: str) -> None:
        """Say something to the agent at work: the next call of the model sees it as the user's words."""
        self.async_agent.steer(text)

    def close(self) -> None:
        """End what runs and remove the runtime that this agent made; may be called again."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
