"""What is right, for every scenario of the server, written down before anybody plays: `EXPECTATIONS`.

A reply is right if it is what the server meant to say, an error if nothing, or not all, was said. Where reasonable
people disagree, both are right, or the note says what can be said for the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pygent.testing.server import HELLO, SCENARIOS, STREAMS
from pygent.testing.server.chat.chunks import WORDS
from pygent.testing.server.chat.text_streams import SAYS_HELLO
from pygent.testing.server.chat.tool_streams import CALLS_TOOLS

NO_ARGUMENTS = ("", "{}", None)
"""A call without arguments may be told in any of these ways."""


@dataclass(frozen=True)
class Expectation:
    """What is right in one scenario.

    Attributes:
        why: why that is right.
        texts: contents of which any is right; empty: no reply is right.
        calls: the tool calls of a right reply, names and arguments.
        finish: the finish reason that a right reply must tell; None: any.
        error: whether an error of the library's own is right.
        requests: how many requests are right; None: any number.
        hides_key: whether the error must not repeat the key.
        note: what can be said for another view.
    """

    why: str
    texts: tuple[str | None, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    finish: str | None = None
    error: bool = False
    requests: int | None = None
    hides_key: bool = False
    note: str = ""

    @property
    def words(self) -> str:
        """What is right, in a word or two."""
        reply = "reply" if self.texts else ""
        return " or ".join(filter(None, [reply, "error" if self.error else ""]))

    def fits(self, content: Any, calls: Sequence[Sequence[Any]], finish: str | None) -> bool:
        """Whether this reply is right."""
        return (
            content in self.texts
            and len(calls) == len(self.calls)
            and all(_is_call(call, right) for call, right in zip(calls, self.calls, strict=True))
            and self.finish in (None, finish)
        )


def _is_call(call: Sequence[Any], right: tuple[str, str]) -> bool:
    name, arguments = call
    if (name or "") != right[0]:
        return False

    if right[1] in NO_ARGUMENTS:
        return arguments in NO_ARGUMENTS

    return isinstance(arguments, str) and arguments.strip() == right[1]


@dataclass(frozen=True)
class Row:
    """A scenario with the argument that it is played with, and what is right.

    Attributes:
        fault: its name and argument.
        streamed: what is right when a stream is asked for.
        whole: what is right when none is.
    """

    fault: str
    streamed: Expectation
    whole: Expectation = field(kw_only=True)


SAID = Expectation("All was said, and what was said is plain.", texts=(HELLO,))
NOTHING = Expectation("There is no reply, and the caller must be told so by an error that it can catch.", error=True)
CUT_OFF = Expectation(
    "The reply breaks off: there is neither a finish reason nor `[DONE]`. To return half of it is silent truncation.",
    error=True,
    note="A caller of openai-python can see the missing `finish_reason`, if it looks.",
)
IN_TIME = Expectation("Nothing, or nothing whole, ever comes; waiting must end by itself, in bounded time.", error=True)
KEEPS_BUSY = replace(
    IN_TIME,
    note="openai-python's timeouts are between two bytes, as httpx has them; put `asyncio.timeout` around a call.",
)
SAYS_ON = replace(
    KEEPS_BUSY, note=f"{KEEPS_BUSY.note} Pygent's limit for all is none, either, unless it is set, as it was here."
)
DIALECT = replace(
    SAID,
    why="Not to the letter of OpenAI's protocol, but servers do it, and what it means is plain.",
    note="A client made for OpenAI alone may refuse it, with an error of its own.",
)

WHOLE_ANYWAY = replace(DIALECT, why="A whole reply, though a stream may have been asked for: all of it is there.")

SPECIFIED = (
    "ok",
    "crlf",
    "cr",
    "bom",
    "nospace",
    "comments",
    "multidata",
    "nodone",
    "afterdone",
    "usage_last",
    "nulls",
)
"""Streams that the specifications of server-sent events and of the API allow."""


def _tools(name: str) -> Expectation:
    calls = CALLS_TOOLS[name].calls
    if name in ("tool_plain", "tool_two", "tool_interleaved"):
        return Expectation("Calls as OpenAI streams them.", texts=(None, ""), calls=calls)

    note = (
        "openai-python's issue 2806 and pull requests 3246 and 3410 are about a missing index; all are closed."
        if "noindex" in name
        else DIALECT.note
    )
    return replace(DIALECT, texts=(None, ""), calls=calls, note=note)


_PARTIAL = "".join(word["choices"][0]["delta"]["content"] for word in WORDS[:2])

_STREAMS: dict[str, Expectation] = {
    **{name: SAID if name in SPECIFIED else DIALECT for name in SAYS_HELLO},
    **{name: _tools(name) for name in CALLS_TOOLS},
    "surrogates": replace(DIALECT, note="Its chunks lack the index of the choice, too: two oddities in one."),
    "comments": replace(
        SAID, note="openai-python's issues 2722 and 3833 are about blocks without data; both are closed."
    ),
    "tool_args_obj": replace(
        _tools("tool_args_obj"), note="An object where the type says text breaks callers that parse it."
    ),
    "tool_trunc_length": Expectation(
        "The call is cut off at the token limit: only an error or the finish reason can tell the caller not to run it.",
        texts=(None, ""),
        calls=(("bash", '{"cmd": "rm -rf build"}'),),
        finish="length",
        error=True,
    ),
    "tool_after_text": replace(SAID, calls=(("bash", '{"cmd": "ls"}'),)),
    "tool_then_error": replace(NOTHING, why="The server gave up: the call before the error must not be run."),
    "tool_eofmid": replace(CUT_OFF, why="The call breaks off, though what came of it parses; it must not be run."),
    "length": replace(SAID, why="Cut off at the token limit, and said to be so.", finish="length", error=True),
    "content_filter": Expectation(
        "Cut off by a filter, and said to be so.", texts=(_PARTIAL,), finish="content_filter", error=True
    ),
    **dict.fromkeys(
        ("reasoning", "reasoning_openrouter", "reasoning_details"),
        replace(SAID, why="The thoughts, in a field of their own, are not part of the content."),
    ),
    "reasoning_mistral": replace(DIALECT, texts=(HELLO,)),
    "think": Expectation(
        "Thoughts between tags may stay in the text or be kept apart.",
        texts=(HELLO, f"<think>hm, yes</think>\n\n{HELLO}"),
    ),
    "think_orphan": Expectation(
        "Thoughts that only end with a tag may stay in the text or be kept apart.",
        texts=(HELLO, f"hm, yes</think>{HELLO}"),
    ),
    "think_open": Expectation(
        "Thoughts cut off at the token limit may stay in the text or be kept apart.",
        texts=("", None, "<think>hm, yes"),
        finish="length",
        error=True,
    ),
    "refusal": Expectation("The refusal is in a field of its own.", texts=("", None)),
    "badutf8": Expectation("The byte is replaced, or the reply is refused.", texts=("x\ufffdy",), error=True),
    "empty_content": Expectation("The model has nothing to say, and says that this was it.", texts=("",)),
    **dict.fromkeys(("eofmid", "no_finish", "nodone_nofinish"), CUT_OFF),
    "only_done": replace(NOTHING, note="One may call it an empty reply."),
    **dict.fromkeys(("not_object", "badchunk", "ndjson", "html_as_stream"), NOTHING),
    **dict.fromkeys(
        ("err_in_200", "err_str_in_200", "err_detail", "err_choice", "err_context", "err_rate", "err_mid"),
        replace(NOTHING, why="The server says that it failed, though its status says that it did not."),
    ),
}

_REFUSED = replace(NOTHING, why="The server refuses, with a status that says so.")

_SCENARIOS: list[Row] = [
    *(
        Row(fault, expected, whole=expected)
        for fault, expected in {
            "ok": SAID,
            **dict.fromkeys(("jsonbody", "gzipped"), WHOLE_ANYWAY),
            "parrot": replace(SAID, texts=("hi",)),
            "call": SAID,
            "many_calls:100": replace(SAID, texts=(None, ""), calls=(("bash", '{"cmd": "true"}'),) * 100),
            "tool_args_huge:1": replace(
                SAID,
                texts=(None, ""),
                calls=(("bash", '{"cmd": "' + "x" * (1 << 20) + '"}'),),
                why="A megabyte is no fault.",
            ),
            "written_call": replace(SAID, texts=('```json\n{"name": "bash", "arguments": {"cmd": "ls"}}\n```',)),
            "toolbody": replace(
                DIALECT,
                texts=(None, ""),
                calls=(("bash", '{"cmd": "ls"}'), ("bash", "{}"), ("grep", '{"pattern": "x"}')),
            ),
            'body:{"choices": []}': NOTHING,
            "body:null": NOTHING,
            **dict.fromkeys(("err200", "nullchoice", "badjson", "empty200", "204", "html:200"), NOTHING),
            "html:502": _REFUSED,
            **dict.fromkeys(("wrongctype", "bytewise", "padded"), SAID),
            "brotli": replace(NOTHING, why="What came cannot be read."),
            "bomb:40": replace(NOTHING, why="Forty megabytes of blanks are no reply, however well they are packed."),
            **{f"status:{status}": replace(_REFUSED, requests=1) for status in (400, 401, 403, 404, 413, 422)},
            **{
                f"status:{status}": replace(_REFUSED, requests=2) for status in (408, 409, 429, 500, 502, 503, 504, 529)
            },
            **dict.fromkeys(("429ra:0.1", "429ra:300", "429ms:100", "429date:1", "429bad"), _REFUSED),
            "429quota": replace(
                _REFUSED, note="It is sent again by openai-python, which does not help, but does no harm either."
            ),
            "ctxlen": replace(_REFUSED, requests=1),
            "noretry500": replace(_REFUSED, why="The server asks for no retry, by `x-should-retry`.", requests=1),
            "retry400": replace(_REFUSED, why="The server asks for a retry, by `x-should-retry`.", requests=2),
            **dict.fromkeys(("nousage", "notools", "noformat", "noinclude"), SAID),
            "echo:401": replace(
                _REFUSED,
                why="The server repeats the key; an error that does so, too, carries it into logs.",
                hides_key=True,
                note="It is the server that leaks; openai-python shows its message as it is.",
            ),
            "halfbody:503": replace(
                _REFUSED, why="The status has said that there is no reply; the rest of the error never comes."
            ),
            "redirect": replace(NOTHING, why="It leads to where nobody answers."),
            "moved": Expectation(
                "Within the server, a redirect may be followed or refused: policy.", texts=(HELLO,), error=True
            ),
            "redirect_loop": replace(NOTHING, why="It leads in a circle."),
            **dict.fromkeys(("reset", "midheaders", "nothttp", "bighdr", "truncjson"), NOTHING),
            **dict.fromkeys(("hang", "hangheaders"), IN_TIME),
            **dict.fromkeys(("keepalive", "slowloris"), KEEPS_BUSY),
            **dict.fromkeys(("drip", "flood"), SAYS_ON),
            "stall": IN_TIME,
            "hugeline:9": IN_TIME,
            "midsse": CUT_OFF,
            "seq:reset,ok": replace(SAID, why="One accident; the next attempt succeeds."),
            "seq:status:408,ok": replace(SAID, why="One accident; the next attempt succeeds."),
            "seq:status:503,ok": replace(SAID, why="One accident; the next attempt succeeds."),
            "seq:429ra:0.1,ok": replace(SAID, why="One refusal; the next attempt, after the wait, succeeds."),
            "seq:429ms:100,ok": replace(SAID, why="One refusal; the next attempt, after the wait, succeeds."),
        }.items()
    ),
    *(
        Row(
            fault,
            replace(SAID, why="All was said, and said to be all: what the connection does then does not matter."),
            whole=Expectation(
                "All the text is there, but the answer's end is not: a reply or an error.", texts=(HELLO,), error=True
            ),
        )
        for fault in ("finished_then_gone", "finished_then_silent", "holdopen")
    ),
]

EXPECTATIONS: tuple[Row, ...] = (
    *_SCENARIOS,
    *(Row(name, expected, whole=expected) for name, expected in _STREAMS.items() if name not in SCENARIOS),
)
"""Every scenario and every stream, and five accidents that are over at the second attempt."""


def check_completeness() -> None:
    """Raise SystemExit unless all that the server can do is expected."""
    expected = {row.fault.partition(":")[0] for row in EXPECTATIONS} - {"seq"}
    if expected ^ {*SCENARIOS, *STREAMS}:
        raise SystemExit(f"expectations and server differ: {sorted(expected ^ {*SCENARIOS, *STREAMS})}")
