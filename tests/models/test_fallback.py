"""`FallbackModel`: who has an answer gives it; who sees the reply come sees no more than that one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pygent import AsyncAgent, FallbackModel
from pygent.errors import ModelError, ModelStatusError, SettingsError, StreamInterrupted
from pygent.events import Emit, Event, ModelReplaced, RetryScheduled, StreamRestarted, TextDelta
from pygent.messages import JSON, Message
from pygent.models import fallback
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, MakeModel, shown_words


class Scripted:
    """Says what it is told, or raises it; knows by what names it was asked."""

    def __init__(self, *replies: str | ModelError) -> None:
        self.replies = list(replies)
        self.names: list[str] = []

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        self.names.append(model)
        reply = self.replies.pop(0)
        if isinstance(reply, ModelError):
            raise reply

        if emit is not None:
            emit(TextDelta(text=reply))
        return Message.assistant(reply)


async def test_the_first_that_can_answers() -> None:
    """The others are not asked; each goes by its own name, or by the agent's."""
    first, second, third = Scripted(ModelError("no")), Scripted("yes"), Scripted()
    reply = await FallbackModel([first, (second, "small"), third]).chat(HI, "agents-own", [])

    assert reply.content == "yes"
    assert (first.names, second.names, third.names) == (["agents-own"], ["small"], [])


async def test_viewers_see_one_reply(server: MisbehavingServer, make_model: MakeModel) -> None:
    """What the first one said before it broke off is taken back, and they are told whom they hear now."""
    events: list[Event] = []
    model = FallbackModel([(make_model(), "fault:midsse"), (make_model(), "fault:ok")])
    reply = await model.chat(HI, "", [], emit=events.append)
    replaced = [event for event in events if isinstance(event, ModelReplaced)]

    assert reply.content == shown_words(events) == HELLO
    assert [event.model for event in replaced] == ["fault:ok"]
    assert "broke off" in replaced[0].reason


async def test_nothing_is_taken_back_that_was_not_shown(make_model: MakeModel) -> None:
    """Retries alone are nothing to forget."""
    events: list[Event] = []
    model = FallbackModel([(make_model(max_retries=1), "fault:429ra:0.01"), (make_model(), "fault:ok")])
    await model.chat(HI, "", [], emit=events.append)

    assert [type(event) for event in events[:2]] == [RetryScheduled, ModelReplaced]
    assert not any(isinstance(event, StreamRestarted) for event in events)


async def test_when_nobody_answers_the_error_tells_of_all(make_model: MakeModel) -> None:
    """It is the last one's, with a note for each of the others."""
    model = FallbackModel(
        [(make_model(), "fault:status:500"), (make_model(), "fault:midsse"), (make_model(), "fault:status:404")]
    )
    with pytest.raises(ModelStatusError, match="404") as caught:
        await model.chat(HI, "", [])

    first, second = caught.value.__notes__
    assert "fault:status:500" in first
    assert "500" in first
    assert "broke off" in second


async def test_who_failed_is_asked_last_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step would otherwise pay for the retries of a server that is down; later it is the first again."""
    first, second = Scripted(ModelError("down"), "back"), Scripted("1", "2")
    model = FallbackModel([first, second])

    assert (await model.chat(HI, "m", [])).content == "1"
    assert (await model.chat(HI, "m", [])).content == "2"

    monkeypatch.setattr(fallback, "REST", 0.0)
    assert (await model.chat(HI, "m", [])).content == "back"


async def test_a_cancellation_is_no_failure() -> None:
    """The next one is not asked."""

    class Slow(Scripted):
        async def chat(self, *args: object, **options: object) -> Message:  # type: ignore[override]
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    asked = asyncio.Event()
    second = Scripted("no")
    task = asyncio.create_task(FallbackModel([Slow(), second]).chat(HI, "m", []))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert second.names == []


async def test_models_of_the_documented_shape_are_welcome() -> None:
    """A plain `def chat` without `emit`, too."""

    class Plain:
        def chat(self, messages: object, model: str, tools: object) -> dict[str, str]:
            return {"role": "assistant", "content": f"I am {model}"}

    assert (await FallbackModel([Scripted(ModelError("no")), Plain()]).chat(HI, "plain", [])).content == "I am plain"


async def test_an_agent_runs_on_it() -> None:
    """Its events reach the agent's subscribers."""
    events: list[Event] = []
    agent = AsyncAgent(FallbackModel([Scripted(StreamInterrupted("gone")), Scripted("done")]), model_name="m")
    agent.events.subscribe(events.append)
    async with agent:
        await agent.run_until_stop("go")

    assert agent.answer == "done"
    assert any(isinstance(event, ModelReplaced) for event in events)


async def test_names_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may say whose server it is."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk-sentinel-123456789")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    assert repr(FallbackModel(["groq:llama", "ollama:qwen3:4b"])) == "<FallbackModel groq:llama, ollama:qwen3:4b>"


def test_nobody_to_ask_is_refused() -> None:
    """At once, and not at the first question; a name alone is not taken for a list of letters."""
    with pytest.raises(ValueError, match="empty"):
        FallbackModel([])
    with pytest.raises(TypeError, match="is one name"):
        FallbackModel("groq:llama")
    with pytest.raises(SettingsError, match="no provider 'grok'"):
        FallbackModel(["grok:llama"])


async def test_a_bad_request_does_not_send_a_model_to_rest() -> None:
    """The next question, which may be good, goes to the preferred one again."""
    first, second = Scripted(ModelStatusError("an image", status=400), "good"), Scripted("other")
    model = FallbackModel([first, second])

    assert (await model.chat(HI, "m", [])).content == "other"
    assert (await model.chat(HI, "m", [])).content == "good"
