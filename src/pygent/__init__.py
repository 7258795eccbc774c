"""Pygent, the coding agent that you embed: `AsyncAgent` for asyncio programs, `Agent` for all others.

Every name below is imported at its first use, so `import pygent` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agent import AsyncAgent as AsyncAgent
    from .approval import Approval as Approval
    from .errors import AgentBusy as AgentBusy
    from .errors import APIError as APIError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import ContextLengthError as ContextLengthError
    from .errors import ModelConnectionError as ModelConnectionError
    from .errors import ModelError as ModelError
    from .errors import ModelResponseError as ModelResponseError
    from .errors import ModelStatusError as ModelStatusError
    from .errors import ModelTimeout as ModelTimeout
    from .errors import PathOutsideWorkspace as PathOutsideWorkspace
    from .errors import PygentError as PygentError
    from .errors import QuotaError as QuotaError
    from .errors import RateLimitError as RateLimitError
    from .errors import RuntimeUnavailable as RuntimeUnavailable
    from .errors import SandboxDead as SandboxDead
    from .errors import SessionError as SessionError
    from .errors import SessionLocked as SessionLocked
    from .errors import SettingsError as SettingsError
    from .errors import StreamInterrupted as StreamInterrupted
    from .errors import TaskError as TaskError
    from .errors import TaskNotFound as TaskNotFound
    from .errors import ToolError as ToolError
    from .errors import TooManyTasks as TooManyTasks
    from .errors import WorkspaceError as WorkspaceError
    from .events import Event as Event
    from .events import EventsDropped as EventsDropped
    from .events import Hub as Hub
    from .events import MessageAdded as MessageAdded
    from .events import ModelReplaced as ModelReplaced
    from .events import ReasoningDelta as ReasoningDelta
    from .events import RetryScheduled as RetryScheduled
    from .events import RuntimeOpened as RuntimeOpened
    from .events import StepStarted as StepStarted
    from .events import StreamRestarted as StreamRestarted
    from .events import TextDelta as TextDelta
    from .events import ToolCallDelta as ToolCallDelta
    from .events import ToolCallsRescued as ToolCallsRescued
    from .events import ToolFinished as ToolFinished
    from .events import ToolOutputDelta as ToolOutputDelta
    from .events import ToolStarted as ToolStarted
    from .events import TurnFinished as TurnFinished
    from .events import TurnStarted as TurnStarted
    from .images import image_part as image_part
    from .limits import Limits as Limits
    from .messages import Message as Message
    from .messages import ToolCall as ToolCall
    from .messages import ToolCallFunction as ToolCallFunction
    from .messages import Usage as Usage
    from .models import FallbackModel as FallbackModel
    from .models import Model as Model
    from .models import OpenAIModel as OpenAIModel
    from .models import OpenAIResponsesModel as OpenAIResponsesModel
    from .models import ReplayModel as ReplayModel
    from .models import Timeouts as Timeouts
    from .persona import Persona as Persona
    from .runtimes import AsyncRuntime as AsyncRuntime
    from .runtimes import CommandResult as CommandResult
    from .runtimes import LocalRuntime as LocalRuntime
    from .runtimes import Runtime as Runtime
    from .runtimes import open_runtime as open_runtime
    from .settings import Settings as Settings
    from .sync import Agent as Agent
    from .tools import Tool as Tool
    from .tools import ToolOutput as ToolOutput
    from .tools import register_tool as register_tool
    from .tools import tool as tool

    __version__: str

_HOME = {
    "agent": ("AsyncAgent",),
    "approval": ("Approval",),
    "errors": (
        "APIError",
        "AgentBusy",
        "AuthenticationError",
        "ContextLengthError",
        "ModelConnectionError",
        "ModelError",
        "ModelResponseError",
        "ModelStatusError",
        "ModelTimeout",
        "PathOutsideWorkspace",
        "PygentError",
        "QuotaError",
        "RateLimitError",
        "RuntimeUnavailable",
        "SandboxDead",
        "SessionError",
        "SessionLocked",
        "SettingsError",
        "StreamInterrupted",
        "TaskError",
        "TaskNotFound",
        "ToolError",
        "TooManyTasks",
        "WorkspaceError",
    ),
    "events": (
        "Event",
        "EventsDropped",
        "Hub",
        "MessageAdded",
        "ModelReplaced",
        "ReasoningDelta",
        "RetryScheduled",
        "RuntimeOpened",
        "StepStarted",
        "StreamRestarted",
        "TextDelta",
        "ToolCallDelta",
        "ToolCallsRescued",
        "ToolFinished",
        "ToolOutputDelta",
        "ToolStarted",
        "TurnFinished",
        "TurnStarted",
    ),
    "images": ("image_part",),
    "limits": ("Limits",),
    "messages": ("Message", "ToolCall", "ToolCallFunction", "Usage"),
    "models": ("FallbackModel", "Model", "OpenAIModel", "OpenAIResponsesModel", "ReplayModel", "Timeouts"),
    "persona": ("Persona",),
    "runtimes": ("AsyncRuntime", "CommandResult", "LocalRuntime", "Runtime", "open_runtime"),
    "settings": ("Settings",),
    "sync": ("Agent",),
    "tools": ("Tool", "ToolOutput", "register_tool", "tool"),
}
"""Which module each name lives in."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted([*_MODULE_OF, "__version__"])


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("pygent")

    if name not in _MODULE_OF:
        from importlib import import_module
        from importlib.util import find_spec

        if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
            return import_module(f".{name}", __name__)

        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    from importlib import import_module

    value: object = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
