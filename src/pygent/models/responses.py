"""`OpenAIResponsesModel`: any server that speaks OpenAI's Responses API, behind the same port as `OpenAIModel`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial

from ..errors import ModelStatusError
from ..events import Emit
from ..messages import JSON, Message, encode_json
from ..settings import Settings
from .http.client import Client
from .http.endpoint import Endpoint, settings_for
from .http.options import encode_options
from .http.timeouts import Timeouts
from .info import ModelInfo
from .response.events import PartialResponse
from .response.items import encode_conversation, response_tools
from .written.rescue import take_written_calls

_log = logging.getLogger("pygent.models")

_OWN_OPTIONS = (
    "model", "instructions", "input", "tools", "stream", "store", "previous_response_id", "conversation", "background"
)  # fmt: skip

_INCLUDE = b'"include":["reasoning.encrypted_content"]'

_ABOUT_THOUGHTS = re.compile(r"encrypted|\brs_\w|reasoning(?![._]\w)|\binclude\b", re.IGNORECASE)
"""In a refusal; `reasoning.effort` and its like are settings, and nothing that we could leave out."""


class OpenAIResponsesModel:
    """A model behind OpenAI's Responses API: OpenAI itself, or a server that speaks it, too.

    Models that think between their tool calls do better here than behind Chat Completions: their thoughts go back to
    them. The conversation stays ours all the same: nothing is stored at the server (`store: false`), each request
    holds all of it, and so the thoughts come encrypted (`include: ["reasoning.encrypted_content"]`), are kept in
    `Message.replay`, and go back as they came, to the server and model that wrote them and to no other. A model that
    knows no encrypted thoughts is asked without from its first refusal on.

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
        options: further fields of the request's body, such as `{"reasoning": {"effort": "low", "summary": "auto"}}`;
            an `include` of yours stands in the place of the one above.
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
        follow_redirects: bool = False,
        trust_env: bool = False,
        settings: Settings | None = None,
    ) -> None:
        settings = settings_for(base_url, api_key, settings)
        self._client = Client(
            Endpoint.of(base_url, api_key, organization=organization, project=project, settings=settings),
            timeouts=timeouts,
            max_retries=max_retries,
            max_in_flight=max_in_flight,
            follow_redirects=follow_redirects,
            trust_env=trust_env,
        )
        self._stream = stream
        self._options = encode_options(options, temperature, own=_OWN_OPTIONS)
        self._includes = "include" in (options or {})  # the user's own
        self._forgetful: set[str] = set()  # names of models that take no thoughts back

    @classmethod
    def from_settings(cls, settings: Settings) -> OpenAIResponsesModel:
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
        author = f"{self._client.endpoint.url} {model}"
        new_reply = partial(PartialResponse, author)
        while True:
            body = self._body(messages, model, tools, author)
            try:
                reply = await self._client.ask(
                    "/responses", body, new_reply, model=model, stream=self._stream, emit=emit
                )
            except ModelStatusError as error:
                if not self._learn(error, model):
                    raise
            else:
                return take_written_calls(reply, tools, emit)

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

    def _body(self, messages: Sequence[Message], model: str, tools: Sequence[JSON], author: str) -> bytes:
        """The request's body: a join of what was, for the most part, encoded before."""
        takes_thoughts = model not in self._forgetful
        fields = [
            b'"model":' + encode_json(model),
            encode_conversation(messages, author=author if takes_thoughts else None),
            b'"store":false',
            *([b'"tools":' + encode_json(response_tools(tools))] if tools else []),
            *([b'"stream":true'] if self._stream else []),
            *([_INCLUDE] if takes_thoughts and not self._includes else []),
        ]
        return b"".join([b"{", b",".join(fields), self._options, b"}"])

    def _learn(self, error: ModelStatusError, model: str) -> bool:
        """Whether the refusal was of thoughts, encrypted or at all, without which this model is asked from now on."""
        is_about_thoughts = error.status in (400, 404, 422) and _ABOUT_THOUGHTS.search(str(error))
        if not is_about_thoughts or model in self._forgetful:
            return False

        _log.warning("%s takes no thoughts back and is asked without: %s", model, error)
        self._forgetful.add(model)
        return True
