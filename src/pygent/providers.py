"""`PROVIDERS`: the servers that are known by name, where they are, and in what they differ from OpenAI's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from .errors import SettingsError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_AZURE = re.compile(
    r"\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us)$|\.azure-api\.net$"  # the last: a gateway before it
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A server, or a program that people run as one, that speaks OpenAI's Chat Completions.

    Attributes:
        name: what stands before the colon in `groq:llama-3.3-70b-versatile`.
        title: its name in a sentence.
        base_url: where its API is; None: only the user knows, see `url_env`.
        key_env: the variable of its key; empty: it needs none.
        url_env: the variable that says where the user's server is; empty: there is none.
        context_window: the tokens that it gives a model unless told otherwise; None: as many as the model has.
        window_env: the variable that tells it otherwise, when it is started.
        key_header: the header of the key.
        response_format: what it takes to make a model answer in JSON: a schema, the bare wish, or nothing.
        reasoning_field: the field in which a message's reasoning goes back to it; empty: never.
        replays: fields of its replies and their tool calls that it wants back as they came.
        short_call_ids: whether it takes ids of tool calls only of nine letters and digits.
        counts_stream: whether it takes `stream_options`, to count the tokens of a stream.
        local: whether it runs on the user's own machine.
    """

    name: str
    title: str
    base_url: str | None = None
    key_env: str = ""
    url_env: str = ""
    context_window: int | None = None
    window_env: str = ""
    key_header: Literal["Authorization", "api-key"] = "Authorization"
    response_format: Literal["json_schema", "json_object", ""] = "json_schema"
    reasoning_field: str = ""
    replays: tuple[str, ...] = ()
    short_call_ids: bool = False
    counts_stream: bool = True
    local: bool = False


_TABLE = (
    Provider(name="openai", title="OpenAI", base_url="https://api.openai.com/v1", key_env="OPENAI_API_KEY"),
    Provider(
        name="azure",
        title="Azure OpenAI",
        key_env="AZURE_OPENAI_API_KEY",
        url_env="AZURE_OPENAI_ENDPOINT",
        # A key goes into `api-key`; `Authorization` takes tokens of Entra ID:
        # https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
        key_header="api-key",
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        key_env="OPENROUTER_API_KEY",
        # Signed or encrypted reasoning; models that think between calls want it back unchanged:
        # https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
        replays=("reasoning_details",),
    ),
    Provider(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key_env="GROQ_API_KEY",
        # Only some of its models take a schema: https://console.groq.com/docs/structured-outputs
        response_format="json_object",
    ),
    Provider(
        name="mistral",
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        key_env="MISTRAL_API_KEY",
        # It counts unasked, and answers 422 to the wish: https://github.com/openai/openai-agents-python/issues/442
        counts_stream=False,
        short_call_ids=True,  # https://github.com/mistralai/mistral-vibe/issues/1075
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        key_env="DEEPSEEK_API_KEY",
        response_format="json_object",  # https://api-docs.deepseek.com/guides/json_mode
        # It answers 400 when the reasoning that led to a tool call is missing from then on:
        # https://api-docs.deepseek.com/guides/thinking_mode
        reasoning_field="reasoning_content",
    ),
    Provider(name="together", title="Together AI", base_url="https://api.together.xyz/v1", key_env="TOGETHER_API_KEY"),
    Provider(name="xai", title="xAI", base_url="https://api.x.ai/v1", key_env="XAI_API_KEY"),
    Provider(
        name="gemini",
        title="Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        key_env="GEMINI_API_KEY",
        # Holds `google.thought_signature`; Gemini 3 answers 400 to a call of its own that comes back without it:
        # https://ai.google.dev/gemini-api/docs/thought-signatures
        replays=("extra_content",),
    ),
    Provider(
        name="ollama",
        title="Ollama",
        base_url="http://localhost:11434/v1",
        url_env="OLLAMA_HOST",
        # Unless there are 24 GiB of video memory. What is longer is cut off without a word, and no field of a request
        # asks for more: https://docs.ollama.com/context-length
        context_window=4096,
        window_env="OLLAMA_CONTEXT_LENGTH",
        local=True,
    ),
    Provider(name="lmstudio", title="LM Studio", base_url="http://localhost:1234/v1", local=True),
    Provider(
        name="llamacpp",
        title="llama.cpp",
        base_url="http://localhost:8080/v1",
        # For models that think between calls; others ignore it: https://github.com/ggml-org/llama.cpp/pull/18994
        reasoning_field="reasoning_content",
        local=True,
    ),
    Provider(
        name="vllm",
        title="vLLM",
        base_url="http://localhost:8000/v1",
        # The one name that it reads in what it is sent: https://github.com/vllm-project/vllm/issues/38488
        reasoning_field="reasoning",
        local=True,
    ),
)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _TABLE}
"""Every provider by its name, in the order of the documentation."""

VARIABLES = frozenset({one.key_env for one in _TABLE} | {one.url_env for one in _TABLE}) - {""}
"""The variables that name keys and servers."""

_BY_HOST = {urlsplit(one.base_url).hostname: one for one in _TABLE if one.base_url and not one.local}
_BY_PORT = {urlsplit(one.base_url).port: one for one in _TABLE if one.base_url and one.local}


def provider_of(base_url: str) -> Provider | None:
    """Return whose server a base URL leads to: by its host, or on this machine by its port; None: nobody knows.

    A port alone tells Ollama anywhere, for nobody else uses that one. A query with an `api-version` tells Azure.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if _AZURE.search(host) or parts.query.startswith("api-version="):
        return PROVIDERS["azure"]

    known = _BY_PORT.get(parts.port)
    if known is not None and (host in _LOOPBACK or known.name == "ollama"):
        return known

    return _BY_HOST.get(host)


def server_url(provider: Provider, server: str) -> str:
    """Return the base URL of the user's own server, which is named as the variable `provider.url_env` names it.

    Raises:
        SettingsError: it names none.
    """
    if "@" in server:
        raise SettingsError(f"{provider.url_env} must not hold a password")

    try:
        return _azure_url(server) if provider.name == "azure" else _ollama_url(server)
    except ValueError as error:
        raise SettingsError(f"{provider.url_env} is {server!r}, which is no address: {error}") from error


def _azure_url(server: str) -> str:
    """The resource alone is at its current API; a path says that another one is meant."""
    parts = urlsplit(server)
    if not parts.hostname:
        raise ValueError("it must be like https://NAME.openai.azure.com")

    server = server.rstrip("/")
    return server if parts.path.strip("/") else f"{server}/openai/v1"


def _ollama_url(server: str) -> str:
    """As Ollama reads it: all but the host may be missing, and it may be what a server listens on."""
    server = server.strip("\"' ")
    if server.count(":") > 1 and "://" not in server and "[" not in server:  # a bare IPv6 address
        server = f"[{server}]"
    parts = urlsplit(server if "://" in server else f"http://{server}")
    if parts.scheme not in ("http", "https"):
        raise ValueError("it must be http or https")

    host = parts.hostname or "localhost"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - no address to connect to
    port = parts.port or (None if "://" in server else 11434)
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/').removesuffix('/v1')}/v1"
