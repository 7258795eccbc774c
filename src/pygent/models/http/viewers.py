"""`Viewers`: those who see a reply come. They are told when what they saw is void."""

from __future__ import annotations

from ...errors import ModelError
from ...events import Emit, Event, ReasoningDelta, RetryScheduled, StreamRestarted, TextDelta, ToolCallDelta

_NOTEWORTHY = 1.0
"""Seconds; a shorter wait is over before anybody wonders."""


class Viewers:
    """Whoever listens to `emit`; it may be nobody."""

    def __init__(self, emit: Emit | None) -> None:
        self._emit = emit or _tell_nobody
        self._saw_something = False

    def show(self, event: Event) -> None:
        """Show a piece of the reply, or what was emitted beside it."""
        match event:
            case StreamRestarted():
                self._saw_something = False
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                self._saw_something = True
        self._emit(event)

    def forget(self, reason: object) -> None:
        """Say that what was shown is void, if anything was."""
        if self._saw_something:
            self._saw_something = False
            self._emit(StreamRestarted(reason=str(reason)))

    def await_retry(self, error: ModelError, attempt: int, delay: float) -> None:
        """Say that the request is sent again."""
        self.forget(error)
        self._emit(RetryScheduled(attempt=attempt, delay=delay, reason=str(error)))

    def await_gate(self, delay: float) -> None:
        """Say that the request is not sent yet, because the server has refused somebody else's."""
        if delay >= _NOTEWORTHY:
            self._emit(RetryScheduled(attempt=0, delay=delay, reason="the server gets too many requests"))


def without_words(emit: Emit | None) -> Emit | None:
    """An `emit` for a reply whose words are not for people, who see only what was thought until it is whole."""
    if emit is None:
        return None

    def tell(event: Event) -> None:
        if not isinstance(event, TextDelta | ToolCallDelta):
            emit(event)

    return tell


def _tell_nobody(event: Event) -> None:
    """The `emit` of those who do not listen."""
