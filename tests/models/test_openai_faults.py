"""`OpenAIModel` and the faults of its servers: one error of ours, which says what happened and not the key."""

from __future__ import annotations

import json
import logging
import traceback

import pytest

from pygent.errors import (
    AuthenticationError,
    ContextLengthError,
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    ModelStatusError,
    QuotaError,
    RateLimitError,
    StreamInterrupted,
)
from pygent.models import OpenAIModel
from pygent.testing.server import HELLO

from .conftest import HI, KEY, MakeModel
from .raw_server import answer, answering

FAILS: dict[str, type[ModelError]] = {
    **{f"status:{status}": ModelStatusError for status in (400, 404, 408, 409, 413, 422, 500, 502, 503, 504, 529)},
    "status:401": AuthenticationError,
    "status:403": AuthenticationError,
    "html:502": ModelStatusError,
    "429ra:1": RateLimitError,
    "429quota": QuotaError,
    "ctxlen": ContextLengthError,
    "redirect": ModelStatusError,
    "reset": ModelConnectionError,
    "midheaders": ModelConnectionError,
    "nothttp": ModelConnectionError,
    "bighdr": ModelConnectionError,
    "truncjson": ModelConnectionError,
    "badjson": ModelResponseError,
    "empty200": ModelResponseError,
    "204": ModelResponseError,
    "html:200": ModelResponseError,
    "brotli": ModelResponseError,
    'body:{"error": {"message": "it burns"}}': ModelResponseError,
    'body:{"choices": null}': ModelResponseError,
    'body:{"choices": []}': ModelResponseError,
    "body:null": ModelResponseError,
    "bomb:100": ModelResponseError,
}

STREAM_FAILS: dict[str, type[ModelError]] = {
    **FAILS,
    "ndjson": ModelResponseError,
    "html_as_stream": ModelResponseError,
    "not_object": ModelResponseError,
    "badchunk": ModelResponseError,
    "only_done": ModelResponseError,
    "err_in_200": ModelResponseError,
    "err_str_in_200": ModelResponseError,
    "err_detail": ModelResponseError,
    "err_choice": ModelResponseError,
    "err_mid": ModelResponseError,
    "err_context": ContextLengthError,
    "err_rate": RateLimitError,
    "eofmid": StreamInterrupted,
    "no_finish": StreamInterrupted,
    "midsse": StreamInterrupted,
    "hugeline:9": ModelResponseError,
}


def assert_ours(error: ModelError, kind: type[ModelError]) -> None:
    """The error is of the right type, knows its request, and neither it nor its causes show the key."""
    assert type(error) is kind
    assert (error.model or "").startswith("fault:")
    shown: BaseException | None = error
    while shown is not None:
        assert KEY not in f"{shown!s} {shown!r} {vars(shown)} {shown.args!r}"
        shown = shown.__cause__ or shown.__context__
    assert KEY not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("name", STREAM_FAILS)
async def test_a_fault_in_a_stream_is_one_error_of_ours(name: str, make_model: MakeModel) -> None:
    """No foreign exception leaves the model, no broken stream passes for a reply, and no error shows the key."""
    with pytest.raises(ModelError) as caught:
        await make_model().chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, STREAM_FAILS[name])
    assert caught.value.attempts == 1


@pytest.mark.parametrize("name", FAILS)
async def test_a_fault_in_a_whole_reply_is_one_error_of_ours(name: str, make_model: MakeModel) -> None:
    """The same without a stream."""
    with pytest.raises(ModelError) as caught:
        await make_model(stream=False).chat(HI, f"fault:{name}", [])

    assert_ours(caught.value, FAILS[name])


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_server_that_repeats_the_key_does_not_leak_it(status: int, make_model: MakeModel) -> None:
    """It is taken out of the text and the body."""
    with pytest.raises(ModelStatusError, match="redacted") as caught:
        await make_model().chat(HI, f"fault:echo:{status}", [])

    assert_ours(caught.value, AuthenticationError if status == 401 else ModelStatusError)
    assert "[redacted]" in caught.value.body
    assert caught.value.request_id == "req-7"


async def test_what_was_cut_off_is_in_the_error(make_model: MakeModel) -> None:
    """Who wants the broken reply finds it, with all that came."""
    for name in ("no_finish", "midsse"):
        with pytest.raises(StreamInterrupted) as caught:
            await make_model().chat(HI, f"fault:{name}", [])

        assert caught.value.partial is not None
        assert HELLO.startswith(caught.value.partial.text)
        assert len(caught.value.partial.text) >= 3


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["badjson", "html:200", 'body:{"choices": null}', 'body:{"oh": "no"}'])
async def test_what_came_instead_of_a_reply_is_quoted(name: str, stream: bool, make_model: MakeModel) -> None:
    """Who reads the error sees the start of it."""
    with pytest.raises(ModelResponseError) as caught:
        await make_model(stream=stream).chat(HI, f"fault:{name}", [])

    quoted = {"badjson": '{"choices": [}', "html:200": "<html><body>Bad gateway"}.get(name, name.removeprefix("body:"))
    assert quoted in str(caught.value)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
async def test_an_error_holds_what_its_reader_needs(status: int) -> None:
    """The status, the server's words and id, and the start of a body that may be long; the key is cut out of it."""
    body = json.dumps({"error": {"message": "out of\nmemory", "code": "oom"}, "you": KEY, "trace": "ä" * 9000}).encode()
    async with answering([answer(body, "x-request-id: req-9", status=status)]) as url:
        with pytest.raises(ModelStatusError) as caught:
            await OpenAIModel(url, KEY, max_retries=0).chat(HI, "m", [])

    error = caught.value
    assert (error.status, error.code, error.request_id, error.model) == (status, "oom", "req-9", "m")
    assert str(error) == f"the server answered {status}: out of\nmemory"
    assert error.body.startswith('{"error": {"message"')
    assert len(error.body) <= 2 << 10
    assert KEY not in error.body


ADVICE = {"status:401": "check the API key", "429quota": "add some, or use another key", "ctxlen": "shorten it"}


@pytest.mark.parametrize("name", ADVICE)
async def test_an_error_that_a_person_must_mend_says_how(name: str, make_model: MakeModel) -> None:
    """Beside what the server said."""
    with pytest.raises(ModelStatusError, match=ADVICE[name]):
        await make_model().chat(HI, f"fault:{name}", [])


@pytest.mark.parametrize("name", ["status:401", "echo:401", "echo:500", "redirect", "reset", "midsse", "bighdr", "ok"])
async def test_the_key_is_not_in_the_log(name: str, make_model: MakeModel, caplog: pytest.LogCaptureFixture) -> None:
    """At any level, of any library, also with the traceback of the error."""
    caplog.set_level(logging.DEBUG)
    try:
        await make_model(max_retries=1, timeouts={"total": 2}).chat(HI, f"fault:{name}", [])
    except ModelError:
        logging.getLogger("application").exception("the model failed")

    assert KEY not in caplog.text
