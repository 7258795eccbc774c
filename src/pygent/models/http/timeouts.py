"""How long a model's server may be silent: `Timeouts`."""

from __future__ import annotations

import math

import msgspec


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of patience with a server; None: no limit.

    Content is what the model says, thinks or calls. A server that only keeps the connection alive counts as silent.

    Attributes:
        connect: until the connection stands; for each address that the server's name has.
        first_content: from the request to the first content; reasoning models think for minutes before it.
        idle_content: from one content to the next.
        whole_reply: from the request to the end of a reply that is not streamed, or of a list of models.
        total: for the whole answer, all attempts and the waits between them included.
    """

    connect: float | None = 5.0
    first_content: float | None = 300.0
    idle_content: float | None = 300.0
    whole_reply: float | None = 600.0
    total: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 <= value < math.inf):
                raise ValueError(f"{name}={value!r}: a limit is a number from 0 up, or None for no limit")
