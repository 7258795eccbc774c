"""`Dialect`: how a server is asked: what it is known to understand, and what it was found not to."""

from __future__ import annotations

from ..errors import ModelStatusError


class Dialect:
    """What a server understands of the protocol. It learns from refusals, so each costs one request in its life.

    Attributes:
        counts_stream: whether it may be asked to count the tokens of a stream.
    """

    def __init__(self) -> None:
        self.counts_stream = True

    def learn(self, error: ModelStatusError) -> bool:
        """Whether the refusal was of something that can be left out, and now will be."""
        if error.status not in (400, 422):
            return False

        if self.counts_stream and "stream_options" in str(error):
            self.counts_stream = False
            return True

        return False
