"""`OpenAIModel`: any server that speaks OpenAI's Chat Completions; streamed, retried, and with one tree of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import ModelStatusError
from ..events import Emit, TextDelta
from ..messages import JSON, Message, encode_json
from ..settings import Settings, ToolMode
from .chat.deltas import PartialReply
from .chat.dialect import Dialect, Manner
from .chat.json_tools import parse_json_reply, plain_conversation, response_format
from .chat.payload import encode_conversation
from .http.endpoint import settings_for
from .http.options import encode_options
from .http.timeouts import Timeouts
from .http.viewers import without_words
from .served import ServedModel
from .written.rescue import take_written_calls

_OF_TOOLS = ("response_format", "tool_choice", "parallel_tool_calls")
"""Options that mean nothing where tool calls are written as JSON, which has a format of its own."""

_STREAMED = b',"stream":true}'
_STREAMED_WITH_USAGE = b',"stream":true,"stream_options":{"include_usage":true}}'


class OpenAIModel(ServedModel):
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

    _own_options = ("model", "messages", "tools", "stream", "stream_options")

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
        super().__init__(
            base_url,
            api_key,
            organization=organization,
            project=project,
            timeouts=timeouts,
            max_retries=max_retries,
            max_in_flight=max_in_flight,
            stream=stream,
            temperature=temperature,
            options=options,
            follow_redirects=follow_redirects,
            trust_env=trust_env,
            settings=settings,
        )
        self._dialect = Dialect(
            self._client.endpoint.provider, tool_mode or (settings.tool_mode if settings else "auto")
        )
        without = {name: value for name, value in self._given.items() if name not in _OF_TOOLS}
        self._json_options = encode_options(without, temperature, own=self._own_options)
        self._tools: tuple[tuple[JSON, ...], bytes] = ((), b"")

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
            manner = self._dialect.manner(model)
            try:
                reply = await self._client.ask(
                    "/chat/completions",
                    self._body(messages, model, tools, manner),
                    PartialReply,
                    model=model,
                    stream=self._stream,
                    emit=without_words(emit) if manner.writes_json and tools else emit,
                )
            except ModelStatusError as error:
                self._dialect.learn(error, manner, model)
                if self._dialect.manner(model) == manner:
                    raise
            else:
                break
        if manner.writes_json and tools:
            return _take_json(reply, tools, emit)

        return take_written_calls(reply, tools, emit)

    def _body(
        self, messages: Sequence[Message | Mapping[str, JSON]], model: str, tools: Sequence[JSON], manner: Manner
    ) -> bytes:
        """The request's body: a join of what was, for the most part, encoded before."""
        if manner.writes_json:
            wish = response_format(tools, manner.response_format)
            fields = [b',"response_format":' + encode_json(wish) if wish else b"", self._json_options]
            messages = plain_conversation(messages, tools)
        else:
            fields = [self._encoded_tools(tools), self._options]
        head = b'{"model":' + encode_json(model) + b',"messages":['
        encoded = b",".join(encode_conversation(messages, self._client.endpoint.provider))
        end = b"}"
        if self._stream:
            end = _STREAMED_WITH_USAGE if manner.counts_stream else _STREAMED
        return b"".join([head, encoded, b"]", *fields, end])

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
