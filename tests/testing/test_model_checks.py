"""The suite for models: ours pass it, and each promise is broken by a model that only that check finds."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pygent import Message, OpenAIModel, ReplayModel, TextDelta
from pygent.events import Emit
from pygent.models.fallback import FallbackModel
from pygent.models.responses import OpenAIResponsesModel
from pygent.testing import ModelCheck, ScriptedModel, model_conformance, tool_call
from pygent.testing.server import MisbehavingServer


def served(make: Callable[[str], Any]) -> Callable[[], Any]:
    """Opens a server and a model that asks it."""

    @asynccontextmanager
    async def open_model() -> AsyncIterator[Any]:
        async with MisbehavingServer() as server:
            yield make(server.base_url)

    return open_model


class Documented:
    """A model as the guide tells to write one."""

    async def chat(self, messages, model, tools, *, emit=None):
        words = f"You said: {messages[-1].text}"
        for word in words.split(" "):
            if emit is not None:
                emit(TextDelta(text=word if word == "You" else f" {word}"))
            await asyncio.sleep(0)
        return Message.assistant(words)


class Plain:
    """A model in the original's shape."""

    def chat(self, messages, model, tools):
        return {"role": "assistant", "content": f"{len(messages)} messages"}


def replies() -> Any:
    """What a script of any length says: words, and calls in between."""
    return itertools.cycle(["Hello, you.", tool_call("get_weather", city="Oslo"), "It rains."])


def cassette() -> list[str]:
    said = {"role": "assistant", "content": "Hello, you.", "reasoning": "They want a greeting."}
    return [json.dumps({"pygent_cassette": 1}), *[json.dumps(said)] * 100]


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "OpenAIModel": (served(lambda url: OpenAIModel(url, "key")), "fault:parrot"),
    "OpenAIModel, whole": (served(lambda url: OpenAIModel(url, "key", stream=False)), "fault:parrot"),
    "OpenAIModel, calls": (served(lambda url: OpenAIModel(url, "key")), "fault:call"),
    "OpenAIModel, thoughts": (served(lambda url: OpenAIModel(url, "key")), "fault:reasoning"),
    "OpenAIModel, refusals": (served(lambda url: OpenAIModel(url, "key")), "fault:refusal"),
    "OpenAIModel, written calls": (served(lambda url: OpenAIModel(url, "key")), "fault:written_call"),
    "OpenAIResponsesModel": (served(lambda url: OpenAIResponsesModel(url, "key")), "fault:parrot"),
    "OpenAIResponsesModel, whole": (served(lambda url: OpenAIResponsesModel(url, "key", stream=False)), "fault:parrot"),
    "OpenAIResponsesModel, calls": (served(lambda url: OpenAIResponsesModel(url, "key")), "fault:call"),
    "OpenAIResponsesModel, thoughts": (served(lambda url: OpenAIResponsesModel(url, "key")), "fault:reasoning"),
    "FallbackModel": (
        served(lambda url: FallbackModel([(OpenAIModel(url, "key", max_retries=0), "fault:midsse"), Documented()])),
        "any",
    ),
    "ScriptedModel": (lambda: ScriptedModel(replies()), "any"),
    "ReplayModel": (lambda: ReplayModel(cassette()), "any"),
    "documented": (Documented, "any"),
    "plain": (Plain, "any"),
}

CHECKS = {
    f"{name}: {check}": check
    for name, (open_model, model) in MODELS.items()
    for check in model_conformance(open_model, model=model)
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_our_models_keep_the_promises(check: ModelCheck) -> None:
    """Each of the models that come with Pygent, and what the guide shows."""
    await check()


class Sound:
    """The model that the broken ones are made of."""

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[Any], *, emit: Emit | None = None
    ) -> Any:
        await asyncio.sleep(0)
        reply = Message.assistant(f"hello {messages[-1].text}")
        if emit is not None:
            emit(TextDelta(text=reply.text))
        return reply


class RepliesWithText(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        return (await super().chat(messages, model, tools, emit=emit)).text


class RepliesAsUser(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        return Message.user("hello")


class NeedsAListener(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        emit(TextDelta(text="hello"))
        return Message.assistant("hello")


class ShowsSomethingElse(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        await super().chat(messages, model, tools, emit=emit)
        return Message.assistant("hello")


class EmitsWords(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        if emit is not None:
            emit("hello")
        return Message.assistant("hello")


class EmitsLate(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        if emit is not None:
            asyncio.get_running_loop().call_soon(emit, TextDelta(text="hello"))
        return Message.assistant("hello")


class AddsInstructions(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        messages.insert(0, Message.system("Be good."))
        return await super().chat(messages, model, tools, emit=emit)


class ChangesTools(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        for tool in tools:
            del tool["function"]["parameters"]["additionalProperties"]
        return await super().chat(messages, model, tools, emit=emit)


class Calls(Sound):
    call = tool_call("get_weather", id="call_1", city="Oslo")

    async def chat(self, messages, model, tools, *, emit=None):
        return Message.assistant(tool_calls=[self.call]) if tools else await super().chat(messages, model, tools)


class CallsWithoutId(Calls):
    call = tool_call("get_weather").__class__(id="", function=tool_call("get_weather").function)


class CallsNobody(Calls):
    call = tool_call("", id="call_1")


class CallsWithBadArguments(Calls):
    call = tool_call("get_weather", '{"city": ', id="call_1")


class ForgetsAnswers(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        if messages[-1].role == "tool":
            raise KeyError("tool_call_id")
        return await super().chat(messages, model, tools, emit=emit)


class SharesItsText(Sound):
    def __init__(self) -> None:
        self.text = ""

    async def chat(self, messages, model, tools, *, emit=None):
        self.text = ""
        for word in ("hello ", messages[-1].text):
            self.text += word
            await asyncio.sleep(0)
        reply = Message.assistant(self.text)
        self.text = ""
        if emit is not None:
            emit(TextDelta(text=f"hello {messages[-1].text}"))
        return reply


class SwallowsCancellation(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            return Message.assistant("not yet")
        return Message.assistant("hello")


class LeavesATask(Sound):
    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    async def chat(self, messages, model, tools, *, emit=None):
        self.tasks.append(asyncio.create_task(asyncio.sleep(3)))
        await asyncio.wait(self.tasks[-1:], timeout=0.001)
        self.tasks[-1].cancel()
        return Message.assistant("hello")


class KeepsItsLock(Sound):
    def __init__(self) -> None:
        self.is_busy = False

    async def chat(self, messages, model, tools, *, emit=None):
        if self.is_busy:
            raise RuntimeError("still busy")

        self.is_busy = True
        await asyncio.sleep(0.001)
        self.is_busy = False
        return await super().chat(messages, model, tools, emit=emit)


class BelongsToALoop(Sound):
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()

    async def chat(self, messages, model, tools, *, emit=None):
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError("Event loop is closed")

        return await super().chat(messages, model, tools, emit=emit)


class NeedsSoundText(Sound):
    async def chat(self, messages, model, tools, *, emit=None):
        messages[-1].text.encode()
        return await super().chat(messages, model, tools, emit=emit)


class ClosesOnce(Sound):
    def __init__(self) -> None:
        self.sessions = [object()]

    async def aclose(self) -> None:
        self.sessions.pop()


BROKEN: dict[type[Any], tuple[str, str]] = {
    RepliesWithText: ("replies_as_the_assistant", "not a Message"),
    RepliesAsUser: ("replies_as_the_assistant", "as 'user'"),
    NeedsAListener: ("replies_without_a_listener", "NoneType"),
    ShowsSomethingElse: ("emits_what_it_says", "text deltas join to"),
    EmitsWords: ("emits_what_it_says", "no event"),
    EmitsLate: ("emits_what_it_says", "came after the reply"),
    AddsInstructions: ("leaves_its_arguments_alone", "changed the messages"),
    ChangesTools: ("leaves_its_arguments_alone", "changed the tools"),
    Calls: ("calls_tools_soundly", "used before"),
    CallsWithoutId: ("calls_tools_soundly", "no id"),
    CallsNobody: ("calls_tools_soundly", "no name"),
    CallsWithBadArguments: ("calls_tools_soundly", "no JSON object"),
    ForgetsAnswers: ("goes_on_after_tools", "KeyError"),
    SharesItsText: ("keeps_chats_apart", "text deltas join to"),
    SwallowsCancellation: ("ends_when_cancelled", "did not raise CancelledError"),
    LeavesATask: ("ends_when_cancelled", "left tasks behind"),
    KeepsItsLock: ("works_after_a_cancellation", "still busy"),
    BelongsToALoop: ("works_on_another_event_loop", "Event loop is closed"),
    NeedsSoundText: ("fails_with_our_errors", "UnicodeEncodeError"),
    ClosesOnce: ("closes_twice", "pop from empty list"),
}
"""Models that break a promise: which one, and what is said."""


@pytest.mark.parametrize("broken", BROKEN, ids=lambda model: model.__name__)
async def test_a_broken_promise_is_found(broken: type[Any]) -> None:
    """The check that is named after it fails, says what is wrong, and adds the promise."""
    name, complaint = BROKEN[broken]
    check = next(check for check in model_conformance(broken) if check.name == name)
    with pytest.raises((AssertionError, IndexError)) as caught:
        await check()

    assert complaint in str(caught.value)
    assert caught.value.__notes__ == [f"the promise: {check.promise}"]


@pytest.mark.parametrize("check", model_conformance(Sound), ids=str)
async def test_what_the_broken_ones_are_made_of_is_sound(check: ModelCheck) -> None:
    """So each breaks the promise by what it does itself."""
    await check()


def test_every_promise_can_be_broken() -> None:
    """There is no check that never fails, and each says what it is about."""
    checks = model_conformance(Sound)

    assert {name for name, _ in BROKEN.values()} == {check.name for check in checks}
    assert all(check.promise.endswith(".") and str(check) == check.name for check in checks)
