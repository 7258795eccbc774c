"""What a model sends as arguments: accepted as meant, or refused with words that help it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import ToolError
from pygent.schema import check_schema, validate
from pygent.schema.validation import MAX_ARGUMENTS, MAX_FAULTS

ANYTHING: dict[str, Any] = {"type": "object"}


def of(argument: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"a": argument}, "additionalProperties": False}
    return schema | ({"required": ["a"]} if required else {})


def refusal(arguments: str, schema: dict[str, Any]) -> str:
    with pytest.raises(ToolError) as caught:
        validate(arguments, schema)

    return str(caught.value)


# the text


@pytest.mark.parametrize("text", ["", "  \n", "null", "{}"])
def test_no_arguments(text: str) -> None:
    """A call without arguments has empty ones, however the model writes that."""
    assert validate(text, ANYTHING) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param('{"a": 1', "no JSON at character 7: Expecting ',' delimiter, near '{\"a\": 1'", id="cut-off"),
        pytest.param("{'a': 1}", "no JSON at character 1", id="python"),
        pytest.param("{}{}", "no JSON at character 2: Extra data", id="two"),
        pytest.param("[1]", "the arguments: must be an object, not [1]", id="list"),
        pytest.param("7", "the arguments: must be an object, not 7", id="number"),
        pytest.param('{"a": NaN}', "NaN is no JSON", id="nan"),
        pytest.param('{"a": -Infinity}', "-Infinity is no JSON", id="infinity"),
        pytest.param('{"a": 1e999}', "1e999 is beyond all numbers", id="too-large"),
        pytest.param('{"a": ' + "9" * 5000 + "}", "5000 digits", id="too-long"),
        pytest.param('{"a": 1, "a": 2}', "the key a occurs twice", id="twice"),
        pytest.param('{"b": [{"a": 1, "a": 1}]}', "the key a occurs twice", id="twice-inside"),
        pytest.param('{"a": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested too deeply", id="deep"),
        pytest.param('{"a": 1, ' + '"b": 1, ' * 100_000 + '"c": 1}', "the key b occurs twice", id="very-often"),
        pytest.param(json.dumps({"x" * 1_000_000: 1} | dict.fromkeys(map(str, range(9)))), "not known", id="long-name"),
        pytest.param('{"a": ' * 100_000, "nested too deeply", id="very-deep"),
        pytest.param('{"a": "' + "x" * 10_000_000 + '"}', "10,000,009 characters are too many", id="ten-megabytes"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str, problem: str) -> None:
    """Nothing but one JSON object is taken; the model learns where it went wrong."""
    message = refusal(text, {**ANYTHING, "properties": {"a": {}, "b": {}}, "additionalProperties": False})

    assert message.startswith("invalid arguments: ")
    assert problem in message
    assert len(message) < 500


def test_raw_newlines_in_a_string_are_taken() -> None:
    """A model that writes a newline instead of its escape means a newline."""
    assert validate('{"a": "x\n\ty"}', of({"type": "string"})) == {"a": "x\n\ty"}


@pytest.mark.parametrize("text", [r'{"a": "\ud83d"}', '{"a": "\ud83d"}'], ids=["escaped", "raw"])
def test_half_an_emoji_is_replaced(text: str) -> None:
    """What a tool is given can be written to a file."""
    assert validate(text, of({"type": "string"})) == {"a": "?"}


def test_whole_emoji_stays() -> None:
    """A pair of escapes is one character."""
    assert validate(r'{"a": "\ud83d\ude00"}', of({"type": "string"})) == {"a": "😀"}


def test_the_largest_text_is_taken() -> None:
    """The bound is where it says."""
    text = '{"a":"' + "x" * (MAX_ARGUMENTS - 8) + '"}'

    assert len(validate(text, of({"type": "string"}))["a"]) == MAX_ARGUMENTS - 8


# lossless


@pytest.mark.parametrize(
    ("schema", "given", "meant"),
    [
        pytest.param({"type": "integer"}, "30", 30, id="text-to-integer"),
        pytest.param({"type": "integer"}, "-7", -7, id="text-to-negative"),
        pytest.param({"type": "integer"}, 3.0, 3, id="whole-float"),
        pytest.param({"type": "number"}, "2.5", 2.5, id="text-to-number"),
        pytest.param({"type": "number"}, 3, 3, id="integer-is-a-number"),
        pytest.param({"type": "boolean"}, "True", True, id="text-to-true"),
        pytest.param({"type": "boolean"}, "false", False, id="text-to-false"),
        pytest.param({"type": "string"}, 42, "42", id="integer-to-text"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, '["1", 2]', [1, 2], id="text-to-array"),
        pytest.param({"type": "object"}, '{"x": 1}', {"x": 1}, id="text-to-object"),
        pytest.param({"type": ["integer", "null"]}, "null", None, id="text-to-null"),
        pytest.param({"type": "integer", "nullable": True}, None, None, id="nullable"),
        pytest.param({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "30", "30", id="as-it-stands-first"),
        pytest.param({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "30", 30, id="then-losslessly"),
        pytest.param({"type": "integer", "enum": [1, 2]}, "2", 2, id="into-an-enumeration"),
        pytest.param({"$ref": "#/properties/b"}, "1", 1, id="through-a-reference"),
    ],
)
def test_what_can_only_mean_one_thing_is_accepted(schema: dict[str, Any], given: Any, meant: Any) -> None:
    """A value of the wrong type is taken as the right one where nothing is lost."""
    root = {"type": "object", "properties": {"a": schema, "b": {"type": "integer"}}}

    result = validate(json.dumps({"a": given}), root)["a"]

    assert (result, type(result)) == (meant, type(meant))


def test_arguments_written_as_a_string_are_taken() -> None:
    """A model that encodes its arguments twice is understood."""
    assert validate(json.dumps('{"a": 1}'), of({"type": "integer"})) == {"a": 1}


def test_null_for_what_may_be_left_out_is_left_out() -> None:
    """`null` means "no value" where the schema has no other use for it."""
    assert validate('{"a": null}', of({"type": "string"}, required=False)) == {}
    assert validate('{"a": null}', of({"type": ["string", "null"]}, required=False)) == {"a": None}


@pytest.mark.parametrize(
    ("schema", "given", "problem"),
    [
        pytest.param({"type": "integer"}, True, "a: must be an integer, not true", id="bool-for-integer"),
        pytest.param({"type": "number"}, False, "a: must be a number, not false", id="bool-for-number"),
        pytest.param({"type": "integer"}, 2.5, "a: must be an integer, not 2.5", id="fraction"),
        pytest.param({"type": "integer"}, "2.0", 'a: must be an integer, not "2.0"', id="text-of-a-fraction"),
        pytest.param({"type": "integer"}, "0x10", "a: must be an integer", id="hexadecimal"),
        pytest.param({"type": "integer"}, "٣", "a: must be an integer", id="other-digits"),
        pytest.param({"type": "integer"}, " 3", "a: must be an integer", id="space"),
        pytest.param({"type": "integer"}, "1_000", "a: must be an integer", id="underscore"),
        pytest.param({"type": "number"}, "1e999", "a: must be a number", id="text-beyond-numbers"),
        pytest.param({"type": "number"}, "nan", "a: must be a number", id="text-nan"),
        pytest.param({"type": "boolean"}, 1, "a: must be true or false, not 1", id="one-for-true"),
        pytest.param({"type": "string"}, 1.10, "a: must be a string, not 1.1", id="float-for-text"),
        pytest.param({"type": "string"}, None, "a: must be a string, not null", id="required-null"),
        pytest.param({"type": "array"}, "a, b", 'a: must be an array, not "a, b"', id="text-for-array"),
        pytest.param({"type": "array"}, '["a"', "a: must be an array", id="broken-array-in-text"),
        pytest.param({"type": "object"}, "[1]", 'a: must be an object, not "[1]"', id="array-text-for-object"),
        pytest.param({"enum": ["r", "w"]}, "x", 'a: must be "r" or "w", not "x"', id="enum"),
        pytest.param({"enum": [1]}, True, "a: must be 1, not true", id="true-is-not-one"),
        pytest.param({"const": {"x": [1]}}, {"x": [2]}, 'a: must be {"x": [1]}, not {"x": [2]}', id="const"),
        pytest.param({"minimum": 1}, 0, "a: must be at least 1, not 0", id="minimum"),
        pytest.param({"maximum": 5}, 5.5, "a: must be at most 5, not 5.5", id="maximum"),
        pytest.param({"exclusiveMinimum": 0}, 0, "a: must be more than 0, not 0", id="exclusiveMinimum"),
        pytest.param({"exclusiveMaximum": 5}, 5, "a: must be less than 5, not 5", id="exclusiveMaximum"),
        pytest.param({"minLength": 2}, "x", 'a: must be at least 2 characters long, not "x"', id="minLength"),
        pytest.param({"maxLength": 2}, "x" * 99, "a: must be at most 2 characters long", id="maxLength"),
        pytest.param({"pattern": "^a+$"}, "b", "a: must be text that matches ^a+$", id="pattern"),
        pytest.param({"minItems": 1}, [], "a: must be an array of at least 1 items, not []", id="minItems"),
        pytest.param({"maxItems": 1}, [1, 2], "a: must be an array of at most 1 items", id="maxItems"),
        pytest.param({"items": {"type": "integer"}}, [1, "x"], 'a[1]: must be an integer, not "x"', id="items"),
        pytest.param(
            {"prefixItems": [{"type": "integer"}], "items": False}, [1, 2], "a[1]: is not allowed", id="tuple"
        ),
        pytest.param({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 5, "a: must be at most 3, not 5", id="allOf"),
        pytest.param(
            {"anyOf": [{"type": "integer"}, {"type": "null"}, {"enum": ["auto"]}]},
            "x",
            'a: must be an integer, null or "auto", not "x"',
            id="anyOf",
        ),
        pytest.param(
            {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"x": {"type": "integer"}}}]},
            {"x": []},
            "a.x: must be an integer, not []",
            id="anyOf-inside-the-similar-one",
        ),
        pytest.param(
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            1,
            "a: fits 2 alternatives, and must fit just one",
            id="oneOf",
        ),
        pytest.param({"additionalProperties": {"type": "integer"}}, {"k": "x"}, "a.k: must be an integer", id="map"),
        pytest.param(
            {"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False},
            {"n1": "x", "m": 1},
            'a.n1: must be an integer, not "x"; a.m: is not known',
            id="patternProperties",
        ),
    ],
)
def test_what_does_not_fit_is_refused(schema: dict[str, Any], given: Any, problem: str) -> None:
    """The refusal names the place, what is allowed there and what came."""
    assert f"invalid arguments: {problem}" in refusal(json.dumps({"a": given}), of(schema))


def test_missing_and_unknown_arguments_are_named() -> None:
    """A misspelt name is met with the right one."""
    schema = {**ANYTHING, "properties": {"path": {}}, "required": ["path"], "additionalProperties": False}

    message = refusal('{"pth": "x", "zzz": 1}', schema)

    assert message == (
        "invalid arguments: path: is missing; pth: is not known; did you mean path?; zzz: is not known; known are: path"
    )


def test_all_faults_are_told_at_once_but_not_too_many() -> None:
    """A model repairs all of its call at once; a hopeless one does not flood it."""
    message = refusal(json.dumps({"a": ["x"] * 20}), of({"type": "array", "items": {"type": "integer"}}))

    assert message.count("must be an integer") == MAX_FAULTS
    assert message.endswith(f"and {20 - MAX_FAULTS} more")


# agreement with the reference implementation

names = st.sampled_from(["a", "b", "c"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, 2.5])
    | st.sampled_from(["", "x", "1", "true", "null", "ab"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda kind: {"type": kind}, types | st.lists(types, min_size=1, max_size=2, unique=True)),
        st.builds(lambda allowed: {"enum": allowed}, st.lists(values, min_size=1, max_size=3)),
        st.builds(lambda value: {"const": value}, values),
        st.fixed_dictionaries({}, optional={"minimum": st.integers(-2, 2), "exclusiveMaximum": st.integers(-2, 2)}),
        st.fixed_dictionaries(
            {}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(0, 2), "pattern": st.just("^x?$")}
        ),
        st.fixed_dictionaries(
            {},
            optional={
                "items": inner,
                "prefixItems": some,
                "minItems": st.integers(0, 2),
                "maxItems": st.integers(0, 2),
            },
        ),
        st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(names, inner, max_size=2),
                "required": st.lists(names, max_size=2, unique=True),
                "additionalProperties": st.booleans() | inner,
                "patternProperties": st.dictionaries(st.sampled_from(["a", "^b"]), inner, max_size=1),
            },
        ),
        st.builds(lambda parts: {"anyOf": parts}, some),
        st.builds(lambda parts: {"oneOf": parts}, some),
        st.builds(lambda parts: {"allOf": parts}, some),
        st.builds(lambda part: {"$ref": "#/$defs/part", "description": "", "x": part}, inner),
    )


some_schema = st.recursive(st.builds(dict) | st.booleans(), schemas, max_leaves=6)


@given(value=values, schema=some_schema, part=some_schema)
def test_agrees_with_jsonschema(value: Any, schema: Any, part: Any) -> None:
    """What the standard allows is accepted unchanged, and what is accepted, the standard allows."""
    root = {"type": "object", "properties": {"value": schema}, "required": ["value"], "$defs": {"part": part}}
    try:
        check_schema(root, "it")
    except ValueError:
        return

    standard = jsonschema.Draft202012Validator(root)
    given = {"value": value}
    try:
        result = validate(json.dumps(given), root)
    except ToolError:
        assert not standard.is_valid(given)
    else:
        assert standard.is_valid(result)
        if standard.is_valid(given):
            assert result == given


@given(st.text() | st.text(alphabet='{}[]",:a1\\ud8 '), some_schema)
def test_any_text_is_decoded_or_refused(text: str, schema: Any) -> None:
    """Whatever a model sends, nothing but a ToolError is raised."""
    with suppress(ToolError):
        validate(text, {"type": "object", "properties": {"a": schema}, "$defs": {"part": {}}})
