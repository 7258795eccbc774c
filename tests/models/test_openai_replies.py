"""`OpenAIModel` and the dialects of its servers: whatever is right is understood exactly."""

from __future__ import annotations

import pytest

from pygent.events import Event
from pygent.testing.server import HELLO
from pygent.testing.server.chat.text_streams import SAYS_HELLO
from pygent.testing.server.chat.tool_streams import CALLS_TOOLS

from .conftest import HI, MakeModel, shown_words

RIGHT = [
    "ok",
    "jsonbody",
    "gzipped",
    "wrongctype",
    "bytewise",
    "holdopen",
    "finished_then_gone",
    "nousage",
    *sorted(SAYS_HELLO),
]


@pytest.mark.parametrize("name", RIGHT)
async def test_the_reply_is_exact(name: str, make_model: MakeModel) -> None:
    """However it is sent, the text arrives as the model said it, and was shown so."""
    events: list[Event] = []
    reply = await make_model().chat(HI, f"fault:{name}", [], emit=events.append)

    assert reply.content == HELLO
    assert shown_words(events) == HELLO or name == "surrogates"
    assert reply.role == "assistant"


@pytest.mark.parametrize("name", ["ok", "jsonbody", "gzipped"])
async def test_the_reply_is_exact_when_not_streamed(name: str, make_model: MakeModel) -> None:
    """The same message, at once; the usage with it."""
    events: list[Event] = []
    reply = await make_model(stream=False).chat(HI, f"fault:{name}", [], emit=events.append)

    assert reply.content == shown_words(events) == HELLO
    assert reply.usage is not None
    assert reply.usage.total_tokens == 15


@pytest.mark.parametrize("name", CALLS_TOOLS)
async def test_tool_calls_are_those_that_the_model_made(name: str, make_model: MakeModel) -> None:
    """Each with an id of its own, in the order in which they began."""
    reply = await make_model().chat(HI, f"fault:{name}", [])

    made = tuple((call.function.name, call.function.arguments) for call in reply.tool_calls)
    assert made == CALLS_TOOLS[name].calls
    assert len({call.id for call in reply.tool_calls}) == len(reply.tool_calls)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_tool_calls_of_a_whole_reply_are_repaired(stream: bool, make_model: MakeModel) -> None:
    """Missing and repeated ids, arguments as an object or none: the same rules hold as for a stream."""
    reply = await make_model(stream=stream).chat(HI, "fault:toolbody", [])
    calls = [(call.function.name, call.function.arguments) for call in reply.tool_calls]

    assert calls == [("bash", '{"cmd": "ls"}'), ("bash", "{}"), ("grep", '{"pattern": "x"}')]
    assert reply.tool_calls[0].id == "same"
    assert len({call.id for call in reply.tool_calls}) == 3


async def test_a_reply_cut_off_at_the_token_limit_says_so(make_model: MakeModel) -> None:
    """Its calls may be incomplete even if they parse: the finish reason is kept for the agent to refuse them."""
    reply = await make_model().chat(HI, "fault:tool_trunc_length", [])

    assert reply.finish_reason == "length"


async def test_an_empty_reply_is_a_reply(make_model: MakeModel) -> None:
    """The model may have nothing to say, as long as it says that this was it."""
    reply = await make_model().chat(HI, "fault:empty_content", [])

    assert (reply.content, reply.finish_reason) == ("", "stop")


async def test_bytes_that_are_no_utf8_are_replaced(make_model: MakeModel) -> None:
    """A broken byte costs a character, not the reply."""
    assert (await make_model().chat(HI, "fault:badutf8", [])).content == "x\ufffdy"
