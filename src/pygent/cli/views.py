"""What shows a run: `View`, those that draw no progress, and `shown`, which puts an agent before one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import BinaryIO, Protocol

import msgspec

from ..agent import AsyncAgent
from ..cleanup import finish
from ..events import Event, TurnFinished
from .describe import Block
from .result import ExitCode
from .signals import Signals
from .writer import Writer


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


class Show:
    """An agent's work in front of a view.

    Attributes:
        writer: the thread that the view is drawn in.
        end: how the last run ended; None: none has.
    """

    def __init__(self, writer: Writer, signals: Signals) -> None:
        self.writer = writer
        self.end: TurnFinished | None = None
        self._signals = signals

    @property
    def exit_code(self) -> int | None:
        """The exit status if a signal, or nobody who reads, stopped the work; None: nothing did."""
        return self._signals.exit_code

    def remember(self, event: Event) -> None:
        """Keep how a run ended."""
        if isinstance(event, TurnFinished):
            self.end = event


@asynccontextmanager
async def shown(agent: AsyncAgent, view: View) -> AsyncIterator[Show]:
    """Show what the agent does while the block runs; at its end all that the agent started has ended, and its runtime.

    A signal, or a reader that leaves, ends the block quietly: see `Show.exit_code`.
    """
    with Signals() as signals:
        on_broken = partial(signals.cancel, ExitCode.BROKEN_PIPE) if view.must_be_read else None
        show = Show(Writer(view.draw, on_broken), signals)
        agent.events.subscribe(show.writer.put)
        agent.events.subscribe(show.remember)
        try:
            yield show
        except asyncio.CancelledError:
            if signals.exit_code is None:
                raise
        finally:
            with suppress(asyncio.CancelledError):  # a second Ctrl-C: the cleanup is bounded, and the end comes anyway
                await finish(_close(agent, view, show.writer))


async def _close(agent: AsyncAgent, view: View, writer: Writer) -> None:
    await agent.aclose()
    await agent.runtime.cleanup()
    await writer.close(view.close)
