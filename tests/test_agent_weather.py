"""An agent and a server that misbehaves: odd tool calls are answered and not run, and the conversation stays sendable.

The server reads each request strictly: a conversation that some server might refuse fails the test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pygent import AsyncAgent, LocalRuntime, Message, Tool
from pygent.errors import ContextLengthError, ModelError, StreamInterrupted
from pygent.models import OpenAIModel, Timeouts
from pygent.testing import check_history
from pygent.testing.server import HELLO, MisbehavingServer
from pygent.tool_calls import MAX_CALLS

KEY = "sk-sentinel-1234567890"


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with MisbehavingServer() as server:
        yield server


class Witness:
    """Two tools that do nothing but remember the commands that they were given."""

    def __init__(self) -> None:
        self.ran: list[Any] = []

        async def bash(rt: object, cmd: str, timeout: float = 10) -> str:
            """Run a command."""
            self.ran.append(cmd if timeout == 10 else (cmd, timeout))
            return "done"

        async def grep(rt: object, cmd: str) -> str:
            """Search."""
            self.ran.append(cmd)
            return "found"

        self.tools = [Tool.from_function(bash), Tool.from_function(grep)]


def make_agent(
    server: MisbehavingServer, fault: str, witness: Witness, runtime: LocalRuntime, **options: Any
) -> AsyncAgent:
    model = OpenAIModel(server.base_url, KEY, **{"max_retries": 0, **options})
    return AsyncAgent(model, model_name=f"fault:{fault}", tools=witness.tools, runtime=runtime)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(tmp_path) as runtime:
        yield runtime


A, B = "ls", "pwd"

CALLS: dict[str, tuple[list[Any], list[str]]] = {
    # the commands that are run, and a word of each answer
    "tool_plain": ([A], ["done"]),
    "tool_two": ([A, B], ["done", "found"]),
    "tool_two_noindex": ([A, B], ["done", "found"]),
    "tool_two_noindex_noid": ([A, B], ["done", "found"]),
    "tool_idx_collide": ([A, B], ["done", "found"]),
    "tool_out_of_order": ([B, A], ["found", "done"]),
    "tool_idx_gap": ([A, B], ["done", "found"]),
    "tool_idx_str": ([A], ["done"]),
    "tool_noid": ([A, B], ["done", "found"]),
    "tool_emptyid": ([A, B], ["done", "found"]),
    "tool_dupid": ([A, B], ["done", "found"]),
    "tool_args_obj": ([A], ["done"]),
    "tool_name_late": ([A], ["done"]),
    "tool_name_repeat": ([A], ["done"]),
    "tool_finish_stop": ([A], ["done"]),
    "tool_args_number_as_text": ([(A, 30.0)], ["done"]),
    "tool_args_surrogate": (["echo ?"], ["done"]),
    # and those that are not
    "tool_args_null": ([], ["cmd"]),
    "tool_args_empty": ([], ["cmd"]),
    "tool_args_bad": ([], ["invalid arguments"]),
    "tool_args_list": ([], ["invalid arguments"]),
    "tool_args_nan": ([], ["invalid arguments"]),
    "tool_args_twice": ([], ["invalid arguments"]),
    "tool_args_deep": ([], ["invalid arguments"]),
    "tool_args_extra": ([], ["colour"]),
    "tool_args_bool": ([], ["cmd"]),
    "tool_emptyname": ([], ["the tools are: bash, grep"]),
    "tool_unknown": ([], ["there is no tool 'no_such_tool'; the tools are: bash, grep"]),
    "tool_trunc_length": ([], ["cut off"]),
}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", CALLS)
async def test_calls_are_run_or_answered(
    name: str, stream: bool, server: MisbehavingServer, runtime: LocalRuntime
) -> None:
    """What a call means is run, what it cannot mean is told to the model, and the next request is accepted."""
    witness = Witness()
    agent = make_agent(server, f"seq:{name},ok", witness, runtime, stream=stream)
    await agent.step("go")
    answers = [message.text for message in agent.history if message.role == "tool"]
    ran, words = CALLS[name]

    assert witness.ran == ran
    assert len(answers) == len(words)
    for answer, word in zip(answers, words, strict=True):
        assert word in answer
    check_history(agent.history)
    assert (await agent.step()).text == HELLO
    assert server.refused == []


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_thousand_calls_are_too_many(stream: bool, server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """The first are run, and the rest are answered that they were too many."""
    witness = Witness()
    agent = make_agent(server, "seq:many_calls:1000,ok", witness, runtime, stream=stream)
    await agent.step("go")
    answers = [message.text for message in agent.history if message.role == "tool"]

    assert len(witness.ran) == MAX_CALLS
    assert len(answers) == 1000
    assert all("too many calls" in answer for answer in answers[MAX_CALLS:])
    assert (await agent.step()).text == HELLO


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_call_of_many_megabytes_is_run_or_answered(
    stream: bool, server: MisbehavingServer, runtime: LocalRuntime
) -> None:
    """A file may be large and arrives whole; one that is too large is not run, and the model is told what helps."""
    witness = Witness()
    await make_agent(server, "tool_args_huge:3", witness, runtime, stream=stream).step("go")
    assert [len(command) for command in witness.ran] == [3 << 20]

    agent = make_agent(server, "tool_args_huge:10", witness, runtime, stream=stream)
    await agent.step("go")
    assert "do it in several calls" in agent.history[-1].text
    assert len(witness.ran) == 1


BROKEN = ["tool_eofmid", "tool_then_error", "midsse", "no_finish", "stall"]


@pytest.mark.parametrize("name", BROKEN)
async def test_a_call_of_a_reply_that_broke_off_is_never_run(
    name: str, server: MisbehavingServer, runtime: LocalRuntime
) -> None:
    """It looks whole and is not: the step fails, nothing ran, and the next step asks again."""
    witness = Witness()
    agent = make_agent(server, f"seq:{name},ok", witness, runtime, timeouts=Timeouts(idle_content=0.2))
    with pytest.raises(ModelError):
        await agent.step("go")

    assert witness.ran == []
    check_history(agent.history)
    assert (await agent.step()).text == HELLO


async def test_a_call_of_a_reply_that_broke_off_is_run_once_when_it_is_repaired(
    server: MisbehavingServer, runtime: LocalRuntime
) -> None:
    """The attempt that failed leaves no call behind."""
    witness = Witness()
    await make_agent(server, "seq:tool_eofmid,tool_eofmid,tool_two", witness, runtime, max_retries=2).step("go")

    assert witness.ran == [A, B]


async def test_what_was_said_before_a_break_is_in_the_error(server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """And not in the history: nobody knows how it would have gone on."""
    agent = make_agent(server, "no_finish", Witness(), runtime)
    with pytest.raises(StreamInterrupted) as caught:
        await agent.step("go")

    assert caught.value.partial is not None
    assert caught.value.partial.text == HELLO
    assert [message.role for message in agent.history] == ["system", "user"]


async def test_a_conversation_that_is_too_long_is_no_loop(server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """The run ends with an error that says so, after one request, and the agent can be used again."""
    agent = make_agent(server, "seq:ctxlen,ok", Witness(), runtime, max_retries=5)
    with pytest.raises(ContextLengthError, match="shorten"):
        await agent.run_until_stop("go")

    assert len(server.log) == 1
    assert (await agent.step()).text == HELLO


async def test_text_that_no_wire_can_carry_is_replaced(server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """Half an emoji and a NUL in what a user and a tool say do not end the conversation."""

    async def bash(rt: object, cmd: str) -> str:
        return "half \ud83c and \0"

    agent = AsyncAgent(
        OpenAIModel(server.base_url, KEY, max_retries=0),
        model_name="fault:seq:tool_plain,ok",
        tools=[Tool.from_function(bash, description="Run.")],
        runtime=runtime,
    )
    await agent.step("go \ud83c")

    assert (await agent.step("\ud800")).text == HELLO
    json.dumps(server.log[-1].body, ensure_ascii=False).encode()


async def test_two_hundred_agents_share_a_model(server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """At once, ten requests in flight: each gets its own reply, nobody hears of a pool, and ten connections do."""
    model = OpenAIModel(server.base_url, KEY, max_in_flight=10)
    agents = [AsyncAgent(model, model_name="fault:parrot", tools=[], runtime=runtime) for _ in range(200)]
    replies = await asyncio.gather(*(agent.step(f"I am {number}") for number, agent in enumerate(agents)))

    assert [reply.text for reply in replies] == [f"I am {number}" for number in range(200)]
    assert server.connections <= 10


async def test_two_hundred_agents_without_a_limit(server: MisbehavingServer, runtime: LocalRuntime) -> None:
    """No hidden limit of connections makes some wait for the others: all two hundred are under way at once."""
    model = OpenAIModel(server.base_url, KEY)
    agents = [AsyncAgent(model, model_name="fault:stall", tools=[], runtime=runtime) for _ in range(200)]
    steps = [asyncio.create_task(agent.step("hi")) for agent in agents]
    async with asyncio.timeout(20):
        while len(server.log) < 200:
            await asyncio.sleep(0.01)
    for step in steps:
        step.cancel()
    await asyncio.wait(steps)

    assert all(step.cancelled() for step in steps)
    async with asyncio.timeout(5):
        for request in server.log:
            await request.closed.wait()


def test_one_agent_lives_through_several_event_loops() -> None:
    """`asyncio.run` twice with the same agent is two turns of one conversation, never "Event loop is closed"."""
    model = OpenAIModel("http://127.0.0.1:9/v1", KEY, max_retries=0)
    history: list[Message] = []

    async def turn(words: str) -> str:
        async with MisbehavingServer() as server:
            agent = AsyncAgent(OpenAIModel(server.base_url, KEY), model_name="fault:parrot", tools=[], history=history)
            reply = await agent.step(words)
            history[:] = agent.history
            with pytest.raises(ModelError, match="cannot connect"):
                await model.chat(history, "m", [])
            await agent.aclose()
            return reply.text

    assert [asyncio.run(turn(words)) for words in ("one", "two")] == ["one", "two"]
    assert [message.text for message in history[1:]] == ["one", "one", "two", "two"]
