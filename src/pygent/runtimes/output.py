"""What is kept of a command's output: `HeadTail` holds its beginning and its end in bounded memory."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

HEAD_BYTES = 16 << 10
TAIL_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Output as text, and how many bytes were cut out of its middle."""

    text: str
    omitted_bytes: int


class HeadTail:
    """Takes output in pieces of any size; keeps the first and the last of it and counts the rest exactly.

    Nothing is cut out of output that fits. A cut never splits a character of UTF-8; bytes that are no UTF-8 become
    U+FFFD.
    """

    def __init__(self, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        self._head_bytes = head_bytes
        self._tail_bytes = tail_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self.total_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self.total_bytes += len(data)
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._tail_bytes:  # now and then, not at each small piece
            self._trim()

    def excerpt(self) -> Excerpt:
        """Return what there is so far, with a line in place of what was cut out."""
        self._trim()
        if self.total_bytes == len(self._head) + len(self._tail):
            return Excerpt((self._head + self._tail).decode("utf-8", "replace"), 0)

        head = _without_split_end(bytes(self._head))
        tail = _without_split_start(bytes(self._tail))
        omitted = self.total_bytes - len(head) - len(tail)
        marker = f"\n... [{omitted} bytes omitted of {self.total_bytes}] ...\n"
        return Excerpt(head.decode("utf-8", "replace") + marker + tail.decode("utf-8", "replace"), omitted)

    def _trim(self) -> None:
        del self._tail[: max(0, len(self._tail) - self._tail_bytes)]


def _without_split_end(data: bytes) -> bytes:
    """Drop the beginning of a character whose rest is not there."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    unfinished, _ = decoder.getstate()
    return data[: len(data) - len(unfinished)]


def _without_split_start(data: bytes) -> bytes:
    """Drop the end of a character whose beginning is not there: at most three continuation bytes."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]
