"""`image_part`: an image as a part of what the user says."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from pathlib import Path
from typing import Literal

from .messages import JSON

MAX_IMAGE_BYTES = 20 << 20
"""The largest image that is sent: where a server says how much it takes, it is this or less."""

_URL = re.compile(r"https?://|data:image/", re.IGNORECASE)

_SIGNATURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
"""How the files begin that models can see; their names may say anything."""


def image_part(
    source: str | os.PathLike[str] | bytes, *, detail: Literal["auto", "low", "high"] | None = None
) -> dict[str, JSON]:
    """Make a content part of an image, to be said beside words.

    `Message.user(["What is this?", image_part("a.png")])` is a question about a file, and so is a request that is such
    a list.

    A file is read at once, on the calling thread: on an event loop, `await asyncio.to_thread(image_part, path)` keeps
    the loop free.

    Args:
        source: a file, the bytes of one, or a `http:`, `https:` or `data:image/` URL. A URL is passed on as it is, and
            it is the server that fetches it.
        detail: how closely the model looks; None: as the server sees fit.

    Raises:
        ValueError: it is none of PNG, JPEG, GIF and WebP, or larger than 20 MiB.
        TypeError: it is nothing that could be an image.
        OSError: the file cannot be read.
    """
    match source:
        case str() if _URL.match(source):
            url = source
        case str() if re.match(r"\w+://|data:", source):
            raise ValueError(f"{source:.60} leads to no image: pass a http:, https: or data:image/ URL, or a path")
        case bytes():
            url = _data_url(source, "these bytes")
        case str() | os.PathLike():
            with Path(source).open("rb") as file:
                url = _data_url(file.read(MAX_IMAGE_BYTES + 1), os.fspath(source))
        case _:
            raise TypeError(f"{source!r:.60} is no image: pass a path, the bytes of a file, or a URL")
    return {"type": "image_url", "image_url": {"url": url} if detail is None else {"url": url, "detail": detail}}


def _data_url(data: bytes, name: str) -> str:
    if len(data) > MAX_IMAGE_BYTES:
        raise ValueError(f"{name}: larger than {MAX_IMAGE_BYTES >> 20} MiB, which is more than servers take")

    kind = next((kind for kind, signature in _SIGNATURES.items() if signature.match(data)), None)
    if kind is None:
        shown = repr(data[:8]) if data else "nothing at all"
        raise ValueError(f"{name}: no PNG, JPEG, GIF or WebP, which is what models can see: it begins with {shown}")

    return f"data:{kind};base64,{b64encode(data).decode()}"
