"""What shows a run while it goes on: `View`, and those that draw no progress: `EventLines` and `Silence`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec

from ..events import Event
from .describe import Block


class View(Protocol):
    """Shows a run, in the writer's thread.

    Attributes:
        must_be_read: whether the run ends when nobody reads what is drawn.
        shows_answer: whether the answer is drawn, too, so that nobody else needs to print it.
    """

    must_be_read: bool
    shows_answer: bool

    def greet(self, lines: Sequence[Block]) -> None:
        """Say what will be done where."""

    def draw(self, event: Event) -> None:
        """Show one event."""

    def asked(self, call_id: str) -> None:
        """Know that a question shows the command of this call, below all that was drawn."""

    def close(self) -> None:
        """Leave the terminal as the next program expects it."""


class Silence:
    """Shows nothing."""

    must_be_read = False
    shows_answer = False

    def greet(self, lines: Sequence[Block]) -> None:
        """Say nothing."""

    def draw(self, event: Event) -> None:
        """Show nothing."""

    def asked(self, call_id: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class EventLines(Silence):
    """Writes each event as one line of JSON, which `pygent.events.decode_event` reads back."""

    must_be_read = True
    shows_answer = True

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def draw(self, event: Event) -> None:
        """Write one line, and let it go at once."""
        self._file.write(json_line(event))
        self._file.flush()


def json_line(value: msgspec.Struct) -> bytes:
    """Return a fact as one line of JSON."""
    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, such as half an emoji: not UTF-8, but JSON can write it out
        return json.dumps(msgspec.to_builtins(value)).encode() + b"\n"
