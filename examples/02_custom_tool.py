"""A tool of your own: its schema comes from the signature, its description from the docstring."""

import asyncio

from pygent import AsyncAgent, AsyncRuntime, ToolError, tool


@tool(parallel=True)
async def count_lines(rt: AsyncRuntime, path: str) -> str:
    """Count the lines of a text file.

    Args:
        path: a file in the workspace.
    """
    text = await rt.read_file(path)
    if not text:
        raise ToolError(f"{path} is empty; is it the right file?")  # goes to the model, which may try another

    return f"{path} has {len(text.splitlines())} lines"


async def main() -> None:
    async with AsyncAgent() as agent:
        await agent.runtime.write_file("poem.txt", "roses are red\nviolets are blue\n")
        await agent.run_until_stop("How many lines has poem.txt?")
        print(agent.answer)


asyncio.run(main())
