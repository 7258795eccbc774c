"""Streams that come to the same text, `HELLO`, in all the dialects of servers."""

from __future__ import annotations

import json

from ..recording import HELLO, Recording
from .chunks import PLAIN, STOP, USAGE, WORDS, completion, delta, said, sse

SAYS_HELLO: dict[str, Recording] = {
    "ok": Recording("All as it should be.", PLAIN),
    "crlf": Recording("Lines end with CR LF.", PLAIN.replace(b"\n", b"\r\n")),
    "cr": Recording("Lines end with CR.", PLAIN.replace(b"\n", b"\r")),
    "bom": Recording("A byte order mark comes first.", b"\xef\xbb\xbf" + PLAIN),
    "nospace": Recording("No space behind `data:`.", PLAIN.replace(b"data: ", b"data:")),
    "comments": Recording(
        "Comments, pings, and events without data in between.",
        b": hello\n\nretry: 10\n\nid: 7\n\nevent: ping\ndata: {}\n\n:\n" + PLAIN + b": bye\n\n",
    ),
    "multidata": Recording(
        "Each event has several lines of data.",
        b"".join(
            b"event: chunk\ndata: {\ndata: " + json.dumps(chunk).encode()[1:] + b"\n\n" for chunk in [*WORDS, STOP]
        ),
    ),
    "nodone": Recording("A finish reason, but no [DONE].", sse(*WORDS, STOP, done=False)),
    "done_without_finish": Recording("[DONE], but no finish reason.", sse(*WORDS)),
    "no_last_newline": Recording("The last line does not end.", sse(*WORDS, STOP)[:-2]),
    "afterdone": Recording("More comes after [DONE].", PLAIN + sse(said("more"), {"error": "late"})),
    "usage_last": Recording("The usage is in a last chunk of its own.", sse(*WORDS, STOP, USAGE)),
    "usage_in_each": Recording(
        "Each chunk has a usage.", sse(*({**word, "usage": {"total_tokens": 1}} for word in WORDS), STOP, USAGE)
    ),
    "no_choices": Recording(
        "A first chunk without choices, as Azure sends.", sse({"id": "1", "prompt_filter_results": []}, *WORDS, STOP)
    ),
    "choices_null": Recording("A chunk whose choices are null.", sse({"choices": None}, *WORDS, STOP)),
    "delta_null": Recording(
        "A last delta that is null.", sse(*WORDS, {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]})
    ),
    "nulls": Recording(
        "Fields that are null.", sse(delta(content=None, tool_calls=None, reasoning=None, refusal=None), *WORDS, STOP)
    ),
    "n2": Recording(
        "Two choices side by side.",
        sse(*(chunk for word in WORDS for chunk in (word, delta(index=1, content="no"))), delta("length", 1), STOP),
    ),
    "content_parts": Recording(
        "The content as a list of parts.",
        sse(*(said([{"type": "text", "text": word["choices"][0]["delta"]["content"]}]) for word in WORDS), STOP),
    ),
    "message_instead": Recording(
        "A whole message where a delta belongs.",
        sse({"choices": [{"index": 0, "message": {"content": HELLO}, "finish_reason": "stop"}]}),
    ),
    "surrogates": Recording(
        "An emoji cut into two halves.",
        sse(
            said(HELLO[:-1]),
            r'{"choices": [{"delta": {"content": "\ud83c"}}]}',
            r'{"choices": [{"delta": {"content": "\udf0d"}}]}',
            STOP,
        ),
    ),
    "nan": Recording(
        "A NaN among the numbers.", sse(*WORDS, '{"choices":[{"delta":{},"logprobs":NaN,"finish_reason":"stop"}]}')
    ),
    "odd_usage": Recording(
        "A usage in a shape of its own.", sse(*WORDS, STOP, {"choices": [], "usage": {"prompt_tokens_details": [1]}})
    ),
    "odd_finish": Recording("A finish reason that nobody knows.", sse(*WORDS, delta("eos_token"))),
    "empty_finish": Recording(
        "An empty finish reason until the end.",
        sse(*({"choices": [{**word["choices"][0], "finish_reason": ""}]} for word in WORDS), STOP),
    ),
    "jsonbody_as_stream": Recording(
        "A whole completion that calls itself a stream.", json.dumps(completion({"content": HELLO})).encode()
    ),
}
"""By name; in each the model says `HELLO`, and nothing else."""
