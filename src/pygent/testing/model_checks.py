"""`model_conformance`: a list of checks for a model of one's own; `model_promises.py` has what they check."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from ..models.base import CustomModel
from .model_promises import PROMISES, Promise, Subject

OpenModel: TypeAlias = Callable[[], CustomModel | AbstractAsyncContextManager[CustomModel]]
"""Makes a model, or opens a block in which there is one: with a server behind it, say."""


@dataclass(frozen=True)
class ModelCheck:
    """One promise of `Model.chat`; `await check()` sees whether a model keeps it.

    Attributes:
        name: of the promise, for the list of tests; `str(check)` is the same.
        promise: what must be true, in a sentence.
        run: looks whether it is.
    """

    name: str
    promise: str
    run: Callable[[], Awaitable[None]] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    async def __call__(self) -> None:
        """Open a model and check it.

        Raises:
            AssertionError: the promise is broken; the text says how.
            PygentError: the model had no reply where it should have one.
        """
        try:
            await self.run()
        except Exception as error:
            error.add_note(f"the promise: {self.promise}")
            raise


def model_conformance(open_model: OpenModel, *, model: str = "any", timeout: float | None = 60.0) -> list[ModelCheck]:
    """List the checks that a model must pass, whatever its words are.

    Each opens a model of its own, asks it up to twenty times, and closes it. A model in the port's shape is called
    directly, any other as the agent calls it.

        @pytest.mark.parametrize("check", model_conformance(MyModel), ids=str)
        async def test_my_model_is_a_model(check):
            await check()

    Args:
        open_model: makes the model, or opens an `async with` block in which it is.
        model: the model's name, for a server that has several.
        timeout: seconds for each check; a real model needs more than the sixty; None: no limit.
    """
    return [
        ModelCheck(
            promise.__name__,
            (promise.__doc__ or promise.__name__).splitlines()[0],
            partial(_run, promise, open_model, model, timeout),
        )
        for promise in PROMISES
    ]


async def _run(promise: Promise, open_model: OpenModel, name: str, timeout: float | None) -> None:
    try:
        async with asyncio.timeout(timeout) as limit, _opened(open_model) as model:
            await promise(Subject(model, name))
    except TimeoutError as error:
        if not limit.expired():
            raise

        raise AssertionError(f"it did not come to an end within {timeout:g} s") from error


@asynccontextmanager
async def _opened(open_model: OpenModel) -> AsyncIterator[CustomModel]:
    opened = open_model()
    if isinstance(opened, AbstractAsyncContextManager) and not hasattr(opened, "chat"):
        async with opened as model:
            yield model
        return

    model = opened  # type: ignore[assignment] # what has `chat` is a model, whatever else it can do
    try:
        yield model
    finally:
        close = getattr(model, "aclose", None)
        if close is not None:
            await close()
