"""The arguments of a call become what the function is annotated with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from pygent import ToolError
from pygent.schema import decode_arguments

from .test_signature import Even, Mode, Model, Name, Options, Point, Range, plain


@pytest.mark.parametrize(
    ("annotation", "given", "decoded"),
    [
        pytest.param(str, "x", "x", id="str"),
        pytest.param(float, 3, 3.0, id="float"),
        pytest.param(Any, {"x": [1]}, {"x": [1]}, id="any"),
        pytest.param(object, [1], [1], id="object"),
        pytest.param(Mode, "w", Mode.WRITE, id="enum"),
        pytest.param(Literal["a", 1], "a", "a", id="literal"),
        pytest.param(Path, "a/b", Path("a/b"), id="path"),
        pytest.param(Path | str | None, None, None, id="path-or-none"),
        pytest.param(list[Path], ["a"], [Path("a")], id="paths"),
        pytest.param(set[str], ["a", "a"], {"a"}, id="set"),
        pytest.param(tuple[int, str], [1, "a"], (1, "a"), id="tuple"),
        pytest.param(dict[int, Mode], {"1": "r"}, {1: Mode.READ}, id="dict"),
        pytest.param(date, "2024-02-29", date(2024, 2, 29), id="date"),
        pytest.param(Point, {"x": 1}, Point(1), id="dataclass"),
        pytest.param(Name | Point, {"x": 1}, Point(1), id="union-of-dataclasses"),
        pytest.param(Annotated[Point | Name, "what"], {"text": "x"}, Name("x"), id="annotated-union"),
        pytest.param(Range, {"start": 1}, Range(1), id="struct"),
        pytest.param(Options, {"deep": True}, {"deep": True}, id="typed-dict"),
        pytest.param(list[Model], [{"inner": 1}], [Model(1)], id="pydantic"),
        pytest.param("Unknown", "x", "x", id="unresolvable"),
        pytest.param(complex, "x", "x", id="not-json"),
        pytest.param(list[complex], ["x"], ["x"], id="not-json-inside"),
    ],
)
def test_arguments_become_what_the_function_wants(annotation: Any, given: Any, decoded: Any) -> None:
    """Values have the annotated type; with an annotation that means nothing here they stay as they came."""

    def func(rt: object, a: Any) -> None: ...

    func.__annotations__["a"] = annotation
    result = decode_arguments(func, {"a": given})["a"]

    assert (result, type(result)) == (decoded, type(decoded))


@pytest.mark.parametrize(
    ("annotation", "given", "problem"),
    [
        pytest.param(Even, {"number": 3}, "a: 3 is odd", id="dataclass"),
        pytest.param(Even | Name, {"number": 3}, "a: 3 is odd.*; .*text", id="union"),
        pytest.param(Model, {"inner": 13}, "a: inner: not today", id="pydantic"),
        pytest.param(date, "2023-02-29", "a: Invalid RFC3339 encoded date", id="date"),
    ],
)
def test_what_a_type_refuses_is_told_to_the_model(annotation: Any, given: Any, problem: str) -> None:
    """A rule that only the type itself knows is an invalid argument, too."""

    def func(rt: object, a: Any) -> None: ...

    func.__annotations__["a"] = annotation
    with pytest.raises(ToolError, match=f"invalid arguments: {problem}"):
        decode_arguments(func, {"a": given})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [({}, "missing a required argument: 'mode'"), ({"mode": "r", "x": 1}, "unexpected keyword argument 'x'")],
    ids=["missing", "unknown"],
)
def test_arguments_that_the_function_does_not_take_are_refused(arguments: dict[str, Any], problem: str) -> None:
    """With a schema that says less than the signature, the signature has the last word."""
    with pytest.raises(ToolError, match=f"invalid arguments: .*{problem}"):
        decode_arguments(plain, arguments)
