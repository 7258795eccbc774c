"""`ask`: how the agent asks any object with a `chat`, be it a `Model` or written in the original Pygent's shape."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache, partial
from types import FunctionType, TracebackType
from typing import Any, NamedTuple

from ..cleanup import finish
from ..errors import ModelError, PygentError
from ..events import Emit, Event
from ..messages import JSON, Message, parse_reply
from ..threads import call_in_daemon

_log = logging.getLogger("pygent.models")

_running: set[asyncio.Task[object]] = set()  # strong references: see `_in_task`


async def ask(
    model: object,
    messages: Sequence[Message],
    model_name: str,
    tools: Sequence[JSON],
    emit: Emit | None = None,
    *,
    grace: float = 5.0,
) -> Message:
    """Return the model's reply, whatever kind of `chat` it has.

    A coroutine is awaited; a plain function runs in a worker thread, which a cancellation leaves behind. One that takes
    no `emit` is in the original's shape: it is given plain dicts. It may return whatever `parse_reply` understands.

    Cancellation reaches a coroutine at once and waits at most `grace` seconds for its cleanup; one that does not end
    is left behind, too, and what it emits is not heard.

    Raises:
        ModelError: the model has no `chat`, or it failed; what a custom model raised is the cause.
    """
    chat = getattr(model, "chat", None)
    if not callable(chat):
        raise ModelError(f"{model!r} is no model: it has no method `chat`", model=model_name, attempts=0)

    kind = type(model).__name__
    try:
        shape = _shape_of(getattr(chat, "__func__", chat))
        with _Relay(emit) as relay:
            if shape.takes_emit:
                call = _call(chat, shape, messages, model_name, tools, emit=relay if emit else None)
            else:
                call = _call(chat, shape, [message.to_dict() for message in messages], model_name, list(tools))
            reply = await _in_task(call, kind, grace)
        return parse_reply(reply)
    except PygentError:
        raise
    except Exception as error:
        raise ModelError(f"{kind} failed: {error!r}", model=model_name) from error


class _Shape(NamedTuple):
    is_async: bool
    takes_emit: bool


def _shape(chat: Callable[..., object]) -> _Shape:
    """What kind of function `chat` is."""
    parameters = inspect.signature(chat).parameters.values()
    takes_emit = any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == "emit" and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )
    return _Shape(inspect.iscoroutinefunction(chat), takes_emit)


_known_shape = lru_cache(maxsize=256)(_shape)


def _shape_of(chat: Callable[..., object]) -> _Shape:
    """The shape, looked up once for all models of a class; a callable object may be without a hash."""
    return _known_shape(chat) if isinstance(chat, FunctionType) else _shape(chat)


async def _call(chat: Callable[..., Any], shape: _Shape, *args: Any, **emit: Emit | None) -> object:
    """Await a coroutine, or wait for a thread; a plain function may still return something to await."""
    try:
        if shape.is_async:
            return await chat(*args, **emit)

        reply = await call_in_daemon(partial(chat, *args, **emit), "pygent-model")
        if inspect.isawaitable(reply):
            return await reply
    except (asyncio.CancelledError, GeneratorExit, Exception):
        raise
    except BaseException as error:  # such as sys.exit(): not the whole program's end
        raise RuntimeError(f"it raised {error!r}") from error

    if inspect.isasyncgen(reply) or inspect.isgenerator(reply):
        raise TypeError("chat yields; return the message and push pieces through emit")

    return reply


async def _in_task(call: Coroutine[Any, Any, object], kind: str, grace: float) -> object:
    """Await a call in a task of its own: so a cancellation is its own or ours, and one that it ignores is bounded."""
    task = asyncio.create_task(call, name=f"pygent-model-{kind}")
    _running.add(task)
    task.add_done_callback(_let_go)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        try:
            await finish(asyncio.wait([task], timeout=grace))
        finally:
            if not task.done():
                _log.warning("%s was cancelled, does not end, and is left running", kind)
        raise

    if task.cancelled():
        raise RuntimeError("it cancelled itself")

    return task.result()


def _let_go(task: asyncio.Task[object]) -> None:
    """Drop a task that has ended; asyncio would log an error that nobody has seen."""
    _running.discard(task)
    if not task.cancelled():
        task.exception()


class _Relay:
    """An `emit` that takes events on any thread and tells them on the loop, in order, as long as somebody waits."""

    def __init__(self, emit: Emit | None) -> None:
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def __call__(self, event: Event) -> None:
        if threading.get_ident() == self._thread:
            self._tell(event)
        elif self._emit is not None:
            self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: Event) -> None:
        if self._emit is not None:
            self._emit(event)

    def __enter__(self) -> _Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._emit = None
