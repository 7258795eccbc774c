"""An agent in an asyncio program: ask it to do something, and wait until it is done."""

import asyncio

from pygent import AsyncAgent


async def main() -> None:
    async with AsyncAgent() as agent:
        await agent.run_until_stop("Write hello.py that prints hello, then run it.")
        print(agent.answer or f"ended early: {agent.stop_reason}")
        print("files:", await agent.runtime.list_files())


asyncio.run(main())
