"""`ask`: how the agent asks any object with a `chat`, be it a `Model` or written in the original Pygent's shape."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, NamedTuple

from ..errors import ModelError, PygentError
from ..events import Emit
from ..foreign import Relay, in_own_task
from ..messages import JSON, Message
from ..replies import parse_reply
from ..threads import call_in_daemon


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
    relay = Relay(emit)
    try:
        shape = _shape_of(getattr(chat, "__func__", chat))
        if shape.takes_emit:
            call = _call(chat, shape, messages, model_name, tools, emit=relay if emit else None)
        else:
            call = _call(chat, shape, [message.to_dict() for message in messages], model_name, list(tools))
        return parse_reply(await in_own_task(call, f"pygent-model-{kind}", grace=grace))
    except PygentError:
        raise
    except Exception as error:
        raise ModelError(f"{kind} failed: {error!r}", model=model_name) from error
    finally:
        relay.close()


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
