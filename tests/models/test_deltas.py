"""The merge of chunks, with the dialects of many servers; no network."""

from __future__ import annotations

import json
from itertools import pairwise
from time import process_time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygent.errors import ContextLengthError, ModelError, ModelResponseError, RateLimitError
from pygent.events import Event, ReasoningDelta, StreamRestarted, TextDelta, ToolCallDelta
from pygent.messages import Message, Usage
from pygent.models.chat.deltas import PartialReply
from pygent.models.http.sse import SSEDecoder
from pygent.models.wire import decode_json, sound_text
from pygent.testing.server import HELLO, STREAMS
from pygent.testing.server.chat.chunks import STOP, STOP_TO_CALL, calls, completion, delta, piece, said
from pygent.testing.server.chat.text_streams import SAYS_HELLO
from pygent.testing.server.chat.tool_streams import CALLS_TOOLS

A = '{"cmd": "ls"}'

MERGED_BY_THE_READER = {"jsonbody_as_stream", "no_last_newline", "afterdone"}


def merge(stream: bytes, *cuts: int) -> tuple[Message, list[Event]]:
    """What a stream comes to, cut into chunks at these places."""
    decoder, reply, events = SSEDecoder(), PartialReply(), []
    places = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(places):
        for data in decoder.feed(stream[start:end]):
            if data != "[DONE]":
                events += reply.add(decode_json(data))
    return reply.message(), events


@pytest.mark.parametrize("name", sorted(SAYS_HELLO.keys() - MERGED_BY_THE_READER))
def test_every_dialect_says_the_same(name: str) -> None:
    """The text is exact, and what was emitted adds up to it."""
    message, events = merge(SAYS_HELLO[name].stream)
    emitted = "".join(event.text for event in events if isinstance(event, TextDelta))

    assert message.content == HELLO
    assert message.tool_calls == ()
    assert emitted == HELLO or name == "surrogates"


@pytest.mark.parametrize("name", CALLS_TOOLS)
def test_pieces_find_their_calls(name: str) -> None:
    """However a server numbers, names and repeats its tool calls, they are the calls that the model made."""
    expected = CALLS_TOOLS[name].calls
    message, events = merge(CALLS_TOOLS[name].stream)

    assert tuple((call.function.name, call.function.arguments) for call in message.tool_calls) == expected
    assert len({call.id for call in message.tool_calls}) == len(expected)
    assert all(call.id for call in message.tool_calls)
    assert {event.index for event in events if isinstance(event, ToolCallDelta)} >= set(range(len(expected)))
    assert message.content is None


def test_given_ids_are_kept() -> None:
    """The first call with an id keeps it; a second with the same gets one of its own."""
    message, _ = merge(STREAMS["tool_dupid"])

    assert message.tool_calls[0].id == "a"
    assert message.tool_calls[1].id.startswith("call_")


@pytest.mark.parametrize(
    "name", ["ok", "comments", "surrogates", "tool_two", "tool_interleaved", "reasoning", "refusal"]
)
def test_cut_anywhere_it_is_the_same_message(name: str) -> None:
    """A stream cut in two at every byte gives the message of the whole stream."""
    stream = STREAMS[name].replace(b"\n", b"\r\n")
    whole = merge(stream)

    assert all(merge(stream, cut) == whole for cut in range(len(stream) + 1))


@settings(deadline=None)
@given(text=st.text(), sizes=st.lists(st.integers(1, 9), min_size=1))
def test_text_arrives_as_it_was_said(text: str, sizes: list[int]) -> None:
    """Any text, in pieces of any size, is put together again; so are the arguments of a call."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        pieces.append(text[start : start + sizes[len(pieces) % len(sizes)]])
        start += len(pieces[-1])
    reply = PartialReply()
    reply.add(calls(piece("", name="f", id="a", index=0)))
    for part in pieces:
        reply.add(said(part))
        reply.add(calls(piece(part, index=0)))

    message = reply.message()
    assert message.text == text
    assert message.tool_calls[0].function.arguments == (text.strip() or "{}")


def test_reasoning_is_kept_apart() -> None:
    """Thoughts are no content, under whichever name they come."""
    for name in ("reasoning", "reasoning_openrouter", "reasoning_mistral"):
        message, events = merge(STREAMS[name])

        assert (message.content, message.reasoning) == (HELLO, "hm, yes")
        assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "hm, yes"


def test_refusal_is_kept_and_shown() -> None:
    """Who watches sees why there is no answer."""
    message, events = merge(STREAMS["refusal"])

    assert (message.content, message.refusal) == ("", "I can't do that")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "I can't do that"


TAGGED: dict[str, tuple[list[object], tuple[str | None, str | None]]] = {
    "tags": ([said("<th"), said("ink>hm</think>"), said("\nHello"), STOP], ("hm", "Hello")),
    "orphan": ([said("hm\n</thi"), said("nk>\n\nHello"), STOP], ("hm", "Hello")),
    "never closed": ([said("<think>hm"), delta("length")], ("hm", "")),
    "a field beside tags": ([delta(reasoning="so, "), said("<think>hm</think>Hello"), STOP], ("so, \n\nhm", "Hello")),
    "a field, and a quotation": ([delta(reasoning="hm"), said("a\n</think>\nb"), STOP], ("hm", "a\n</think>\nb")),
    "before a call": ([said("hm\n</think>\n"), calls(piece(A, name="bash", id="a")), STOP_TO_CALL], ("hm", None)),
    "held back to the end": ([said("Hello\n<"), STOP], (None, "Hello\n<")),
    "held back, and no finish reason": ([said("Hello\n<")], (None, "Hello\n<")),
    "in parts": ([said([{"type": "text", "text": "<think>hm</think>Hello"}]), STOP], ("hm", "Hello")),
}


@pytest.mark.parametrize(("chunks", "expected"), TAGGED.values(), ids=TAGGED)
def test_thoughts_inside_the_content_are_taken_out(
    chunks: list[object], expected: tuple[str | None, str | None]
) -> None:
    """They are reasoning like any other, and what a viewer has at the end is what the message holds."""
    reply, events = PartialReply(), []
    for chunk in chunks:
        events += reply.add(chunk)
    message = reply.message()
    while any(isinstance(event, StreamRestarted) for event in events):
        events.pop(0)

    assert (message.reasoning, message.content) == expected
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == (expected[0] or "")
    if reply.is_complete:
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == (expected[1] or "")


def test_thoughts_are_taken_out_of_a_whole_body() -> None:
    """Nothing is shown that would have to be forgotten."""
    reply = PartialReply()
    events = reply.add_completion(json.dumps(completion({"content": "hm\n</think>\n\nHello"})).encode())

    assert (reply.message().reasoning, reply.message().content) == ("hm", "Hello")
    assert events == [ReasoningDelta(text="hm"), TextDelta(text="Hello")]


def test_what_is_held_back_is_a_beginning_too() -> None:
    """The model has said something, though nobody can see it yet."""
    reply = PartialReply()

    assert reply.add(said("<th")) == []
    assert reply.has_begun


def text_detail(text: str | None, index: int | None = 0, **fields: object) -> dict[str, object]:
    place = {} if index is None else {"index": index}
    return {"type": "reasoning.text", "text": text, **place, "format": "anthropic-claude-v1", **fields}


ENCRYPTED = {"type": "reasoning.encrypted", "data": "c2VjcmV0", "index": 0, "id": "rs_1"}
SUMMARY = {"type": "reasoning.summary", "summary": "It ", "index": 0}
DETAILS: dict[str, tuple[list[object], list[object]]] = {
    "none": ([None, [], [{}], "odd", [7]], []),
    "text and its signature": (
        [[text_detail("h")], [text_detail("m", signature=None)], [text_detail(None, signature="c2ln")]],
        [text_detail("hm", signature="c2ln")],
    ),
    "the signature alone": ([[text_detail("", signature="c2ln")]], [text_detail("", signature="c2ln")]),
    "text that comes late": ([[text_detail(None)], [text_detail("hm")]], [text_detail("hm")]),
    "several places": (
        [[text_detail("a")], [text_detail("b", 1)], [text_detail("c", 1)]],
        [text_detail("a"), text_detail("bc", 1)],
    ),
    "no places": (
        [[text_detail("a", None)], [text_detail("b", None)], [ENCRYPTED], [text_detail("c", None)]],
        [text_detail("ab", None), ENCRYPTED, text_detail("c", None)],
    ),
    "several kinds in one place": (
        [[SUMMARY], [{**SUMMARY, "summary": "is."}], [ENCRYPTED]],
        [{**SUMMARY, "summary": "It is."}, ENCRYPTED],
    ),
    "what comes whole": ([[ENCRYPTED], [ENCRYPTED]], [ENCRYPTED, ENCRYPTED]),
    "several ids in one place": (
        [[text_detail("a", id="1")], [text_detail("b", id="2")]],
        [text_detail("a", id="1"), text_detail("b", id="2")],
    ),
    "fields and kinds of tomorrow": (
        [[text_detail("a", mood="calm")], [{"type": {"odd": 1}, "index": [2]}], [text_detail("b")]],
        [text_detail("ab", mood="calm"), {"type": {"odd": 1}, "index": [2]}],
    ),
}


@pytest.mark.parametrize(("pieces", "details"), DETAILS.values(), ids=DETAILS)
def test_what_a_server_wants_back_is_put_together(pieces: list[object], details: list[object]) -> None:
    """The details of a stream come to those of a reply that was not streamed, in the order of their beginnings."""
    reply = PartialReply()
    for piece_ in pieces:
        reply.add(delta(reasoning_details=piece_))
    whole = PartialReply()
    whole.add_completion(json.dumps(completion({"content": "a", "reasoning_details": details})).encode())
    expected = {"reasoning_details": details} if details else None

    assert reply.message().replay == expected
    assert whole.message().replay == expected


def test_details_of_a_whole_body_are_left_as_they_are() -> None:
    """The server wants the same sequence back, also where it numbered it oddly."""
    details = [text_detail("a"), text_detail("b")]
    reply = PartialReply()
    reply.add_completion(json.dumps(completion({"content": "", "reasoning_details": details})).encode())

    assert reply.message().replay == {"reasoning_details": details}


SIGNATURE = {"google": {"thought_signature": "c2ln"}}


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(A, name="bash", id="a", index=0, extra_content=SIGNATURE)],
        [piece("", name="bash", id="a", index=0, extra_content=SIGNATURE), piece(A, index=0)],
        [piece(A, name="bash", id="a", index=0), {"index": 0, "extra_content": SIGNATURE}],
        [
            piece(A, name="bash", id="a", index=0, extra_content={"other": 1}),
            {"index": 0, "extra_content": {**SIGNATURE, "other": 2}},
            {"index": 0, "extra_content": None},
        ],
    ],
    ids=["at-once", "first", "last", "in-pieces"],
)
def test_what_is_attached_to_a_call_is_kept(pieces: list[dict[str, object]]) -> None:
    """Gemini signs its calls, and refuses them without."""
    reply = PartialReply()
    for one in pieces:
        reply.add(calls(one))
    (call,) = reply.message().tool_calls

    assert call.function.arguments == A
    assert call.extra_content["google"] == SIGNATURE["google"]
    assert call.extra_content.get("other") in (None, 2)


@pytest.mark.parametrize("odd", ["\ud83c", 10**30, float("nan"), "x"], ids=["half-an-emoji", "huge", "nan", "sound"])
def test_what_is_opaque_can_be_kept_and_sent(odd: object) -> None:
    """Whatever a server attaches, a journal takes it."""
    reply = PartialReply()
    reply.add(delta(reasoning_details=[{"type": "new", "data": odd}]))
    reply.add(calls(piece(A, name="bash", id="a", extra_content={"odd": odd})))
    message = reply.message()

    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
    assert (message.replay == {"reasoning_details": [{"type": "new", "data": "x"}]}) is (odd == "x")


def test_usage_and_finish_reason_are_kept() -> None:
    """The tokens come last, in a chunk without choices."""
    message, _ = merge(STREAMS["ok"])
    cut_off, _ = merge(STREAMS["tool_trunc_length"])

    assert message.usage == Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15)
    assert message.finish_reason == "stop"
    assert cut_off.finish_reason == "length"


ERRORS: dict[str, tuple[object, type[ModelError], bool | None]] = {
    "a list": ([1, 2], ModelResponseError, None),
    "a number": (7, ModelResponseError, None),
    "server error": ({"error": {"message": "it burns", "code": 500}}, ModelResponseError, True),
    "server error by name": ({"error": {"message": "it burns", "type": "server_error"}}, ModelResponseError, True),
    "a text": ({"error": "it burns"}, ModelResponseError, False),
    "an overloaded server": ({"error": "it burns, overloaded"}, ModelResponseError, True),
    "FastAPI": ({"detail": [{"msg": "it burns"}]}, ModelResponseError, False),
    "vLLM": ({"object": "error", "message": "it burns", "code": 400}, ModelResponseError, False),
    "Gemini": ({"error": {"message": "it burns", "status": "UNAVAILABLE", "code": 503}}, ModelResponseError, True),
    "beside choices": ({"error": {"message": "it burns", "code": 502}, "choices": [{}]}, ModelResponseError, True),
    "within a choice": ({"choices": [{"error": {"message": "it burns", "code": 502}}]}, ModelResponseError, True),
    "too long": ({"error": {"message": "it burns", "code": "context_length_exceeded"}}, ContextLengthError, False),
    "too fast": ({"error": {"message": "it burns", "code": 429}}, RateLimitError, True),
}


@pytest.mark.parametrize(("chunk", "kind", "should_retry"), ERRORS.values(), ids=ERRORS)
def test_an_error_in_the_place_of_a_chunk_is_raised(
    chunk: object, kind: type[ModelError], should_retry: bool | None
) -> None:
    """It is an error of ours, which says what the server said."""
    with pytest.raises(kind) as caught:
        PartialReply().add(chunk)

    assert type(caught.value) is kind
    assert caught.value.should_retry is should_retry
    assert "it burns" in str(caught.value) or not isinstance(chunk, dict)


def test_a_whole_completion_is_merged_by_the_same_rules() -> None:
    """Not streamed, it comes to the same message."""
    reply = PartialReply()
    events = reply.add_completion(json.dumps(completion({"content": HELLO, "reasoning_content": "hm"})).encode())
    message = reply.message()

    assert (message.content, message.reasoning, message.finish_reason) == (HELLO, "hm", "stop")
    assert message.usage is not None
    assert events == [ReasoningDelta(text="hm"), TextDelta(text=HELLO)]
    assert reply.is_complete


@pytest.mark.parametrize(
    "body", ["", "[]", "<html>", '{"choices": null}', '{"choices": [null]}', '{"choices": [{}]}', "{}", "nul"]
)
def test_what_is_no_completion_is_refused(body: str) -> None:
    """The error shows what came instead."""
    with pytest.raises(ModelResponseError, match="did not send a reply") as caught:
        PartialReply().add_completion(body.encode())

    assert (body or "nothing at all") in str(caught.value)


def test_the_state_can_be_seen() -> None:
    """A repr says how far a reply has come."""
    reply = PartialReply()
    assert repr(reply) == "<PartialReply empty calls=0>"

    reply.add(calls(piece("{}", name="bash")))
    assert repr(reply) == "<PartialReply begun calls=1>"

    reply.add(STOP)
    assert repr(reply) == "<PartialReply complete calls=1>"


def test_a_role_alone_is_no_beginning() -> None:
    """Nothing was said yet, so a failure may still be repaired in silence."""
    reply = PartialReply()
    reply.add(delta(role="assistant", content=""))

    assert not reply.has_begun


JSON_TEXTS = {
    "plain": ('{"a": [1, "ä"]}', {"a": [1, "ä"]}),
    "infinity": ('{"a": 1e999}', {"a": float("inf")}),
    "half an emoji": (r'["\ud83c"]', ["\ud83c"]),
    "line break in a text": ('["a\nb"]', ["a\nb"]),
    "byte order mark": ("\ufeff[1]".encode(), [1]),
}


@pytest.mark.parametrize(("text", "value"), JSON_TEXTS.values(), ids=JSON_TEXTS)
def test_json_is_read_as_servers_write_it(text: str | bytes, value: object) -> None:
    """Small slips are no reason to lose a reply."""
    assert decode_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        *("[" * depth + "]" * depth for depth in (201, 990, 100_000)),
        b"\xff",
        "1" * 10_000 + "x",
    ],
    ids=range(8),
)
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    """Nothing else comes out, also for what nests too deeply."""
    with pytest.raises(ValueError):  # noqa: PT011 - its text is the decoder's
        decode_json(text)


def test_what_servers_nest_is_read() -> None:
    """The limit is far from what any server says."""
    assert decode_json("[" * 200 + "]" * 200)
    assert decode_json(f"[{'{},' * 500}1]")


@pytest.mark.parametrize("depth", [150, 250, 900, 970, 990, 2000])
@pytest.mark.parametrize("odd", ["arguments", "name", "id"])
def test_deep_calls_are_a_call_or_a_model_error(odd: str, depth: int) -> None:
    """Nothing nested in a call is too deep for the steps that come after its decoding."""
    call = json.dumps(piece("{}", name="bash", id="a", index=0) | {"id": "a"})
    deep = '{"a":' * depth + "1" + "}" * depth
    fields = json.loads(call)
    target = fields if odd == "id" else fields["function"]
    target[odd] = "DEEP"
    body = json.dumps({"choices": [{"message": {"tool_calls": [fields]}}]}).replace('"DEEP"', deep).encode()
    reply = PartialReply()
    try:
        reply.add_completion(body)
    except ModelResponseError:
        assert depth > 190
    else:
        assert msgspec.json.encode(reply.message())
        assert repr(reply.message())


@pytest.mark.parametrize("tail", ["}", " ", "\\", '"'], ids=["bracket", "blank", "backslash", "quote"])
def test_repeated_names_do_not_read_the_arguments_again(tail: str) -> None:
    """Eight times the pieces, each under the name of the call, are about eight times the work."""

    def seconds(pieces: int) -> float:
        reply = PartialReply()
        start = process_time()
        for number in range(pieces):
            reply.add(calls({"id": "a", "function": {"name": "bash", "arguments": tail if number else '{"cmd":"x'}}))
        return process_time() - start

    assert min(seconds(16_000) for _ in range(2)) < 24 * min(seconds(2_000) for _ in range(3)) + 0.01


@pytest.mark.parametrize(
    "arguments", ['{"cmd": "}"}', r'{"cmd": "\\"}', '{"a": {"b": [{}]}}', r'{"cmd": "\"}{"}', " {} "]
)
def test_a_name_behind_whole_arguments_begins_a_call(arguments: str) -> None:
    """Wherever the arguments before it are cut, and whatever brackets stand in their texts."""
    for cut in range(1, len(arguments.rstrip())):
        reply = PartialReply()
        for part in (arguments[:cut], arguments[cut:], "{}"):
            reply.add(calls({"function": {"name": "bash", "arguments": part}}))

        assert [call.function.arguments for call in reply.message().tool_calls] == [arguments.strip(), "{}"]


SURROGATES = {
    "": "",
    "a🌍": "a🌍",
    "\ud83c\udf0d": "🌍",
    "\ud83c": "\ufffd",
    "a\udf0db": "a\ufffdb",
    "\ud83cx": "\ufffdx",
}


@pytest.mark.parametrize(("text", "sound"), SURROGATES.items(), ids=map(ascii, SURROGATES))
def test_surrogates_are_joined_or_replaced(text: str, sound: str) -> None:
    """What is left can be encoded and shown."""
    assert sound_text(text) == sound
