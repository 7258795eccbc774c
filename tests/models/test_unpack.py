"""Packed bodies: exact, and in bounded pieces."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.errors import ModelResponseError
from pygent.models.http.unpack import PIECE_BYTES, unpacker

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "GZIP ": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", PACKERS, ids=repr)
@given(body=st.binary(), size=st.integers(1, 20))
def test_a_body_comes_out_as_it_went_in(encoding: str, body: bytes, size: int) -> None:
    """However the network cuts it."""
    packed, unpack = PACKERS[encoding](body), unpacker(encoding)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]

    assert b"".join(piece for chunk in [*chunks, b""] for piece in unpack(chunk)) == body


def test_pieces_are_bounded() -> None:
    """A few packed bytes may be a hundred megabytes; they are never all there."""
    unpack = unpacker("gzip")
    pieces = [len(piece) for chunk in (gzip.compress(bytes(20 << 20)), b"") for piece in unpack(chunk)]

    assert sum(pieces) == 20 << 20
    assert max(pieces) <= PIECE_BYTES


def test_what_cannot_be_unpacked_is_an_error_of_ours() -> None:
    """An unknown encoding, and a body that is not in the one it says."""
    with pytest.raises(ModelResponseError, match="'br'"):
        unpacker("br")
    with pytest.raises(ModelResponseError, match="not packed as it says"):
        list(unpacker("gzip")(b"hello"))
