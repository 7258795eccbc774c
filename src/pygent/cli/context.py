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


def read_context(
    descriptor: int = 0, *, first_byte: float | None = FIRST_BYTE, next_byte: float | None = NEXT_BYTE
) -> Context:
    """Read standard input as the module says.

    Args:
        descriptor: what to read.
        first_byte: seconds to wait for anything at all; None: as long as it takes.
        next_byte: seconds to wait for more.
    """
    data = bytearray()
    wait = first_byte
    try:
        if os.isatty(descriptor):
            return Context()

        while len(data) <= LIMIT_BYTES:
            if not select.select([descriptor], [], [], wait)[0]:
                return _fallen_silent(_text(data), wait)

            block = os.read(descriptor, 1 << 16)
            if not block:
                return Context(_text(data))

            data += block
            wait = next_byte
    except (OSError, ValueError):  # closed, or nothing that can be read, such as a folder
        return Context(_text(data))

    return Context(
        f"{_text(data[:LIMIT_BYTES])}\n[cut: this is the first MiB]",
        "standard input was longer than 1 MiB; the rest is left out",
    )


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")


def _fallen_silent(text: str, seconds: float | None) -> Context:
    """What to do with a pipe that has neither more to say nor an end."""
    if text:
        return Context(text, f"standard input fell silent for {seconds:g} s without an end; what came is used")

    advice = 'to wait for it add "-", to avoid the wait add </dev/null'
    return Context(notice=f"standard input stayed silent for {seconds:g} s and is left alone; {advice}")


def with_context(prompt: str, context: str) -> str:
    """Return the request and what stood on standard input as one message."""
    if not context.strip():
        return prompt

    return f"{prompt}\n\n<stdin>\n{context.rstrip()}\n</stdin>" if prompt else context.strip()
