"""`call_tool`: runs one call of a tool, and makes an answer of whatever comes of it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from ..errors import PygentError, ToolError
from ..foreign import Relay, SelfCancelled, in_own_task
from ..messages import JSON
from ..redaction import Redactor
from ..runtimes import AsyncRuntime, OnOutput, Runtime
from ..schema import decode_arguments
from .base import Tool, ToolOutput
from .results import NOTHING_SECRET, as_output, shorten
from .threads import call_in_thread

_log = logging.getLogger("pygent.tools")


async def call_tool(
    tool: Tool,
    arguments: Mapping[str, JSON],
    runtime: AsyncRuntime,
    *,
    on_output: OnOutput | None = None,
    redact: Redactor = NOTHING_SECRET,
    grace: float = 5.0,
) -> ToolOutput:
    """Run one call and return its answer; a tool that fails is an answer too, whatever it raises.

    Cancellation ends a coroutine and waits at most `grace` seconds for its cleanup. A plain function cannot be ended:
    its thread goes on alone, without the runtime. What either prints or returns after that is not heard.

    Args:
        tool: what to run.
        arguments: found valid by `pygent.schema.validate`.
        runtime: what the function is given, itself or as the synchronous `Runtime`.
        on_output: receives what the tool prints while it runs, on the event loop.
        redact: takes secrets out of all that the tool prints, returns, raises, and of the log.
        grace: seconds for the cleanup of a cancelled coroutine.
    """
    told = redact.stream(on_output) if on_output is not None else None
    outlet = Relay(told)
    try:
        given = {**arguments, "on_output": lambda text: outlet(str(text))} if tool.takes_output else arguments
        try:
            ready = decode_arguments(tool.func, given)
        except ToolError as error:
            return ToolOutput(redact(str(error)), is_error=True)
        except Exception as error:  # a class of the tool's own, such as a dataclass, has failed
            return _failure(tool, error, redact)

        if tool.is_async:
            return await _run_coroutine(tool, ready, runtime, redact, grace)

        return await _run_function(tool, ready, runtime, redact)
    finally:
        outlet.close()
        if told is not None:
            told.close()


async def _run_coroutine(
    tool: Tool, arguments: Mapping[str, Any], runtime: AsyncRuntime, redact: Redactor, grace: float
) -> ToolOutput:
    """Run a coroutine function in a task of its own: so a cancellation is its own or ours, and is known to be."""
    answer = _answer_of_coroutine(tool, arguments, runtime, redact)
    try:
        return await in_own_task(answer, f"pygent-tool-{tool.name}", grace=grace)
    except SelfCancelled:
        return _failure(tool, asyncio.CancelledError("the tool cancelled itself"), redact)
    except GeneratorExit as error:
        return _failure(tool, error, redact)


async def _answer_of_coroutine(
    tool: Tool, arguments: Mapping[str, Any], runtime: AsyncRuntime, redact: Redactor
) -> ToolOutput:
    try:
        return as_output(await tool.func(runtime, **arguments), redact)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # a tool that calls sys.exit() must not end the program around it
        return _failure(tool, error, redact)


async def _run_function(
    tool: Tool, arguments: Mapping[str, Any], runtime: AsyncRuntime, redact: Redactor
) -> ToolOutput:
    """Run a plain function in a thread, with a `Runtime` whose calls come back to this event loop."""
    face = Runtime.wrapping(runtime, asyncio.get_running_loop())

    def answer() -> ToolOutput:
        try:
            return as_output(tool.func(face, **arguments), redact)
        except BaseException as error:  # in a thread there is nothing above that could take it
            return _failure(tool, error, redact)

    try:
        return await call_in_thread(answer, f"pygent-tool-{tool.name}")
    except asyncio.CancelledError:
        _log.info("tool %s was cancelled; its thread goes on until it returns", tool.name)
        raise
    finally:
        face.disconnect()


def _failure(tool: Tool, error: BaseException, redact: Redactor) -> ToolOutput:
    """The answer of a tool that raised: errors meant for the model in their own words, all others with their type."""
    if isinstance(error, PygentError):
        return ToolOutput(shorten(redact(str(error))) or type(error).__name__, is_error=True)

    told = "".join(traceback.format_exception(error))
    if redact(told) == told:
        _log.error("tool %s failed", tool.name, exc_info=error)
    else:
        _log.error("tool %s failed\n%s", tool.name, redact(told))
    try:
        words = str(error)
    except Exception:
        words = ""
    return ToolOutput(shorten(redact(f"{type(error).__name__}: {words}".rstrip(": "))), is_error=True)
