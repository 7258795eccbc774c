"""`read_context`: what stands on standard input beside the request, such as a log in `pytest | pygent run "why?"`.

A terminal is never read. A file is read to its end. A pipe may be one that nobody writes to, inherited from a CI runner
or a cron job: if it stays silent for `FIRST_BYTE` seconds it is left alone; once something came, it is read until it
ends or falls silent for `NEXT_BYTE` seconds. A prompt of `-` says that it is to be read, and then there is no hurry.
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass

LIMIT_BYTES = 1 << 20
FIRST_BYTE = 5.0
NEXT_BYTE = 30.0


@dataclass(frozen=True, slots=True)
class Context:
    """What standard input said.

    Attributes:
        text: its text; bytes that are not UTF-8 become U+FFFD.
        notice: what the user should know: that it was silent, or cut.
    """

    text: str = ""
    notice: str = ""


def read_context(descriptor: int = 0, *, patient: bool = False) -> Context:
    """Read standard input as the module says; `patient`: wait for its end, however long that takes."""
    data = bytearray()
    wait: float | None = None if patient else FIRST_BYTE
    try:
        if os.isatty(descriptor):
            return Context()

        while len(data) <= LIMIT_BYTES:
            if not select.select([descriptor], [], [], wait)[0]:
                break

            block = os.read(descriptor, 1 << 16)
            if not block:
                return Context(data.decode("utf-8", "replace"))

            data += block
            wait = None if patient else NEXT_BYTE
    except (OSError, ValueError):  # closed, or nothing that can be read, such as a folder
        return Context(data.decode("utf-8", "replace"))

    text = data[:LIMIT_BYTES].decode("utf-8", "replace")
    if len(data) > LIMIT_BYTES:
        return Context(
            f"{text}\n[cut: this is the first MiB]", "standard input was longer than 1 MiB; the rest is left out"
        )

    if data:
        return Context(text, f"standard input fell silent for {NEXT_BYTE:g} s without an end; what came is used")

    notice = (
        f'standard input stayed silent for {FIRST_BYTE:g} s and is left alone (</dev/null avoids the wait, "-" waits)'
    )
    return Context(notice=notice)


def with_context(prompt: str, context: str) -> str:
    """Return the request and what stood on standard input as one message."""
    if not context.strip():
        return prompt

    return f"{prompt}\n\n<stdin>\n{context.rstrip()}\n</stdin>" if prompt else context.strip()
