"""The strict server: what it objects to, and how a test learns of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygent.testing.server import MisbehavingServer

from .client import HI, get, post

WRONG = {**HI, "temprature": 0}


async def test_what_is_refused_fails_the_test() -> None:
    """The client is told, and at the end of the block the test is, with all that was refused."""
    server = MisbehavingServer()

    async def wrong_twice() -> None:
        async with server:
            await post(server, HI)
            for _ in range(2):
                answer = await post(server, WRONG)
                assert (answer.status, answer.body["error"]["code"]) == (400, "strict")

    with pytest.raises(
        AssertionError, match=r"(?s)2 requests were refused.*request 2.*temprature.*request 3"
    ) as caught:
        await wrong_twice()

    assert server.refused == str(caught.value).splitlines()[1:]


async def test_a_refusal_does_not_hide_another_failure() -> None:
    """It is a note to the error that ended the block."""

    async def wrong_and_worse() -> None:
        async with MisbehavingServer() as server:
            await post(server, WRONG)
            raise KeyError("choices")

    with pytest.raises(KeyError) as caught:
        await wrong_and_worse()

    assert "temprature" in caught.value.__notes__[0]


async def test_a_test_may_expect_a_refusal() -> None:
    """`answer` refuses and does not complain; None refuses nothing."""
    async with MisbehavingServer(strict="answer") as server:
        assert (await post(server, WRONG)).status == 400
        assert "temprature" in server.refused[0]

    async with MisbehavingServer(strict=None) as server:
        assert (await post(server, WRONG)).status == 200
        assert server.refused == []


@pytest.mark.parametrize("fault", ["503", "reset", "hang"])
async def test_what_is_wrong_is_refused_whatever_else_goes_wrong(fault: str) -> None:
    """No fault hides it."""
    async with MisbehavingServer(strict="answer") as server:
        assert (await post(server, {**WRONG, "model": f"fault:{fault}"})).body["error"]["code"] == "strict"


BODIES: dict[str, tuple[Any, dict[str, str], str]] = {
    "no JSON": (b"{", {}, "no sound JSON"),
    "not UTF-8": (b'{"model": "\xff"}', {}, "no sound JSON"),
    "half an emoji": (json.dumps({**HI, "model": "\ud83c"}).encode(), {}, "no sound JSON"),
    "a name twice": (b'{"model": "a", "model": "b"}', {}, "'model' stands twice"),
    "NaN": (b'{"model": "a", "top_p": NaN}', {}, "NaN"),
    "too deep": (b"[" * 100_000, {}, "no sound JSON"),
    "no object": (b"[]", {}, "the request is [], not an object"),
    "nothing": (b"", {}, "no sound JSON"),
    "another type": (HI, {"Content_Type": "text/plain"}, "Content-Type is 'text/plain'"),
}


@pytest.mark.parametrize(("body", "headers", "problem"), BODIES.values(), ids=BODIES)
async def test_a_body_must_be_sound(body: Any, headers: dict[str, str], problem: str) -> None:
    """JSON as everybody reads it, and said to be so."""
    async with MisbehavingServer(strict="answer") as server:
        answer = await post(server, body, **headers)

    assert answer.body["error"]["code"] == "strict"
    assert problem in answer.body["error"]["message"]


async def test_a_key_names_one_body() -> None:
    """The same question may be sent again by its name; another question needs a name of its own."""
    async with MisbehavingServer(strict="answer") as server:
        first, again = [await post(server, HI, Idempotency_Key="a") for _ in range(2)]
        other = await post(server, {**HI, "temperature": 1}, Idempotency_Key="a")
        named = await post(server, {**HI, "temperature": 1}, Idempotency_Key="b")

    assert [answer.status for answer in (first, again, other, named)] == [200, 200, 400, 200]
    assert "came before" in other.body["error"]["message"]


async def test_the_type_may_say_more() -> None:
    """A charset is no other type, and a list has no body to object to."""
    async with MisbehavingServer() as server:
        assert (await post(server, HI, Content_Type="application/json; charset=utf-8")).status == 200
        assert (await get(server, "/v1/models")).status == 200


async def test_both_apis_are_read() -> None:
    """Each by its own rules."""
    async with MisbehavingServer(strict="answer") as server:
        right = await post(server, {"model": "small", "input": "hi"}, "/responses")
        wrong = await post(server, HI, "/responses")

    assert right.body["object"] == "response"
    assert "messages" in wrong.body["error"]["message"]
