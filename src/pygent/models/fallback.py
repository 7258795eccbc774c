"""`FallbackModel`: asks one model, and the next one when that has no answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import ContextLengthError, ModelError, ModelStatusError
from ..events import Emit, ModelReplaced
from ..messages import JSON, Message
from ..settings import Secret, Settings
from .base import CustomModel
from .choice import choose_model
from .custom import ask
from .http.viewers import Viewers
from .served import ServedModel

_log = logging.getLogger("pygent.models")

REST = 60.0
"""Seconds for which a model that failed is asked last: to try it first again would cost its retries in each step."""

Candidate: TypeAlias = CustomModel | str | tuple[CustomModel, str]
"""A model that is asked by the agent's model name, a name such as `groq:llama-3.3-70b-versatile`, or model and name."""


class FallbackModel:
    """Asks the first of its models; when that fails, after its own retries, the next one, and so on.

    What viewers saw of a broken reply is taken back with a `StreamRestarted`, and a `ModelReplaced` says who is asked
    instead. A model that failed is asked last for a minute, unless the request was to blame.

    Args:
        models: in the order of preference.
        settings: where the names' servers and keys come from; None: the environment.

    Raises:
        ValueError: there is no model.
        TypeError: it is no list.
        SettingsError: a name cannot be resolved.
    """

    def __init__(self, models: Sequence[Candidate], *, settings: Settings | None = None) -> None:
        if isinstance(models, str):
            raise TypeError(f"models={models!r} is one name; pass a list of them")

        if not models:
            raise ValueError("models is empty: there is nobody to ask")

        self._candidates = [_candidate(model, settings) for model in models]

    def __repr__(self) -> str:
        names = ", ".join(candidate.title for candidate in self._candidates)
        return f"<FallbackModel {names}>"

    async def chat(
        self, messages: Sequence[Message], model: str, tools: Sequence[JSON], *, emit: Emit | None = None
    ) -> Message:
        """Return the reply of the first model that has one; `model` is for those without a name of their own.

        Raises:
            ModelError: none has one; it is the last one's error, with a note for each of the others.
        """
        viewers = Viewers(emit)
        failures: list[str] = []
        order = sorted(self._candidates, key=lambda candidate: candidate.is_resting)
        while True:
            candidate = order.pop(0)
            try:
                reply = await ask(candidate.model, messages, candidate.name or model, tools, viewers.show)
            except ModelError as error:
                candidate.failed_at = None if _is_the_requests_fault(error) else time.monotonic()
                if not order:
                    for failure in failures:
                        error.add_note(f"before it failed {failure}")
                    raise

                failures.append(f"{candidate.title}: {error}")
                _log.warning("%s; asking %s instead", failures[-1], order[0].title)
                viewers.forget(error)
                if emit is not None:
                    emit(ModelReplaced(model=order[0].title, reason=str(error)))
            else:
                candidate.failed_at = None
                return reply

    @property
    def secrets(self) -> dict[str, Secret]:
        """The keys of its models: what must not be seen in what a tool prints."""
        served = [candidate.model for candidate in self._candidates if isinstance(candidate.model, ServedModel)]
        return {name: key for model in served for name, key in model.secrets.items()}

    async def aclose(self) -> None:
        """Close its models, those that it was given included; may be called again."""
        async with AsyncExitStack() as stack:  # closes the others also when one fails
            for candidate in self._candidates:
                close = getattr(candidate.model, "aclose", None)
                if close is not None:
                    stack.push_async_callback(close)


@dataclass(slots=True)
class _Candidate:
    model: CustomModel
    title: str
    name: str | None = None
    failed_at: float | None = None

    @property
    def is_resting(self) -> bool:
        return self.failed_at is not None and time.monotonic() - self.failed_at < REST


def _is_the_requests_fault(error: ModelError) -> bool:
    """Whether another request to the same model may well succeed."""
    match error:
        case ContextLengthError():
            return True
        case ModelStatusError(status=status):
            return status in (400, 413, 422)
    return False


def _candidate(model: Candidate, settings: Settings | None) -> _Candidate:
    match model:
        case str():
            choice = choose_model(model, settings or Settings.from_env())
            return _Candidate(choice.model, model, choice.name)
        case (chosen, str(name)):
            return _Candidate(chosen, name, name)
    return _Candidate(model, type(model).__name__)
