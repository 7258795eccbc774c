"""`Corpus`: a list of promises, each with the function that tries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from inspect import getdoc
from typing import Any, NamedTuple, TypeVar

from .bench import Bench

F = TypeVar("F", bound=Callable[..., Awaitable[None]])


class Case(NamedTuple):
    """A way to break a promise, and the programs that it takes, beyond those that every shell has."""

    cmd: str
    needs: tuple[str, ...] = ()


class Promise(NamedTuple):
    """A sentence that must hold of every runtime.

    Attributes:
        name: its name.
        sentence: what is promised.
        body: raises AssertionError if it does not hold.
        needs: programs without which the runtime cannot be asked.
        seconds: how long asking may take.
    """

    name: str
    sentence: str
    body: Callable[[Bench], Awaitable[None]]
    needs: tuple[str, ...]
    seconds: float


class Corpus(list[Promise]):
    """Collects promises by decorating functions: the name is the function's, the sentence its docstring."""

    def promise(self, *needs: str, cases: Mapping[str, Any] | None = None, seconds: float = 30) -> Callable[[F], F]:
        """Add a function of a bench; with `cases`, once for each of them: it gets that, of a `Case` the command."""

        def add(func: F) -> F:
            name, sentence = func.__name__, (getdoc(func) or "").partition("\n")[0]
            if cases is None:
                self.append(Promise(name, sentence, func, needs, seconds))
            for case, given in (cases or {}).items():
                more = given.needs if isinstance(given, Case) else ()
                argument = given.cmd if isinstance(given, Case) else given
                body = partial(_call, func, argument)
                self.append(Promise(f"{name}-{case}", sentence, body, (*needs, *more), seconds))
            return func

        return add


async def _call(func: Callable[..., Awaitable[None]], argument: object, bench: Bench) -> None:
    await func(bench, argument)
