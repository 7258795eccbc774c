"""What a function takes, as a schema for the model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NotRequired, TypedDict

import jsonschema
import msgspec
import pytest

from pygent.schema import check_schema, decode_arguments, function_schema, function_summary, validate

if TYPE_CHECKING:
    from somewhere import Unknown

    from pygent import AsyncRuntime


class Mode(Enum):
    READ = "r"
    WRITE = "w"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class Name:
    text: str


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)


class Range(msgspec.Struct):
    start: Annotated[int, msgspec.Meta(ge=1)]
    end: int | None = None


class Options(TypedDict):
    deep: bool
    name: NotRequired[str]


@dataclass
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(f"{self.number} is odd")


class Model:
    """Has the methods by which pydantic's models are known."""

    fields: ClassVar[dict[str, Any]] = {"inner": {"$ref": "#/$defs/Inner"}}

    def __init__(self, inner: int) -> None:
        self.inner = inner

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": cls.fields,
            "required": ["inner"],
            "$defs": {"Inner": {"type": "integer", "minimum": 1}},
        }

    @classmethod
    def model_validate(cls, value: dict[str, int]) -> Model:
        if value["inner"] == 13:
            raise ValueError("inner: not today")

        return cls(value["inner"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.inner == self.inner

    __hash__ = None  # type: ignore[assignment] # a value


def of(annotation: Any) -> dict[str, Any]:
    """The schema of one argument with this annotation."""

    def func(rt: object, a: Any) -> None: ...

    func.__annotations__["a"] = annotation
    schema: dict[str, Any] = function_schema(func)[0]["properties"]["a"]
    return schema


POINT = {
    "title": "Point",
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
    "required": ["x"],
}
NAME = {"title": "Name", "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
STRINGS = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        pytest.param(str, {"type": "string"}, id="str"),
        pytest.param(int, {"type": "integer"}, id="int"),
        pytest.param(float, {"type": "number"}, id="float"),
        pytest.param(bool, {"type": "boolean"}, id="bool"),
        pytest.param(None, {"type": "null"}, id="none"),
        pytest.param(Any, {}, id="any"),
        pytest.param(object, {}, id="object"),
        pytest.param(int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, id="optional"),
        pytest.param(int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, id="union"),
        pytest.param(list, {"type": "array"}, id="list"),
        pytest.param(list[str], STRINGS, id="list-of"),
        pytest.param(Sequence[str], STRINGS, id="sequence"),
        pytest.param(set[str], STRINGS | {"uniqueItems": True}, id="set"),
        pytest.param(tuple[str, ...], STRINGS, id="tuple"),
        pytest.param(dict, {"type": "object"}, id="dict"),
        pytest.param(Mapping[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, id="mapping"),
        pytest.param(Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, id="literal"),
        pytest.param(Literal[1, "a"], {"enum": [1, "a"]}, id="mixed-literal"),
        pytest.param(Mode, {"type": "string", "title": "Mode", "enum": ["r", "w"]}, id="enum"),
        pytest.param(Level, {"type": "integer", "title": "Level", "enum": [1, 2]}, id="int-enum"),
        pytest.param(Path, {"type": "string"}, id="path"),
        pytest.param(Path | str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}, id="path-or-str"),
        pytest.param(date, {"type": "string", "format": "date"}, id="date"),
        pytest.param(Point, POINT, id="dataclass"),
        pytest.param(Point | Name, {"anyOf": [POINT, NAME]}, id="dataclasses"),
        pytest.param(Annotated[int, "how many"], {"type": "integer", "description": "how many"}, id="annotated"),
        pytest.param(
            Annotated[int, "how many"] | None,
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "how many"},
            id="annotated-inside",
        ),
        pytest.param(
            Annotated[Point | Name, "what"], {"anyOf": [POINT, NAME], "description": "what"}, id="annotated-union"
        ),
        pytest.param(
            Annotated[int, msgspec.Meta(ge=1, description="from 1")],
            {"type": "integer", "minimum": 1, "description": "from 1"},
            id="meta",
        ),
        pytest.param(
            Options,
            {
                "title": "Options",
                "type": "object",
                "properties": {"deep": {"type": "boolean"}, "name": {"type": "string"}},
                "required": ["deep"],
            },
            id="typed-dict",
        ),
        pytest.param(
            Model,
            {"type": "object", "properties": {"inner": {"type": "integer", "minimum": 1}}, "required": ["inner"]},
            id="pydantic",
        ),
    ],
)
def test_types_have_schemas(annotation: Any, schema: Any) -> None:
    """Each annotation is described in place, without references that some servers cannot follow."""
    assert of(annotation) == schema


def test_a_type_that_contains_itself_is_the_only_one_that_is_referred_to() -> None:
    """Recursive types have a definition that can be followed; all others are written where they are used."""

    def func(rt: object, tree: Node, modes: dict[str, Mode]) -> None: ...

    schema, _ = function_schema(func)

    check_schema(schema, "func")
    assert list(schema["$defs"]) == ["Node"]
    jsonschema.validate({"tree": {"value": 1, "children": [{"value": 2}]}, "modes": {}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"tree": {"value": 1, "children": [{"value": "x"}]}, "modes": {}}, schema)


async def documented(
    rt: AsyncRuntime,
    pattern: str,
    limit: Annotated[int, "at most"] = 10,
    mode: Mode = Mode.READ,
    where: Path = Path("src"),
    names: Sequence[str] = (),
    after: str | None = None,
    anything=None,
    *,
    on_output: Callable[[str], None],
) -> str:
    """Search for a pattern.

    In all files.

    Args:
        rt: not told.
        pattern: what to find.
        limit: less near than the annotation.
        mode: how.

    Returns:
        What was found.
    """
    return ""


def test_a_signature_becomes_a_schema() -> None:
    """The model sees names, types, descriptions and defaults; not the runtime and not `on_output`."""
    schema, summary = function_schema(documented)

    assert summary == function_summary(documented) == "Search for a pattern.\n\nIn all files."
    assert schema == {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "what to find."},
            "limit": {"type": "integer", "description": "at most", "default": 10},
            "mode": {"type": "string", "title": "Mode", "enum": ["r", "w"], "description": "how.", "default": "r"},
            "where": {"type": "string", "default": "src"},
            "names": {"type": "array", "items": {"type": "string"}, "default": []},
            "after": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "anything": {},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    check_schema(schema, "documented")


def test_a_default_that_is_no_json_is_not_told() -> None:
    """An argument with such a default can still be left out."""

    def func(rt: object, a: Any = object()) -> None: ...  # noqa: B008 - that is the case

    assert function_schema(func)[0]["properties"] == {"a": {}}
    assert function_schema(func)[0]["required"] == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_default_that_json_has_no_number_for_is_not_told(number: float) -> None:
    """It is not told as `null`, which the argument may not be."""

    def func(rt: object, a: float = number) -> None: ...

    assert function_schema(func)[0]["properties"] == {"a": {"type": "number"}}


@pytest.mark.parametrize(
    ("annotation", "default"),
    [(int, "str"), (list[int], "ab"), (Literal["a", "b"], "c"), (Annotated[int, msgspec.Meta(ge=1)], 0), (Mode, "x")],
    ids=["int", "list", "literal", "bound", "enum"],
)
def test_a_default_that_does_not_fit_is_refused(annotation: Any, default: Any) -> None:
    """The model would be told a value that it may not pass."""

    def func(rt: object, a: Any = default) -> None: ...

    func.__annotations__["a"] = annotation
    with pytest.raises(TypeError, match=f"parameter 'a': its default {default!r} does not fit its annotation: "):
        function_schema(func)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [(float, 3), (int | None, 3), (Mode, Mode.READ), (Path, Path("a")), (Point, Point(1)), (tuple[int, ...], ())],
    ids=["float", "optional", "enum", "path", "dataclass", "tuple"],
)
def test_a_default_that_fits_is_told(annotation: Any, default: Any) -> None:
    """As JSON it may look different, and fits all the same."""

    def func(rt: object, a: Any = default) -> None: ...

    func.__annotations__["a"] = annotation
    assert "default" in function_schema(func)[0]["properties"]["a"]


def test_keyword_arguments_open_the_schema() -> None:
    """`**kwargs` allows arguments with any name, of its type."""

    def some(rt: object, **rest: int) -> None: ...
    def any_(rt: object, *args: str, **rest: Any) -> None: ...

    assert function_schema(some)[0]["additionalProperties"] == {"type": "integer"}
    assert function_schema(any_)[0] == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": True,
    }


class Handler:
    def __call__(self, rt: object, mode: Mode) -> None:
        """Do it."""


def decorated(func: Any) -> Any:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapper


def plain(rt: object, mode: Mode, extra: int = 0) -> None:
    """Do it."""


class Holder:
    def method(self, rt: object, mode: Mode) -> None:
        """Do it."""


@pytest.mark.parametrize(
    "func",
    [plain, decorated(plain), functools.partial(plain, extra=3), Holder().method, Handler()],
    ids=["function", "decorated", "partial", "method", "object"],
)
def test_whatever_can_be_called_has_a_signature(func: Any) -> None:
    """Methods, partials, decorated functions and callable objects are described and called like functions."""
    assert function_schema(func)[0]["properties"]["mode"]["enum"] == ["r", "w"]
    assert decode_arguments(func, {"mode": "w"}) == {"mode": Mode.WRITE}


def unknown(rt: object, a: int, b: Unknown) -> None: ...
def indescribable(rt: object, a: int, b: list[complex]) -> None: ...
def positional(rt: object, a: int, b: int, /) -> None: ...


@pytest.mark.parametrize(
    ("func", "problem"),
    [
        pytest.param(
            unknown, "the annotation 'Unknown' of parameter 'b' cannot be resolved: name 'Unknown'", id="unknown"
        ),
        pytest.param(indescribable, "parameter 'b': no JSON Schema can be made of list", id="indescribable"),
        pytest.param(positional, "parameter 'a' is positional-only", id="positional"),
    ],
)
def test_what_cannot_be_described_is_refused(func: Any, problem: str) -> None:
    """The error, at the definition, names the parameter."""
    with pytest.raises(TypeError, match=problem):
        function_schema(func)


def test_the_runtimes_annotation_need_not_exist() -> None:
    """A first parameter that is annotated for the type checker alone is no obstacle."""

    def func(rt: Unknown, a: int) -> None: ...

    assert function_schema(func)[0]["required"] == ["a"]


def test_two_types_of_one_name_are_refused_if_one_of_them_would_win() -> None:
    """A definition never silently stands for another type of the same name."""

    class Other(Model):
        @classmethod
        def model_json_schema(cls) -> dict[str, Any]:
            return super().model_json_schema() | {"$defs": {"Inner": {"type": "string"}}}

    def func(rt: object, a: Any, b: Any) -> None: ...

    func.__annotations__.update(a=Model, b=Other)
    with pytest.raises(TypeError, match="'Inner'"):
        function_schema(func)


def test_what_the_schema_allows_the_function_gets() -> None:
    """Schema, validation and conversion fit together."""
    schema, _ = function_schema(documented)

    valid = validate('{"pattern": 7, "limit": "3", "mode": "w", "after": null}', schema)

    assert decode_arguments(documented, {**valid, "on_output": print}) == {
        "pattern": "7",
        "limit": 3,
        "mode": Mode.WRITE,
        "after": None,
        "on_output": print,
    }
