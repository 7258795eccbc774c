"""`RunOptions` and `ModelsOptions`: what the flags of `pygent run` and `pygent models` say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

OutputFormat: TypeAlias = Literal["text", "json", "stream-json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The flags of `pygent run`; `pygent run --help` describes them. None: not given."""

    prompt: tuple[str, ...] = ()
    workspace: Path | None = None
    ephemeral: bool = False
    cwd: bool = False
    model: str | None = None
    docker: bool | None = None
    max_steps: int = 50
    timeout: float | None = None
    yes: bool = False
    confirm_bash: bool | None = None
    config: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()
    output_format: OutputFormat = "text"
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsOptions:
    """The flags of `pygent models`; `pygent models --help` describes them."""

    provider: str | None = None
    providers: bool = False
    as_json: bool = False
    config: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()
