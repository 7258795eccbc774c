"""`OpenAIModel`: any server that speaks OpenAI's Chat Completions; streamed, retried, and with one tree of errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from uuid import uuid4

import msgspec

from ..errors import ModelConnectionError, ModelError, ModelStatusError, ModelTimeout, SettingsError, StreamInterrupted
from ..events import Emit, Event, RetryScheduled, StreamRestarted, ToolCallsRescued
from ..messages import JSON, Message
from ..settings import Settings
from .deltas import PartialReply
from .endpoint import Endpoint
from .faults import not_a_reply, status_error
from .rescue import rescue_tool_calls
from .retry import with_retries
from .stream import read_stream
from .timeouts import Timeouts
from .wire import decode_json

if TYPE_CHECKING:
    from .http import Response

T = TypeVar("T")

_log = logging.getLogger("pygent.models")

_Exchange: TypeAlias = "Callable[..., AbstractAsyncContextManager[Response]]"

MAX_REPLY_BYTES = 32 << 20
"""The largest reply that is accepted when it is not streamed."""

_MAX_ERROR_BYTES = 64 << 10

_SETTLE = 2.0
"""Seconds for what may follow a complete reply: the usage, and the end of the stream."""

_STREAMED = b',"stream":true}'
_STREAMED_WITH_USAGE = b',"stream":true,"stream_options":{"include_usage":true}}'

_KEY_OF_BODY = "Idempotency-Key"
"""The header with a name for the body: a server may answer the same name with the same reply, or refuse it."""

_OWN_OPTIONS = ("model", "messages", "tools", "stream", "stream_options")


class OpenAIModel:
    """A model behind OpenAI's Chat Completions API: OpenAI itself, or one of the many servers that speak it.

    It holds no connection of its own: those belong to the event loop, so it may be used on several loops in turn, and
    by many agents at once.

    Args:
        base_url: such as `http://localhost:11434/v1`; None: as the settings say, else OpenAI.
        api_key: the key; None: as the settings say.
        organization: OpenAI's id of who pays.
        project: OpenAI's id of what for.
        timeouts: how long the server may be silent.
        max_retries: how often a request that failed by accident is sent again.
        stream: whether to ask for the reply as it is written.
        temperature: of the sampling; None: the server's default.
        options: further fields of the request's body, such as `{"max_tokens": 1000, "reasoning_effort": "low"}`.
        trust_env: whether the proxy and certificate variables of the environment count.
        settings: where base URL, key, organization and project come from when not given; None: the environment, but
            with both `base_url` and `api_key` given it is not read, and not for organization and project either.

    Raises:
        SettingsError: a value cannot be right.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        organization: str | None = None,
        project: str | None = None,
        timeouts: Timeouts | None = None,
        max_retries: int = 2,
        stream: bool = True,
        temperature: float | None = None,
        options: Mapping[str, JSON] | None = None,
        trust_env: bool = False,
        settings: Settings | None = None,
    ) -> None:
        if settings is None and (base_url is None or api_key is None):
            settings = Settings.from_env()
        if settings is not None:
            key = settings.api_key
            base_url = settings.base_url if base_url is None else base_url
            api_key = key.reveal() if api_key is None and key is not None else api_key
            organization, project = organization or settings.organization, project or settings.project
        self._endpoint = Endpoint(base_url, api_key, organization=organization, project=project)
        if max_retries < 0:
            raise SettingsError(f"max_retries={max_retries} must be 0 or more")

        self._timeouts = timeouts or Timeouts()
        self._max_retries = max_retries
        self._stream = stream
        self._asks_usage = True  # until a server says that it does not know what that is
        self._extras = _encoded_options(options or {}, temperature)
        self._trust_env = trust_env
        self._tools: tuple[tuple[JSON, ...], bytes] = ((), b"")
        self._exchange: _Exchange | None = None
        self._closed = False

    @classmethod
    def from_settings(cls, settings: Settings) -> OpenAIModel:
        """The model that these settings describe."""
        return cls(settings=settings)

    def __repr__(self) -> str:
        return f"<OpenAIModel {self._endpoint.url}{' closed' if self._closed else ''}>"

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        """Return the model's reply to `messages`, which may be plain dicts of the chat shape, too.

        A request that fails by accident is sent again: silently as long as nothing of the reply was emitted, after a
        `StreamRestarted` otherwise. A text that is nothing but calls of offered tools becomes these calls.

        Raises:
            AuthenticationError: there is no key, or a wrong one.
            ModelError: there is no reply; its subclasses say why.
        """
        body = self._body(messages, model, tools)
        headers = {"Content-Type": "application/json", _KEY_OF_BODY: f"pygent-{uuid4().hex}"}
        tell = emit or _tell_nobody
        shown = False

        def show(event: Event) -> None:
            nonlocal shown
            shown = True
            tell(event)

        def on_retry(error: ModelError, attempt: int, delay: float) -> None:
            nonlocal shown
            if shown:
                tell(StreamRestarted(reason=str(error)))
            shown = False
            tell(RetryScheduled(attempt=attempt, delay=delay, reason=str(error)))

        async def send(attempt: int) -> Message:
            return await self._ask(body, {**headers, "X-Pygent-Retry-Count": str(attempt - 1)}, show)

        reply = await self._insist(send, model=model, on_retry=on_retry)
        calls = () if reply.tool_calls else rescue_tool_calls(reply.text, tools)
        if not calls:
            return reply

        names = tuple(call.function.name for call in calls)
        _log.info("%s wrote its tool calls as text: %s", model, ", ".join(names))
        tell(ToolCallsRescued(names=names))
        return msgspec.structs.replace(reply, content=None, tool_calls=calls)

    async def list_models(self) -> list[str]:
        """Return the names of the models that the server offers, sorted.

        Raises:
            AuthenticationError: there is no key, or a wrong one.
            ModelError: there is no list.
        """

        async def send(_: int) -> list[str]:
            async with self._request("GET", "/models", read_timeout=self._timeouts.whole_reply) as response:
                body = await response.read(limit_bytes=MAX_REPLY_BYTES)
            with suppress(ValueError):
                match decode_json(body):
                    case {"data": list(entries)}:
                        return sorted(
                            str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry
                        )
            raise not_a_reply(body, "no list of models")

        return await self._insist(send)

    async def aclose(self) -> None:
        """End the use of this model; may be called again. Connections stay with the event loop, which closes them."""
        self._closed = True

    async def _insist(
        self,
        send: Callable[[int], Awaitable[T]],
        *,
        model: str | None = None,
        on_retry: Callable[[ModelError, int, float], None] | None = None,
    ) -> T:
        """Send until it succeeds or is of no use, within the time in all; each error leaves here without the key."""
        if self._closed:
            raise ModelError("this model is closed; make another one", model=model, attempts=0)

        self._endpoint.check_key(model)
        sent = 0

        async def attempt_once(attempt: int) -> T:
            nonlocal sent
            sent = attempt
            try:
                return await send(attempt)
            except ModelError as error:
                error.model = model
                self._endpoint.redact(error)
                raise

        try:
            async with asyncio.timeout(self._timeouts.total):
                return await with_retries(attempt_once, max_retries=self._max_retries, on_retry=on_retry)
        except TimeoutError as error:
            text = f"no whole reply within {self._timeouts.total:g} s"
            raise ModelTimeout(text, model=model, attempts=sent) from error

    async def _ask(self, body: bytes, headers: Mapping[str, str], show: Emit) -> Message:
        """One attempt; a server that does not know how to count the tokens of a stream is asked without."""
        if not self._stream:
            return await self._reply(body + b"}", headers, show)

        if self._asks_usage:
            try:
                return await self._reply(body + _STREAMED_WITH_USAGE, headers, show)
            except ModelStatusError as error:
                if error.status not in (400, 422) or "stream_options" not in str(error):
                    raise

            self._asks_usage = False
        headers = {**headers, _KEY_OF_BODY: f"{headers[_KEY_OF_BODY]}-plain"}
        return await self._reply(body + _STREAMED, headers, show)

    async def _reply(self, content: bytes, headers: Mapping[str, str], show: Emit) -> Message:
        """One request and its reply, which is whole: what breaks off is a `StreamInterrupted`."""
        reply, timeouts = PartialReply(), self._timeouts
        failure: ModelError | None = None
        read_timeout = None if self._stream else timeouts.whole_reply
        try:
            async with (
                asyncio.timeout(timeouts.first_content if self._stream else None) as patience,
                self._request("POST", "/chat/completions", headers, content, read_timeout=read_timeout) as response,
            ):
                if self._stream:
                    await read_stream(response, reply, show, on_data=partial(self._renew, patience, reply))
                else:
                    for event in reply.add_completion(await response.read(limit_bytes=MAX_REPLY_BYTES)):
                        show(event)
        except TimeoutError:
            silence = timeouts.idle_content if reply.has_begun else timeouts.first_content
            failure = ModelTimeout(f"no content for {silence} s")
        except ModelConnectionError as error:
            failure = error
        if failure is None or reply.is_complete:
            return reply.message()

        if not reply.has_begun:
            raise failure

        raise StreamInterrupted(
            f"the reply broke off: {failure}", partial=reply.message(), request_id=failure.request_id
        ) from failure

    def _renew(self, patience: asyncio.Timeout, reply: PartialReply) -> None:
        """Something came: be patient again, but not for what may follow a complete reply."""
        seconds = _SETTLE if reply.is_complete else self._timeouts.idle_content
        patience.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        *,
        read_timeout: float | None,
    ) -> AsyncIterator[Response]:
        """Send a request to the endpoint and yield its response if that is a success."""
        if self._exchange is None:
            self._exchange = await asyncio.to_thread(_load_exchange)
        async with self._exchange(
            method,
            self._endpoint.url + path,
            headers={**self._endpoint.headers(), **(headers or {})},
            content=content,
            connect_timeout=self._timeouts.connect,
            read_timeout=read_timeout,
            trust_env=self._trust_env,
        ) as response:
            try:
                if not 200 <= response.status < 300:
                    start = await response.excerpt(limit_bytes=_MAX_ERROR_BYTES)
                    raise status_error(response.status, response.headers, start)

                yield response
            except ModelError as error:
                error.request_id = response.headers.get("x-request-id")
                raise

    def _body(self, messages: Sequence[Message | Mapping[str, JSON]], model: str, tools: Sequence[JSON]) -> bytes:
        """The request's body but for its end: a join of what was encoded before."""
        encoded = [
            message.encoded if isinstance(message, Message) else msgspec.json.encode(message) for message in messages
        ]
        head = b'{"model":' + msgspec.json.encode(model) + b',"messages":['
        return b"".join([head, b",".join(encoded), b"]", self._encoded_tools(tools), self._extras])

    def _encoded_tools(self, tools: Sequence[JSON]) -> bytes:
        """The tools' part of the body; it is encoded again only when they are other objects than last time."""
        if not tools:
            return b""

        known, encoded = self._tools
        if len(known) != len(tools) or any(one is not other for one, other in zip(known, tools, strict=True)):
            encoded = b',"tools":' + msgspec.json.encode(tools)
            self._tools = tuple(tools), encoded
        return encoded


def _load_exchange() -> _Exchange:
    """Import the HTTP libraries: a fifth of a second, in a worker thread."""
    from .http import exchange

    return exchange


def _encoded_options(options: Mapping[str, JSON], temperature: float | None) -> bytes:
    """Further fields of the body, each with a comma before it."""
    if temperature is not None:
        options = {"temperature": temperature, **options}
    own = sorted(options.keys() & set(_OWN_OPTIONS))
    if own:
        raise SettingsError(f"options must not hold {', '.join(own)}: they are made from the arguments of chat()")

    try:
        return b"".join(
            b"," + msgspec.json.encode(name) + b":" + msgspec.json.encode(value) for name, value in options.items()
        )
    except (TypeError, ValueError) as error:
        raise SettingsError(f"options hold what JSON cannot: {error}") from error


def _tell_nobody(event: Event) -> None:
    """The `emit` of those who do not listen."""
