"""Schemas that cannot work are refused when the tool is defined."""

from __future__ import annotations

from typing import Any

import pytest

from pygent.schema import check_schema

LOOP: dict[str, Any] = {"type": "object", "properties": {}}
LOOP["properties"]["self"] = LOOP


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object"}, id="no-arguments"),
        pytest.param({"type": "object", "properties": {"a": {}, "b": True}}, id="anything"),
        pytest.param({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, id="several-types"),
        pytest.param({"type": "object", "required": ["a"]}, id="required-but-not-described"),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "string", "format": "date", "x-y": 1}}}, id="others"
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {"tree": {"$ref": "#/$defs/Tree"}},
                "$defs": {"Tree": {"type": "object", "properties": {"kids": {"items": {"$ref": "#/$defs/Tree"}}}}},
            },
            id="recursive-type",
        ),
        pytest.param(
            {"type": "object", "properties": {"$ref": {"type": "string"}, "type": {}}}, id="keywords-as-names"
        ),
    ],
)
def test_schemas_that_work(schema: Any) -> None:
    """What a function could be called with is accepted."""
    check_schema(schema, "tool 'x'")


def described(argument: Any, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": argument}, **more}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        pytest.param(None, "parameters must be a JSON Schema, a dict, not None", id="none"),
        pytest.param({}, "must be the schema of an object", id="no-type"),
        pytest.param({"type": "array"}, "must be the schema of an object", id="array"),
        pytest.param({"type": ["object"]}, "must be the schema of an object", id="types"),
        pytest.param(described({"default": {1, object()}}), "parameters are not JSON", id="not-json"),
        pytest.param(LOOP, "parameters are not JSON", id="contains-itself"),
        pytest.param(described("string"), "parameters.properties.a: a schema is a dict, not 'string'", id="text"),
        pytest.param({"type": "object", "properties": ["a"]}, "properties: must be a dict of schemas", id="list"),
        pytest.param(
            described({"type": "str"}), "a.type: unknown type 'str'; the types are string, integer", id="type"
        ),
        pytest.param(described({"type": [None]}), "a.type: unknown type None", id="type-in-list"),
        pytest.param(described({"enum": []}), "a.enum: must be a list of the allowed values, not []", id="enum"),
        pytest.param(described({"items": [{}]}), "a.items: a schema is a dict", id="items"),
        pytest.param(described({"anyOf": {}}), "a.anyOf: must be a list of schemas", id="anyOf"),
        pytest.param(described({"anyOf": [{"type": "x"}]}), "a.anyOf[0].type: unknown type 'x'", id="inside-anyOf"),
        pytest.param(described({"pattern": "("}), "a.pattern: '(' is no regular expression", id="pattern"),
        pytest.param(
            described({"patternProperties": {"[": {}}}), "'[' is no regular expression", id="patternProperties"
        ),
        pytest.param(described({"minimum": "1"}), "a.minimum: must be a number, not '1'", id="minimum"),
        pytest.param(described({"exclusiveMinimum": True}), "a.exclusiveMinimum: must be a number", id="draft-4"),
        pytest.param(described({"minLength": -1}), "a.minLength: must be a number of characters", id="minLength"),
        pytest.param(described({}, required="a"), "required: must be a list of names", id="required"),
        pytest.param(
            described({}, required=["b"], additionalProperties=False),
            "'b' is required, but no property",
            id="impossible",
        ),
        pytest.param(described({"$ref": "#/$defs/A"}), "a.$ref: '#/$defs/A' points to nothing", id="ref-to-nothing"),
        pytest.param(described({"$ref": "https://x/y"}), "points out of the schema", id="ref-elsewhere"),
        pytest.param(described({"$ref": 1}), "a.$ref: must be a text", id="ref-number"),
        pytest.param(described({"$ref": "#/properties/a"}), "refers to itself without going deeper", id="ref-loop"),
        pytest.param(
            described({"anyOf": [{"type": "string"}, {"$ref": "#/properties/a"}]}), "refers to itself", id="anyOf-loop"
        ),
    ],
)
def test_schemas_that_cannot_work(schema: Any, problem: str) -> None:
    """The error names the tool, the place and what is wrong there."""
    with pytest.raises(ValueError, match="tool 'x'") as caught:
        check_schema(schema, "tool 'x'")

    assert problem in str(caught.value)
