"""The strictest reading of the Responses API."""

from __future__ import annotations

from typing import Any

import pytest

from pygent.testing.server import problem_of_response_request

ASK = {"role": "user", "content": "What is here?"}
SAID = {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a.py"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ZW5j"}
TOOL = {"type": "function", "name": "bash", "parameters": {"type": "object", "properties": {}}, "strict": False}


def call(call_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "bash", "arguments": "{}", **more}


def answer(call_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": "a.py", **more}


def request(*items: Any, **more: Any) -> dict[str, Any]:
    return {"model": "small", "input": list(items or [ASK]), **more}


RIGHT: dict[str, Any] = {
    "a text": {"model": "small", "input": "hi"},
    "a question": request(instructions="Be brief.", store=False, include=["reasoning.encrypted_content"]),
    "a talk": request(ASK, SAID, ASK),
    "a part": request({"role": "user", "content": [{"type": "input_text", "text": "hi"}]}),
    "calls": request(ASK, call(id="fc_1"), call("b"), answer(), answer("b"), tools=[TOOL]),
    "thoughts": request(ASK, THOUGHT, call(), THOUGHT | {"id": "rs_2"}, call("b"), answer(), answer("b"), store=False),
    "words and calls": request(ASK, THOUGHT, SAID, call(), answer()),
    "a chosen tool": request(tools=[TOOL], tool_choice={"type": "function", "name": "bash"}),
    "nothing to include": request(include=[]),
    "words on the way": request(ASK, SAID | {"phase": "commentary"}, call(), answer()),
    "the last words": request(ASK, SAID | {"phase": "final_answer"}, ASK, SAID | {"id": "msg_2", "phase": None}),
    "an answer to what is stored": request(answer(), previous_response_id="resp_1"),
    "a format": request(text={"format": {"type": "json_schema", "name": "reply", "schema": {}}, "verbosity": "low"}),
    "effort": request(reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=16, stream=True),
}


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_accepted(body: Any) -> None:
    """There is nothing to say against it."""
    assert problem_of_response_request(body) is None


WRONG: dict[str, tuple[Any, str]] = {
    "messages": ({"model": "small", "messages": [ASK]}, "unknown fields: messages"),
    "no input": (request() | {"input": []}, "input has 0 items"),
    "an item that is none": (request("hi"), "input[0] is 'hi', not an object"),
    "an unknown item": (request({"type": "tool"}), "input[0].type is 'tool'"),
    "an unknown role": (request({"role": "tool", "content": "hi"}), "input[0].role is 'tool'"),
    "another API's part": (request({"role": "user", "content": [{"type": "text", "text": "hi"}]}), "input[0].content"),
    "another API's tool": (request(tools=[{"type": "function", "function": TOOL}]), "tools[0] has unknown fields"),
    "another API's limit": (request(max_tokens=7), "unknown fields: max_tokens"),
    "another API's format": (request(response_format={"type": "text"}), "unknown fields: response_format"),
    "usage of a stream": (request(stream=True, stream_options={"include_usage": True}), "include_usage"),
    "stream options alone": (request(stream_options={}), "stream_options stands without stream"),
    "a call without answer": (request(ASK, call()), "no answers to ['a']"),
    "an answer to nothing": (request(ASK, answer()), "message 1 answers 'a'"),
    "an answer twice": (request(call(), answer(), answer()), "answers 'a'"),
    "an id twice": (request(ASK, SAID, ASK, SAID), "input[3].id is 'msg_1', which came before"),
    "an id of another kind": (request(call(id="call_1"), answer()), "input[0].id is 'call_1'"),
    "a thought that leads nowhere": (request(ASK, THOUGHT), "input[1] is reasoning that leads to nothing"),
    "a thought before a question": (request(ASK, THOUGHT, ASK), "input[1] is reasoning that leads to nothing"),
    "a thought that is not stored": (
        request(ASK, {"type": "reasoning", "id": "rs_1", "summary": []}, SAID, store=False),
        "reasoning without its content",
    ),
    "an unknown phase": (request(ASK, SAID | {"phase": "loud"}), "input[1].phase is 'loud'"),
    "a phase of the user's": (request(ASK | {"phase": "commentary"}), "unknown fields: phase"),
    "an unknown inclusion": (request(include=["all"]), "include[0] is 'all'"),
    "a tool twice": (request(tools=[TOOL, TOOL]), "tools has bash more than once"),
    "a choice that is none": (request(tools=[TOOL], tool_choice={"type": "function", "name": "x"}), "names 'x'"),
    "too few tokens": (request(max_output_tokens=1), "max_output_tokens is 1"),
}


@pytest.mark.parametrize(("body", "problem"), WRONG.values(), ids=WRONG)
def test_what_a_server_might_refuse_is_refused(body: Any, problem: str) -> None:
    """The text says where, and what is there."""
    assert problem in (problem_of_response_request(body) or "")
