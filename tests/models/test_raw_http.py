"""Answers that are hardly HTTP: broken at random places, and broken on purpose. One message or one error of ours."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import repeat

import pytest

from pygent.errors import ModelConnectionError, ModelError, ModelResponseError, ModelStatusError
from pygent.messages import Message
from pygent.models import OpenAIModel, Timeouts
from pygent.testing.server import HELLO, STREAMS
from pygent.testing.server.chat.chunks import completion

from .conftest import HI, KEY
from .raw_server import answer, answering, chunked

WHOLE = answer(json.dumps(completion({"content": HELLO})).encode(), "x-request-id: req-7")
STREAMED = chunked(*STREAMS["ok"].splitlines(keepends=True))
REFUSED = answer(b'{"error": {"message": "no", "code": "bad"}}', "retry-after: 1", "x-should-retry: false", status=503)

TIMEOUTS = Timeouts(first_content=0.5, idle_content=0.5, whole_reply=0.5, total=2)


async def ask(url: str, *, stream: bool = True) -> Message | ModelError:
    try:
        return await OpenAIModel(url, KEY, max_retries=0, stream=stream, timeouts=TIMEOUTS).chat(HI, "m", [])
    except ModelError as error:
        return error


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes after an accident."""
    start = chance.randrange(len(data))
    end = min(start + chance.choice((1, 1, 2, 5, 40)), len(data))
    match chance.randrange(5):
        case 0:
            return data[:start]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:end] + data[start:]
        case 3:
            return data[:start] + chance.randbytes(end - start) + data[end:]
    return data[:start] + chance.choice((b"\r\n", b"\0", b"\xff", b": ", b"0\r\n\r\n", b"data: ")) + data[start:]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("good", [WHOLE, STREAMED, REFUSED], ids=["whole", "streamed", "refused"])
async def test_no_accident_on_the_way_surprises_the_caller(good: bytes, seed: int) -> None:
    """An answer that is cut, doubled or changed anywhere is a message or a ModelError; the text says what it was."""
    chance = random.Random(seed)
    accidents = [damaged(good, chance) for _ in range(60)]
    async with answering(accidents) as url:
        for accident in accidents:
            outcome = await ask(url, stream=good is STREAMED)
            assert isinstance(outcome, Message | ModelError), accident
            assert KEY not in repr(vars(outcome)) if isinstance(outcome, ModelError) else True
            str(outcome).encode()


@pytest.mark.parametrize("good", [WHOLE, STREAMED], ids=["whole", "streamed"])
async def test_an_answer_that_is_cut_off_is_an_error_or_all_of_it(good: bytes) -> None:
    """Wherever the connection ends, in the head, in a chunk or between two: nothing is lost in silence."""
    cuts = range(0, len(good), 7)
    async with answering(good[:cut] for cut in cuts) as url:
        for cut in cuts:
            outcome = await ask(url, stream=good is STREAMED)
            assert isinstance(outcome, ModelError) or outcome.content == HELLO, cut


BODY = WHOLE.partition(b"\r\n\r\n")[2]

ODD_ANSWERS: dict[str, tuple[bytes, type[ModelError] | None]] = {
    "an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, None),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + WHOLE, None),
    "no reason": (WHOLE.replace(b" Whatever", b"", 1), None),
    "HTTP/1.0 to the end of the line": (b"HTTP/1.0 200 OK\r\n\r\n" + BODY, None),
    "line feeds only": (WHOLE.replace(b"\r\n", b"\n"), None),
    "a length that is none": (WHOLE.replace(b"Length: ", b"Length: x"), ModelConnectionError),
    "a negative length": (WHOLE.replace(b"Length: ", b"Length: -"), ModelConnectionError),
    "a length too large": (WHOLE.replace(b"Length: ", b"Length: 9"), ModelConnectionError),
    "a length too small": (answer(BODY).replace(b"Length: %d" % len(BODY), b"Length: 9"), ModelError),
    "two lengths": (answer(BODY, "Content-Length: 7"), ModelConnectionError),
    "chunks of no size": (STREAMED.replace(b"\r\n\r\n", b"\r\n\r\nzz\r\n", 1), ModelConnectionError),
    "a chunk of endless size": (STREAMED.replace(b"\r\n\r\n", b"\r\n\r\n" + b"f" * 300, 1), ModelConnectionError),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ModelConnectionError),
    "nothing": (b"", ModelConnectionError),
    "zeros": (bytes(5000), ModelConnectionError),
    "a status of 999": (answer(b"{}", status=999), ModelStatusError),
    "a status of 600": (answer(b"{}", status=600), ModelStatusError),
    "a change of protocols": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ModelError),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", ModelStatusError),
    "packed twice": (answer(BODY, "Content-Encoding: gzip, gzip"), ModelResponseError),
    "packed, it says": (answer(BODY, "Content-Encoding: gzip"), ModelResponseError),
    "deflated, it says": (answer(BODY, "Content-Encoding: deflate"), ModelResponseError),
    "a cookie that is none": (answer(BODY, "Set-Cookie: \xff=;;;=\x01"[:13]), None),
    "a type that is none": (answer(BODY, kind=";;;charset=nowhere; charset=\xff"), None),
    "an empty location": (answer(b"", "Location: ", status=307), ModelStatusError),
    "a location that is none": (answer(b"", "Location: http://[::1", status=307), ModelStatusError),
    "UTF-16": (answer(BODY.decode().encode("utf-16")), ModelResponseError),
    "a thousand headers": (answer(BODY, *(f"x-{number}: y" for number in range(1000))), ModelConnectionError),
}


@pytest.mark.parametrize("follow_redirects", [False, True], ids=["", "following"])
@pytest.mark.parametrize(("data", "kind"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_odd_answers_are_understood_or_refused(
    data: bytes, kind: type[ModelError] | None, follow_redirects: bool
) -> None:
    """What can be understood is; the rest is an error of ours, which says so."""
    async with answering(repeat(data)) as url:
        model = OpenAIModel(url, KEY, max_retries=0, timeouts=TIMEOUTS, follow_redirects=follow_redirects)
        if kind is None:
            assert (await model.chat(HI, "m", [])).content == HELLO
            return

        with pytest.raises(kind):
            await model.chat(HI, "m", [])


async def test_a_connection_that_died_unused_is_repaired() -> None:
    """A server that hangs up between two questions, without a word, costs a retry and no error."""
    async with answering(repeat(WHOLE.replace(b"Connection: close\r\n", b""))) as url:
        model = OpenAIModel(url, KEY, max_retries=2)
        for _ in range(5):
            assert (await model.chat(HI, "m", [])).content == HELLO
            await asyncio.sleep(0)
