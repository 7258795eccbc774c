"""A model of your own: anything with `chat`. This one needs no server: it runs what you say as a command."""

import asyncio
import json

from pygent import AsyncAgent, Message, ToolCall, ToolCallFunction


class ShellModel:
    """Calls `bash` with the user's words, and then tells what came out."""

    async def chat(self, messages, model, tools, *, emit=None):
        last = messages[-1]
        if last.role == "tool":
            return Message.assistant(f"That gave:\n{last.text}")

        function = ToolCallFunction(name="bash", arguments=json.dumps({"cmd": last.text}))
        return Message.assistant(tool_calls=[ToolCall(id=f"call_{len(messages)}", function=function)])


async def main() -> None:
    async with AsyncAgent(ShellModel()) as agent:
        await agent.run_until_stop("echo 6 times 7 is $((6 * 7))")
        print(agent.answer)


asyncio.run(main())
