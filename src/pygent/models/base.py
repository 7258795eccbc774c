"""The port to a model: anything with `chat`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..events import Emit
from ..messages import JSON, Message


class Model(Protocol):
    """Answers a conversation.

    Push `TextDelta` and its kin through `emit` if you can stream; just return the message if you cannot. That is all.

    A plain `def chat` works too: it runs in a worker thread. One without `emit` is a model in the original's shape:
    it is given plain dicts, and may return a `Message`, a dict or an object of the OpenAI SDK.
    """

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        """Return the model's reply to `messages`.

        Args:
            messages: the conversation, oldest first.
            model: the model's name, for a server that has several.
            tools: the tools that may be called, in the OpenAI shape; empty: none.
            emit: receives what comes while it comes.

        Raises:
            ModelError: there is no reply; its subclasses say why.
        """
        ...


class CustomModel(Protocol):
    """Anything with a `chat`, in any of the shapes that `Model` tells of: what an agent accepts."""

    @property
    def chat(self) -> Callable[..., Any]:
        """A coroutine function or a plain one, with or without `emit`."""
        ...
