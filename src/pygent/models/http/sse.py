"""Server-sent events: bytes in, events out. It does no I/O; `openai.py` feeds it what the network brings."""

from __future__ import annotations

from ...errors import ModelResponseError

MAX_EVENT_BYTES = 8 << 20
"""An event beyond 8 MiB is no chat chunk: the server is broken, and memory is shared."""

_BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """Decodes one stream; `feed` it bytes, however they are cut, and get the `data` of each event that is complete.

    Only `data` matters to the protocols spoken here, so other fields, comments and events without data are passed over.
    Bytes that are not UTF-8 become U+FFFD. Lines end at LF, CR or CRLF and nowhere else: JSON may hold U+2028 as it is.
    """

    def __init__(self, *, limit_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._at_start = True
        self._after_cr = False

    def __repr__(self) -> str:
        return f"<SSEDecoder waiting={len(self._buffer)} bytes>"

    def feed(self, data: bytes) -> list[str]:
        r"""Return the data of the events that end in these bytes; feed `b"\n\n"` where the stream ends.

        Raises:
            ModelResponseError: an event is larger than `limit_bytes`.
        """
        data = self._with_line_feeds(data)
        searched = max(len(self._buffer) - 1, 0)  # the blank line may have begun in the bytes before
        self._buffer += data
        end = self._buffer.rfind(b"\n\n", searched)
        if end < 0:
            self._check_size(len(self._buffer))
            return []

        blocks = bytes(self._buffer[:end]).split(b"\n\n")
        del self._buffer[: end + 2]
        if end + len(self._buffer) > self._limit:
            self._check_size(max(len(self._buffer), *map(len, blocks)))
        if self._at_start:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(_BOM)
        return [found for block in blocks if (found := _data_of(block)) is not None]

    def _with_line_feeds(self, data: bytes) -> bytes:
        """The bytes with each line end as LF; a CRLF may be cut in two by the network."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" not in data:
            return data

        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise ModelResponseError(f"the server sent an event too large to be a reply: over {self._limit} bytes")


def _data_of(block: bytes) -> str | None:
    """The data of an event given as its lines; None: it has none, and is not dispatched."""
    if block.startswith(b"data:") and b"\n" not in block:  # nearly all events of nearly all servers
        data = block[5:].removeprefix(b" ")
    else:
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line[:5] in (b"data:", b"data")]
        data = b"\n".join(lines)
    return data.decode("utf-8", "replace") if data else None
