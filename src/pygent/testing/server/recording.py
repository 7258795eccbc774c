"""`Recording`: what some server was seen to stream, and what was odd about it."""

from __future__ import annotations

from dataclasses import dataclass

HELLO = "Hello, wörld \u2028\x85\x0b🌍"
"""What the model says: with the line ends of Unicode, which are none in a stream."""

PIECE = 1 << 19
"""Characters of a long text that are streamed at once."""


@dataclass(frozen=True)
class Recording:
    """A stream of one of the APIs.

    Attributes:
        about: what is odd about it, a line.
        stream: the bytes.
        calls: name and arguments of each tool call that it means.
    """

    about: str
    stream: bytes
    calls: tuple[tuple[str, str], ...] = ()
