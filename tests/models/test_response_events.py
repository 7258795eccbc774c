"""`PartialResponse`: whatever events a server makes of a response, they come to the same message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.errors import ModelError, ModelResponseError, RateLimitError, StreamInterrupted
from pygent.events import Event, ReasoningDelta, TextDelta, ToolCallDelta
from pygent.messages import Message, ToolCall, ToolCallFunction, Usage
from pygent.models.http.sse import SSEDecoder
from pygent.models.response.events import PartialResponse
from pygent.testing.server import HELLO
from pygent.testing.server.response import events as wire_events
from pygent.testing.server.response import items as wire_items
from pygent.testing.server.response.streams import CALLS_TWICE, SAYS_HELLO, STREAMS
from pygent.testing.server.response.whole import whole_response

USAGE = Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15, cached_tokens=4, reasoning_tokens=2)
LIST = ToolCall(id="call_1", function=ToolCallFunction(name="bash", arguments='{"cmd": "ls"}'))
COUNT = ToolCall(id="call_2", function=ToolCallFunction(name="bash", arguments='{"cmd": "wc -l *"}'))
THOUGHT = "**First** look.\n\n**Then** count."
SAID = Message(role="assistant", content=HELLO, usage=USAGE, finish_reason="stop")
CALLED = Message(role="assistant", tool_calls=(LIST, COUNT), usage=USAGE, finish_reason="tool_calls")


def merged(stream: bytes) -> tuple[PartialResponse, list[Event]]:
    """What a stream comes to, and what is seen of it."""
    response, shown = PartialResponse("me"), []
    for data in SSEDecoder().feed(stream):
        if data == "[DONE]":
            response.end()
        else:
            shown += response.add(json.loads(data))
    return response, shown


def texts(kind: type[TextDelta] | type[ReasoningDelta], shown: Sequence[Event]) -> str:
    return "".join(event.text for event in shown if isinstance(event, kind))


def arguments(shown: Sequence[Event]) -> dict[int, str]:
    found: dict[int, str] = {}
    for event in shown:
        if isinstance(event, ToolCallDelta):
            found[event.index] = found.get(event.index, "") + event.arguments
    return found


@pytest.mark.parametrize("name", SAYS_HELLO)
def test_all_say_hello(name: str) -> None:
    """In pieces, as a whole, or twice, with and without ids: once is how often it is said and shown."""
    response, shown = merged(SAYS_HELLO[name].stream)

    assert response.message() == SAID
    assert texts(TextDelta, shown) == HELLO
    assert response.has_begun
    assert repr(response) == "<PartialResponse completed items=1>"


@pytest.mark.parametrize("name", CALLS_TWICE)
def test_all_call_twice(name: str) -> None:
    """The pieces find their calls, and the calls their order, however a server numbers and names them."""
    response, shown = merged(CALLS_TWICE[name].stream)

    assert response.message() == CALLED
    assert sorted(arguments(shown).values()) == [LIST.function.arguments, COUNT.function.arguments]


MESSAGES: dict[str, dict[str, Any]] = {
    "tool": {"tool_calls": (LIST,), "reasoning": THOUGHT, "finish_reason": "tool_calls"},
    "tool_after_text": {"content": HELLO, "tool_calls": (LIST,), "finish_reason": "tool_calls"},
    "reasoning": {"content": HELLO, "reasoning": THOUGHT},
    "reasoning_open": {"content": HELLO, "reasoning": "Look, then count."},
    "reasoning_last": {"content": HELLO, "reasoning": THOUGHT},
    "think_tags": {"content": HELLO, "reasoning": "hm"},
    "two_messages": {"content": "First.\n\nSecond."},
    "refusal": {"content": "", "refusal": "I will not."},
    "length": {"content": HELLO, "finish_reason": "length"},
    "content_filter": {"content": HELLO, "finish_reason": "content_filter"},
    "thought_only": {"content": "", "reasoning": THOUGHT, "finish_reason": "length"},
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_response_is_understood(name: str) -> None:
    """Words, thoughts, refusals and calls each have their place, and viewers see the same words."""
    response, shown = merged(STREAMS[name])
    message = response.message()
    fields = {"role": "assistant", "usage": USAGE, "finish_reason": "stop", "replay": message.replay}

    assert message == Message(**{**fields, **MESSAGES[name]})
    assert texts(TextDelta, shown) == message.text
    assert texts(ReasoningDelta, shown) == (message.reasoning or "")


def test_a_call_cut_off_says_so() -> None:
    """A call that ends at the token limit is partial even if it parses: the reason is there to be seen."""
    message = merged(STREAMS["tool_trunc_length"])[0].message()

    assert message.finish_reason == "length"
    assert [call.function.name for call in message.tool_calls] == ["bash"]


REPLAYED = {
    "tool": [wire_items.THOUGHT, wire_items.LIST],
    "reasoning": [wire_items.THOUGHT, wire_items.said()],
    "reasoning_open": [wire_items.OPEN_THOUGHT, wire_items.said()],
    "ok": None,  # the message says it all
    "reasoning_last": None,  # a thought that leads to nothing is refused
    "thought_only": None,  # so is half a thought
    "tool_trunc_length": None,
}


@pytest.mark.parametrize("name", REPLAYED)
def test_thoughts_are_kept(name: str) -> None:
    """A whole output with thoughts that can be told again is kept as it came, with the name of who wrote it."""
    message = merged(STREAMS[name])[0].message()
    output = REPLAYED[name]

    assert message.replay == (None if output is None else {"responses": {"author": "me", "output": output}})


@pytest.mark.parametrize("name", [*SAYS_HELLO, *CALLS_TWICE, *MESSAGES])
def test_a_whole_response_is_the_same(name: str) -> None:
    """A body that is not streamed comes to the same message, and all of it is shown."""
    stream = STREAMS[name]
    response = PartialResponse("me")
    shown = response.add_completion(whole_response(stream))

    assert response.is_complete
    assert response.message() == merged(stream)[0].message()
    assert texts(TextDelta, shown) == response.message().text


ERRORS: dict[str, tuple[type[ModelError], str, bool | None]] = {
    "failed": (ModelResponseError, "overloaded", True),
    "failed_limit": (RateLimitError, "slow down", True),
    "failed_silently": (ModelResponseError, "does not say why", None),
    "failed_late": (ModelResponseError, "overloaded", True),
    "err_in_200": (ModelResponseError, "overloaded", True),
    "err_nested": (ModelResponseError, "overloaded", True),
    "err_untyped": (ModelResponseError, "overloaded", True),
    "not_object": (ModelResponseError, "no object", None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_one(name: str) -> None:
    """Whatever its shape, it is raised, and says whether the same request may succeed."""
    kind, text, may_retry = ERRORS[name]
    with pytest.raises(kind, match=text) as caught:
        merged(STREAMS[name])

    assert caught.value.should_retry is may_retry


BODIES = {
    "html": (b"<html>Bad gateway</html>", "not JSON"),
    "list": (b"[1]", "no output"),
    "completion": (b'{"choices": [{"message": {"content": "hi"}}]}', "no output"),
    "error": (b'{"error": {"message": "overloaded", "code": 503}}', "overloaded"),
    "failed": (whole_response(STREAMS["failed"]), "overloaded"),
    "not yet": (b'{"status": "in_progress", "output": []}', "in_progress"),
    "nothing": (b"", "not JSON"),
}


@pytest.mark.parametrize(("body", "text"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_response(body: bytes, text: str) -> None:
    """It is one typed error that says what came instead."""
    with pytest.raises(ModelResponseError, match=text):
        PartialResponse().add_completion(body)


@pytest.mark.parametrize("name", ["eofmid", "tool_eofmid"])
def test_without_its_last_event_a_response_is_not_complete(name: str) -> None:
    """Not even if each item is said to be done."""
    response, _ = merged(STREAMS[name])

    assert not response.is_complete
    assert response.message().finish_reason is None
    assert repr(response).startswith("<PartialResponse begun")


def test_done_is_no_last_event() -> None:
    """The word `[DONE]`, which belongs to another protocol, does not make a response complete."""
    with pytest.raises(StreamInterrupted) as caught:
        merged(STREAMS["done_without_finish"])

    assert caught.value.partial is not None
    assert caught.value.partial.content == HELLO


def test_thoughts_and_messages_are_set_off() -> None:
    """Viewers see a blank line between two thoughts, and between two messages, as the message has it."""
    events = wire_events.events(wire_items.THOUGHT, wire_items.said("A"), wire_items.said("B", 2))
    _, shown = merged(wire_events.stream(*events))

    assert texts(ReasoningDelta, shown) == THOUGHT
    assert texts(TextDelta, shown) == "A\n\nB"


def test_an_odd_usage_is_no_reason_to_lose_a_reply() -> None:
    """Counts in a shape of their own are left out."""
    for usage in ("many", {"input_tokens_details": 3}, {"input_tokens": "x"}):
        message = merged(wire_events.stream(wire_events.ended(wire_items.said(), usage=usage)))[0].message()

        assert message.content == HELLO


def test_a_whole_that_contradicts_its_pieces_counts() -> None:
    """What the server says at the end is what it said."""
    events = wire_events.events(wire_items.said("Hello"))
    events[4]["delta"] = "Xel"

    assert merged(wire_events.stream(*events))[0].message().content == "Hello"


def test_a_secret_that_has_but_begun_is_not_kept() -> None:
    """At the begin of an item its encrypted content may be incomplete, and a server would refuse it."""
    begun = {"type": "response.output_item.added", "output_index": 0, "item": wire_items.THOUGHT}
    call = {"type": "response.output_item.done", "output_index": 1, "item": wire_items.LIST}

    assert merged(wire_events.stream(begun, call, wire_events.ended()))[0].message().replay is None


def test_the_end_of_a_call_may_lack_its_name() -> None:
    """It was said at the begin."""
    begun, *_, done = wire_events.item_events(wire_items.LIST)
    done = {**done, "item": {name: value for name, value in done["item"].items() if name not in ("name", "call_id")}}

    assert merged(wire_events.stream(begun, done, wire_events.ended()))[0].message().tool_calls == (LIST,)


def test_emoji_cut_in_two() -> None:
    """Halves of a character in two pieces are one character; a lone half is replaced, also in what goes back."""
    start = {"type": "response.output_text.delta", "item_id": "msg_1"}
    halves = [{**start, "delta": half} for half in ("\ud83c", "\udf0d")]
    response = PartialResponse("me")
    for event in [*halves, wire_events.ended()]:
        response.add(event)
    lone = PartialResponse("me")
    lone.add(wire_events.ended({**wire_items.THOUGHT, "summary": []}, wire_items.said("a\ud83c")))

    assert response.message().content == "🌍"
    assert lone.message().content == "a\ufffd"
    assert json.dumps(lone.message().replay, ensure_ascii=False).encode()


SAMPLES = [*(recording.stream for recording in (SAYS_HELLO | CALLS_TWICE).values()), STREAMS["tool"]]


@given(st.sampled_from(SAMPLES), st.data())
def test_cuts_change_nothing(stream: bytes, data: st.DataObject) -> None:
    """However the network cuts a stream, the message is the same."""
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    decoder, response = SSEDecoder(), PartialResponse("me")
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        for event in decoder.feed(stream[start:end]):
            if event != "[DONE]":
                response.add(json.loads(event))

    assert response.message() == merged(stream)[0].message()


@given(st.sampled_from(["deltas", "wholes"]), st.randoms(use_true_random=False))
def test_order_within_items_does_not_matter(kept: str, random: Any) -> None:
    """Events of different items may come in any order, as long as those of one item keep theirs."""
    items = [wire_events.item_events(item, index) for index, item in enumerate((wire_items.LIST, wire_items.COUNT))]
    if kept == "wholes":
        items = [wire_events.only((".done",), events) for events in items]
    order = [number for number, events in enumerate(items) for _ in events]
    random.shuffle(order)
    waiting = [iter(events) for events in items]
    events = [next(waiting[number]) for number in order]

    assert merged(wire_events.stream(*events, wire_events.ended()))[0].message() == CALLED


TYPES = [
    *(f"response.{name}" for name in ("output_item.added", "output_item.done", "completed", "incomplete", "failed")),
    *(
        f"response.{name}.{phase}"
        for name in ("output_text", "refusal", "reasoning_text")
        for phase in ("delta", "done")
    ),
    *(f"response.function_call_arguments.{phase}" for phase in ("delta", "done")),
    *("error", "message", "function_call", "reasoning", "output_text", "summary_text"),
]
NAMES = [
    "type",
    "item",
    "response",
    "output",
    "content",
    "summary",
    "delta",
    "text",
    "arguments",
    "id",
    "call_id",
    "name",
]
NAMES += ["item_id", "output_index", "content_index", "status", "error", "usage", "input_tokens", "incomplete_details"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "a", "rs_1", *TYPES]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=6,
)
EVENTS = st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(NAMES[1:], VALUES))


@given(st.lists(EVENTS | VALUES, max_size=5))
def test_no_event_is_too_odd(events: list[Any]) -> None:
    """Whatever a server sends is merged or refused with an error of ours, and makes a message that goes anywhere."""
    response = PartialResponse("me")
    for event in events:
        try:
            response.add(event)
        except ModelError:
            break
    message = response.message()

    assert json.dumps(message.to_dict(), ensure_ascii=False).encode()
    assert len({call.id for call in message.tool_calls}) == len(message.tool_calls)
