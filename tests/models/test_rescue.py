"""Rescued tool calls: every form in which models write a call is one, and no decoy is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.models.rescue import rescue_tool_calls

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

FORMS = {
    "bare": LS,
    "parameters": '{"name": "bash", "parameters": {"cmd": "ls"}}',
    "spread-out": '\n{\n  "name": "bash",\n  "arguments": {\n    "cmd": "ls"\n  }\n}\n',
    "arguments-as-text": '{"name": "bash", "arguments": "{\\"cmd\\": \\"ls\\"}"}',
    "openai-shape": '{"type": "function", "function": {"name": "bash", "arguments": {"cmd": "ls"}}}',
    "list": f"[{LS}]",
    "fence": f"```json\n{LS}\n```",
    "fence-without-language": f"```\n{LS}\n```",
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
    "python-tag": '<|python_tag|>{"name": "bash", "parameters": {"cmd": "ls"}}<|eom_id|>',
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
