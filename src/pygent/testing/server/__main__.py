"""`python -m pygent.testing.server`: the misbehaving server for programs in any language."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from .scenarios import catalogue
from .server import MisbehavingServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C, and return the exit status."""
    parser = argparse.ArgumentParser("python -m pygent.testing.server")
    parser.description = "An OpenAI-compatible server that goes wrong as the name of the model says: fault:<name>"
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument(
        "--port", type=int, choices=range(1 << 16), metavar="PORT", default=0, help="0, the default: any free one"
    )
    parser.add_argument("--lenient", action="store_true", help="accept requests that break the protocol")
    parser.add_argument("--list", action="store_true", help="show what can go wrong, and end")
    options = parser.parse_args(arguments)
    if options.list:
        _say(*_table())
        return 0

    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    server = MisbehavingServer(host=options.host, port=options.port, strict=None if options.lenient else "answer")
    try:
        asyncio.run(_serve(server))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        parser.error(f"cannot listen at {options.host}:{options.port}: {error.strerror or error}")

    return 0


async def _serve(server: MisbehavingServer) -> None:
    async with server:
        _say(
            *_table(),
            "",
            "fault:seq:429ra:1,reset,ok plays one after the other. GET /__log shows the requests.",
            "",
            f"OPENAI_BASE_URL={server.base_url}",
        )
        await asyncio.Event().wait()


def _table() -> list[str]:
    about = catalogue()
    width = max(map(len, about))
    return [f"fault:{name:<{width}}  {line}" for name, line in sorted(about.items())]


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
