"""What is kept of output is exact, whatever pieces it comes in."""

from __future__ import annotations

import codecs
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.runtimes.output import HeadTail

MARKER = re.compile(r"\n\.\.\. \[(\d+) bytes omitted of (\d+)\] \.\.\.\n")

output = st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
pieces = st.lists(output, max_size=8)
sizes = st.integers(0, 40)


def kept(data: bytes, head: int, tail: int, step: int | None = None) -> HeadTail:
    buffer = HeadTail(head, tail)
    for start in range(0, len(data), step or len(data) or 1):
        buffer.feed(data[start : start + (step or len(data))])
    return buffer


@given(pieces, sizes, sizes)
def test_pieces_do_not_matter(parts: list[bytes], head: int, tail: int) -> None:
    """The same bytes give the same excerpt, however they are cut into pieces."""
    buffer = HeadTail(head, tail)
    for part in parts:
        buffer.feed(part)

    assert buffer.excerpt() == kept(b"".join(parts), head, tail).excerpt()
    assert buffer.total_bytes == sum(map(len, parts))


@given(output, sizes, sizes)
def test_output_that_fits_is_whole(data: bytes, head: int, tail: int) -> None:
    """What is no longer than head and tail together is not cut at all."""
    if len(data) <= head + tail:
        excerpt = kept(data, head, tail).excerpt()

        assert (excerpt.text, excerpt.omitted_bytes) == (data.decode("utf-8", "replace"), 0)


@given(output, sizes, sizes)
def test_omitted_bytes_are_counted_exactly(data: bytes, head: int, tail: int) -> None:
    """Beginning, omitted bytes and end add up to the whole; a split character costs up to three bytes a side."""
    excerpt = kept(data, head, tail).excerpt()
    if not excerpt.omitted_bytes:
        return

    candidates = []
    for cut in range(max(0, head - 3), head + 1):
        rest = cut + excerpt.omitted_bytes
        marker = f"\n... [{excerpt.omitted_bytes} bytes omitted of {len(data)}] ...\n"
        candidates.append(data[:cut].decode("utf-8", "replace") + marker + data[rest:].decode("utf-8", "replace"))
    assert excerpt.text in candidates
    assert len(data) - head - tail <= excerpt.omitted_bytes <= len(data) - head - tail + 6


@given(st.text(min_size=30, max_size=200), st.integers(0, 20), st.integers(0, 20))
def test_cut_never_splits_a_character(text: str, head: int, tail: int) -> None:
    """Valid UTF-8 stays valid: no U+FFFD comes from the cut."""
    data = text.encode("utf-8", "replace")
    excerpt = kept(data, head, tail).excerpt()

    assert excerpt.text.count("\ufffd") <= data.decode().count("\ufffd")


@given(pieces)
def test_streamed_text_is_the_same_text(parts: list[bytes]) -> None:
    """Decoding piece by piece, as `on_output` hears it, gives the text that decoding the whole gives."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    heard = "".join(decoder.decode(part) for part in parts) + decoder.decode(b"", final=True)

    assert heard == kept(b"".join(parts), 1000, 1000).excerpt().text


@pytest.mark.parametrize("step", [50, 4096, 65536, 1_000_000])
def test_memory_is_bounded(step: int) -> None:
    """A flood leaves no more in memory than some tens of KiB, and the marker says what is missing."""
    buffer, piece = HeadTail(), b"x" * step
    tracemalloc.start()
    try:
        for _ in range(1_000_000 // step):
            buffer.feed(piece)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    excerpt = buffer.excerpt()
    found = MARKER.search(excerpt.text)
    assert held < 200_000
    assert found is not None
    assert found.groups() == (str(excerpt.omitted_bytes), str(buffer.total_bytes))
    assert excerpt.omitted_bytes == buffer.total_bytes - 32768
