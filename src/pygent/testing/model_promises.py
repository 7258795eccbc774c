"""The promises of `Model.chat`, one function each: `PROMISES`. Each asks a `Subject` and raises an AssertionError."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeAlias

from ..errors import PygentError
from ..events import Emit, Event, ReasoningDelta, StreamRestarted, TextDelta, ToolCallsRescued
from ..messages import JSON, Message, ToolCall, ToolCallFunction
from ..models.base import CustomModel
from ..models.custom import ask

PATIENCE = 5.0
"""Seconds in which a cancelled chat must have ended."""

HI = (Message.user("Say hello."),)

WEATHER: JSON = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

_is_of_chat: ContextVar[bool] = ContextVar("_is_of_chat", default=False)


class Subject:
    """The model that is looked at; each reply of it is checked to be one."""

    def __init__(self, model: CustomModel, name: str) -> None:
        self.model = model
        self._name = name
        chat = model.chat
        self._is_port = inspect.iscoroutinefunction(chat) and "emit" in inspect.signature(chat).parameters

    async def ask(
        self, messages: Sequence[Message] = HI, tools: Sequence[JSON] = (), emit: Emit | None = None, name: str = ""
    ) -> Message:
        """Return the model's reply."""
        try:
            if self._is_port:
                options = {} if emit is None else {"emit": emit}
                reply: object = await self.model.chat(messages, name or self._name, tools, **options)
            else:
                reply = await ask(self.model, messages, name or self._name, tools, emit)
        except PygentError:
            raise
        except Exception as error:
            raise AssertionError(f"chat raised {error!r}, which is no PygentError") from error

        if not isinstance(reply, Message):
            raise AssertionError(f"chat returned {reply!r:.200}, not a Message")

        _demand(reply.role == "assistant", f"chat replied as {reply.role!r}, not as 'assistant'")
        return reply


Promise: TypeAlias = Callable[[Subject], Coroutine[Any, Any, None]]
"""Asks the subject, and raises an AssertionError if it does not do what the docstring says."""


async def replies_as_the_assistant(subject: Subject) -> None:
    """The reply is a Message with the role assistant."""
    await subject.ask([Message.system("You are brief."), *HI], emit=_Heard())


async def replies_without_a_listener(subject: Subject) -> None:
    """Without `emit` the reply comes all the same."""
    await subject.ask()


async def emits_what_it_says(subject: Subject) -> None:
    """What is emitted are events, while the chat lasts; their deltas join to the reply, or there are none."""
    heard = _Heard()
    reply = await subject.ask(emit=heard)
    heard.check(reply)
    events = len(heard.events)
    for _ in range(10):
        await asyncio.sleep(0)
    _demand(len(heard.events) == events, f"{heard.events[events:]} came after the reply")


async def leaves_its_arguments_alone(subject: Subject) -> None:
    """The messages and the tools that it is given are the caller's."""
    messages, tools = [Message.system("You are brief."), *HI], [copy.deepcopy(WEATHER)]
    given = copy.deepcopy((messages, tools))
    await subject.ask(messages, tools)
    _demand(given[0] == messages, f"chat changed the messages: {messages}")
    _demand(given[1] == tools, f"chat changed the tools: {tools}")


async def calls_tools_soundly(subject: Subject) -> None:
    """Each tool call has a name, arguments that are a JSON object, and an id that the conversation did not have."""
    messages = [Message.user("What is the weather in Oslo, and in Rome? Call get_weather for both.")]
    ids: set[str] = set()
    for _ in range(3):
        reply = await subject.ask(messages, [WEATHER])
        for call in reply.tool_calls:
            _demand(bool(call.function.name), f"{call} has no name")
            _demand(bool(call.id), f"{call} has no id")
            _demand(call.id not in ids, f"the id of {call} was used before")
            _demand(_is_object(call.function.arguments), f"the arguments of {call} are no JSON object")
            ids.add(call.id)
        if not reply.tool_calls:
            return

        messages += [reply, *(Message.tool(call.id, "It rains.") for call in reply.tool_calls)]


async def goes_on_after_tools(subject: Subject) -> None:
    """A conversation with tool calls and their answers is one that it can reply to."""
    calls = [
        ToolCall(id=f"call_{city}", function=ToolCallFunction(name="get_weather", arguments=json.dumps({"city": city})))
        for city in ("Oslo", "Rome")
    ]
    messages = [
        Message.system("You are brief."),
        Message.user("What is the weather in Oslo, and in Rome?"),
        Message.assistant("I look.", tool_calls=calls),
        *(Message.tool(call.id, "It rains.") for call in calls),
    ]
    await subject.ask(messages, [WEATHER], _Heard())


async def keeps_chats_apart(subject: Subject) -> None:
    """Chats at the same time have nothing to do with each other: each listener hears its own reply."""
    heard = [_Heard() for _ in range(5)]
    texts = [f"Say {'number ' * 5 * number}{number}." for number in range(5)]
    async with asyncio.TaskGroup() as group:
        chats = [
            group.create_task(subject.ask([Message.user(text)], emit=emit))
            for text, emit in zip(texts, heard, strict=True)
        ]
    for chat, emitted in zip(chats, heard, strict=True):
        emitted.check(chat.result())


async def ends_when_cancelled(subject: Subject) -> None:
    """A cancelled chat raises CancelledError at once, whenever it comes, and leaves no task behind."""
    await subject.ask()  # what a first chat may set up is not of the chat
    with _tasks_of_chats() as started:
        for steps in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55):
            await _cancel(subject, steps)
        left = {task for task in started if not task.done()}
        if left:
            _, left = await asyncio.wait(left, timeout=1)
        _demand(not left, f"cancelled chats left tasks behind: {left}")


async def works_after_a_cancellation(subject: Subject) -> None:
    """A cancelled chat takes nothing with it: the next one has its reply."""
    for steps in (1, 5, 20):
        await _cancel(subject, steps)
        heard = _Heard()
        heard.check(await subject.ask(emit=heard))


async def works_on_another_event_loop(subject: Subject) -> None:
    """It belongs to no event loop: `Agent` asks from a loop of its own, and tests have one each."""
    for _ in range(2):
        await asyncio.to_thread(lambda: asyncio.run(subject.ask()))
    await subject.ask()


async def fails_with_our_errors(subject: Subject) -> None:
    """Odd text, such as half an emoji, and odd names have a reply or a PygentError, and so has everything else."""
    with suppress(PygentError):
        await subject.ask([Message.user("half an emoji: \ud83c, a NUL: \0, a line: \u2028")])
    with suppress(PygentError):
        await subject.ask(name="no such model \ud83c")


async def closes_twice(subject: Subject) -> None:
    """It may be closed again, if it can be closed; asked afterwards it has a reply or a PygentError."""
    close = getattr(subject.model, "aclose", None)
    for _ in range(2):
        if close is not None:
            await close()
    with suppress(PygentError):
        await subject.ask()


PROMISES: Sequence[Promise] = (
    replies_as_the_assistant,
    replies_without_a_listener,
    emits_what_it_says,
    leaves_its_arguments_alone,
    calls_tools_soundly,
    goes_on_after_tools,
    keeps_chats_apart,
    ends_when_cancelled,
    works_after_a_cancellation,
    works_on_another_event_loop,
    fails_with_our_errors,
    closes_twice,
)
"""All promises; each function's docstring begins with the sentence that must be true."""


class _Heard:
    """Listens to a chat, as a viewer does."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def check(self, reply: Message) -> None:
        """Compare what a viewer shows in the end with the reply."""
        text = thought = ""
        says = thinks = False
        for event in self.events:
            match event:
                case TextDelta():
                    text, says = text + event.text, True
                case ReasoningDelta():
                    thought, thinks = thought + event.text, True
                case StreamRestarted():
                    text = thought = ""
                case ToolCallsRescued():
                    text = ""
                case _:
                    _demand(isinstance(event, Event), f"{event!r} was emitted, which is no event")
        wanted = {reply.text, f"{reply.content or ''}{reply.refusal or ''}"}
        _demand(not says or text in wanted, f"the text deltas join to {text!r}, the reply says {reply.text!r}")
        _demand(
            not thinks or thought.strip() == (reply.reasoning or "").strip(),
            f"the reasoning deltas join to {thought!r}, the reply's reasoning is {reply.reasoning!r}",
        )


async def _cancel(subject: Subject, steps: int) -> None:
    """Begin a chat and cancel it after so many steps of the event loop, unless it is done by then."""

    async def chat() -> None:
        _is_of_chat.set(True)
        await subject.ask(emit=_Heard())

    task = asyncio.create_task(chat(), name="cancelled-chat")
    for _ in range(steps):
        await asyncio.sleep(0)
    is_cancelled = task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)
    _demand(task.done(), f"a chat did not end within {PATIENCE:g} s of its cancellation")
    _demand(task.cancelled() or not is_cancelled, f"a cancelled chat did not raise CancelledError: {task}")


@contextmanager
def _tasks_of_chats() -> Iterator[list[asyncio.Future[Any]]]:
    """The tasks that chats start meanwhile; a server of the test, on the same loop, starts others."""
    loop, started = asyncio.get_running_loop(), list[asyncio.Future[Any]]()
    factory = loop.get_task_factory()

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Future[Any]:
        task = factory(loop, coroutine, **options) if factory else asyncio.Task(coroutine, loop=loop, **options)
        if _is_of_chat.get():
            started.append(task)
        return task

    loop.set_task_factory(make)
    try:
        yield started
    finally:
        loop.set_task_factory(factory)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _demand(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(complaint)
