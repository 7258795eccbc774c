"""An agent in an asyncio program: ask it to do something, and wait until it is done."""

import asyncio

from pygent import AsyncAgent


async def main() -> None:
    async with AsyncAgent() as agent:
        reply = await agent.run_until_stop("Write hello.py that prints hello, then run it.")
        print(reply.text if reply else f"ended early: {agent.stop_reason}")
        print(await agent.runtime.read_file("hello.py"))


asyncio.run(main())
