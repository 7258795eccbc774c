"""`written_calls`: the forms in which models write tool calls down as text. Pure syntax: any name and arguments do."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ...messages import JSON
from ..wire import LENIENT
from .python_calls import begins_python_call, parse_python_calls

_MARKER = re.compile(
    r"""[\s,;]+
    | ```(?:json[cl5]?|xml|python|py|text|txt|plain|plaintext  # a Markdown fence
      |tool|tool_calls?|tool_code|tool_use|function_calls?)?(?!\w)
    | </?(?:\w+:)?(?:tool_calls?|tools?|function_calls?)>  # Hermes, Qwen and their kin
    | \[/?TOOL_CALLS\]                                     # Mistral
    | functools(?=\s*\[)                                   # Phi-4
    | <\|[\w/]+\|> | <｜[\w▁]+｜>                          # Llama, DeepSeek, Kimi: tokens that are no words
    """,
    re.VERBOSE,
)
"""What may stand around calls and between them; of Markdown fences those with a language in which calls are written."""

_MAX_FORMS = 2000
"""A text of more calls and markers is the work of a model that repeats itself without end."""

_NAMED = re.compile(
    r"""(?:([\w-]+)(?:\[CALL_ID\]\w+)?\[ARGS\]                                         # Mistral
    | (?<=\[TOOL_CALLS\])\s*([\w-]+)(?=\s*\{)                                          # Mistral
    | function<｜tool▁sep｜>([\w-]+)\s*(?:```json)? | ([\w-]+)<｜tool▁sep｜>            # DeepSeek
    | (?:functions\.)?([\w-]+):\d+\s*<\|tool_call_argument_begin\|>                    # Kimi
    | (?:<\|start\|>assistant)?<\|channel\|>commentary\ to=(?:functions\.)?([\w-]+)   # gpt-oss
      \s*(?:<\|constrain\|>)?(?:json)?<\|message\|>
    )\s*""",
    re.VERBOSE,
)
"""A name; its arguments come behind it as a JSON object."""

_FUNCTION = re.compile(r"<function=([\w-]+)>(.*?)</function>", re.DOTALL)  # Llama 3.1, Qwen3-Coder
_ELEMENT = re.compile(
    r"""<(function|invoke|tool_call|tool)\s+name=["']([\w-]+)["']
    (?:\s+(?:arguments|parameters)=(?:'([^']*)'|"([^"]*)"))?
    \s*(?:/>|>(.*?)</\1>)""",
    re.VERBOSE | re.DOTALL,
)
_PARAMETER = re.compile(r"""\s*<parameter(?:=|\s+name=["'])([\w-]+)["']?(?:\s[^>]*)?>""")
_KEYED = re.compile(r"<tool_call>\s*([\w-]+)\s*(?=<arg_key>|</tool_call>)")  # GLM
_KEY = re.compile(r"\s*<arg_key>([^<]*)</arg_key>\s*<arg_value>")
_NAMES = ("name", "tool", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_BESIDES = {"id", "type", "index"}
_TYPES = ("function", "function_call", "tool", "tool_call", "tool_use")

_DOUBLED = re.compile(r'"(?:\\.|[^"\\])*"?|\{\{|\}\}', re.DOTALL)  # an unclosed string, too: none may begin inside it
_FENCE = re.compile(r"```(\w*)")
_FENCES_OF_CALLS = ("tool_code", "tool_call", "tool_calls")  # Gemma's; in any other, Python is a piece of code


class WrittenCall(NamedTuple):
    """A call as it stands in a text; the arguments are an object, or the text of one."""

    name: str
    arguments: JSON


class _Found(NamedTuple):
    """The calls that a form holds, and where it ends."""

    calls: list[WrittenCall]
    end: int


def written_calls(text: str) -> Iterator[WrittenCall]:
    """Yield the calls of a text that consists of calls, and of markers around them.

    Raises:
        ValueError: at the first thing that is neither.
        RecursionError: it is nested too deeply.
    """
    position = 0
    for _ in range(_MAX_FORMS):
        if position == len(text):
            return

        found = next(found for form in _FORMS if (found := form(text, position)))  # the last one raises
        yield from found.calls
        position = found.end
    raise ValueError("no end of calls and markers")


def call_in(value: JSON) -> WrittenCall:
    """Return the call that a decoded JSON object is, whichever names models give to its fields.

    Raises:
        ValueError: it is something else.
    """
    match value:
        case {"type": kind} if kind not in _TYPES:
            pass
        case {"function": dict(function), **rest} if rest.keys() <= _BESIDES:
            return call_in(function)
        case dict():
            names = [key for key in _NAMES if isinstance(value.get(key), str)]
            arguments = [key for key in _ARGUMENTS if key in value]
            if len(names) == len(arguments) == 1 and value.keys() <= {*names, *arguments, *_BESIDES}:
                return WrittenCall(value[names[0]], _not_a_schema(value[arguments[0]]))

    raise ValueError("not a call")


def _not_a_schema(arguments: JSON) -> JSON:
    """A tool that is described looks much like one that is called."""
    if isinstance(arguments, Mapping) and arguments.get("type") == "object" and "properties" in arguments:
        raise ValueError("not a call, but a description of one")

    return arguments


# The forms: each returns what it finds at a position, or None.


def _function(text: str, position: int) -> _Found | None:
    match = _FUNCTION.match(text, position)
    return match and _Found([WrittenCall(match[1], _body(match[2]))], match.end())


def _element(text: str, position: int) -> _Found | None:
    match = _ELEMENT.match(text, position)
    if match is None:
        return None

    _, name, single, double, body = match.groups()
    attribute = single if single is not None else double
    if attribute is None:
        arguments = _body(body or "")
    elif (body or "").strip():
        raise ValueError("arguments twice")
    else:
        arguments = html.unescape(attribute)
    return _Found([WrittenCall(name, arguments)], match.end())


def _body(body: str) -> JSON:
    """The arguments inside a tag: one JSON object, or a tag for each parameter."""
    if "<parameter" not in body:
        return LENIENT.decode(body.strip()) if body.strip() else {}

    arguments, end = _paired(body, 0, _PARAMETER, "</parameter>")
    if body[end:].strip():
        raise ValueError("more than parameters")

    return {name: value.removeprefix("\n").removesuffix("\n") for name, value in arguments.items()}


def _paired(text: str, position: int, opening: re.Pattern[str], closing: str) -> tuple[dict[str, str], int]:
    """The names and values that follow one another here, and where they end."""
    pairs: dict[str, str] = {}
    while match := opening.match(text, position):
        name, end = match[1].strip(), text.find(closing, match.end())
        if end < 0 or name in pairs:
            raise ValueError(f"{name} has no end, or comes twice")

        pairs[name] = text[match.end() : end]
        position = end + len(closing)
    return pairs, position


def _keyed(text: str, position: int) -> _Found | None:
    match = _KEYED.match(text, position)
    if match is None:
        return None

    arguments, end = _paired(text, match.end(), _KEY, "</arg_value>")
    return _Found([WrittenCall(match[1], arguments)], end)


def _named(text: str, position: int) -> _Found | None:
    match = _NAMED.match(text, position)
    if match is None:
        return None

    arguments, end = LENIENT.raw_decode(text, match.end())
    return _Found([WrittenCall(next(filter(None, match.groups())), arguments)], end)


def _marker(text: str, position: int) -> _Found | None:
    match = _MARKER.match(text, position)
    return match and _Found([], match.end())


def _python(text: str, position: int) -> _Found | None:
    """Python's syntax, where it can be nothing else: not in a fence of code, and a bare `stop()` may be a word."""
    if not begins_python_call(text, position):
        return None

    fence = _FENCE.search(text, 0, position)
    if fence is not None and fence[1] not in _FENCES_OF_CALLS:
        return None

    calls, end = parse_python_calls(text, position)
    if not calls[0][1] and text[position] != "[" and not text[:position].strip():
        return None

    return _Found([WrittenCall(name, arguments) for name, arguments in calls], end)


def _doubled_braces(text: str, position: int) -> _Found | None:
    """Braces that stand twice, as in the template of the example that the model follows; it must be the last form."""
    if not text.startswith("{{", position):
        return None

    try:
        value, end = LENIENT.raw_decode(text, position + 1)
    except ValueError:
        value, end = None, position
    if text.startswith("}", end):  # only the outer ones
        return _Found([call_in(value)], end + 1)

    single = _DOUBLED.sub(_halved, text[position:])
    value, end = LENIENT.raw_decode(single)
    while marker := _MARKER.match(single, end):
        end = marker.end()
    return _Found([call_in(value)], len(text)) if end == len(single) else None


def _halved(match: re.Match[str]) -> str:
    if match[0].startswith('"'):
        if "{{" in match[0] or "}}" in match[0]:
            raise ValueError("braces of the template, or of the argument?")

        return match[0]

    return match[0][0]


def _json(text: str, position: int) -> _Found:
    """The last form: a call as a JSON object, or a list of such."""
    value, end = LENIENT.raw_decode(text, position)
    match value:
        case {"tool_calls": list(values), **rest} if not rest:
            pass
        case list(values):
            pass
        case _:
            values = [value]
    if not values:
        raise ValueError("a list of no calls")

    return _Found([call_in(each) for each in values], end)


_FORMS: tuple[Callable[[str, int], _Found | None], ...] = (
    _function,
    _element,
    _keyed,
    _named,
    _marker,
    _python,
    _doubled_braces,
    _json,
)
