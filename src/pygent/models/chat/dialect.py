"""`Dialect`: how a server is asked: what it is known to understand, and what it was found not to."""

from __future__ import annotations

import logging
import re
from typing import Literal, get_args

from ...errors import ModelStatusError, SettingsError
from ...providers import Provider
from ...settings import ToolMode

_log = logging.getLogger("pygent.models")

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


class Dialect:
    """What a server understands of the protocol. It learns from refusals, so each costs one request in its life.

    Args:
        provider: whose server it is, if that is known.
        tool_mode: how tools are offered; `auto`: natively, until the server says that a model has none.

    Attributes:
        counts_stream: whether it may be asked to count the tokens of a stream.
        response_format: how it is asked for JSON: by a schema, by the bare wish, or not at all.

    Raises:
        SettingsError: there is no such tool mode.
    """

    def __init__(self, provider: Provider | None = None, tool_mode: ToolMode = "auto") -> None:
        if tool_mode not in get_args(ToolMode):
            raise SettingsError(f"tool_mode={tool_mode!r} must be one of {', '.join(get_args(ToolMode))}")

        self.counts_stream = provider is None or provider.counts_stream
        self.response_format: Literal["json_schema", "json_object", ""] = (
            "json_schema" if provider is None else provider.response_format
        )
        self._tool_mode = tool_mode
        self._without_tools: set[str] = set()

    def writes_json(self, model: str) -> bool:
        """Whether this model is asked to write its tool calls as JSON."""
        return self._tool_mode == "json" or model in self._without_tools

    def learn(self, error: ModelStatusError, model: str) -> bool:
        """Whether the refusal was of something that can be asked otherwise, and from now on will be."""
        text = str(error)
        if error.status in (400, 422) and self.counts_stream and "stream_options" in text:
            self.counts_stream = False
        elif error.status in (400, 422) and self.response_format and "response_format" in text:
            self.response_format = ""
        elif self._tool_mode == "auto" and not self.writes_json(model) and _HAS_NO_TOOLS.search(text):
            self._without_tools.add(model)
        else:
            return False

        _log.info("%s is asked in another way from now on, as its server said: %s", model, text)
        return True
