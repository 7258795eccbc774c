"""A misbehaving OpenAI-compatible server on raw sockets: the name of the model says what goes wrong.

`fault:<scenario>[:argument]` plays a scenario of `SCENARIOS` or a stream of `STREAMS`, and
`fault:seq:429ra:1,reset,ok` one of them per request. Every request is in the server's `log`.
"""

from .scenarios import SCENARIOS
from .server import MisbehavingServer
from .streams import HELLO, STREAMS, sse

__all__ = ["HELLO", "SCENARIOS", "STREAMS", "MisbehavingServer", "sse"]
