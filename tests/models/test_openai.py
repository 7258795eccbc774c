"""`OpenAIModel`: what it sends, where to, and how it begins and ends."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from pygent.errors import (
    AuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelStatusError,
    ModelTimeout,
    SettingsError,
)
from pygent.messages import Message
from pygent.models import OpenAIModel, Timeouts
from pygent.settings import Settings
from pygent.testing.server import HELLO, MisbehavingServer

from .conftest import HI, KEY, MakeModel


async def test_a_server_without_stream_options_is_asked_without(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """At once, and from then on."""
    model = make_model()
    for _ in range(2):
        assert (await model.chat(HI, "fault:nousage", [])).content == HELLO

    assert ["stream_options" in request.body for request in server.log] == [True, False, False]
    assert len({request.headers["idempotency-key"] for request in server.log}) == 3


async def test_a_redirect_leads_nowhere(server: MisbehavingServer, make_model: MakeModel) -> None:
    """The key does not reach another server; the error names it."""
    async with MisbehavingServer() as elsewhere:
        with pytest.raises(ModelStatusError, match=elsewhere.base_url):
            await make_model().chat(HI, f"fault:redirect:{elsewhere.base_url}/chat/completions", [])

        assert elsewhere.log == []
    assert len(server.log) == 1


async def test_cancelling_closes_the_connection(server: MisbehavingServer, make_model: MakeModel) -> None:
    """In the middle of a stream: the server notices, and the next request works."""
    model, heard = make_model(), asyncio.Event()
    chat = asyncio.create_task(model.chat(HI, "fault:stall", [], emit=lambda _: heard.set()))
    await heard.wait()
    chat.cancel()
    with pytest.raises(asyncio.CancelledError):
        await chat

    async with asyncio.timeout(2):
        await server.log[0].closed.wait()
    assert (await model.chat(HI, "fault:ok", [])).content == HELLO


async def test_cancelling_ends_a_wait_between_attempts(server: MisbehavingServer, make_model: MakeModel) -> None:
    """No second request is sent."""
    waiting = asyncio.Event()
    model = make_model(max_retries=1)
    chat = asyncio.create_task(model.chat(HI, "fault:429ra:60", [], emit=lambda _: waiting.set()))
    await waiting.wait()
    chat.cancel()
    with pytest.raises(asyncio.CancelledError):
        await chat

    assert len(server.log) == 1


async def test_connections_are_used_again(server: MisbehavingServer, make_model: MakeModel) -> None:
    """One after the other needs one connection, for streams, whole replies and errors alike."""
    model = make_model()
    for name in ("ok", "jsonbody", "status:500", "tool_two", "ok"):
        try:
            await model.chat(HI, f"fault:{name}", [])
        except ModelStatusError:
            assert name == "status:500"

    assert server.connections == 1


async def test_many_ask_at_once(server: MisbehavingServer, make_model: MakeModel) -> None:
    """There is no limit of connections that would let some wait for others."""
    model = make_model(max_retries=2)
    replies = await asyncio.gather(*(model.chat(HI, "fault:bytewise", []) for _ in range(100)))

    assert {reply.content for reply in replies} == {HELLO}


async def test_the_request_is_what_the_api_wants(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Messages, tools, options and headers; no cookie, no encoding."""
    tool = {"type": "function", "function": {"name": "bash", "description": "", "parameters": {"type": "object"}}}
    model = make_model(temperature=0.5, options={"max_tokens": 7}, organization="org-1", project="proj-1")
    conversation = [Message.system("be good"), Message.user("hi \ud83c"), {"role": "user", "content": "as a dict"}]
    for _ in range(2):
        await model.chat(conversation, "fault:ok", [tool])  # type: ignore[arg-type] # what a wrapped model passes on
    request = server.log[1]

    assert request.path == "/v1/chat/completions"
    assert request.body == {
        "model": "fault:ok",
        "messages": [
            {"role": "system", "content": "be good"},
            {"role": "user", "content": "hi ?"},
            {"role": "user", "content": "as a dict"},
        ],
        "tools": [tool],
        "temperature": 0.5,
        "max_tokens": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("pygent/")
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["openai-organization"] == "org-1"
    assert "cookie" not in request.headers


async def test_without_tools_none_are_sent(server: MisbehavingServer, make_model: MakeModel) -> None:
    """Some servers refuse an empty list; and a body that is not streamed does not speak of streams."""
    await make_model(stream=False).chat(HI, "fault:ok", [])

    assert server.log[0].body.keys() == {"model", "messages"}


async def test_other_tools_are_noticed(server: MisbehavingServer, make_model: MakeModel) -> None:
    """What was encoded before is used for the same tools only, also when a list was changed in place."""
    a, b, c = ({"type": "function", "function": {"name": name}} for name in "abc")
    tools: list[Any] = [a]
    model = make_model()
    await model.chat(HI, "fault:ok", tools)
    tools.append(b)
    await model.chat(HI, "fault:ok", tools)
    tools[0] = c
    await model.chat(HI, "fault:ok", tools)

    assert [request.body["tools"] for request in server.log] == [[a], [a, b], [c, b]]


async def test_models_are_listed(make_model: MakeModel) -> None:
    """The names that the server offers."""
    assert [info.name for info in await make_model().list_models()] == ["large", "small"]


async def test_a_server_that_is_not_there_is_named() -> None:
    """The cause, in words that help."""
    async with MisbehavingServer() as gone:
        url = gone.base_url
    with pytest.raises(ModelConnectionError, match=r"cannot connect to 127\.0\.0\.1:\d+: .*base_url") as caught:
        await OpenAIModel(url, KEY, max_retries=0).chat(HI, "m", [])

    assert not isinstance(caught.value, ModelTimeout)


async def test_a_host_that_is_not_there_is_named() -> None:
    """A name that does not resolve is no timeout either."""
    with pytest.raises(ModelConnectionError, match=r"cannot find nowhere\.invalid"):
        await OpenAIModel("http://nowhere.invalid/v1", KEY, max_retries=0).chat(HI, "m", [])


async def test_tls_without_trust_is_refused(server: MisbehavingServer) -> None:
    """A server that does not speak TLS, let alone with a certificate, gets no key."""
    with pytest.raises(ModelConnectionError):
        await OpenAIModel(
            server.base_url.replace("http:", "https:"), KEY, max_retries=0, timeouts=Timeouts(connect=0.3)
        ).chat(HI, "m", [])

    assert server.log == []


async def test_without_a_key_openai_is_not_asked() -> None:
    """The error comes at once and says what to set; there is no network."""
    model = OpenAIModel(settings=Settings())

    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY") as caught:
        await model.chat(HI, "gpt-4.1-mini", [])

    assert caught.value.model == "gpt-4.1-mini"


async def test_settings_say_where(server: MisbehavingServer) -> None:
    """Address and key of the settings are used, arguments win, and a server of one's own needs no key."""
    settings = Settings(base_url=server.base_url, api_key=KEY)  # type: ignore[arg-type] # it makes the secret
    await OpenAIModel.from_settings(settings).chat(HI, "fault:ok", [])
    await OpenAIModel(api_key="sk-another", settings=settings).chat(HI, "fault:ok", [])
    await OpenAIModel(settings=Settings(base_url=server.base_url)).chat(HI, "fault:ok", [])

    assert [request.headers.get("authorization") for request in server.log] == [
        f"Bearer {KEY}",
        "Bearer sk-another",
        None,
    ]


async def test_the_environment_says_where(server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments the usual variables count."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    assert (await OpenAIModel().chat(HI, "fault:ok", [])).content == HELLO
    assert server.log[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("options", [{"stream": False}, {"model": "x", "n": 2}, {"x": object()}], ids=str)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    """When the model is made, not when it is asked."""
    with pytest.raises(SettingsError, match="options"):
        OpenAIModel("http://localhost/v1", KEY, options=options)


async def test_a_closed_model_says_so(make_model: MakeModel) -> None:
    """Closing twice is fine; asking afterwards is an error of ours."""
    model = make_model()
    await model.aclose()
    await model.aclose()

    with pytest.raises(ModelError, match="closed"):
        await model.chat(HI, "fault:ok", [])
    assert repr(model).endswith("/v1 closed>")


def test_the_key_is_not_in_the_repr(make_model: MakeModel) -> None:
    """It is shown in logs and notebooks."""
    assert KEY not in repr(OpenAIModel("http://localhost/v1", KEY))


@pytest.mark.parametrize("name", ["midsse", "stall", "err_mid", "holdopen", "hugeline:9", "status:500"])
async def test_a_stream_left_early_leaves_nothing_behind(name: str, make_model: MakeModel) -> None:
    """No generator waits to be closed by the loop, and no task; a warning would fail this test."""
    tasks: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_task_factory(
        lambda loop, coro, **options: tasks.append(str(coro)) or asyncio.Task(coro, loop=loop, **options)
    )
    try:
        await make_model(timeouts={"idle_content": 0.1}).chat(HI, f"fault:{name}", [])
    except ModelError:
        assert name != "holdopen"
    gc.collect()
    await asyncio.sleep(0)

    assert [task for task in tasks if "async_generator" in task] == []


async def test_cancelled_at_any_moment_the_model_goes_on_working(
    server: MisbehavingServer, make_model: MakeModel
) -> None:
    """At each step of the event loop in turn; the next request works, and every cancelled connection is closed."""
    model = make_model()
    await model.chat(HI, "fault:ok", [])
    for moment in range(60):
        chat = asyncio.create_task(model.chat(HI, "fault:stall", []))
        for _ in range(moment):
            await asyncio.sleep(0)
        chat.cancel()
        with pytest.raises(asyncio.CancelledError):
            await chat

    assert (await model.chat(HI, "fault:ok", [])).content == HELLO
    async with asyncio.timeout(2):
        for request in server.log:
            if request.body["model"] == "fault:stall":
                await request.closed.wait()
