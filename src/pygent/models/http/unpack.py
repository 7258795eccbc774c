"""Bodies that a server packed unasked, unpacked in pieces: a bomb is counted before it fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ...errors import ModelResponseError

PIECE_BYTES = 1 << 20
"""The most that is unpacked at once."""


def unpacker(encoding: str) -> Callable[[bytes], Iterable[bytes]]:
    """Return what unpacks a body: call it with each chunk, and with `b""` at the end.

    Args:
        encoding: the `Content-Encoding`. None was asked for, but some proxies pack all they see.

    Raises:
        ModelResponseError: the encoding is not known here, or, from the returned function, the body is not in it.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return lambda packed: (packed,) if packed else ()
        case "gzip" | "x-gzip" | "deflate":
            return partial(_unpack, zlib.decompressobj(zlib.MAX_WBITS | 32))  # | 32: it sees by itself which it is
    raise ModelResponseError(f"the server sent a body in the encoding {encoding!r}, which was not asked for")


def _unpack(stream: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    try:
        if not packed:
            yield stream.flush()
        while packed:
            yield stream.decompress(packed, PIECE_BYTES)
            packed = stream.unconsumed_tail
    except zlib.error as error:
        raise ModelResponseError(f"the server sent a body that is not packed as it says: {error}") from error
