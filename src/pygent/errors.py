"""Every error that Pygent raises, as one tree: typed where a caller would act differently.

PygentError
├── SettingsError
├── ModelError (also named APIError)
│   ├── ModelConnectionError
│   │   └── ModelTimeout
│   ├── ModelStatusError
│   │   ├── AuthenticationError
│   │   ├── RateLimitError
│   │   ├── QuotaError
│   │   └── ContextLengthError
│   ├── ModelResponseError
│   └── StreamInterrupted
├── WorkspaceError
│   ├── RuntimeUnavailable
│   ├── SandboxDead
│   └── PathOutsideWorkspace
├── ToolError
├── TaskError
│   ├── TaskNotFound
│   └── TooManyTasks
├── SessionError
│   └── SessionLocked
└── AgentBusy

A command that fails or times out is no error: `CommandResult` says so. A limit is none either: the run ends and
`TurnFinished.reason` says which. Cancellation is never a PygentError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .messages import Message


class PygentError(Exception):
    """The root: `except PygentError` catches all that Pygent raises on purpose."""


class SettingsError(PygentError):
    """A flag, variable or file holds a value that is not allowed; the text names it, its value and what is allowed."""


class ModelError(PygentError):
    """The model did not answer.

    Attributes:
        model: the name that was asked for, where known.
        request_id: the server's `x-request-id`, for its support.
        attempts: how many requests were sent, the first included.
        should_retry: whether the same request may succeed when sent again; None: the kind of error says it.
    """

    should_retry: bool | None = None

    def __init__(
        self, message: str, *, model: str | None = None, request_id: str | None = None, attempts: int = 1
    ) -> None:
        super().__init__(message)
        self.model = model
        self.request_id = request_id
        self.attempts = attempts


APIError = ModelError
"""The name under which the original Pygent knew `ModelError`."""


class ModelConnectionError(ModelError):
    """The server could not be reached, or the connection broke before the answer began."""


class ModelTimeout(ModelConnectionError):
    """The server was silent for too long: while connecting, before the first content, between contents, or in all."""


class ModelStatusError(ModelError):
    """The server answered with an error status.

    Attributes:
        status: the HTTP status, such as 503.
        code: the `code` or `type` in the error's body, such as `"server_error"`.
        retry_after: seconds that the server asked to wait, if it did.
        body: the first 2 KiB of the answer, keys redacted.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str | None = None,
        retry_after: float | None = None,
        body: str = "",
        model: str | None = None,
        request_id: str | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message, model=model, request_id=request_id, attempts=attempts)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.body = body


class AuthenticationError(ModelStatusError):
    """The key is missing, wrong, or not allowed to use this model (401, 403)."""


class RateLimitError(ModelStatusError):
    """Too many requests or tokens per minute (429); waiting helps."""


class QuotaError(ModelStatusError):
    """The account has no credit left; waiting does not help."""


class ContextLengthError(ModelStatusError):
    """The conversation is longer than the model's context window."""


class ModelResponseError(ModelError):
    """The answer is not a reply of a model: HTML, bad JSON, an error inside a 200, or too large."""


class StreamInterrupted(ModelError):
    """The stream ended without a finish reason: what came may be incomplete.

    Attributes:
        partial: the message as far as it came; its tool calls must not be run.
    """

    def __init__(
        self,
        message: str,
        *,
        partial: Message | None = None,
        model: str | None = None,
        request_id: str | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message, model=model, request_id=request_id, attempts=attempts)
        self.partial = partial


class WorkspaceError(PygentError):
    """A file or the workspace itself could not be used as asked."""


class RuntimeUnavailable(WorkspaceError):
    """The place where commands run cannot be had: no engine, no image, no folder."""


class SandboxDead(WorkspaceError):
    """The sandbox was there and is gone; a new one is needed."""


class PathOutsideWorkspace(WorkspaceError):
    """The path leads out of the workspace: absolute elsewhere, through `..`, or through a symlink."""


class ToolError(PygentError):
    """Raise it in a tool: the text goes to the model, as advice to a capable colleague."""


class TaskError(PygentError):
    """A delegated task could not be started, asked or collected."""


class TaskNotFound(TaskError):
    """No task has this id."""


class TooManyTasks(TaskError):
    """The number or the depth of delegated tasks is at its limit."""


class SessionError(PygentError):
    """A saved conversation could not be read or written."""


class SessionLocked(SessionError):
    """Another process is using this session."""


class AgentBusy(PygentError):
    """A second step was asked for while one runs; an agent does one thing at a time."""
