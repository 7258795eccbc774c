"""`validate`: the arguments that a model wrote, decoded and held against the tool's JSON Schema.

A value of the wrong type is accepted only where nothing is lost by it: `"30"` for an integer, `3.0` for 3, `"true"` for
a boolean, `7` for a string, a list written as a string of JSON, and `null` for an argument that may be left out.
Keywords that are not known here (`format`, `not`, `if` …) are the function's own business.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import ToolError
from ..messages import JSON
from .base import ARTICLES, IS_TYPE, resolve

MAX_ARGUMENTS = 4 << 20
"""Characters of JSON text; more than any model writes at once, and decoded in a blink."""

MAX_FAULTS = 5
"""How many are told at once."""

MAX_SHOWN = 60
"""Characters of a value or a name that an error repeats."""

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,300})(\.\d{1,300})?([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,300})", re.ASCII)
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WORDS = {"true": True, "false": False}


def validate(arguments: str, schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a tool call's arguments as the schema wants them; empty text means no arguments.

    Raises:
        ToolError: they are no JSON object or do not fit the schema; the text tells the model all that is wrong.
    """
    try:
        value = _decode(arguments)
        walk = _Walk(schema)
        value = walk.value(value, schema, "")
    except ValueError as error:
        raise ToolError(f"invalid arguments: {error}") from None
    except RecursionError:
        raise ToolError("invalid arguments: they are nested too deeply") from None

    if walk.faults:
        faults = [str(fault) for fault in walk.faults[:MAX_FAULTS]]
        if len(walk.faults) > MAX_FAULTS:
            faults.append(f"and {len(walk.faults) - MAX_FAULTS} more")
        raise ToolError("invalid arguments: " + "; ".join(faults))

    result: dict[str, JSON] = value
    return result


def _decode(text: str) -> JSON:
    """Decode JSON as the standard says, except that strings may hold raw newlines, which models often write.

    Raises:
        ValueError: it is none; keys that occur twice, NaN and numbers beyond a float are none.
        RecursionError: it is nested too deeply.
    """
    if len(text) > MAX_ARGUMENTS:
        raise ValueError(f"{len(text):,} characters are too many, at most {MAX_ARGUMENTS:,}; do it in several calls")

    try:
        value = _DECODER.decode(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        near = text[max(error.pos - 20, 0) : error.pos + 20]
        raise ValueError(f"no JSON at character {error.pos}: {error.msg}, near {near!r}") from None

    if _LONE_SURROGATE.search(text) or not text.isascii():  # half an emoji is no text that could be written to a file
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return {} if value is None else value


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice:.{MAX_SHOWN}} occurs twice")

    return fields


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text:.40} is beyond all numbers")

    return value


def _constant(name: str) -> JSON:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant, strict=False)


class _Fault(NamedTuple):
    """One thing that is wrong: where, and either what was wanted of the value there, or a remark."""

    path: str
    wanted: str = ""
    value: JSON = None
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.path or 'the arguments'}: {self.remark or f'must be {self.wanted}, not {_shown(self.value)}'}"


class _Walk:
    """One walk over a value and its schema; `faults` holds what was found on the way."""

    def __init__(self, root: JSON, *, lax: bool = True) -> None:
        self._root = root
        self._lax = lax
        self.faults: list[_Fault] = []

    def value(self, value: JSON, schema: JSON, path: str) -> JSON:
        """Return the value as `schema` wants it."""
        if isinstance(schema, bool):
            if not schema:
                self.faults.append(_Fault(path, remark="is not allowed here"))
            return value

        if "$ref" in schema:
            value = self.value(value, resolve(self._root, schema["$ref"]), path)
        for part in schema.get("allOf", ()):
            value = self.value(value, part, path)
        if "anyOf" in schema:
            value = self._one_of(value, schema["anyOf"], path)
        if "oneOf" in schema:
            value = self._one_of(value, schema["oneOf"], path, alone=True)
        if "type" in schema:
            fitting = self._typed(value, schema, path)
            if fitting is _UNFIT:
                return value

            value = fitting
        self._among(value, schema, path)
        match value:
            case str():
                self._string(value, schema, path)
            case int() | float() if not isinstance(value, bool):
                self._number(value, schema, path)
            case list():
                return self._array(value, schema, path)
            case dict():
                return self._object(value, schema, path)
        return value

    def _want(self, fits: bool, path: str, wanted: str, value: JSON) -> None:
        if not fits:
            self.faults.append(_Fault(path, wanted, value))

    def _fits(self, value: JSON, schema: JSON) -> bool:
        trial = _Walk(self._root, lax=False)
        trial.value(value, schema, "")
        return not trial.faults

    def _typed(self, value: JSON, schema: Mapping[str, JSON], path: str) -> JSON:
        """Return the value as one of the types of the schema; `_UNFIT`, and a fault, if it cannot be one."""
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if schema.get("nullable") is True:
            names = [*names, "null"]
        for name in names:
            if IS_TYPE[name](value):
                return int(value) if name == "integer" else value

        for name in names if self._lax else ():
            fitting = _lossless(value, name)
            if fitting is not _UNFIT:
                return fitting

        self.faults.append(_Fault(path, _or([ARTICLES[name] for name in names]), value))
        return _UNFIT

    def _one_of(self, value: JSON, branches: Sequence[JSON], path: str, *, alone: bool = False) -> JSON:
        """Return the value as the first branch wants it that it fits as it stands, or else losslessly."""
        failed: list[_Walk] = []
        for lax in (False, True) if self._lax else (False,):
            fitting, failed = [], []
            for branch in branches:
                trial = _Walk(self._root, lax=lax)
                result = trial.value(value, branch, path)
                if trial.faults:
                    failed.append(trial)
                else:
                    fitting.append(result)
            if alone and len(fitting) > 1:
                self.faults.append(_Fault(path, remark=f"fits {len(fitting)} alternatives, and must fit just one"))
                return value

            if fitting:
                return fitting[0]

        self.faults += _closest(failed, path)
        return value

    def _among(self, value: JSON, schema: Mapping[str, JSON], path: str) -> None:
        if "enum" in schema:
            wanted = _or([_shown(allowed) for allowed in schema["enum"]])
            self._want(any(_same(value, allowed) for allowed in schema["enum"]), path, wanted, value)
        if "const" in schema:
            self._want(_same(value, schema["const"]), path, _shown(schema["const"]), value)

    def _string(self, value: str, schema: Mapping[str, JSON], path: str) -> None:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        self._want(len(value) >= least, path, f"at least {least} characters long", value)
        self._want(len(value) <= most, path, f"at most {most} characters long", value)
        if "pattern" in schema:
            self._want(bool(re.search(schema["pattern"], value)), path, f"text that matches {schema['pattern']}", value)

    def _number(self, value: float, schema: Mapping[str, JSON], path: str) -> None:
        if "minimum" in schema:
            self._want(value >= schema["minimum"], path, f"at least {schema['minimum']}", value)
        if "maximum" in schema:
            self._want(value <= schema["maximum"], path, f"at most {schema['maximum']}", value)
        if "exclusiveMinimum" in schema:
            self._want(value > schema["exclusiveMinimum"], path, f"more than {schema['exclusiveMinimum']}", value)
        if "exclusiveMaximum" in schema:
            self._want(value < schema["exclusiveMaximum"], path, f"less than {schema['exclusiveMaximum']}", value)

    def _array(self, value: list[JSON], schema: Mapping[str, JSON], path: str) -> list[JSON]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        self._want(len(value) >= least, path, f"an array of at least {least} items", value)
        self._want(len(value) <= most, path, f"an array of at most {most} items", value)
        first = schema.get("prefixItems", ())
        rest = schema.get("items", True)
        return [
            self.value(item, first[number] if number < len(first) else rest, f"{path}[{number}]")
            for number, item in enumerate(value)
        ]

    def _object(self, value: dict[str, JSON], schema: Mapping[str, JSON], path: str) -> dict[str, JSON]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        self.faults += [_Fault(_below(path, name), remark="is missing") for name in required if name not in value]
        result = {}
        for name, item in value.items():
            parts = [properties[name]] if name in properties else []
            parts += [part for key, part in schema.get("patternProperties", {}).items() if re.search(key, name)]
            if self._lax and item is None and name not in required and not all(self._fits(None, it) for it in parts):
                continue  # "no value" for what may be left out

            if not parts and schema.get("additionalProperties") is False:
                self.faults.append(_Fault(_below(path, name), remark=_unknown(name, properties)))
            elif not parts:
                parts = [schema.get("additionalProperties", True)]
            for part in parts:
                item = self.value(item, part, _below(path, name))
            result[name] = item
        return result


_UNFIT = object()


def _lossless(value: JSON, name: str) -> JSON:
    """Return the value as the type `name`, if no one could mean anything else by it; otherwise `_UNFIT`."""
    match name, value:
        case "string", int() if not isinstance(value, bool):
            return str(value)
        case "integer", str() if _INTEGER.fullmatch(value):
            return int(value)
        case "number", str() if _NUMBER.fullmatch(value):
            number = json.loads(value)
            return number if math.isfinite(number) else _UNFIT
        case "boolean", str() if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        case "null", "null":
            return None
        case (("array" | "object"), str()) if value.lstrip()[:1] in ("[", "{"):
            try:
                decoded = _decode(value)
            except ValueError:
                return _UNFIT

            return decoded if IS_TYPE[name](decoded) else _UNFIT
    return _UNFIT


def _closest(failed: Sequence[_Walk], path: str) -> list[_Fault]:
    """Of a value that fits no alternative: the faults inside the one that it resembles, or all that it may be."""
    for trial in failed:
        if all(fault.path != path for fault in trial.faults):
            return trial.faults

    wanted = [fault.wanted for trial in failed for fault in trial.faults if fault.path == path and fault.wanted]
    if not wanted:
        return failed[0].faults

    value = next(fault.value for trial in failed for fault in trial.faults if fault.wanted)
    return [_Fault(path, _or(list(dict.fromkeys(wanted))), value)]


def _same(left: JSON, right: JSON) -> bool:
    """Equal as JSON: 1 is 1.0 but not `true`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right

    match left, right:
        case list(), list():
            return len(left) == len(right) and all(map(_same, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(_same(item, right[name]) for name, item in left.items())
    return bool(left == right)


def _below(path: str, name: str) -> str:
    return f"{path}.{name:.{MAX_SHOWN}}" if path else f"{name:.{MAX_SHOWN}}"


def _unknown(name: str, known: Mapping[str, JSON]) -> str:
    near = difflib.get_close_matches(name[:MAX_SHOWN], known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known are: {', '.join(known)}" if known else ""
    return f"is not known{hint}"


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(value: JSON) -> str:
    text = json.dumps(value[: 2 * MAX_SHOWN] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
