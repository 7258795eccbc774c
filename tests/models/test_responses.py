"""`OpenAIResponsesModel`: a conversation through the Responses API, from end to end."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pygent import AsyncAgent, LocalRuntime, Message, Settings
from pygent.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    ModelTimeout,
    QuotaError,
    SettingsError,
    StreamInterrupted,
)
from pygent.events import Event, ReasoningDelta, StreamRestarted, TextDelta, ToolCallsRescued
from pygent.models import Timeouts
from pygent.models.responses import OpenAIResponsesModel
from pygent.testing.server import HELLO, SCENARIOS, MisbehavingServer
from pygent.testing.server.response import items as wire_items
from pygent.tools import builtin_tools

from .conftest import HI, KEY, shown_words

MakeModel: TypeAlias = Callable[..., OpenAIResponsesModel]

TOOLS = [tool.spec for tool in builtin_tools()]


@pytest.fixture
def make_model(server: MisbehavingServer) -> MakeModel:
    """Models that speak to the server, without retries unless they are asked for."""

    def make(**options: Any) -> OpenAIResponsesModel:
        timeouts = Timeouts(**{"total": 20.0, **options.pop("timeouts", {})})
        return OpenAIResponsesModel(server.base_url, KEY, **{"max_retries": 0, "timeouts": timeouts, **options})

    return make


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path) as runtime:
        yield runtime


async def test_the_request_is_what_the_api_wants(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Nothing is stored, thoughts are asked for, and a half emoji does no harm."""
    tool = {"type": "function", "function": {"name": "bash", "description": "", "parameters": {"type": "object"}}}
    model = make_model(temperature=0.5, options={"reasoning": {"effort": "low", "summary": "auto"}})
    await model.chat([Message.system("be good"), Message.user("hi \ud83c")], "small", [tool])
    request = server.log[0]

    assert request.path == "/v1/responses"
    assert request.body == {
        "model": "small",
        "instructions": "be good",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi ?"}]}],
        "tools": [{"type": "function", "strict": False, **tool["function"]}],
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "temperature": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_without_stream_and_tools(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Neither is spoken of; the reply is the same, and shown at once."""
    events: list[Event] = []
    reply = await make_model(stream=False).chat(HI, "small", [], emit=events.append)

    assert reply.content == HELLO
    assert events == [TextDelta(text=HELLO)]
    assert server.log[0].body.keys() == {"model", "input", "store", "include"}


async def test_thoughts_and_words_are_shown(make_model: MakeModel) -> None:
    """While they come."""
    events: list[Event] = []
    reply = await make_model().chat(HI, "fault:reasoning", [], emit=events.append)

    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == reply.reasoning
    assert shown_words(events) == reply.content == HELLO


@pytest.mark.parametrize("stream", [True, False])
async def test_thoughts_go_back_through_a_tool_loop(
    stream: bool, server: MisbehavingServer, make_model: MakeModel, runtime: LocalRuntime
) -> None:
    """Each request begins with the one before, to the byte, and each thought stands before the call it led to."""
    model = make_model(stream=stream)
    async with AsyncAgent(model, model_name="fault:seq:tool,reasoning_again,ok", runtime=runtime) as agent:
        reply = await agent.run_until_stop("count the files")
    first, second, third = (request.body["input"] for request in server.log)
    again = {**wire_items.THOUGHT, "id": "rs_2"}

    assert reply is not None
    assert reply.content == HELLO
    assert second[:-1] == [*first, wire_items.THOUGHT, wire_items.LIST]
    assert third[:-1] == [*second, again, wire_items.said("Let me see.", 2), wire_items.COUNT]
    assert (second[-1]["call_id"], third[-1]["call_id"]) == ("call_1", "call_2")
    for request in server.log[1:]:
        assert json.dumps(wire_items.THOUGHT, separators=(",", ":")).encode() in request.content


async def test_another_model_is_not_sent_them(server: MisbehavingServer, make_model: MakeModel) -> None:
    """A conversation may go on with another model."""
    model = make_model()
    reply = await model.chat(HI, "fault:reasoning", [])
    await model.chat([*HI, reply, *HI], "small", [])

    assert [item["type"] for item in server.log[1].body["input"]] == ["message", "message", "message"]


async def noinclude(to: Any) -> None:
    """A model that has no thoughts to encrypt."""
    if "include" in to.request.body:
        await to.error(400, "invalid_request_error", "Encrypted content is not supported with this model.")
    else:
        await to.answer(to.api.streams["ok"])


async def test_a_model_that_takes_no_thoughts(
    server: MisbehavingServer,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is asked without, at once and from then on, and the log says so."""
    monkeypatch.setitem(SCENARIOS, "noinclude", noinclude)
    model, name = make_model(), "fault:seq:reasoning,noinclude"
    reply = await model.chat(HI, name, [])
    with caplog.at_level(logging.WARNING, "pygent.models"):
        for _ in range(2):
            assert (await model.chat([*HI, reply, *HI], name, [])).content == HELLO

    asked = [("include" in request.body, len(request.body["input"])) for request in server.log]
    assert asked == [(True, 1), (True, 4), (False, 3), (False, 3)]
    assert [name in record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [True]


@pytest.mark.parametrize(("field", "requests"), [("reasoning.effort", 1), ("reasoning", 2)])
async def test_a_refusal_is_believed_in_the_end(
    field: str,
    requests: int,
    server: MisbehavingServer,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What speaks of thoughts costs one more request; a setting of the user's is not ours to leave out."""

    async def refuse(to: Any) -> None:
        await to.error(400, "unsupported_parameter", f"Unsupported parameter: '{field}'")

    monkeypatch.setitem(SCENARIOS, "refuse", refuse)
    with pytest.raises(ModelStatusError, match="Unsupported"):
        await make_model().chat(HI, "fault:refuse", [])

    assert len(server.log) == requests


async def test_other_refusals_are_errors(server: MisbehavingServer, make_model: MakeModel) -> None:
    """They are raised, after one request."""
    for fault, kind in (("echo:401", AuthenticationError), ("429quota", QuotaError), ("ctxlen", ContextLengthError)):
        with pytest.raises(kind) as caught:
            await make_model().chat(HI, f"fault:{fault}", [])

        assert KEY not in f"{caught.value!r} {getattr(caught.value, 'body', '')}"
        assert caught.value.request_id == "req-7"
    assert len(server.log) == 3


async def test_an_include_of_ones_own(server: MisbehavingServer, make_model: MakeModel) -> None:
    """It stands in the place of ours."""
    await make_model(options={"include": ["message.output_text.logprobs"]}).chat(HI, "small", [])

    assert server.log[0].body["include"] == ["message.output_text.logprobs"]


@pytest.mark.parametrize("name", ["store", "input", "previous_response_id", "stream"])
def test_options_that_are_not_theirs(name: str) -> None:
    """What the class says itself cannot be said by options."""
    with pytest.raises(SettingsError, match=name):
        OpenAIResponsesModel("http://localhost/v1", KEY, options={name: True})


async def test_a_written_call_is_made(make_model: MakeModel) -> None:
    """A text that is nothing but a call is one, as with Chat Completions."""
    events: list[Event] = []
    reply = await make_model().chat(HI, "fault:written_call", TOOLS, emit=events.append)

    assert reply.content is None
    assert [call.function.name for call in reply.tool_calls] == ["bash"]
    assert events[-1] == ToolCallsRescued(names=("bash",))


async def test_a_call_cut_off_is_not_run(
    server: MisbehavingServer, make_model: MakeModel, runtime: LocalRuntime
) -> None:
    """The model is told instead, and the conversation goes on."""
    Path(runtime.workspace, "build").mkdir()
    model = make_model()
    async with AsyncAgent(model, model_name="fault:seq:tool_trunc_length,ok", runtime=runtime) as agent:
        await agent.run_until_stop("clean up")

    assert Path(runtime.workspace, "build").is_dir()
    assert "cut off" in server.log[1].body["input"][-1]["output"]


async def test_a_broken_stream_is_asked_for_again(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Viewers are told to forget it; without success, what came is in the error."""
    events: list[Event] = []
    reply = await make_model(max_retries=1).chat(HI, "fault:seq:eofmid,ok", [], emit=events.append)
    with pytest.raises(StreamInterrupted) as caught:
        await make_model().chat(HI, "fault:done_without_finish", [])

    assert reply.content == shown_words(events) == HELLO
    assert any(isinstance(event, StreamRestarted) for event in events)
    assert caught.value.partial is not None
    assert caught.value.partial.content == HELLO
    assert len(server.log) == 3


async def test_a_failure_before_the_first_word_is_tried_again(server: MisbehavingServer, make_model: MakeModel) -> None:
    """After it, the server has given up on this reply: that is an error."""
    assert (await make_model(max_retries=1).chat(HI, "fault:seq:failed,ok", [])).content == HELLO
    with pytest.raises(ModelResponseError, match="overloaded"):
        await make_model(max_retries=1).chat(HI, "fault:failed_late", [])

    assert len(server.log) == 3


async def test_silence_has_its_limit(make_model: MakeModel) -> None:
    """A server that falls silent in the middle of a response is left."""
    with pytest.raises(StreamInterrupted) as caught:
        await make_model(timeouts={"idle_content": 0.2}).chat(HI, "fault:stall", [])

    assert isinstance(caught.value.__cause__, ModelTimeout)


async def test_a_whole_response_instead_of_a_stream(make_model: MakeModel) -> None:
    """It is understood, too."""
    assert (await make_model().chat(HI, "fault:jsonbody", [])).content == HELLO


async def test_models_are_listed(make_model: MakeModel) -> None:
    """By the same path as with Chat Completions."""
    assert [info.name for info in await make_model().list_models()] == ["large", "small"]


async def test_closing_it(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Closing twice is one closing; after it the model says so."""
    model = make_model()
    assert repr(model) == f"<OpenAIResponsesModel {server.base_url}>"
    for _ in range(2):
        await model.aclose()
    assert repr(model) == f"<OpenAIResponsesModel {server.base_url} closed>"

    with pytest.raises(ModelError, match="closed"):
        await model.chat(HI, "small", [])


def test_settings_describe_it() -> None:
    """As they do an `OpenAIModel`."""
    settings = Settings.from_env({"OPENAI_BASE_URL": "http://localhost:11434/v1"})

    assert repr(OpenAIResponsesModel.from_settings(settings)) == "<OpenAIResponsesModel http://localhost:11434/v1>"
