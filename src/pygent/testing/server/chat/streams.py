"""Every stream of Chat Completions that the server can play, by name: `RECORDINGS` and their `STREAMS`."""

from __future__ import annotations

import json

from ..recording import Recording
from .chunks import STOP, STOP_TO_CALL, USAGE, WORDS, calls, delta, piece, said, sse
from .text_streams import SAYS_HELLO
from .tool_streams import CALLS_TOOLS, A, B

_DETAILS = [
    {"type": "reasoning.text", "text": "hm, yes", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "ZW5j", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
]

_OTHERS: dict[str, Recording] = {
    "tool_trunc_length": Recording(
        "A call cut off at the token limit, though it parses.",
        sse(calls(piece('{"cmd": "rm -rf build"}', name="bash", id="a", index=0)), delta("length")),
    ),
    "tool_after_text": Recording(
        "Text, and then a call.", sse(*WORDS, calls(piece(A, name="bash", id="a", index=0)), STOP_TO_CALL)
    ),
    "tool_then_error": Recording(
        "A whole call, and then an error.",
        sse(calls(piece(A, name="bash", id="a", index=0)), {"error": {"message": "overloaded", "code": 503}}),
    ),
    "tool_eofmid": Recording(
        "A call that ends in the middle, though it parses.",
        sse(calls(piece(B, name="bash", id="a", index=0)), done=False),
    ),
    "length": Recording("A text cut off at the token limit.", sse(*WORDS, delta("length"))),
    "content_filter": Recording("A text cut off by a filter.", sse(*WORDS[:2], delta("content_filter"))),
    "reasoning": Recording(
        "Thoughts in `reasoning_content`, as of DeepSeek.",
        sse(delta(reasoning_content="hm, "), delta(reasoning_content="yes"), *WORDS, STOP),
    ),
    "reasoning_openrouter": Recording(
        "Thoughts in `reasoning`, as of OpenRouter.",
        sse(delta(reasoning="hm, "), delta(reasoning="yes", reasoning_details=[{}]), *WORDS, STOP),
    ),
    "reasoning_details": Recording(
        "Thoughts with details that are to go back as they came, as of OpenRouter.",
        sse(
            delta(reasoning="hm, ", reasoning_details=_DETAILS[:1]),
            delta(reasoning="yes", reasoning_details=_DETAILS[1:]),
            *WORDS,
            STOP,
        ),
    ),
    "reasoning_mistral": Recording(
        "Thoughts in parts of parts, as of Mistral.",
        sse(said([{"type": "thinking", "thinking": [{"type": "text", "text": "hm, "}, "yes"]}]), *WORDS, STOP),
    ),
    "think": Recording(
        "Thoughts between <think> tags, cut anywhere.",
        sse(said("<th"), said("ink>hm, "), said("yes</thi"), said("nk>\n\n"), *WORDS, STOP),
    ),
    "think_orphan": Recording(
        "Thoughts that only end with a tag: the template has begun them.", sse(said("hm, yes</think>"), *WORDS, STOP)
    ),
    "think_open": Recording("Thoughts that do not end.", sse(said("<think>hm, "), said("yes"), delta("length"))),
    "refusal": Recording("A refusal.", sse(delta(refusal="I can't "), delta(refusal="do that"), STOP)),
    "badutf8": Recording("A byte that is no UTF-8.", sse(said("x?y"), STOP).replace(b"?", b"\xff")),
    "empty_content": Recording("Nothing to say.", sse(delta(role="assistant", content=""), STOP)),
    "eofmid": Recording("Ends in the middle of an event.", sse(*WORDS, done=False)[:-30]),
    "no_finish": Recording("Ends with neither finish reason nor [DONE].", sse(*WORDS, done=False)),
    "nodone_nofinish": Recording("The same, after its usage.", sse(*WORDS, USAGE, done=False)),
    "only_done": Recording("[DONE], and nothing before.", sse()),
    "not_object": Recording("An event that is no object.", sse([1, 2])),
    "badchunk": Recording("An event that is no JSON.", sse(*WORDS, '{"choices": [}')),
    "ndjson": Recording(
        "A JSON text a line, and no events.",
        b"".join(json.dumps(chunk).encode() + b"\n" for chunk in [*WORDS, STOP]),
    ),
    "html_as_stream": Recording("A web page.", b"<html><body>Bad gateway</body></html>"),
    "err_in_200": Recording(
        "An error as the first event.", sse({"error": {"message": "it burns", "type": "server_error", "code": 500}})
    ),
    "err_str_in_200": Recording("An error that is a text.", sse({"error": "overloaded"})),
    "err_detail": Recording("An error as FastAPI writes it.", sse({"detail": "no such model"})),
    "err_choice": Recording(
        "An error in a choice, as of OpenRouter.",
        sse({"choices": [{"index": 0, "error": {"message": "upstream", "code": 502}, "delta": {}}]}),
    ),
    "err_context": Recording(
        "An error: the conversation is too long.",
        sse({"error": {"message": "too long", "code": "context_length_exceeded"}}),
    ),
    "err_rate": Recording(
        "An error: too many requests.", sse({"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
    ),
    "err_mid": Recording(
        "An error after some words.", sse(*WORDS, {"error": {"message": "overloaded", "type": "overloaded_error"}})
    ),
}

RECORDINGS: dict[str, Recording] = SAYS_HELLO | CALLS_TOOLS | _OTHERS
"""All of them, with what is odd about each."""

STREAMS: dict[str, bytes] = {name: recording.stream for name, recording in RECORDINGS.items()}
"""All streams of Chat Completions, by name."""
