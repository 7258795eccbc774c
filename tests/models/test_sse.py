"""The decoder of server-sent events, with tables from the specification and at random cuts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.errors import ModelResponseError
from pygent.models.http.sse import SSEDecoder
from pygent.testing.server import STREAMS


def decode(*chunks: bytes) -> list[str]:
    decoder = SSEDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)]


EVENTS = {
    "one": (b"data: a\n\n", ["a"]),
    "two": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "no space": (b"data:a\n\n", ["a"]),
    "one space only is taken": (b"data:  a\n\n", [" a"]),
    "several lines": (b"data: a\ndata\ndata:b\n\n", ["a\n\nb"]),
    "carriage returns": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "both": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "mixed": (b"data: a\r\ndata: b\n\rdata: c\r\n\n", ["a\nb", "c"]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", ["a", "b"]),
    "comments": (b": hi\n\n:\n\ndata: a\n: inside\n\n", ["a"]),
    "other fields alone": (b"retry: 10\n\nid: 7\n\nevent: ping\n\n", []),
    "other fields beside": (b"event: chunk\nid: 7\ndata: a\nretry: 1\n\n", ["a"]),
    "empty data": (b"data:\n\ndata: \n\ndata\n\n", []),
    "longer names": (b"database: x\ndat: y\n\n", []),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "no UTF-8": (b"data: \xff\xc3\n\n", ["\ufffd\ufffd"]),
    "line ends of Unicode": ("data: \u2028\u2029\x85\x0b\x0c\n\n".encode(), ["\u2028\u2029\x85\x0b\x0c"]),
    "without its end": (b"data: a\n\ndata: b\n", ["a"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "events"), EVENTS.values(), ids=EVENTS)
def test_events_are_as_the_specification_says(stream: bytes, events: list[str]) -> None:
    """Data is dispatched at each blank line, whatever the line ends and the fields around it."""
    assert decode(stream) == events


@pytest.mark.parametrize(("stream", "events"), EVENTS.values(), ids=EVENTS)
def test_every_byte_may_come_alone(stream: bytes, events: list[str]) -> None:
    """The network may cut anywhere, also between CR and LF and in the middle of a character."""
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == events


LINES = st.sampled_from(
    [b"data: ", b"data:", b"data", b": c", b"id: 1", b"retry: 5", b"event: x", b"", "ä🌍\u2028".encode()]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
PIECES = st.lists(st.one_of(LINES, ENDS, st.binary(max_size=5)), max_size=60)


@given(pieces=PIECES, cuts=st.lists(st.integers(0, 400), max_size=20))
def test_cuts_do_not_matter(pieces: Sequence[bytes], cuts: Sequence[int]) -> None:
    """However a stream is cut into chunks, the same events come out."""
    stream = b"".join(pieces)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})

    assert decode(*(stream[a:b] for a, b in pairwise(places))) == decode(stream)


@given(pieces=PIECES)
def test_line_ends_do_not_matter(pieces: Sequence[bytes]) -> None:
    """LF, CR and CRLF mean the same."""
    stream = b"".join(pieces).replace(b"\r", b"")

    for end in (b"\r", b"\r\n"):
        assert decode(stream.replace(b"\n", end)) == decode(stream)


DATA = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
NOISE = st.lists(
    st.sampled_from([": hello", ":", "id: 7", "id", "retry: 10", "event: ping", "event", "database: x", "\u2028", "x"]),
    max_size=3,
)


@st.composite
def written(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Some events, and a stream that says them, with all that a server may write around them."""
    events, lines = [], draw(st.sampled_from([[], ["\ufeff: mark"]]))
    for parts in draw(st.lists(st.lists(DATA, min_size=1, max_size=3), max_size=5)):
        for part in parts:
            lines += draw(NOISE)
            space = " " if part.startswith(" ") or draw(st.booleans()) else ""
            lines.append("data" if not part and draw(st.booleans()) else f"data:{space}{part}")
        lines += [*draw(NOISE), "", *[""] * draw(st.integers(0, 2))]
        if any(parts) or len(parts) > 1:
            events.append("\n".join(parts))
        if draw(st.booleans()):
            lines += [*draw(NOISE), ""]  # a block without data, such as a ping
    stream = ""
    for line in lines:
        ends = (
            ["\r", "\r\n"] if not line and stream.endswith("\r") else ["\n", "\r", "\r\n"]
        )  # CR and LF would be one end
        stream += line + draw(st.sampled_from(ends))
    return events, stream.encode()


@given(said=written(), sizes=st.lists(st.integers(1, 9), max_size=20))
def test_what_was_written_is_read(said: tuple[list[str], bytes], sizes: Sequence[int]) -> None:
    """Any events, among comments, pings and other fields, with any line ends and chunks, come out as they went in."""
    events, stream = said
    chunks, start = [], 0
    while start < len(stream):
        size = sizes[len(chunks)] if len(chunks) < len(sizes) else len(stream)
        chunks.append(stream[start : start + size])
        start += size

    assert decode(*chunks) == events


@pytest.mark.parametrize("chunk", [1 << 10, 1 << 14, 1 << 20])
def test_large_events_are_refused(chunk: int) -> None:
    """Memory is bounded: an event beyond the limit is an error, finished or not."""
    decoder = SSEDecoder(limit_bytes=(1 << 20) - 1)
    for _ in range((1 << 20) // chunk - 1):
        decoder.feed(b"x" * chunk)

    with pytest.raises(ModelResponseError, match="too large"):
        decoder.feed(b"x" * chunk)

    with pytest.raises(ModelResponseError, match="too large"):
        SSEDecoder(limit_bytes=10).feed(b"data: 12345\n\ndata: 1\n\n")


def test_many_small_events_are_no_large_one() -> None:
    """The limit is for one event, however much one chunk brings."""
    assert len(SSEDecoder(limit_bytes=10).feed(b"data: 1\n\n" * 1000)) == 1000


def test_a_chat_stream_is_decoded_to_its_end() -> None:
    """A common stream ends with [DONE]."""
    assert decode(STREAMS["ok"])[-1] == "[DONE]"
