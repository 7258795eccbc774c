"""The tree of errors: drawn as it is, and every leaf can travel between processes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from pygent import Message, errors

DOCS = Path(__file__).parent.parent / "docs"


def subclasses(kind: type[errors.PygentError]) -> list[type[errors.PygentError]]:
    """The kind and all below it that Pygent itself defines."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(below for child in children for below in subclasses(child))]


def draw(kind: type[errors.PygentError], stem: str = "", indent: str = "") -> list[str]:
    """The tree below an error as lines, in the order of definition."""
    note = " (also named APIError)" if kind is errors.APIError else ""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    lines = [f"{stem}{kind.__name__}{note}"]
    for child in children:
        last = child is children[-1]
        lines += draw(child, indent + ("└── " if last else "├── "), indent + ("    " if last else "│   "))
    return lines


def drawn_tree(text: str) -> list[str]:
    """The lines of a text from the root of the tree to the end of its paragraph."""
    lines = text.splitlines()
    start = lines.index("PygentError")
    end = next(number for number in range(start, len(lines)) if lines[number].strip() in ("", "```"))
    return lines[start:end]


ERRORS = subclasses(errors.PygentError)


def test_docstring_draws_the_tree() -> None:
    """What the module's docstring draws is what the classes are."""
    assert drawn_tree(errors.__doc__ or "") == draw(errors.PygentError)


def test_reference_draws_the_tree() -> None:
    """So does the page of the reference."""
    assert drawn_tree((DOCS / "reference" / "errors.md").read_text(encoding="utf-8")) == draw(errors.PygentError)


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    "travel",
    [
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)
def test_error_survives_travel(kind: type[errors.PygentError], travel) -> None:  # type: ignore[no-untyped-def] # a table of functions
    """An error keeps its class, text and attributes through a process pool, a queue or a copy."""
    error = kind("no answer")
    for number, name in enumerate(sorted(vars(error))):
        setattr(error, name, Message.user("hello") if name == "partial" else number)

    arrived = travel(error)

    assert type(arrived) is kind
    assert str(arrived) == "no answer"
    assert vars(arrived) == vars(error)


def test_cancellation_is_no_error() -> None:
    """`except PygentError` and `except Exception` never swallow a cancellation."""
    from asyncio import CancelledError

    assert not any(issubclass(CancelledError, kind) for kind in ERRORS)
    assert all(issubclass(kind, Exception) for kind in ERRORS)
