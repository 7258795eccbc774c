"""Images as parts of a message: read, recognised by their bytes, and bounded in size."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from pygent import Message
from pygent.images import MAX_IMAGE_BYTES, image_part

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
IMAGES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\1\0\1\0",
    "image/webp": b"RIFF\x0a\x1a\0\0WEBPVP8 ",
}
URLS = ["https://example.org/a.png", "HTTP://example.org/a", "data:image/png;base64,AAAA"]


@pytest.mark.parametrize(("kind", "data"), IMAGES.items(), ids=IMAGES)
def test_the_kind_is_told_by_the_first_bytes(kind: str, data: bytes, tmp_path: Path) -> None:
    """Whatever its name is, and whether it is a file or bytes, a part holds the image as it is."""
    path = tmp_path / "a.bin"
    path.write_bytes(data)

    for source in (data, path, str(path)):
        part = image_part(source)
        head, _, text = part["image_url"]["url"].partition(",")

        assert part["type"] == "image_url"
        assert head == f"data:{kind};base64"
        assert b64decode(text, validate=True) == data


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_passed_on(url: str) -> None:
    """It is the server that fetches it."""
    assert image_part(url) == {"type": "image_url", "image_url": {"url": url}}


def test_detail_is_passed_on() -> None:
    """How closely the model is to look is between the user and the server."""
    assert image_part(URLS[0], detail="low")["image_url"] == {"url": URLS[0], "detail": "low"}


NO_IMAGES = {
    "empty": (b"", "these bytes: no PNG.* begins with nothing"),
    "text": (b"<svg></svg>", "begins with b'<svg></s'"),
    "bitmap": (b"BM\0\0", "no PNG, JPEG, GIF or WebP"),
    "sound": (b"RIFF\x0a\x1a\0\0WAVEfmt ", "no PNG"),
    "other-scheme": ("ftp://example.org/a.png", "ftp://example.org/a.png leads to no image"),
    "file-scheme": ("file:///a.png", "or a path"),
    "other-data": ("data:text/plain,hello", "leads to no image"),
    "too-large": (PNG + bytes(MAX_IMAGE_BYTES), "larger than 20 MiB"),
}


@pytest.mark.parametrize(("source", "message"), NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_no_image_is_refused(source: bytes | str, message: str) -> None:
    """The error says what came instead, in few words."""
    with pytest.raises(ValueError, match=message) as caught:
        image_part(source)

    assert len(str(caught.value)) < 200


def test_no_more_of_a_file_is_read_than_is_needed(tmp_path: Path) -> None:
    """A file of any size is refused at the price of the largest image; the error names it."""
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(PNG)
        file.truncate(1 << 40)

    with pytest.raises(ValueError, match=r"huge\.png: larger than 20 MiB"):
        image_part(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """It is the error that `open` raises."""
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        image_part(tmp_path / "none.png")


@pytest.mark.parametrize("source", [None, 7, ["a.png"]])
def test_what_could_be_no_image_is_a_type_error(source: object) -> None:
    """The error says what it could be."""
    with pytest.raises(TypeError, match="pass a path, the bytes of a file, or a URL"):
        image_part(source)  # type: ignore[arg-type] # that is the point


def test_an_image_is_said_beside_words() -> None:
    """Words in a list need no parts around them."""
    message = Message.user(["What is this?", image_part(PNG)])

    assert message.text == "What is this?"
    assert message.to_dict()["content"] == [{"type": "text", "text": "What is this?"}, image_part(PNG)]
