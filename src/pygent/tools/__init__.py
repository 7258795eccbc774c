"""Hands: what a tool is, the built-in ones, the registry of the default ones, and how one call is run."""

from __future__ import annotations

from .base import Tool as Tool
from .base import ToolFunction as ToolFunction
from .base import ToolOutput as ToolOutput
from .calls import call_tool as call_tool
from .registry import as_tools as as_tools
from .registry import builtin_tools as builtin_tools
from .registry import default_tools as default_tools
from .registry import register_tool as register_tool
from .registry import remove_tool as remove_tool
from .registry import reset_tools as reset_tools
from .registry import tool as tool

__all__ = [
    "Tool",
    "ToolFunction",
    "ToolOutput",
    "as_tools",
    "builtin_tools",
    "call_tool",
    "default_tools",
    "register_tool",
    "remove_tool",
    "reset_tools",
    "tool",
]
