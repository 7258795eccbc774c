"""`Api`: what differs between the APIs that a scenario can be played in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .chat import chunks
from .chat.streams import STREAMS as CHAT_STREAMS
from .chat.strict import problem_of
from .chat.whole import whole_completion
from .response import events
from .response.streams import STREAMS as RESPONSE_STREAMS
from .response.strict import problem_of_response_request
from .response.whole import whole_response


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


CHAT = Api(
    streams=CHAT_STREAMS,
    beginning=chunks.BEGINNING,
    word=chunks.WORD,
    says=chunks.text_stream,
    calls=chunks.call_stream,
    whole=whole_completion,
    problem_of=problem_of,
)

RESPONSES = Api(
    streams=RESPONSE_STREAMS,
    beginning=events.BEGINNING,
    word=events.WORD,
    says=events.text_stream,
    calls=events.call_stream,
    whole=whole_response,
    problem_of=problem_of_response_request,
)

APIS: dict[str, Api] = {"/chat/completions": CHAT, "/responses": RESPONSES}
"""By the end of the path."""
