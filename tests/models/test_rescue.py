"""Rescued tool calls: every form in which models write a call is one, and no decoy is."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.messages import Message
from pygent.models.written.rescue import rescue_tool_calls, take_written_calls

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "bash",
            "parameters": {
                "type": "object",
                "properties": {"cmd": {"type": "string"}, "timeout": {"type": "number"}},
                "required": ["cmd"],
                "additionalProperties": False,
            },
        },
    },
    {"type": "function", "function": {"name": "stop", "parameters": {"type": "object", "properties": {}}}},
]
LS = '{"name": "bash", "arguments": {"cmd": "ls"}}'

INVOKE = '<invoke name="bash">\n<parameter name="cmd">ls</parameter>\n</invoke>'

FORMS = {
    "bare": LS,
    "parameters": '{"name": "bash", "parameters": {"cmd": "ls"}}',
    "spread-out": '\n{\n  "name": "bash",\n  "arguments": {\n    "cmd": "ls"\n  }\n}\n',
    "arguments-as-text": '{"name": "bash", "arguments": "{\\"cmd\\": \\"ls\\"}"}',
    "openai-shape": '{"type": "function", "function": {"name": "bash", "arguments": {"cmd": "ls"}}}',
    "list": f"[{LS}]",
    "fence": f"```json\n{LS}\n```",
    "fence-without-language": f"```\n{LS}\n```",
    "fence-of-xml": "```xml\n<function=bash><parameter=cmd>ls</parameter></function>\n```",
    "fence-of-a-call": f"```tool_call\n{LS}\n```",
    "fence-never-closed": f"```json\n{LS}",
    "hermes": f"<tool_call>\n{LS}\n</tool_call>",
    "hermes-never-closed": f"<tool_call>{LS}",
    "qwen-tools": f"<tools>\n{LS}\n</tools>",
    "fence-in-tag": f"<tool_call>\n```json\n{LS}\n```\n</tool_call>",
    "function-call-tag": f"<function_call>{LS}</function_call>",
    "llama-function": '<function=bash>{"cmd": "ls"}</function>',
    "qwen-coder": "<tool_call>\n<function=bash>\n<parameter=cmd>\nls\n</parameter>\n</function>\n</tool_call>",
    "mistral": f"[TOOL_CALLS] [{LS}]",
    "mistral-named": '[TOOL_CALLS]bash[ARGS]{"cmd": "ls"}',
    "mistral-with-an-id": '[TOOL_CALLS]bash[CALL_ID]abc123XYZ[ARGS]{"cmd": "ls"}',
    "mistral-without-a-mark": '[TOOL_CALLS] bash {"cmd": "ls"}',
    "python-tag": '<|python_tag|>{"name": "bash", "parameters": {"cmd": "ls"}}<|eom_id|>',
    "phi": f"<|tool_call|>[{LS}]<|/tool_call|>",
    "functools": f"functools[{LS}]",
    "tool-calls-field": f'{{"tool_calls": [{LS}]}}',
    "tool-field": '{"tool": "bash", "args": {"cmd": "ls"}}',
    "function-field": '{"type": "function", "function": "bash", "parameters": {"cmd": "ls"}}',
    "anthropic-fields": '{"type": "tool_use", "id": "1", "name": "bash", "input": {"cmd": "ls"}}',
    "doubled-braces": '{{"name": "bash", "arguments": {{"cmd": "ls"}}}}',
    "doubled-outer-braces": '{{"name": "bash", "arguments": {"cmd": "ls"}}}',
    "doubled-in-a-tag": '<tool_call>\n{{"name": "bash", "arguments": {{"cmd": "ls"}}}}\n</tool_call>',
    "attributes": """<tools><function name="bash" arguments='{"cmd":"ls"}'></function></tools>""",
    "attributes-alone": """<function name="bash" arguments='{"cmd":"ls"}'/>""",
    "attributes-escaped": '<tool_call name="bash" arguments="{&quot;cmd&quot;: &quot;ls&quot;}" />',
    "element-with-json": '<function name="bash">{"cmd": "ls"}</function>',
    "invoke": f"<function_calls>\n{INVOKE}\n</function_calls>",
    "minimax": f"<minimax:tool_call>\n{INVOKE}\n</minimax:tool_call>",
    "glm": "<tool_call>bash\n<arg_key>cmd</arg_key>\n<arg_value>ls</arg_value>\n</tool_call>",
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>bash\n```json\n"
    '{"cmd": "ls"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "deepseek-newer": '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>bash<｜tool▁sep｜>{"cmd": "ls"}<｜tool▁call▁end｜>',
    "kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.bash:0<|tool_call_argument_begin|>"
    '{"cmd": "ls"}<|tool_call_end|><|tool_calls_section_end|>',
    "gpt-oss": '<|channel|>commentary to=functions.bash <|constrain|>json<|message|>{"cmd": "ls"}<|call|>',
    "python": 'bash(cmd="ls")',
    "python-list": "[bash(cmd='ls')]",
    "python-in-a-tag": '<tool_call>bash(cmd="ls")</tool_call>',
    "python-behind-a-tag": '<|python_tag|>bash(cmd = """ls""",)<|eom_id|>',
    "gemma": '```tool_code\nbash(cmd="ls")\n```',
}

DECOYS = {
    "empty": "",
    "words": "I would list the files.",
    "prose-before": f"You could call {LS}",
    "prose-after": f"{LS}\nThis lists the files.",
    "prose-around-a-fence": f"Use this:\n```json\n{LS}\n```\nand look.",
    "unknown-tool": '{"name": "rm", "arguments": {"cmd": "ls"}}',
    "a-persons-name": '{"name": "Ada", "arguments": {"age": 36}}',
    "missing-argument": '{"name": "bash", "arguments": {}}',
    "wrong-type": '{"name": "bash", "arguments": {"cmd": ["ls"]}}',
    "unknown-argument": '{"name": "bash", "arguments": {"cmd": "ls", "sudo": true}}',
    "other-keys": '{"name": "bash", "arguments": {"cmd": "ls"}, "explanation": "an example"}',
    "only-a-name": '{"name": "bash"}',
    "data": '{"cmd": "ls"}',
    "number": "42",
    "broken": '{"name": "bash", "arguments": {"cmd": "ls"',
    "call-and-garbage": f"{LS} {{",
    "one-good-one-unknown": f'{LS}\n{{"name": "rm", "arguments": {{}}}}',
    "wrapper-only": "```json\n```",
    "deep": '{"name":' * 100_000,
    "code": "```python\nbash(cmd='ls')\n```",
    "code-without-language": "```\nbash(cmd='ls')\n```",
    "code-in-a-sentence": "`bash(cmd='ls')`",
    "word-with-parentheses": "stop()",
    "positional": "bash('ls')",
    "computed": "bash(cmd=f'ls {x}')",
    "nested": "bash(cmd=str('ls'))",
    "joined": "bash(cmd='ls' + 'x')",
    "character-code": r"bash(cmd='\x6cs')",
    "unclosed-python": "bash(cmd='ls'",
    "unclosed-list": "[bash(cmd='ls')",
    "assigned": "x = bash(cmd='ls')",
    "signature": "bash(cmd, timeout=30)",
    "unknown-in-python": "rm(cmd='ls')",
    "a-function-described": '{"name": "stop", "parameters": {"type": "object", "properties": {}}}',
    "two-names": '{"name": "bash", "tool": "stop", "arguments": {"cmd": "ls"}}',
    "two-arguments": '{"name": "bash", "arguments": {"cmd": "ls"}, "input": {"cmd": "pwd"}}',
    "calls-and-more": f'{{"tool_calls": [{LS}], "why": "an example"}}',
    "whose-braces": '{{"name": "bash", "arguments": {{"cmd": "docker ps --format {{.ID}}"}}}}',
    "braces-that-do-not-match": '{{"name": "bash", "arguments": {"cmd": "ls"}}',
    "braces-and-words": '{{"name": "bash", "arguments": {{"cmd": "ls"}}}} lists files',
    "attributes-and-a-body": """<function name="bash" arguments='{"cmd":"ls"}'>{"cmd":"pwd"}</function>""",
    "words-in-an-element": '<invoke name="bash"><parameter name="cmd">ls</parameter> I hope</invoke>',
    "element-never-closed": '<invoke name="bash"><parameter name="cmd">ls</parameter>',
    "unknown-element": '<button name="bash" arguments="{}"/>',
    "glm-and-words": "<tool_call>bash the keyboard</tool_call>",
    "glm-value-missing": "<tool_call>bash\n<arg_key>cmd</arg_key>\n</tool_call>",
    "mistral-and-words": '[TOOL_CALLS] I call bash {"cmd": "ls"}',
    "markers-only": "<|python_tag|><|eom_id|>",
    "no-end-of-calls": "\n".join([LS] * 101),
    "no-end-of-markers": "<tool_call>" * 2000 + LS,
    "longer-than-any-call": LS.replace("ls", "x" * (1 << 18)),
    "no-calls": "[TOOL_CALLS] []",
    "twice-in-json": '{"name": "bash", "arguments": {"cmd": "ls", "cmd": "rm -rf /"}}',
    "twice-in-arguments-as-text": r'{"name": "bash", "arguments": "{\"cmd\": \"ls\", \"cmd\": \"rm\"}"}',
    "two-arguments-of-one-name": '{"name": "bash", "arguments": {"cmd": "ls"}, "arguments": {"cmd": "rm"}}',
    "twice-in-python": 'bash(cmd="ls", cmd="rm")',
    "twice-in-tags": "<function=bash><parameter=cmd>ls</parameter><parameter=cmd>rm</parameter></function>",
    "twice-in-glm": "<tool_call>bash" + "<arg_key>cmd</arg_key><arg_value>ls</arg_value>" * 2 + "</tool_call>",
    "parameter-never-closed": "<function=bash><parameter=cmd>ls</function>",
    "type-of-something-else": '{"type": "example", "name": "bash", "arguments": {"cmd": "ls"}}',
    "type-around-a-function": '{"type": "example", "function": {"name": "bash", "arguments": {"cmd": "ls"}}}',
    "type-that-is-no-word": '{"type": ["function"], "name": "bash", "arguments": {"cmd": "ls"}}',
    "fence-of-a-change": f"```diff\n{LS}\n```",
    "fence-of-an-example": f"```json_example\n{LS}\n```",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms(text: str) -> None:
    """Each form is the one call that it means."""
    (call,) = rescue_tool_calls(text, TOOLS)

    assert (call.function.name, json.loads(call.function.arguments)) == ("bash", {"cmd": "ls"})


@pytest.mark.parametrize("text", DECOYS.values(), ids=DECOYS)
def test_decoys(text: str) -> None:
    """What is not wholly a valid call of an offered tool stays text."""
    assert rescue_tool_calls(text, TOOLS) == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prose", ["For example: ", "Ich würde ", "1. ", "> "])
def test_forms_quoted_in_prose_stay_text(form: str, prose: str) -> None:
    """Any form behind words is a quotation."""
    assert rescue_tool_calls(prose + FORMS[form], TOOLS) == ()


def test_several_calls_keep_their_order() -> None:
    """Calls one behind the other are all rescued, each with an id of its own."""
    calls = rescue_tool_calls(
        f'<tool_call>{LS}</tool_call>\n<tool_call>{{"name": "stop", "arguments": {{}}}}</tool_call>', TOOLS
    )

    assert [call.function.name for call in calls] == ["bash", "stop"]
    assert calls[0].id != calls[1].id


PARALLEL = {
    "llama": f'<|python_tag|>{LS}; {{"name": "stop", "parameters": {{}}}}',
    "python": "[bash(cmd='ls'), stop()]",
    "python-lines": 'bash(cmd="ls")\nstop()',
    "mistral": '[TOOL_CALLS]bash[ARGS]{"cmd": "ls"}[TOOL_CALLS]stop[ARGS]{}',
    "glm": "<tool_call>bash<arg_key>cmd</arg_key><arg_value>ls</arg_value></tool_call><tool_call>stop</tool_call>",
    "invoke": '<invoke name="bash"><parameter name="cmd">ls</parameter></invoke><invoke name="stop"></invoke>',
    "functools": f'functools[{LS}, {{"name": "stop", "arguments": {{}}}}]',
    "lines": f'{LS}\n{{"name": "stop", "arguments": {{}}}}',
}


@pytest.mark.parametrize("text", PARALLEL.values(), ids=PARALLEL)
def test_forms_of_several_calls(text: str) -> None:
    """Each family of models has its way to call twice at once."""
    calls = rescue_tool_calls(text, TOOLS)

    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("bash", {"cmd": "ls"}),
        ("stop", {}),
    ]


PYTHON_VALUES = {
    r"'a\'b\"c\n'": "a'b\"c\n",
    r"'grep \d+ f'": r"grep \d+ f",
    '"""a\n"b"\n"""': 'a\n"b"\n',
    "'a\\\nb'": "ab",
    "''": "",
}


@pytest.mark.parametrize(("written", "cmd"), PYTHON_VALUES.items(), ids=range(len(PYTHON_VALUES)))
def test_pythons_texts_are_read_as_python_reads_them(written: str, cmd: str) -> None:
    """Quotes and escapes come to the command that was meant."""
    (call,) = rescue_tool_calls(f"bash(cmd={written}, timeout=2.5)", TOOLS)

    assert json.loads(call.function.arguments) == {"cmd": cmd, "timeout": 2.5}


def test_pythons_other_values_are_plain_ones() -> None:
    """What JSON knows, and the three words that Python spells otherwise."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    (call,) = rescue_tool_calls('f(a=True, b=None, c=[1, {"d": -2e3}], e=False, g=true)', tools)

    assert json.loads(call.function.arguments) == {
        "a": True,
        "b": None,
        "c": [1, {"d": -2000.0}],
        "e": False,
        "g": True,
    }


def test_braces_of_a_command_survive_doubled_ones() -> None:
    """Where only the outer braces stand twice, those inside are the command's own."""
    (call,) = rescue_tool_calls('{{"name": "bash", "arguments": {"cmd": "docker ps --format {{.ID}}"}}}', TOOLS)

    assert json.loads(call.function.arguments) == {"cmd": "docker ps --format {{.ID}}"}


def test_half_an_emoji_is_replaced() -> None:
    """What is left can be encoded, shown and run."""
    (call,) = rescue_tool_calls(r'{"name": "bash", "arguments": {"cmd": "echo \ud83c"}}', TOOLS)

    assert json.loads(call.function.arguments.encode()) == {"cmd": "echo \ufffd"}


def test_a_refusal_is_no_call() -> None:
    """Whatever its words are."""
    refusal = Message(role="assistant", content="", refusal=LS)

    assert take_written_calls(refusal, TOOLS) is refusal


@pytest.mark.parametrize(
    "unit", ["a", "[", "{", '{"a":', "<", " ", "\\", "'", "```", "<tool_call>", "bash(cmd='", "{{", "\n"]
)
def test_long_texts_are_read_in_a_blink(unit: str) -> None:
    """No form takes a time that grows with the square of the text: this would be minutes."""
    many = (unit * 200_000)[:200_000]

    assert rescue_tool_calls(many, TOOLS) == ()
    assert rescue_tool_calls(f"bash(cmd='{many}", TOOLS) == ()
    assert rescue_tool_calls(f'<invoke name="bash"><parameter name="cmd">{many}', TOOLS) == ()


FLOODS: dict[str, Callable[[int], str]] = {
    "doubled braces": lambda size: '{{"' + '\\"' * (size // 2),
    "parameters": lambda size: f"<function=bash>{'<parameter=a>' * (size // 13)}</function>",
    "half parameters": lambda size: f"<function=bash>{'<parameter=a ' * (size // 13)}</function>",
    "keys": lambda size: "<tool_call>bash <arg_key>" + "</arg_key><arg_value>" * (size // 21),
    "commas": lambda size: ",;" * (size // 2),
    "empty lists": lambda size: "[]" * (size // 2),
    "fences": lambda size: "```json\n" * (size // 8),
    "tokens": lambda size: "<|a|>" * (size // 5),
    "python": lambda size: "[" + "bash(cmd='x'), " * (size // 15) + "]",
    "a python text": lambda size: 'bash(cmd="' + '\\"' * (size // 2),
    "a name": lambda size: "a-" * (size // 2),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_eight_times_the_text_is_about_eight_times_the_work(flood: Callable[[int], str]) -> None:
    """A reply cannot block the event loop: each character is read a bounded number of times."""

    def seconds(size: int) -> float:
        text = flood(size)
        start = process_time()
        assert rescue_tool_calls(text, TOOLS) == ()
        return process_time() - start

    long = min(seconds(64_000) for _ in range(3))
    assert long < 1
    assert long < 24 * min(seconds(8_000) for _ in range(5)) + 0.01  # less than that is too short to be measured


def test_raw_newlines_in_strings_are_forgiven() -> None:
    """A script written over several lines inside the JSON string is what the model meant."""
    (call,) = rescue_tool_calls('{"name": "bash", "arguments": {"cmd": "echo 1\necho 2"}}', TOOLS)

    assert json.loads(call.function.arguments) == {"cmd": "echo 1\necho 2"}


def test_without_tools_nothing_is_rescued() -> None:
    """A model that was offered nothing can call nothing."""
    assert rescue_tool_calls(LS, []) == ()


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    """No text makes it fail."""
    assert rescue_tool_calls(text, TOOLS) == ()


@given(st.text())
def test_any_command_comes_through_whole(cmd: str) -> None:
    """The arguments are the ones that were written, whatever they hold."""
    (call,) = rescue_tool_calls(json.dumps({"name": "bash", "arguments": {"cmd": cmd}}), TOOLS)

    assert json.loads(call.function.arguments) == {"cmd": cmd}
