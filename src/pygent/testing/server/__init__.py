"""A misbehaving OpenAI-compatible server on raw sockets, by the standard library alone.

The name of the model says what goes wrong: `fault:<scenario>[:argument]`, and `fault:seq:429ra:1,reset,ok` says it for
one request after the other. `python -m pygent.testing.server` runs it for programs in any language.
"""

from .chat.chunks import sse
from .chat.streams import STREAMS
from .chat.strict import problem_of
from .faults import SCENARIOS
from .recording import HELLO
from .request import Request
from .response.strict import problem_of_response_request
from .scenarios import catalogue
from .server import MisbehavingServer

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
