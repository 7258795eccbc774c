"""`OpenAIModel`: any server that speaks OpenAI's Chat Completions; streamed, retried, and with one tree of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import ModelStatusError
from ..events import Emit, TextDelta
from ..messages import JSON, Message, encode_json
from ..settings import Settings, ToolMode
from .chat.deltas import PartialReply
from .chat.dialect import Dialect
from .chat.json_tools import parse_json_reply, plain_conversation, response_format
from .chat.payload import encode_conversation
from .http.client import Client
from .http.endpoint import Endpoint, settings_for
from .http.options import encode_options
from .http.timeouts import Timeouts
from .http.viewers import without_words
from .info import ModelInfo
from .written.rescue import take_written_calls

_OWN_OPTIONS = ("model", "messages", "tools", "stream", "stream_options")

_STREAMED = b',"stream":true}'
_STREAMED_WITH_USAGE = b',"stream":true,"stream_options":{"include_usage":true}}'


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
        max_in_flight: how many requests may be under way at once to this server, of all models that name the same
            number; others wait in the order they came; None: any number.
        stream: whether to ask for the reply as it is written.
        temperature: of the sampling; None: the server's default.
        options: further fields of the request's body, such as `{"max_tokens": 1000, "reasoning_effort": "low"}`.
        tool_mode: how tools are offered: `native`, in the protocol's own field; `json`, for models that know no tools:
            they are described in the system message, and the model is asked to write its calls as JSON; `auto`: native,
            and JSON for a model of which the server says that it has no tools. None: as the settings say, else `auto`.
        follow_redirects: whether to follow a redirect to another path of the same server, three times at the most;
            one to another server never is.
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
        max_in_flight: int | None = None,
        stream: bool = True,
        temperature: float | None = None,
        options: Mapping[str, JSON] | None = None,
        tool_mode: ToolMode | None = None,
        follow_redirects: bool = False,
        trust_env: bool = False,
        settings: Settings | None = None,
    ) -> None:
        settings = settings_for(base_url, api_key, settings)
        endpoint = Endpoint.of(base_url, api_key, organization=organization, project=project, settings=settings)
        self._client = Client(
            endpoint,
            timeouts=timeouts,
            max_retries=max_retries,
            max_in_flight=max_in_flight,
            follow_redirects=follow_redirects,
            trust_env=trust_env,
        )
        self._stream = stream
        self._dialect = Dialect(endpoint.provider, tool_mode or (settings.tool_mode if settings else "auto"))
        self._options = encode_options(options, temperature, own=_OWN_OPTIONS)
        self._tools: tuple[tuple[JSON, ...], bytes] = ((), b"")

    @classmethod
    def from_settings(cls, settings: Settings) -> OpenAIModel:
        """The model that these settings describe."""
        return cls(settings=settings)

    def __repr__(self) -> str:
        return repr(self._client).replace("Client", type(self).__name__, 1)

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
        while True:
            writes_json = bool(tools) and self._dialect.writes_json(model)
            body = self._json_body(messages, model, tools) if writes_json else self._body(messages, model, tools)
            try:
                reply = await self._client.ask(
                    "/chat/completions",
                    body,
                    PartialReply,
                    model=model,
                    stream=self._stream,
                    emit=without_words(emit) if writes_json else emit,
                )
            except ModelStatusError as error:
                if not self._dialect.learn(error, model):
                    raise
            else:
                return _take_json(reply, tools, emit) if writes_json else take_written_calls(reply, tools, emit)

    async def list_models(self) -> list[ModelInfo]:
        """Return what the server offers, sorted by name.

        Raises:
            AuthenticationError: there is no key, or a wrong one.
            ModelError: there is no list.
        """
        return await self._client.list_models()

    async def aclose(self) -> None:
        """End the use of this model; may be called again. Connections stay with the event loop, which closes them."""
        self._client.close()

    def _body(self, messages: Sequence[Message | Mapping[str, JSON]], model: str, tools: Sequence[JSON]) -> bytes:
        """The request's body: a join of what was encoded before."""
        return self._joined(messages, model, self._encoded_tools(tools))

    def _json_body(self, messages: Sequence[Message | Mapping[str, JSON]], model: str, tools: Sequence[JSON]) -> bytes:
        """The body of a request that asks for tool calls as JSON."""
        wish = response_format(tools, self._dialect.response_format)
        fields = b',"response_format":' + encode_json(wish) if wish else b""
        return self._joined(plain_conversation(messages, tools), model, fields)

    def _joined(self, messages: Sequence[Message | Mapping[str, JSON]], model: str, fields: bytes) -> bytes:
        head = b'{"model":' + encode_json(model) + b',"messages":['
        encoded = b",".join(encode_conversation(messages, self._client.endpoint.provider))
        end = b"}"
        if self._stream:
            end = _STREAMED_WITH_USAGE if self._dialect.counts_stream else _STREAMED
        return b"".join([head, encoded, b"]", fields, self._options, end])

    def _encoded_tools(self, tools: Sequence[JSON]) -> bytes:
        """The tools' part of the body; it is encoded again only when they are other objects than last time."""
        if not tools:
            return b""

        known, encoded = self._tools
        if len(known) != len(tools) or any(one is not other for one, other in zip(known, tools, strict=True)):
            encoded = b',"tools":' + encode_json(tools)
            self._tools = tuple(tools), encoded
        return encoded


def _take_json(reply: Message, tools: Sequence[JSON], emit: Emit | None) -> Message:
    """The reply that was written as JSON; its words are shown in one piece."""
    reply = parse_json_reply(reply, tools)
    if emit is not None and reply.text:
        emit(TextDelta(text=reply.text))
    return reply
