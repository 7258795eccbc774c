"""A public name is in four places: the front door's imports, its table, the reference, and users' code. All or none."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import pygent
from pygent import testing

PROJECT = Path(__file__).parent.parent
FRONT_DOOR = PROJECT / "src" / "pygent" / "__init__.py"
NAMES = sorted(set(pygent.__all__) - {"__version__"})


def imports_for_types() -> dict[str, str]:
    """Each name that the front door imports under TYPE_CHECKING, and from where."""
    tree = ast.parse(FRONT_DOOR.read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


def names_in_reference() -> list[str]:
    """Names that a page of docs/reference shows: `::: pygent.<name>`."""
    pages = (PROJECT / "docs" / "reference").glob("*.md")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [name for text in texts for name in re.findall(r"^::: pygent\.([A-Za-z_]+)$", text, re.MULTILINE)]


def test_type_checkers_see_what_python_sees() -> None:
    """The imports for type checkers and the table of lazy imports name the same things at the same places."""
    table = {name: module for module, names in pygent._HOME.items() for name in names}

    assert imports_for_types() == table
    assert sorted(table) == NAMES


def test_reference_shows_every_name_once() -> None:
    """The reference and the front door have the same names."""
    assert sorted(names_in_reference()) == NAMES


def test_reference_shows_what_tests_need() -> None:
    """So have the page about testing and `pygent.testing`."""
    page = (PROJECT / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: pygent\.testing\.(\w+)$", page, re.MULTILINE)

    assert sorted(shown) == sorted(testing.__all__)


def test_users_code_uses_every_name() -> None:
    """tests/typing/api.py, which mypy reads, uses each name as its users would."""
    tree = ast.parse((PROJECT / "tests" / "typing" / "api.py").read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "pygent"
        for alias in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}

    assert sorted(imported) == sorted([*NAMES, "__version__"])
    assert sorted(imported - used) == []


@pytest.mark.parametrize("name", NAMES)
def test_name_imports_and_says_what_it_is(name: str) -> None:
    """Every exported name can be had, and classes and functions have a docstring of their own."""
    value = getattr(pygent, name)

    assert inspect.getdoc(value)
    if inspect.isclass(value):
        assert value.__doc__ != value.__mro__[1].__doc__


def test_unknown_name_is_refused() -> None:
    """A misspelt name is an AttributeError, as everywhere."""
    with pytest.raises(AttributeError, match="has no attribute 'Agnet'"):
        _ = pygent.Agnet


def test_submodule_can_be_reached_by_attribute() -> None:
    """`pygent.errors` works after `import pygent`, as it does in packages that are not lazy."""
    assert pygent.errors.PygentError is pygent.PygentError
