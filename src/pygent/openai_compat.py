"""The name under which the original Pygent's documentation knows the message types."""

from .messages import Message, ToolCall, ToolCallFunction, Usage
from .replies import parse_message

__all__ = ["Message", "ToolCall", "ToolCallFunction", "Usage", "parse_message"]
