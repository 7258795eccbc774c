"""`Turn`: a run while it goes on: what it has used, what it has said, and why it ends."""

from __future__ import annotations

import time

from .events import TurnFinished
from .limits import Limits, TimeLimit
from .messages import Message, Usage


class Turn:
    """One run of an agent, from the user's words to its end.

    Args:
        limits: its bounds.

    Attributes:
        limit: the time for all of it, to be entered once.
        reason: why it ends, see `TurnFinished`; None while it goes on.
        reply: the last reply; when it was cut off, what came of it.
        answer: what it came to, in words; empty when it was cut off.
        steps: how often the model was asked.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = time.perf_counter()
        self._usage = Usage()
        self.limit = TimeLimit(limits.max_time, "max_time", self.end)
        self.reason: str | None = None
        self.reply: Message | None = None
        self.answer = ""
        self.steps = 0

    def step_limit(self) -> TimeLimit:
        """The time for one step."""
        return TimeLimit(self._limits.step_timeout, "step_timeout", self.end)

    def interrupt(self) -> None:
        """End it now."""
        self.limit.end("interrupted")

    def end(self, reason: str, answer: str = "") -> None:
        """Let it end; the first reason counts."""
        if self.reason is None:
            self.reason, self.answer = reason, answer

    def goes_on(self) -> bool:
        """Whether there is another step: nothing has ended the turn, and its limits allow one."""
        if self._limits.max_steps is not None and self.steps >= self._limits.max_steps:
            self.end("max_steps")
        if self._limits.max_tokens is not None and self._usage.total_tokens >= self._limits.max_tokens:
            self.end("tokens")
        return self.reason is None

    def add(self, reply: Message) -> None:
        """Count a reply."""
        self.reply = reply
        self._usage += reply.usage or Usage()

    def finished(self) -> TurnFinished:
        """The fact that tells of its end."""
        return TurnFinished(
            reason=self.reason or "reply",
            answer=self.answer,
            steps=self.steps,
            usage=self._usage,
            duration=time.perf_counter() - self._started,
        )
