"""`ask`: how the agent asks any object with a `chat`, be it a `Model` or written in the original Pygent's shape."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import ModelError, PygentError
from ..events import Emit, Event
from ..messages import JSON, Message, parse_message


async def ask(
    model: object, messages: Sequence[Message], model_name: str, tools: Sequence[JSON], emit: Emit | None = None
) -> Message:
    """Return the model's reply, whatever kind of `chat` it has.

    A coroutine is awaited; a plain function runs in a worker thread, which a cancellation leaves behind. One that takes
    no `emit` is in the original's shape: it is given plain dicts. It may return whatever `parse_message` understands.

    Raises:
        ModelError: the model has no `chat`, or it failed; what a custom model raised is the cause.
    """
    chat = getattr(model, "chat", None)
    if not callable(chat):
        raise ModelError(f"{model!r} is no model: it has no method `chat`", model=model_name, attempts=0)

    try:
        shape = _shape(getattr(chat, "__func__", chat))
        if shape.takes_emit:
            reply = await _call(chat, shape, messages, model_name, tools, emit=emit)
        else:
            reply = await _call(chat, shape, [message.to_dict() for message in messages], model_name, list(tools))
        return parse_message(reply)
    except PygentError:
        raise
    except Exception as error:
        raise ModelError(f"{type(model).__name__} failed: {error!r}", model=model_name) from error


class _Shape(NamedTuple):
    is_async: bool
    takes_emit: bool


@lru_cache(maxsize=256)
def _shape(chat: Callable[..., object]) -> _Shape:
    """What kind of function `chat` is; looked up once for all models of a class."""
    parameters = inspect.signature(chat).parameters.values()
    takes_emit = any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == "emit" and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )
    return _Shape(inspect.iscoroutinefunction(chat), takes_emit)


async def _call(chat: Callable[..., Any], shape: _Shape, *args: Any, **emit: Emit | None) -> object:
    """Await a coroutine, or wait for a thread; a plain function may still return something to await."""
    if shape.is_async:
        return await chat(*args, **emit)

    with _Relay(emit.get("emit")) as relay:
        reply = await _in_thread(chat, *args, **(emit and {"emit": relay}))
        return await reply if inspect.isawaitable(reply) else reply


class _Relay:
    """An `emit` for a thread: it hands events to the loop, in order, as long as somebody waits for the reply."""

    def __init__(self, emit: Emit | None) -> None:
        self._emit = emit
        self._loop = asyncio.get_running_loop()

    def __call__(self, event: Event) -> None:
        if self._emit is not None:
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


async def _in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function in a thread of its own, which neither a cancellation nor the end of the program waits for.

    The loop's own worker threads are joined at its end: a `chat` that hangs would hang the program.
    """
    outcome: Future[tuple[Any, BaseException | None]] = Future()
    context = copy_context()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return

        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:  # raised again where it is waited for
            outcome.set_result((None, error))
        else:
            outcome.set_result((result, None))

    threading.Thread(target=run, name="pygent-model", daemon=True).start()
    result, error = await asyncio.wrap_future(outcome)
    if error is not None and not isinstance(error, Exception):  # such as sys.exit(): not the whole program's end
        raise RuntimeError(f"it raised {error!r}") from error

    if error is not None:
        raise error

    return result
