"""What servers stream: the data of every stream that says "Hello, wörld 🌍" or calls tools, in all its dialects."""

from __future__ import annotations

import json
from typing import Any

HELLO = "Hello, wörld \u2028\x85\x0b🌍"
"""What the model says: with the line ends of Unicode, which are none in a stream."""


def sse(*chunks: Any, done: bool = True, end: str = "\n") -> bytes:
    """The chunks as server-sent events, with `[DONE]` after them."""
    data = [chunk if isinstance(chunk, str) else json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {text}{end}{end}" for text in [*data, *(["[DONE]"] if done else [])]).encode()


def delta(finish_reason: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": fields, "finish_reason": finish_reason}],
    }


def said(text: Any) -> dict[str, Any]:
    return delta(content=text)


def calls(*pieces: dict[str, Any]) -> dict[str, Any]:
    return delta(tool_calls=list(pieces))


def piece(arguments: Any = None, *, name: str | None = None, **fields: Any) -> dict[str, Any]:
    """A piece of a tool call; fields are `id` and `index`."""
    function = {} if name is None else {"name": name}
    return {**fields, "type": "function", "function": {**function, "arguments": arguments}}


def completion(message: dict[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
    """A whole completion, not streamed."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": usage}


STOP = delta("stop")
TOOLS = delta("tool_calls")
USAGE = {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
WORDS = [said(HELLO[:3]), said(HELLO[3:8]), said(HELLO[8:])]
A, B = '{"cmd": "ls"}', '{"cmd": "pwd"}'

PLAIN = sse(delta(role="assistant", content=""), *WORDS, STOP, USAGE)

SAYS_HELLO: dict[str, bytes] = {
    "ok": PLAIN,
    "crlf": PLAIN.replace(b"\n", b"\r\n"),
    "cr": PLAIN.replace(b"\n", b"\r"),
    "bom": b"\xef\xbb\xbf" + PLAIN,
    "nospace": PLAIN.replace(b"data: ", b"data:"),
    "comments": b": hello\n\nretry: 10\n\nid: 7\n\nevent: ping\ndata: {}\n\n:\n" + PLAIN + b": bye\n\n",
    "multidata": b"".join(
        b"event: chunk\ndata: {\ndata: " + json.dumps(chunk).encode()[1:] + b"\n\n" for chunk in [*WORDS, STOP]
    ),
    "nodone": sse(*WORDS, STOP, done=False),
    "done_without_finish": sse(*WORDS),
    "no_last_newline": sse(*WORDS, STOP)[:-2],
    "afterdone": PLAIN + sse(said("more"), {"error": "late"}),
    "usage_last": sse(*WORDS, STOP, USAGE),
    "usage_in_each": sse(*({**word, "usage": {"total_tokens": 1}} for word in WORDS), STOP, USAGE),
    "no_choices": sse({"id": "1", "prompt_filter_results": []}, *WORDS, STOP),
    "choices_null": sse({"choices": None}, *WORDS, STOP),
    "delta_null": sse(*WORDS, {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]}),
    "nulls": sse(delta(content=None, tool_calls=None, reasoning=None, refusal=None), *WORDS, STOP),
    "n2": sse(*(chunk for word in WORDS for chunk in (word, delta(index=1, content="no"))), delta("length", 1), STOP),
    "content_parts": sse(
        *(said([{"type": "text", "text": word["choices"][0]["delta"]["content"]}]) for word in WORDS), STOP
    ),
    "message_instead": sse({"choices": [{"index": 0, "message": {"content": HELLO}, "finish_reason": "stop"}]}),
    "surrogates": sse(
        said(HELLO[:-1]),
        r'{"choices": [{"delta": {"content": "\ud83c"}}]}',
        r'{"choices": [{"delta": {"content": "\udf0d"}}]}',
        STOP,
    ),
    "nan": sse(*WORDS, '{"choices":[{"delta":{},"logprobs":NaN,"finish_reason":"stop"}]}'),
    "odd_usage": sse(*WORDS, STOP, {"choices": [], "usage": {"prompt_tokens_details": [1]}}),
    "jsonbody_as_stream": json.dumps(completion({"content": HELLO})).encode(),
}
"""Streams that come to the same text."""

TOOL_CALLS: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "tool_plain": (
        sse(calls(piece("", name="bash", id="a", index=0)), *(calls(piece(part, index=0)) for part in A), TOOLS),
        [("bash", A)],
    ),
    "tool_two": (
        sse(
            calls(piece("", name="bash", id="a", index=0)),
            calls(piece(A, index=0)),
            calls(piece("", name="grep", id="b", index=1)),
            calls(piece(B, index=1)),
            TOOLS,
        ),
        [("bash", A), ("grep", B)],
    ),
    "tool_interleaved": (
        sse(
            calls(piece("", name="bash", id="a", index=0), piece("", name="grep", id="b", index=1)),
            *(calls(piece(a, index=0), piece(b, index=1)) for a, b in zip(A, B, strict=False)),
            calls(piece(B[len(A) :], index=1)),
            TOOLS,
        ),
        [("bash", A), ("grep", B)],
    ),
    "tool_noindex": (sse(calls(piece(A[:4], name="bash", id="a")), calls(piece(A[4:])), TOOLS), [("bash", A)]),
    "tool_two_noindex": (
        sse(calls(piece(A, name="bash", id="a"), piece(B, name="grep", id="b")), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_two_noindex_noid": (
        sse(calls(piece(A, name="bash")), calls(piece(B, name="grep")), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_two_at_once_empty": (
        sse(calls(piece("", name="bash"), piece("", name="grep")), TOOLS),
        [("bash", "{}"), ("grep", "{}")],
    ),
    "tool_idx_collide": (
        sse(calls(piece(A, name="bash", id="a", index=0)), calls(piece(B, name="grep", id="b", index=0)), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_out_of_order": (
        sse(calls(piece(B, name="grep", id="b", index=1)), calls(piece(A, name="bash", id="a", index=0)), TOOLS),
        [("grep", B), ("bash", A)],
    ),
    "tool_idx_gap": (
        sse(calls(piece(A, name="bash", id="a", index=3)), calls(piece(B, name="grep", id="b", index=70)), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_idx_str": (
        sse(calls(piece(A[:5], name="bash", id="a", index="0")), calls(piece(A[5:], index="0")), TOOLS),
        [("bash", A)],
    ),
    "tool_noid": (
        sse(calls(piece(A, name="bash", index=0)), calls(piece(B, name="grep", index=1)), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_emptyid": (
        sse(calls(piece(A, name="bash", id="", index=0)), calls(piece(B, name="grep", id="", index=1)), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_dupid": (
        sse(
            calls(piece("", name="bash", id="a", index=0)),
            calls(piece(A, index=0)),
            calls(piece("", name="grep", id="a", index=1)),
            calls(piece(B[:3], id="a", index=1)),
            calls(piece(B[3:], index=1)),
            TOOLS,
        ),
        [("bash", A), ("grep", B)],
    ),
    "tool_dupid_noindex": (
        sse(calls(piece(A, name="bash", id="a")), calls(piece(B, name="grep", id="a")), TOOLS),
        [("bash", A), ("grep", B)],
    ),
    "tool_id_repeated": (
        sse(*(calls(piece(part, name="bash", id="a", index=0)) for part in A), TOOLS),
        [("bash", A)],
    ),
    "tool_id_repeated_noindex": (
        sse(*(calls(piece(part, name="bash", id="a")) for part in A), calls(piece("", name="bash", id="a")), TOOLS),
        [("bash", A)],
    ),
    "tool_id_late": (
        sse(calls(piece("", name="bash", index=0)), calls(piece(A, id="a", index=0)), TOOLS),
        [("bash", A)],
    ),
    "tool_args_null": (sse(calls(piece(None, name="bash", id="a", index=0)), TOOLS), [("bash", "{}")]),
    "tool_args_empty": (sse(calls(piece("", name="bash", id="a", index=0)), TOOLS), [("bash", "{}")]),
    "tool_args_obj": (sse(calls(piece({"cmd": "ls"}, name="bash", id="a", index=0)), TOOLS), [("bash", A)]),
    "tool_args_bad": (sse(calls(piece('{"cmd": ', name="bash", id="a", index=0)), TOOLS), [("bash", '{"cmd":')]),
    "tool_args_deep": (
        sse(calls(piece("[" * 9999, name="bash", id="a")), calls(piece("]", name="bash")), TOOLS),
        [("bash", "[" * 9999 + "]")],
    ),
    "tool_emptyname": (sse(calls(piece(A, name="", id="a", index=0)), TOOLS), [("", A)]),
    "tool_name_repeat": (
        sse(calls(piece(A[:3], name="bash", id="a", index=0)), calls(piece(A[3:], name="bash", index=0)), TOOLS),
        [("bash", A)],
    ),
    "tool_name_split": (
        sse(
            calls(piece(None, name="ba", id="a", index=0)),
            calls(piece(None, name="sh", index=0)),
            calls(piece(A, index=0)),
            TOOLS,
        ),
        [("bash", A)],
    ),
    "tool_name_late": (
        sse(calls({"id": "a", "index": 0}), calls(piece("", name="bash", index=0)), calls(piece(A, index=0)), TOOLS),
        [("bash", A)],
    ),
    "tool_ghost": (
        sse(calls(piece(A, name="bash", id="a", index=0)), calls({"index": 1}), calls(None, "x"), TOOLS),
        [("bash", A)],
    ),
    "tool_finish_stop": (sse(calls(piece(A, name="bash", id="a", index=0)), STOP), [("bash", A)]),
    "tool_in_message": (
        sse(
            {
                "choices": [
                    {
                        "message": {"content": None, "tool_calls": [piece(None, name="bash"), piece(B, name="grep")]},
                        "finish_reason": "stop",
                    }
                ]
            }
        ),
        [("bash", "{}"), ("grep", B)],
    ),
}
"""Streams with tool calls, and the calls that they mean."""

STREAMS: dict[str, bytes] = {
    **SAYS_HELLO,
    **{name: stream for name, (stream, _) in TOOL_CALLS.items()},
    "tool_trunc_length": sse(calls(piece('{"cmd": "rm -rf build"}', name="bash", id="a", index=0)), delta("length")),
    "reasoning": sse(delta(reasoning_content="hm, "), delta(reasoning_content="yes"), *WORDS, STOP),
    "reasoning_openrouter": sse(delta(reasoning="hm, "), delta(reasoning="yes", reasoning_details=[{}]), *WORDS, STOP),
    "reasoning_mistral": sse(
        said([{"type": "thinking", "thinking": [{"type": "text", "text": "hm, "}, "yes"]}]), *WORDS, STOP
    ),
    "refusal": sse(delta(refusal="I can't "), delta(refusal="do that"), STOP),
    "badutf8": sse(said("x?y"), STOP).replace(b"?", b"\xff"),
    "empty_content": sse(delta(role="assistant", content=""), STOP),
    # Streams that are no replies.
    "eofmid": sse(*WORDS, done=False)[:-30],
    "no_finish": sse(*WORDS, done=False),
    "only_done": sse(),
    "not_object": sse([1, 2]),
    "badchunk": sse(*WORDS, '{"choices": [}'),
    "ndjson": b"".join(json.dumps(chunk).encode() + b"\n" for chunk in [*WORDS, STOP]),
    "html_as_stream": b"<html><body>Bad gateway</body></html>",
    "err_in_200": sse({"error": {"message": "it burns", "type": "server_error", "code": 500}}),
    "err_str_in_200": sse({"error": "overloaded"}),
    "err_detail": sse({"detail": "no such model"}),
    "err_choice": sse({"choices": [{"index": 0, "error": {"message": "upstream", "code": 502}, "delta": {}}]}),
    "err_context": sse({"error": {"message": "too long", "code": "context_length_exceeded"}}),
    "err_rate": sse({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
    "err_mid": sse(*WORDS, {"error": {"message": "overloaded", "type": "overloaded_error"}}),
}
