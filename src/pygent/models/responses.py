"""`OpenAIResponsesModel`: any server that speaks OpenAI's Responses API, behind the same port as `OpenAIModel`."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cached_property, partial

from ..errors import ModelStatusError
from ..events import Emit
from ..messages import JSON, Message, encode_json
from .response.events import PartialResponse
from .response.input_items import encode_input, response_tools
from .served import ServedModel
from .written.rescue import take_written_calls

_log = logging.getLogger("pygent.models")

_INCLUDE = b'"include":["reasoning.encrypted_content"]'

_ABOUT_THOUGHTS = re.compile(r"encrypted|\brs_\w|reasoning(?![._]\w)|\binclude\b", re.IGNORECASE)
"""In a refusal; `reasoning.effort` and its like are settings, and nothing that we could leave out."""


class OpenAIResponsesModel(ServedModel):
    """A model behind OpenAI's Responses API: OpenAI itself, or a server that speaks it, too.

    Models that think between their tool calls do better here than behind Chat Completions: their thoughts go back to
    them. The conversation stays ours all the same: nothing is stored at the server (`store: false`), each request
    holds all of it, and so the thoughts come encrypted (`include: ["reasoning.encrypted_content"]`), are kept in
    `Message.replay`, and go back as they came, to the server and model that wrote them and to no other. A model that
    knows no encrypted thoughts is asked without from its first refusal on.

    The arguments are those of `OpenAIModel`, without `tool_mode`. Among the `options` may be
    `{"reasoning": {"effort": "low", "summary": "auto"}}`; an `include` of yours stands in the place of the one above.

    Raises:
        SettingsError: a value cannot be right.
    """

    _own_options = (
        *("model", "instructions", "input", "tools", "stream"),
        *("store", "previous_response_id", "conversation", "background"),  # the conversation is ours
    )

    @cached_property
    def _forgetful(self) -> set[str]:
        """The models that were found to take no thoughts back."""
        return set()

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
            takes_thoughts = model not in self._forgetful
            body = self._body(messages, model, tools, author if takes_thoughts else None)
            try:
                reply = await self._client.ask(
                    "/responses", body, new_reply, model=model, stream=self._stream, emit=emit
                )
            except ModelStatusError as error:
                if not (takes_thoughts and self._is_about_thoughts(error)):
                    raise

                _log.warning("%s takes no thoughts back and is asked without: %s", model, error)
                self._forgetful.add(model)
            else:
                return take_written_calls(reply, tools, emit)

    def _body(self, messages: Sequence[Message], model: str, tools: Sequence[JSON], author: str | None) -> bytes:
        """The request's body: a join of what was, for the most part, encoded before; no author: without thoughts."""
        fields = [
            b'"model":' + encode_json(model),
            encode_input(messages, author=author),
            b'"store":false',
            *([b'"tools":' + encode_json(response_tools(tools))] if tools else []),
            *([b'"stream":true'] if self._stream else []),
            *([_INCLUDE] if author and "include" not in self._given else []),
        ]
        return b"".join([b"{", b",".join(fields), self._options, b"}"])

    def _is_about_thoughts(self, error: ModelStatusError) -> bool:
        """Whether a refusal is of thoughts, encrypted or at all."""
        text = str(error)
        if "include" in self._given:  # what the user asks for is not ours to leave out
            text = text.replace("include", "")
        return error.status in (400, 404, 422) and _ABOUT_THOUGHTS.search(text) is not None
