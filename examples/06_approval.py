"""Who may run what: an approver sees each call before it runs, and its reason goes to the model."""

import asyncio
import json

from pygent import Approval, AsyncAgent, Tool, ToolCall


async def read_only(tool: Tool, call: ToolCall) -> Approval:
    """Allow looking; ask the person at the keyboard about everything else."""
    if tool.name in {"read_file", "list_files", "grep", "stop"}:
        return Approval(allowed=True)

    shown = json.dumps(json.loads(call.function.arguments), indent=2)
    answer = await asyncio.to_thread(input, f"run {tool.name} {shown}? [y/N] ")
    return Approval(answer == "y", "the user said no; find a way without it")


async def main() -> None:
    async with AsyncAgent(approver=read_only) as agent:
        await agent.run_until_stop("Delete all .tmp files.")
        print(agent.answer)


asyncio.run(main())
