"""The Chat Completions protocol, without I/O: what is sent, and what the pieces that come are merged into."""
