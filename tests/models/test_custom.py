"""`ask`: any object with a `chat` is a model."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from pygent import openai_compat
from pygent.errors import ModelError, ModelResponseError, RateLimitError
from pygent.events import Event, TextDelta
from pygent.messages import Message
from pygent.models import Model, ask

HISTORY = [Message.system("be good"), Message.user("hi")]
TOOLS = ({"type": "function", "function": {"name": "bash"}},)


class EchoModel:
    def chat(self, messages, model, tools):
        last = messages[-1]["content"]
        return openai_compat.Message(role="assistant", content=f"Echo: {last}")


class BashModel:
    def chat(self, messages, model, tools):
        cmd = "echo hi"
        call = openai_compat.ToolCall(
            id="1",
            type="function",
            function=openai_compat.ToolCallFunction(name="bash", arguments=json.dumps({"cmd": cmd})),
        )
        return openai_compat.Message(role="assistant", content=None, tool_calls=[call])


async def test_the_documented_echo_model_runs_as_written() -> None:
    """It is given plain dicts and returns the original's message."""
    assert (await ask(EchoModel(), HISTORY, "m", TOOLS)).content == "Echo: hi"


async def test_the_documented_tool_model_runs_as_written() -> None:
    """Its call has its id, and its arguments are JSON."""
    reply = await ask(BashModel(), HISTORY, "m", TOOLS)

    assert reply.tool_calls == (
        openai_compat.ToolCall(
            id="1", function=openai_compat.ToolCallFunction(name="bash", arguments='{"cmd": "echo hi"}')
        ),
    )


class Seen(SimpleNamespace):
    """What a chat was given, and on which thread."""

    def note(self, messages: Any, model: str, tools: Any) -> str:
        self.messages, self.model, self.tools, self.thread = messages, model, tools, threading.current_thread()
        return "yes"


class PlainModel(Seen):
    def chat(self, messages: Any, model: str, tools: Any) -> str:
        return self.note(messages, model, tools)


class AsyncModel(Seen):
    async def chat(self, messages: Any, model: str, tools: Any) -> str:
        return self.note(messages, model, tools)


class StreamingModel(Seen):
    async def chat(self, messages: Any, model: str, tools: Any, *, emit: Any = None) -> str:
        emit(TextDelta(text="yes"))
        return self.note(messages, model, tools)


class PlainStreamingModel(Seen):
    def chat(self, messages: Any, model: str, tools: Any, emit: Any = None) -> str:
        emit(TextDelta(text="y"))
        emit(TextDelta(text="es"))
        return self.note(messages, model, tools)


class ForwardingModel(Seen):
    async def chat(self, *args: Any, **kwargs: Any) -> str:
        kwargs["emit"](TextDelta(text="yes"))
        return self.note(*args)


class DecoratedModel(Seen):
    def chat(self, messages: Any, model: str, tools: Any, **options: Any) -> Any:
        async def later() -> str:
            options["emit"](TextDelta(text="yes"))
            await asyncio.sleep(0)
            return self.note(messages, model, tools)

        return later()


@pytest.mark.parametrize("kind", [PlainModel, AsyncModel])
async def test_a_chat_without_emit_is_given_plain_things(kind: type[Seen]) -> None:
    """Dicts of the chat shape and a list: what the original gave."""
    model = kind()
    await ask(model, HISTORY, "m", TOOLS, emit=lambda _: None)

    assert model.messages == [{"role": "system", "content": "be good"}, {"role": "user", "content": "hi"}]
    assert (model.model, model.tools) == ("m", list(TOOLS))
    assert isinstance(model.tools, list)


@pytest.mark.parametrize("kind", [StreamingModel, PlainStreamingModel, ForwardingModel, DecoratedModel])
async def test_a_chat_with_emit_is_given_messages_and_is_heard(kind: type[Seen]) -> None:
    """Its events arrive on the event loop, in their order."""
    heard: list[tuple[Event, threading.Thread]] = []
    model = kind()
    reply = await ask(model, HISTORY, "m", TOOLS, emit=lambda event: heard.append((event, threading.current_thread())))

    assert reply == Message.assistant("yes")
    assert "".join(event.text for event, _ in heard if isinstance(event, TextDelta)) == "yes"
    assert {thread for _, thread in heard} == {threading.current_thread()}
    assert model.messages is HISTORY


async def test_plain_functions_run_in_a_thread() -> None:
    """They may block; the event loop does not."""
    plain, coroutine = PlainModel(), AsyncModel()
    await ask(plain, HISTORY, "m", TOOLS)
    await ask(coroutine, HISTORY, "m", TOOLS)

    assert plain.thread is not threading.current_thread()
    assert coroutine.thread is threading.current_thread()


async def test_a_cancelled_thread_is_left_behind() -> None:
    """The caller is free at once, what the thread says afterwards is heard by nobody, and the program may end."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    heard: list[Event] = []

    class Stubborn:
        def chat(self, messages: Any, model: str, tools: Any, *, emit: Any = None) -> str:
            begun.set()
            go_on.wait(30)
            emit(TextDelta(text="too late"))
            ended.set()
            return "too late"

    asking = asyncio.create_task(ask(Stubborn(), HISTORY, "m", TOOLS, emit=heard.append))
    await asyncio.to_thread(begun.wait, 10)
    started = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert time.monotonic() - started < 1
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "pygent-model")
    go_on.set()
    await asyncio.to_thread(ended.wait, 10)
    await asyncio.sleep(0)
    assert heard == []


@pytest.mark.parametrize(
    "error", [KeyError("x"), StopIteration(), SystemExit(3), TimeoutError(), OSError("x")], ids=repr
)
async def test_what_a_custom_model_raises_is_a_model_error(error: BaseException) -> None:
    """With its own error as the cause, and its name in the text."""

    class Broken:
        def chat(self, messages: Any, model: str, tools: Any) -> str:
            raise error

    with pytest.raises(ModelError, match="Broken failed") as caught:
        await ask(Broken(), HISTORY, "m", TOOLS)

    causes = [caught.value.__cause__, getattr(caught.value.__cause__, "__cause__", None)]
    assert error in causes
    assert caught.value.model == "m"


async def test_what_says_enough_passes_as_it_is() -> None:
    """Our own errors."""
    error = RateLimitError("slow down", status=429)

    class Raising:
        async def chat(self, messages: Any, model: str, tools: Any) -> str:
            raise error

    with pytest.raises(RateLimitError) as caught:
        await ask(Raising(), HISTORY, "m", TOOLS)

    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt(), BaseExceptionGroup("x", [SystemExit(3)])],
    ids=repr,
)
@pytest.mark.parametrize("later", [False, True], ids=["coroutine", "awaitable"])
async def test_a_coroutine_takes_nobody_down(error: BaseException, later: bool) -> None:
    """A cancellation that nobody asked for and an exit are failures of the model, as they are in a plain function."""

    async def raising(messages: Any, model: str, tools: Any) -> str:
        raise error

    chat = (lambda *args: raising(*args)) if later else raising
    with pytest.raises(ModelError, match="SimpleNamespace failed"):
        await ask(SimpleNamespace(chat=chat), HISTORY, "m", TOOLS)


class Deaf:
    """A model that a cancellation does not end; it talks on when it is let go."""

    def __init__(self) -> None:
        self.begun, self.cancelled, self.go_on, self.ended = (asyncio.Event() for _ in range(4))

    async def chat(self, messages: Any, model: str, tools: Any, *, emit: Any = None) -> str:
        self.begun.set()
        while not self.go_on.is_set():
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
        emit(TextDelta(text="too late"))
        self.ended.set()
        return "too late"


async def test_a_coroutine_that_swallows_cancellation_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    """It hears of it at once; after the grace the caller is free, and what the model says later is heard by nobody."""
    model = Deaf()
    heard: list[Event] = []
    asking = asyncio.create_task(ask(model, HISTORY, "m", TOOLS, emit=heard.append, grace=0.05))
    await model.begun.wait()
    asking.cancel()
    await asyncio.wait_for(model.cancelled.wait(), 10)
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert "Deaf was cancelled, does not end, and is left running" in caplog.text
    model.go_on.set()
    await model.ended.wait()
    assert heard == []


async def test_a_cancelled_coroutine_may_clean_up() -> None:
    """The caller goes on when it has: even a second cancellation waits for it."""
    begun, cleaning, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def chat(messages: Any, model: str, tools: Any) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await go_on.wait()
            raise ValueError("a cleanup that fails is not told to the event loop")
        return ""

    asking = asyncio.create_task(ask(SimpleNamespace(chat=chat), HISTORY, "m", TOOLS))
    await begun.wait()
    asking.cancel()
    await cleaning.wait()
    asking.cancel()
    await asyncio.sleep(0)
    assert not asking.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking


class Callable:
    """A callable object without a hash."""

    __hash__ = None

    def __call__(self, messages: Any, model: str, tools: Any) -> str:
        return "yes"


async def test_a_chat_needs_no_hash() -> None:
    """Any callable object will do."""
    assert (await ask(SimpleNamespace(chat=Callable()), HISTORY, "m", TOOLS)).content == "yes"


async def chat_that_yields(messages: Any, model: str, tools: Any) -> Any:
    yield "piece"


def plain_chat_that_yields(messages: Any, model: str, tools: Any) -> Any:
    yield "piece"


@pytest.mark.parametrize("chat", [chat_that_yields, plain_chat_that_yields])
async def test_a_chat_that_yields_is_told_how_to_stream(chat: Any) -> None:
    """Generators are what other libraries stream with."""
    with pytest.raises(ModelError, match="chat yields; return the message and push pieces through emit"):
        await ask(SimpleNamespace(chat=chat), HISTORY, "m", TOOLS)


async def test_what_is_no_reply_is_an_error() -> None:
    """A model that returns nothing is told so."""
    with pytest.raises(ModelResponseError):
        await ask(SimpleNamespace(chat=lambda messages, model, tools: None), HISTORY, "m", TOOLS)


async def test_what_is_no_model_is_an_error() -> None:
    """Such as the name of one."""
    with pytest.raises(ModelError, match="no method `chat`"):
        await ask("gpt-4.1-mini", HISTORY, "m", TOOLS)


async def test_a_chat_may_belong_to_the_object() -> None:
    """A model need not be a class."""

    async def chat(messages: Any, model: str, tools: Any) -> dict[str, Any]:
        return {"role": "assistant", "content": model}

    assert (await ask(SimpleNamespace(chat=chat), HISTORY, "m", TOOLS)).content == "m"


async def test_context_goes_along() -> None:
    """Context variables of the caller are seen in the thread, as in a coroutine."""
    from contextvars import ContextVar

    place: ContextVar[str] = ContextVar("place")
    place.set("here")
    reply = await ask(SimpleNamespace(chat=lambda messages, model, tools: place.get()), HISTORY, "m", TOOLS)

    assert reply.content == "here"


def test_the_port_is_a_protocol() -> None:
    """A streaming model of one's own satisfies the type checker and needs no base class."""

    class Own:
        async def chat(self, messages: Any, model: str, tools: Any, *, emit: Any = None) -> Message:
            return Message.assistant("")

    model: Model = Own()
    assert model
