"""`Dialect`: how a server is asked: what it is known to understand, and what it was found not to."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Literal, get_args

from ...errors import ModelStatusError, SettingsError
from ...providers import Provider
from ...settings import ToolMode

_log = logging.getLogger("pygent.models")

ResponseFormat = Literal["json_schema", "json_object", ""]

_LESS: dict[ResponseFormat, ResponseFormat] = {"json_schema": "json_object", "json_object": ""}
"""What to try with a server that does not know a format."""

_HAS_NO_TOOLS = re.compile(
    r"""not?\ support\ (?:the\ )?(?:use\ of\ )?(?:tool|function)   # Ollama, LM Studio, Together
    | (?:tool|function)[\ -](?:use|call\w*)\ (?:is|are)\ not\ supported  # Groq, Mistral
    | no\ endpoints\ found\ that\ support\ tool               # OpenRouter
    | tools?\ param\w*\ requires?\ --jinja                    # llama.cpp
    | enable-auto-tool-choice                                 # vLLM
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""How servers say that a model cannot call tools; there is no code for it."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one request is asked.

    Attributes:
        counts_stream: whether the server is asked to count the tokens of a stream.
        writes_json: whether the model is asked to write its tool calls as JSON.
        response_format: how the server is asked for JSON then: by a schema, by the bare wish, or not at all.
    """

    counts_stream: bool
    writes_json: bool
    response_format: ResponseFormat


class Dialect:
    """What a server understands of the protocol. It learns from refusals, and only ever asks for less.

    Args:
        provider: whose server it is, if that is known.
        tool_mode: how tools are offered; `auto`: natively, until the server says that a model has none.

    Raises:
        SettingsError: there is no such tool mode.
    """

    def __init__(self, provider: Provider | None = None, tool_mode: ToolMode = "auto") -> None:
        if tool_mode not in get_args(ToolMode):
            raise SettingsError(f"tool_mode={tool_mode!r} must be one of {', '.join(get_args(ToolMode))}")

        self._counts_stream = provider is None or provider.counts_stream
        self._response_format: ResponseFormat = "json_schema" if provider is None else provider.response_format
        self._tool_mode = tool_mode
        self._without_tools: set[str] = set()

    def manner(self, model: str) -> Manner:
        """Return how to ask this model now."""
        writes_json = self._tool_mode == "json" or model in self._without_tools
        return Manner(self._counts_stream, writes_json, self._response_format if writes_json else "")

    def learn(self, error: ModelStatusError, manner: Manner, model: str) -> None:
        """Draw conclusions from a refusal of a request that was asked in this manner."""
        text, is_bad_request = str(error), error.status in (400, 422)
        if is_bad_request and manner.counts_stream and "stream_options" in text:
            self._counts_stream = False
        elif is_bad_request and manner.response_format and "response_format" in text:
            if self._response_format == manner.response_format:  # else somebody learnt it meanwhile
                self._response_format = _LESS[manner.response_format]
        elif self._tool_mode == "auto" and not manner.writes_json and _HAS_NO_TOOLS.search(text):
            self._without_tools.add(model)
            _log.warning("%s has no tools of its own; it is asked to write its calls as JSON from now on", model)
            return
        else:
            return

        _log.info("%s is asked in another way from now on, as its server said: %s", model, text)
