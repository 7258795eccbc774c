"""The strictest reading of Chat Completions: what any server might refuse is refused, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from pygent.testing.server import problem_of

ASK = {"role": "user", "content": "What is here?"}
TOOL = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
    },
}


def call(call_id: str = "a", name: str = "bash", arguments: Any = '{"cmd": "ls"}', **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def calling(*calls: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def answer(call_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "a.py", **more}


def request(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "small", "messages": list(messages or [ASK]), **more}


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}, **more}}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {**TOOL["function"], **function}}


RIGHT: dict[str, Any] = {
    "a question": request(),
    "instructions": request({"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be."}, ASK),
    "a talk": request(ASK, {"role": "assistant", "content": "a.py"}, ASK, {"role": "assistant", "content": "b.py"}),
    "two questions": request(ASK, ASK),
    "parts": request(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
            ],
        }
    ),
    "calls": request(ASK, calling(call("a"), call("b")), answer("a"), answer("b"), ASK, tools=[TOOL]),
    "calls after words": request(ASK, calling(call(), content="I look."), answer(), calling(call("b")), answer("b")),
    "a refusal": request(ASK, {"role": "assistant", "content": None, "refusal": "No."}, ASK),
    "a name": request({**ASK, "name": "Ada"}),
    "tools": request(tools=[TOOL], tool_choice="auto", parallel_tool_calls=False),
    "a chosen tool": request(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "bash"}}),
    "a tool without arguments": request(tools=[{"type": "function", "function": {"name": "look"}}]),
    "a stream": request(stream=True, stream_options={"include_usage": True}),
    "options": request(temperature=0.5, max_completion_tokens=7, stop=["\n"], seed=1, reasoning_effort="low", n=1),
    "a format": request(response_format=schema(strict=True)),
    "JSON": request({"role": "user", "content": "Answer in JSON."}, response_format={"type": "json_object"}),
}


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_accepted(body: Any) -> None:
    """There is nothing to say against it."""
    assert problem_of(body) is None


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([], "the request is [], not an object"),
    "an unknown field": (request(temprature=1), "the request has unknown fields: temprature"),
    "old functions": (request(functions=[]), "unknown fields: functions"),
    "no model": ({"messages": [ASK]}, "lacks 'model'"),
    "no messages": (request() | {"messages": []}, "messages has 0 items"),
    "a message that is none": (request("hi"), "messages[0] is 'hi', not an object"),
    "an unknown role": (request({"role": "ai", "content": ""}), "messages[0].role is 'ai', not one of"),
    "no role": (request({"content": "hi"}), "messages[0].role is None"),
    "a role that is none": (request({"role": ["user"], "content": "hi"}), "messages[0].role is ['user']"),
    "instructions in the middle": (request(ASK, {"role": "system", "content": "Be."}), "messages[1] has the role"),
    "an unknown field of a message": (
        request(ASK, {"role": "assistant", "content": "hi", "reasoning_content": "hm"}, ASK),
        "messages[1] has unknown fields: reasoning_content",
    ),
    "a tool's name": (request(ASK, calling(call()), answer(name="bash")), "messages[2] has unknown fields: name"),
    "a user's name with a space": (request({**ASK, "name": "Ada L"}), "messages[0].name"),
    "no content": (request({"role": "user"}), "messages[0] lacks 'content'"),
    "null content": (request({"role": "user", "content": None}), "messages[0].content is None"),
    "content that is an object": (request({"role": "user", "content": {}}), "messages[0].content is {}"),
    "no parts": (request({"role": "user", "content": []}), "messages[0].content has 0 items"),
    "an unknown part": (request({"role": "user", "content": [{"type": "image"}]}), "messages[0].content[0].type"),
    "an image for the tool": (
        request(ASK, calling(call()), answer(content=[{"type": "image_url", "image_url": {"url": "data:,"}}])),
        "messages[2].content",
    ),
    "an empty reply": (request(ASK, {"role": "assistant", "content": ""}), "messages[1] has neither content"),
    "no calls": (request(ASK, {"role": "assistant", "content": "x", "tool_calls": []}), "tool_calls has 0 items"),
    "a call without id": (request(calling(call("")), answer("")), "messages[0].tool_calls[0].id is ''"),
    "a call with more": (request(calling(call(index=0)), answer()), "unknown fields: index"),
    "a call of nobody": (request(calling(call(name="")), answer()), "function.name is ''"),
    "arguments that are none": (request(calling(call(arguments='{"cmd": ')), answer()), "arguments is no JSON text"),
    "arguments too deep": (request(calling(call(arguments="[" * 99999)), answer()), "arguments is no JSON text"),
    "arguments that are an object": (request(calling(call(arguments={})), answer()), "arguments is {}, not a text"),
    "arguments that are a list": (request(calling(call(arguments="[]")), answer()), "is the JSON text of list"),
    "a call without answer": (request(ASK, calling(call())), "no answers to ['a']"),
    "an answer too late": (request(calling(call()), ASK, answer()), "message 1 (user) comes before"),
    "an answer to nothing": (request(ASK, answer()), "message 1 answers 'a'; open calls: []"),
    "an answer twice": (request(calling(call()), answer(), answer()), "message 2 answers 'a'; open calls: []"),
    "answers in another order": (request(calling(call(), call("b")), answer("b"), answer()), "message 1 answers 'b'"),
    "an id twice": (request(calling(call()), answer(), calling(call()), answer()), "uses a call id again"),
    "empty tools": (request(tools=[]), "tools has 0 items"),
    "a bare tool": (request(tools=[{"name": "bash"}]), "tools[0] has unknown fields: name"),
    "a tool with a dot": (request(tools=[tool(name="a.b")]), "tools[0].function.name is 'a.b'"),
    "a tool with a long name": (request(tools=[tool(name="a" * 65)]), "tools[0].function.name"),
    "a tool twice": (request(tools=[TOOL, TOOL]), "tools has bash more than once"),
    "arguments without a type": (request(tools=[tool(parameters={})]), "parameters.type is None"),
    "arguments of another type": (request(tools=[tool(parameters={"type": "string"})]), "type is 'string'"),
    "a required argument that is none": (
        request(tools=[tool(parameters={"type": "object", "properties": {"a": {}}, "required": ["b"]})]),
        "parameters.required[0] is 'b'",
    ),
    "properties in a list": (
        request(tools=[tool(parameters={"type": "object", "properties": ["a"]})]),
        "parameters.properties is ['a']",
    ),
    "a choice without tools": (request(tool_choice="auto"), "tool_choice stands without tools"),
    "a choice that is none": (
        request(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "grep"}}),
        "tool_choice names 'grep'",
    ),
    "parallel calls without tools": (request(parallel_tool_calls=True), "parallel_tool_calls stands without tools"),
    "stream options alone": (request(stream_options={"include_usage": True}), "stream_options stands without stream"),
    "a stream that is a number": (request(stream=1), "stream is 1, not true or false"),
    "too warm": (request(temperature=3), "temperature is 3, not a number from 0 to 2"),
    "half a token": (request(max_tokens=1.5), "max_tokens is 1.5, not a whole number"),
    "true tokens": (request(max_tokens=True), "max_tokens is True"),
    "two limits": (request(max_tokens=7, max_completion_tokens=7), "max_tokens and max_completion_tokens"),
    "too many stops": (request(stop=["a"] * 5), "stop"),
    "probabilities alone": (request(top_logprobs=2), "top_logprobs stands without logprobs"),
    "an unknown format": (request(response_format={"type": "yaml"}), "response_format.type is 'yaml'"),
    "a format without a name": (
        request(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
        "response_format.json_schema lacks 'name'",
    ),
    "JSON that nobody asked for": (request(response_format={"type": "json_object"}), "no message does"),
}


@pytest.mark.parametrize(("body", "problem"), WRONG.values(), ids=WRONG)
def test_what_a_server_might_refuse_is_refused(body: Any, problem: str) -> None:
    """The text says where, and what is there."""
    assert problem in (problem_of(body) or "")
