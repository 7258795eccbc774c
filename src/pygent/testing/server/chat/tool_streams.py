"""Streams with tool calls, in all the dialects of servers, and the calls that they mean."""

from __future__ import annotations

from ..recording import Recording
from .chunks import STOP, STOP_TO_CALL, calls, delta, piece, sse

A, B = '{"cmd": "ls"}', '{"cmd": "pwd"}'


def _one(about: str, arguments: str, name: str = "bash") -> Recording:
    """A single call without oddities of the stream."""
    return Recording(
        about, sse(calls(piece(arguments, name=name, id="a", index=0)), STOP_TO_CALL), ((name, arguments),)
    )


CALLS_TOOLS: dict[str, Recording] = {
    "tool_plain": Recording(
        "One call, its arguments a character at a time.",
        sse(calls(piece("", name="bash", id="a", index=0)), *(calls(piece(part, index=0)) for part in A), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_two": Recording(
        "Two calls, one after the other.",
        sse(
            calls(piece("", name="bash", id="a", index=0)),
            calls(piece(A, index=0)),
            calls(piece("", name="grep", id="b", index=1)),
            calls(piece(B, index=1)),
            STOP_TO_CALL,
        ),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_interleaved": Recording(
        "Two calls, their pieces in turn.",
        sse(
            calls(piece("", name="bash", id="a", index=0), piece("", name="grep", id="b", index=1)),
            *(calls(piece(a, index=0), piece(b, index=1)) for a, b in zip(A, B, strict=False)),
            calls(piece(B[len(A) :], index=1)),
            STOP_TO_CALL,
        ),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_noindex": Recording(
        "No index.", sse(calls(piece(A[:4], name="bash", id="a")), calls(piece(A[4:])), STOP_TO_CALL), (("bash", A),)
    ),
    "tool_two_noindex": Recording(
        "Two calls in one chunk, without an index.",
        sse(calls(piece(A, name="bash", id="a"), piece(B, name="grep", id="b")), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_two_noindex_noid": Recording(
        "Two calls with neither index nor id.",
        sse(calls(piece(A, name="bash")), calls(piece(B, name="grep")), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_two_at_once_empty": Recording(
        "Two calls in one chunk, with neither index, id nor arguments.",
        sse(calls(piece("", name="bash"), piece("", name="grep")), STOP_TO_CALL),
        (
            ("bash", "{}"),
            ("grep", "{}"),
        ),
    ),
    "tool_idx_collide": Recording(
        "Two calls with the same index.",
        sse(calls(piece(A, name="bash", id="a", index=0)), calls(piece(B, name="grep", id="b", index=0)), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_out_of_order": Recording(
        "The second index comes first.",
        sse(calls(piece(B, name="grep", id="b", index=1)), calls(piece(A, name="bash", id="a", index=0)), STOP_TO_CALL),
        (
            ("grep", B),
            ("bash", A),
        ),
    ),
    "tool_idx_gap": Recording(
        "Indices with gaps.",
        sse(
            calls(piece(A, name="bash", id="a", index=3)), calls(piece(B, name="grep", id="b", index=70)), STOP_TO_CALL
        ),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_idx_str": Recording(
        "The index is a text.",
        sse(calls(piece(A[:5], name="bash", id="a", index="0")), calls(piece(A[5:], index="0")), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_noid": Recording(
        "No id.",
        sse(calls(piece(A, name="bash", index=0)), calls(piece(B, name="grep", index=1)), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_emptyid": Recording(
        "The ids are empty.",
        sse(calls(piece(A, name="bash", id="", index=0)), calls(piece(B, name="grep", id="", index=1)), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_dupid": Recording(
        "Two calls with the same id.",
        sse(
            calls(piece("", name="bash", id="a", index=0)),
            calls(piece(A, index=0)),
            calls(piece("", name="grep", id="a", index=1)),
            calls(piece(B[:3], id="a", index=1)),
            calls(piece(B[3:], index=1)),
            STOP_TO_CALL,
        ),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_dupid_noindex": Recording(
        "Two calls with the same id, without an index.",
        sse(calls(piece(A, name="bash", id="a")), calls(piece(B, name="grep", id="a")), STOP_TO_CALL),
        (
            ("bash", A),
            ("grep", B),
        ),
    ),
    "tool_id_repeated": Recording(
        "The id and the name come with each piece.",
        sse(*(calls(piece(part, name="bash", id="a", index=0)) for part in A), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_id_repeated_noindex": Recording(
        "The same, without an index.",
        sse(
            *(calls(piece(part, name="bash", id="a")) for part in A),
            calls(piece("", name="bash", id="a")),
            STOP_TO_CALL,
        ),
        (("bash", A),),
    ),
    "tool_id_late": Recording(
        "The id comes after the name.",
        sse(calls(piece("", name="bash", index=0)), calls(piece(A, id="a", index=0)), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_args_null": Recording(
        "The arguments are null.",
        sse(calls(piece(None, name="bash", id="a", index=0)), STOP_TO_CALL),
        (("bash", "{}"),),
    ),
    "tool_args_empty": Recording(
        "The arguments are empty.", sse(calls(piece("", name="bash", id="a", index=0)), STOP_TO_CALL), (("bash", "{}"),)
    ),
    "tool_args_obj": Recording(
        "The arguments are an object, not its JSON text.",
        sse(calls(piece({"cmd": "ls"}, name="bash", id="a", index=0)), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_args_bad": Recording(
        "The arguments break off.",
        sse(calls(piece('{"cmd": ', name="bash", id="a", index=0)), STOP_TO_CALL),
        (("bash", '{"cmd":'),),
    ),
    "tool_args_deep": Recording(
        "The arguments nest ten thousand deep.",
        sse(calls(piece("[" * 9999, name="bash", id="a")), calls(piece("]", name="bash")), STOP_TO_CALL),
        (("bash", "[" * 9999 + "]"),),
    ),
    "tool_emptyname": Recording(
        "The name is empty.", sse(calls(piece(A, name="", id="a", index=0)), STOP_TO_CALL), (("", A),)
    ),
    "tool_name_repeat": Recording(
        "The name comes with each piece.",
        sse(calls(piece(A[:3], name="bash", id="a", index=0)), calls(piece(A[3:], name="bash", index=0)), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_name_split": Recording(
        "The name comes in pieces.",
        sse(
            calls(piece(None, name="ba", id="a", index=0)),
            calls(piece(None, name="sh", index=0)),
            calls(piece(A, index=0)),
            STOP_TO_CALL,
        ),
        (("bash", A),),
    ),
    "tool_name_late": Recording(
        "The name comes after the id.",
        sse(
            calls({"id": "a", "index": 0}),
            calls(piece("", name="bash", index=0)),
            calls(piece(A, index=0)),
            STOP_TO_CALL,
        ),
        (("bash", A),),
    ),
    "tool_ghost": Recording(
        "Pieces that belong to no call.",
        sse(calls(piece(A, name="bash", id="a", index=0)), calls({"index": 1}), calls(None, "x"), STOP_TO_CALL),
        (("bash", A),),
    ),
    "tool_finish_stop": Recording(
        "A call, but the finish reason says stop.",
        sse(calls(piece(A, name="bash", id="a", index=0)), STOP),
        (("bash", A),),
    ),
    "tool_in_message": Recording(
        "Calls in a whole message where a delta belongs.",
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
        (
            ("bash", "{}"),
            ("grep", B),
        ),
    ),
    "tool_args_list": _one("The arguments are a list.", "[1, 2]"),
    "tool_args_nan": _one("A NaN in the arguments.", '{"cmd": NaN}'),
    "tool_args_twice": _one("The same argument twice.", '{"cmd": "ls", "cmd": "pwd"}'),
    "tool_args_extra": _one("An argument too many.", '{"cmd": "ls", "colour": "red"}'),
    "tool_args_bool": _one("An argument of the wrong type.", '{"cmd": true}'),
    "tool_args_number_as_text": _one("A number as a text.", '{"cmd": "ls", "timeout": "30"}'),
    "tool_args_surrogate": _one("Half an emoji in the arguments.", r'{"cmd": "echo \ud83c"}'),
    "tool_args_nul": _one("A NUL in the arguments.", r'{"cmd": "ls \u0000"}'),
    "tool_unknown": _one("A tool that was not offered.", A, name="no_such_tool"),
    "tool_extra_content": Recording(
        "Gemini's signature of its thoughts beside the call.",
        sse(
            calls(piece(A, name="bash", id="a", index=0, extra_content={"google": {"thought_signature": "c2ln"}})),
            STOP_TO_CALL,
        ),
        (("bash", A),),
    ),
    "tool_reasoning": Recording(
        "Thoughts, and then a call.",
        sse(
            delta(reasoning_content="hm, "),
            delta(reasoning_content="yes"),
            calls(piece(A, name="bash", id="a", index=0)),
            STOP_TO_CALL,
        ),
        (("bash", A),),
    ),
}
"""By name; the ids are odd in places, too."""
