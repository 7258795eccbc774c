"""How a question reaches a server and its answer comes back: in any weather, politely, and as one tree of errors."""
