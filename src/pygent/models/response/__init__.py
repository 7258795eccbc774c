"""The Responses API, without I/O: items, and the events that tell of them."""
