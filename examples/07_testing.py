"""Tests of an agent of yours: with a script in the place of the model, and with a server that has a bad day."""

import asyncio

from pygent import AsyncAgent, OpenAIModel, ToolError, tool
from pygent.testing import ScriptedModel, tool_call
from pygent.testing.server import MisbehavingServer

STOCK = {"apples": 3}


@tool
async def in_stock(rt, item: str) -> str:
    """Count what is in stock."""
    if item not in STOCK:
        raise ToolError(f"no such item; there are {', '.join(STOCK)}")

    return str(STOCK[item])


def shopkeeper(model, model_name=None) -> AsyncAgent:
    """The agent under test."""
    return AsyncAgent(model, model_name=model_name, tools=[in_stock], system_prompt="You keep a shop.")


async def test_a_wrong_guess_is_mended() -> None:
    model = ScriptedModel([tool_call("in_stock", item="apple"), tool_call("in_stock", item="apples"), "Yes, 3."])
    async with shopkeeper(model) as agent:
        await agent.run_until_stop("Are there apples?")

    assert agent.answer == "Yes, 3."
    assert "there are apples" in model.requests[1][-1].text  # what the model was told when it guessed
    assert model.requests[2][-1].text == "3"


async def test_a_bad_day_of_the_server_is_survived() -> None:
    bad_day = 'fault:seq:429ra:0.1,call:in_stock:{"item": "apples"},reset,ok'
    async with (
        MisbehavingServer() as server,
        shopkeeper(OpenAIModel(server.base_url, api_key="none"), model_name=bad_day) as agent,
    ):
        await agent.run_until_stop("Are there apples?")

    assert agent.stop_reason == "reply"
    assert [message.role for message in agent.history] == ["system", "user", "assistant", "tool", "assistant"]
    assert len(server.log) == 4  # two turns, each at the second attempt


if __name__ == "__main__":
    for test in (test_a_wrong_guess_is_mended, test_a_bad_day_of_the_server_is_survived):
        asyncio.run(test())
        print(f"{test.__name__}: passed")
