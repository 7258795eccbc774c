"""What an agent does, while it does it: every step is an event."""

import asyncio

from pygent import AsyncAgent, TextDelta, ToolFinished, ToolOutputDelta, ToolStarted, TurnFinished


async def main() -> None:
    async with AsyncAgent() as agent, agent.stream("Which Python is installed here?") as events:
        async for event in events:
            match event:
                case TextDelta(text=text) | ToolOutputDelta(text=text):
                    print(text, end="", flush=True)
                case ToolStarted(call=call):
                    print(f"\n> {call.function.name} {call.function.arguments}")
                case ToolFinished(duration=seconds):
                    print(f"< {seconds:.1f} s")
                case TurnFinished(reason=reason, steps=steps):
                    print(f"\nended by {reason} after {steps} steps")


asyncio.run(main())
