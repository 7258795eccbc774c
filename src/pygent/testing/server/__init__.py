"""A misbehaving OpenAI-compatible server on raw sockets, by the standard library alone.

The name of the model says what goes wrong: `fault:<scenario>[:argument]`, and `fault:seq:429ra:1,reset,ok` says it for
one request after the other. `python -m pygent.testing.server` runs it for programs in any language.
"""

from .chunks import HELLO, sse
from .request import Request
from .scenarios import SCENARIOS, catalogue
from .server import MisbehavingServer
from .streams import STREAMS
from .strict import problem_of
from .strict_responses import problem_of_response_request

__all__ = [
    "HELLO",
    "SCENARIOS",
    "STREAMS",
    "MisbehavingServer",
    "Request",
    "catalogue",
    "problem_of",
    "problem_of_response_request",
    "sse",
]
