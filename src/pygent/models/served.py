"""`ServedModel`: what all models behind a server have in common, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from ..messages import JSON
from ..settings import Secret, Settings
from .http.client import Client
from .http.endpoint import Endpoint, settings_for
from .http.options import encode_options
from .http.timeouts import Timeouts
from .info import ModelInfo


class ServedModel:
    """A model behind a server.

    It holds no connection of its own: those belong to the event loop, so it may be used on several loops in turn, and
    by many agents at once.

    The arguments are explained at `OpenAIModel`.

    Raises:
        SettingsError: a value cannot be right.
    """

    _own_options: ClassVar[tuple[str, ...]] = ()
    """Fields of the body that are made of the arguments of `chat()`."""

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
        self._client = Client(
            Endpoint.of(
                base_url,
                api_key,
                organization=organization,
                project=project,
                settings=settings_for(base_url, api_key, settings),
            ),
            timeouts=timeouts,
            max_retries=max_retries,
            max_in_flight=max_in_flight,
            follow_redirects=follow_redirects,
            trust_env=trust_env,
        )
        self._stream = stream
        self._given = options or {}
        self._options = encode_options(options, temperature, own=self._own_options)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The model that these settings describe."""
        return cls(settings=settings)

    def __repr__(self) -> str:
        state = " closed" if self._client.is_closed else ""
        return f"<{type(self).__name__} {self._client.endpoint.url}{state}>"

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """The key, by a name for people: what must not be seen in what a tool prints."""
        return self._client.endpoint.secrets

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
