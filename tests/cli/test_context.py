"""Standard input is context, and never a reason to hang."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pygent.cli.context import LIMIT_BYTES, Context, read_context, with_context


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def test_pipe_is_read_to_its_end(pipe) -> None:
    """What was piped in comes whole, and needs no word about it."""
    os.write(pipe[1], "log line\nÄ".encode())
    os.close(pipe[1])

    context = read_context(pipe[0])

    assert (context.text, context.notice) == ("log line\nÄ", "")


def test_silent_pipe_is_left_alone(pipe) -> None:
    """A pipe that nobody writes to and nobody closes does not stop the run, and the user is told."""
    context = read_context(pipe[0], first_byte=0.01)

    assert context.text == ""
    assert "stayed silent" in context.notice


def test_pipe_that_falls_silent_gives_what_came(pipe) -> None:
    """What came is used, and the user is told that there was no end."""
    os.write(pipe[1], b"half")

    context = read_context(pipe[0], next_byte=0.01)

    assert context.text == "half"
    assert "fell silent" in context.notice


def test_too_much_is_cut_and_said(tmp_path) -> None:
    """More than the limit is not read, and both the model and the user know."""
    big = tmp_path / "big"
    big.write_bytes(b"x" * (LIMIT_BYTES + 5))
    with big.open("rb") as file:
        context = read_context(file.fileno())

    assert context.text == "x" * LIMIT_BYTES + "\n[cut: this is the first MiB]"
    assert "longer than 1 MiB" in context.notice


def test_nothing_to_read_is_no_context(tmp_path) -> None:
    """The null device, a folder and a closed descriptor are as good as nothing."""
    null, folder = os.open(os.devnull, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)
    for descriptor in (null, folder):
        assert read_context(descriptor) == Context()
        os.close(descriptor)

    assert read_context(folder) == Context()


def test_bytes_that_are_no_text_are_replaced(pipe) -> None:
    """Any bytes can be piped in."""
    os.write(pipe[1], b"\xff\xfe")
    os.close(pipe[1])

    assert read_context(pipe[0]).text == "\ufffd\ufffd"


JOINED = {
    "nothing": ("fix it", "  \n", "fix it"),
    "context": ("why?", "line\n", "why?\n\n<stdin>\nline\n</stdin>"),
    "only context": ("", "fix it\n", "fix it"),
}


@pytest.mark.parametrize(("prompt", "context", "message"), JOINED.values(), ids=JOINED)
def test_request_and_context_are_one_message(prompt: str, context: str, message: str) -> None:
    """The model can tell the request from what was piped in."""
    assert with_context(prompt, context) == message
