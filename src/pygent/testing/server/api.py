"""`Api`: what differs between the APIs that a scenario can be played in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from . import responses
from .chunks import STOP, TOOLS, WORDS, calls, piece, said, sse
from .recording import whole_completion
from .streams import STREAMS
from .strict import problem_of
from .strict_responses import problem_of_response_request


@dataclass(frozen=True)
class Api:
    """One way to ask a model.

    Attributes:
        streams: what can be streamed, by name; `ok` is a reply without oddities.
        beginning: the first words of such a reply.
        word: one more word, which may be said again and again.
        says: makes a stream in which the model says this.
        calls: makes a stream in which the model calls these tools, given as name and arguments.
        whole: makes of a stream the body for those who want none.
        problem_of: what the strictest server would say against a request's body; None: nothing.
    """

    streams: Mapping[str, bytes]
    beginning: bytes
    word: bytes
    says: Callable[[str], bytes]
    calls: Callable[[Sequence[tuple[str, str]]], bytes]
    whole: Callable[[bytes], bytes]
    problem_of: Callable[[Any], str | None]

    @property
    def finished(self) -> bytes:
        """A whole reply that lacks nothing but its farewell."""
        return self.streams["ok"].removesuffix(b"data: [DONE]\n\n")


_PIECE = 1 << 19
"""Characters that are sent at once."""


def _says(text: str) -> bytes:
    return sse(*(said(part) for part in _pieces(text, 7 if len(text) < 1000 else _PIECE)), STOP)


def _calls(made: Sequence[tuple[str, str]]) -> bytes:
    chunks = []
    for index, (name, arguments) in enumerate(made):
        chunks.append(calls(piece("", name=name, id=f"call_{uuid4().hex}", index=index)))
        chunks += [calls(piece(part, index=index)) for part in _pieces(arguments, _PIECE)]
    return sse(*chunks, TOOLS)


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


CHAT = Api(
    streams=STREAMS,
    beginning=sse(*WORDS[:2], done=False),
    word=sse(WORDS[0], done=False),
    says=_says,
    calls=_calls,
    whole=whole_completion,
    problem_of=problem_of,
)

RESPONSES = Api(
    streams=responses.RESPONSE_STREAMS,
    beginning=responses.BEGINNING,
    word=responses.WORD,
    says=responses.says,
    calls=responses.calls,
    whole=responses.whole_response,
    problem_of=problem_of_response_request,
)

APIS: dict[str, Api] = {"/chat/completions": CHAT, "/responses": RESPONSES}
"""By the end of the path."""
