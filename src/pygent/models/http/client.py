"""`Client`: asks one endpoint, within its limits, again where that may help, and with one tree of errors."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

from ...errors import (
    ModelConnectionError,
    ModelError,
    ModelTimeout,
    RateLimitError,
    SettingsError,
    StreamInterrupted,
)
from ...events import Emit
from ...messages import Message
from ..info import ModelInfo, parse_models
from ..wire import decode_json
from .endpoint import Endpoint
from .faults import not_a_reply, status_error
from .gate import gate_of
from .retry import retry_delay, with_retries
from .stream import Reply, read_stream
from .timeouts import Timeouts
from .viewers import Viewers

if TYPE_CHECKING:
    from .exchange import Response

T = TypeVar("T")

_Exchange: TypeAlias = "Callable[..., AbstractAsyncContextManager[Response]]"

MAX_REPLY_BYTES = 32 << 20
"""The largest reply that is accepted when it is not streamed."""

MAX_REDIRECTS = 3

_MAX_ERROR_BYTES = 64 << 10

_SETTLE = 2.0
"""Seconds for what may follow a complete reply: the usage, and the end of the stream."""


class Client:
    """Asks one endpoint.

    It holds no connection of its own: those belong to the event loop, and so does the gate of the endpoint, which all
    clients share that ask it with the same key.

    Args:
        endpoint: whom to ask.
        timeouts: how long the server may be silent.
        max_retries: how often a request that failed by accident is sent again.
        max_in_flight: how many requests may be under way at once, others wait in the order they came; None: any number.
        follow_redirects: whether to follow a redirect to another path of the same server, three times at the most.
        trust_env: whether the proxy and certificate variables of the environment count.

    Raises:
        SettingsError: a number is too small.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeouts: Timeouts | None = None,
        max_retries: int = 2,
        max_in_flight: int | None = None,
        follow_redirects: bool = False,
        trust_env: bool = False,
    ) -> None:
        if max_retries < 0:
            raise SettingsError(f"max_retries={max_retries} must be 0 or more")

        if max_in_flight is not None and max_in_flight < 1:
            raise SettingsError(f"max_in_flight={max_in_flight} must be 1 or more, or None for any number")

        self.endpoint = endpoint
        self._timeouts = timeouts or Timeouts()
        self._max_retries = max_retries
        self._max_in_flight = max_in_flight
        self._max_redirects = MAX_REDIRECTS if follow_redirects else 0
        self._trust_env = trust_env
        self._exchange: _Exchange | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Client {self.endpoint.url}{' closed' if self._closed else ''}>"

    async def ask(
        self, path: str, body: bytes, new_reply: Callable[[], Reply], *, model: str, stream: bool, emit: Emit | None
    ) -> Message:
        """Post a question and return the reply, which is whole.

        Args:
            path: below the base URL, such as `/chat/completions`.
            body: the question, as JSON.
            new_reply: makes what the answer is merged into; each attempt has its own.
            model: who is asked, for errors.
            stream: whether the body asks for a stream.
            emit: receives what comes while it comes; a `StreamRestarted` says that it was in vain.

        Raises:
            ModelError: there is no reply; its subclasses say why.
        """
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"pygent-{uuid4().hex}",  # names the question: a server may know that it has it already
        }
        viewers = Viewers(emit)

        async def send(attempt: int) -> Message:
            counted = {**headers, "X-Pygent-Retry-Count": str(attempt - 1)}
            return await self._reply(path, body, counted, new_reply(), viewers.show, stream)

        return await self._insist(send, model=model, viewers=viewers)

    async def list_models(self) -> list[ModelInfo]:
        """Return what the server offers, sorted by name.

        Raises:
            AuthenticationError: there is no key, or a wrong one.
            ModelError: there is no list.
        """

        async def send(_: int) -> list[ModelInfo]:
            try:
                async with asyncio.timeout(self._timeouts.whole_reply), self._request("GET", "/models") as response:
                    body = await response.read(limit_bytes=MAX_REPLY_BYTES)
            except TimeoutError as error:
                raise ModelTimeout(f"no list of models within {self._timeouts.whole_reply:g} s") from error

            with suppress(ValueError):
                return parse_models(decode_json(body))
            raise not_a_reply(body, "no list of models")

        return await self._insist(send)

    @property
    def is_closed(self) -> bool:
        """Whether it asks no more."""
        return self._closed

    def close(self) -> None:
        """Ask no more; may be called again. Connections stay with the event loop, which closes them."""
        self._closed = True

    async def _insist(
        self,
        send: Callable[[int], Awaitable[T]],
        *,
        model: str | None = None,
        viewers: Viewers | None = None,
    ) -> T:
        """Send until it succeeds or is of no use, within the time in all; each error leaves here without the key."""
        if self._closed:
            raise ModelError("this model is closed; make another one", model=model, attempts=0)

        self.endpoint.check_key(model)
        viewers = viewers or Viewers(None)
        sent = 0

        async def attempt_once(attempt: int) -> T:
            nonlocal sent
            gate = gate_of(self.endpoint.account)
            try:
                async with gate.enter(self._max_in_flight, on_wait=viewers.await_gate):
                    sent = attempt
                    return await send(attempt)
            except ModelError as error:
                error.model = model
                self.endpoint.redact(error)
                if isinstance(error, RateLimitError):
                    gate.hold(retry_delay(error, attempt, jitter=0) or 0)
                raise

        try:
            async with asyncio.timeout(self._timeouts.total) as patience:
                return await with_retries(attempt_once, max_retries=self._max_retries, on_retry=viewers.await_retry)
        except TimeoutError as error:
            if not patience.expired():  # somebody else's, such as a subscriber's
                raise

            text = f"no whole reply within {self._timeouts.total:g} s"
            raise ModelTimeout(text, model=model, attempts=sent) from error

    async def _reply(
        self, path: str, content: bytes, headers: Mapping[str, str], reply: Reply, show: Emit, stream: bool
    ) -> Message:
        """One request and its reply, which is whole: what breaks off is a `StreamInterrupted`."""
        timeouts = self._timeouts
        failure: ModelError | None = None
        patience = asyncio.timeout(timeouts.first_content if stream else timeouts.whole_reply)
        try:
            async with (
                patience,
                self._request("POST", path, headers, content) as response,
            ):
                if stream:
                    await read_stream(response, reply, show, on_content=partial(self._renew, patience, reply))
                else:
                    for event in reply.add_completion(await response.read(limit_bytes=MAX_REPLY_BYTES)):
                        show(event)
        except TimeoutError:
            if not patience.expired():  # somebody else's, such as a subscriber's
                raise

            failure = ModelTimeout(self._silence(reply, stream))
        except ModelError as error:
            if not (reply.is_complete or isinstance(error, ModelConnectionError)):
                raise

            failure = error
        if failure is None or reply.is_complete:
            return reply.message()

        if not reply.has_begun:
            raise failure

        raise StreamInterrupted(
            f"the reply broke off: {failure}", partial=reply.message(), request_id=failure.request_id
        ) from failure

    def _silence(self, reply: Reply, stream: bool) -> str:
        """What to say when the patience with a reply is over."""
        if not stream:
            return f"no whole reply within {self._timeouts.whole_reply:g} s"

        limit = self._timeouts.idle_content if reply.has_begun else self._timeouts.first_content
        return f"no content for {_SETTLE if limit is None else limit:g} s"  # None: only the end was missing

    def _renew(self, patience: asyncio.Timeout, reply: Reply) -> None:
        """The model said something: be patient again, but not for what may follow a complete reply."""
        now, idle = asyncio.get_running_loop().time(), self._timeouts.idle_content
        if reply.is_complete:
            patience.reschedule(min(now + _SETTLE, patience.when() or math.inf))
        else:
            patience.reschedule(None if idle is None else now + idle)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> AsyncIterator[Response]:
        """Send a request to the endpoint and yield its response if that is a success."""
        if self._exchange is None:
            self._exchange = await asyncio.to_thread(_load_exchange)
        url = self.endpoint.address(path)
        for left in reversed(range(self._max_redirects + 1)):
            async with self._exchange(
                method,
                url,
                headers={**self.endpoint.headers(), **(headers or {})},
                content=content,
                connect_timeout=self._timeouts.connect,
                trust_env=self._trust_env,
            ) as response:
                target = _redirect_target(method, url, response) if left else None
                if target is None:
                    try:
                        await _check_status(response)
                        yield response
                    except ModelError as error:
                        error.request_id = response.headers.get("x-request-id")
                        raise

                    return

            url = target


async def _check_status(response: Response) -> None:
    if not 200 <= response.status < 300:
        start = await response.excerpt(limit_bytes=_MAX_ERROR_BYTES)
        raise status_error(response.status, response.headers, start)


def _redirect_target(method: str, url: str, response: Response) -> str | None:
    """Where the same request belongs instead; None: nowhere, or at another server, which must not see the key."""
    if response.status not in ((307, 308) if method == "POST" else (301, 302, 303, 307, 308)):
        return None  # the others would make a GET of a POST

    try:
        target = urljoin(url, response.headers.get("location", ""))
        return target if urlsplit(target)[:2] == urlsplit(url)[:2] else None
    except ValueError:  # no address at all
        return None


def _load_exchange() -> _Exchange:
    """Import the HTTP libraries: a fifth of a second, in a worker thread."""
    from .exchange import exchange

    return exchange
