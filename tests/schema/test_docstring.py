"""Docstrings in the three common ways of writing."""

from __future__ import annotations

import inspect

import pytest

from pygent.schema.docstring import Docstring, parse_docstring

GOOGLE = """Count the lines.

    Blank ones too.

    Args:
        path: the file,
            relative to the workspace.
        limit (int, optional): stop here.

            A second paragraph is not told.
        **options: others: as they come.

    Returns:
        number: what was counted.
    """

SPHINX = """Count the lines.

    Blank ones too.

    :param path: the file,
        relative to the workspace.
    :type path: str
    :param int limit: stop here.
    :param options: others: as they come.
    :returns: the number.
    :raises ValueError: never.
    """

NUMPY = """Count the lines.

    Blank ones too.

    Parameters
    ----------
    path : str
        the file,
        relative to the workspace.
    limit : int, optional
        stop here.
    options
        others: as they come.

    Returns
    -------
    int
        number
    """


@pytest.mark.parametrize("text", [GOOGLE, SPHINX, NUMPY], ids=["google", "sphinx", "numpy"])
def test_summary_and_arguments_are_read(text: str) -> None:
    """Each way of writing gives the same text for the model, without what it has no use for."""
    assert parse_docstring(inspect.cleandoc(text)) == Docstring(
        "Count the lines.\n\nBlank ones too.",
        {"path": "the file, relative to the workspace.", "limit": "stop here.", "options": "others: as they come."},
    )


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("Args:", "", id="nothing-but-a-heading"),
        pytest.param("Do: this and that.\n\nNote:\n    Slow.", "Do: this and that.\n\nNote:\n    Slow.", id="colons"),
        pytest.param("One.\n\nRaises:\n    ValueError: always.", "One.", id="no-arguments"),
        pytest.param("Keep `:param` in mind.", "Keep `:param` in mind.", id="mentions-a-field"),
        pytest.param("Args are fine.\n\nArgs", "Args are fine.\n\nArgs", id="a-word-is-no-heading"),
    ],
)
def test_text_without_arguments_is_the_summary(text: str, summary: str) -> None:
    """Text that only looks like a section stays in the summary, and no argument is made up."""
    assert parse_docstring(text) == Docstring(summary, {})


def test_a_paragraph_after_the_arguments_is_none_of_theirs() -> None:
    """Arguments end where the indentation does."""
    text = "Do.\n\nArgs:\n    a: one\n\nThat is all: really.\n    b: not an argument\n"

    assert parse_docstring(text) == Docstring("Do.", {"a": "one"})
