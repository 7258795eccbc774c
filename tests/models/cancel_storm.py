"""`storm`: thousands of requests, each cancelled at a random moment of its life, on a few connections.

`python -m tests.models.cancel_storm 10000` runs it alone and prints what it saw.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from pygent.messages import Message
from pygent.models import OpenAIModel, Timeouts
from pygent.models.http import exchange as http
from pygent.testing.server import HELLO, MisbehavingServer, Request

KEY = "sk-sentinel-1234567890"
HI = [Message.user("hi")]

POOL = 10

ENDLESS = ("hang", "hangheaders", "stall", "drip", "keepalive")
"""Requests that only end by being cancelled: while waiting for the head, for the first content, or for more."""

SHORT = ("ok", "jsonbody", "bytewise", "tool_two", "empty200")
"""Requests that may have come to their end before, or wait for their next attempt."""

LATE = 5.0
"""Seconds after which a close is not waited for any more."""


@dataclass
class Report:
    """What a storm has done.

    Attributes:
        cancelled: how many requests were cut off.
        ended: how many came to their end before.
        closes: seconds from the cancel of an endless request to the moment the server saw its connection end, sorted.
        left: tasks that were still there afterwards.
        replies: what the next requests said, one for each place in the pool.
    """

    cancelled: int = 0
    ended: int = 0
    closes: list[float] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    replies: list[str] = field(default_factory=list)

    def within(self, share: float) -> float:
        """Seconds within which this share of the closes was seen."""
        return self.closes[min(int(share * len(self.closes)), len(self.closes) - 1)]

    def __str__(self) -> str:
        times = {
            "median": median(self.closes),
            "99 %": self.within(0.99),
            "99.9 %": self.within(0.999),
            "worst": self.closes[-1],
        }
        told = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in times.items())
        good = sum(reply == HELLO for reply in self.replies)
        return (
            f"{self.cancelled} requests cancelled, {self.ended} ended before; "
            f"the server saw {len(self.closes)} closes: {told}; "
            f"{good} of the next {len(self.replies)} requests work; {len(self.left)} tasks left"
        )


async def storm(cancels: int, *, seed: int = 1) -> Report:
    """Cancel so many requests, twice as many at once as there are places in the pool, and look at what is left."""
    chance, report = random.Random(seed), Report()
    async with MisbehavingServer() as server:
        model = OpenAIModel(server.base_url, KEY, max_retries=1, max_in_flight=POOL, timeouts=Timeouts(total=60.0))
        await model.chat(HI, "fault:ok", [])
        before = asyncio.all_tasks()
        seen, numbers = _Seen(server), count()

        async def keep_cancelling() -> None:
            while report.cancelled < cancels:
                number = next(numbers)
                await _cancel_one(model, f"fault:{chance.choice(ENDLESS + SHORT)}:{number}", chance, seen, report)

        async with asyncio.TaskGroup() as group:
            for _ in range(2 * POOL):
                group.create_task(keep_cancelling())
        async with asyncio.timeout(LATE):
            replies = await asyncio.gather(*(model.chat(HI, "fault:ok", []) for _ in range(POOL)))
        report.replies = [reply.text for reply in replies]
        await http.aclose()
        async with asyncio.timeout(LATE):
            for request in server.log:
                await request.closed.wait()
        report.left = {repr(task) for task in asyncio.all_tasks() - before if "_accept" not in repr(task.get_coro())}
    report.closes.sort()
    return report


class _Seen:
    """The requests that the server has seen, by the name of their model."""

    def __init__(self, server: MisbehavingServer) -> None:
        self._server = server
        self._read = 0
        self._requests: dict[str, Request] = {}

    def find(self, name: str) -> Request | None:
        for request in self._server.log[self._read :]:
            self._requests[request.body["model"]] = request
        self._read = len(self._server.log)
        return self._requests.get(name)


async def _cancel_one(model: OpenAIModel, name: str, chance: random.Random, seen: _Seen, report: Report) -> None:
    """Ask, cancel at a random moment, and wait until the server knows."""
    loop = asyncio.get_running_loop()
    chat = asyncio.create_task(model.chat(HI, name, []))
    if chance.random() < 0.5:  # half of them by steps of the event loop, which are many in the first millisecond
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(chance.random() * 0.02)
    chat.cancel()
    started = loop.time()
    await asyncio.wait([chat])
    if not chat.cancelled():
        chat.exception()
        report.ended += 1
        return

    report.cancelled += 1
    request = seen.find(name)
    if request is None or name.split(":")[1] not in ENDLESS:  # not sent, or it may have ended well: its line stays
        return

    async with asyncio.timeout(LATE):
        await request.closed.wait()
    report.closes.append(loop.time() - max(started, request.time))


if __name__ == "__main__":
    print(asyncio.run(storm(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
