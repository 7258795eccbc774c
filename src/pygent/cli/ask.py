"""Who allows a command: `AskFirst` asks the person at the terminal, `NobodyToAsk` ends the run when there is none."""

from __future__ import annotations

import os
import select
import termios
import threading
from collections.abc import Callable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..approval import Approval
from ..messages import ToolCall
from ..runtimes import AsyncRuntime
from ..schema import validate
from ..tools import Tool
from .escape import visible
from .greeting import place_of
from .views import View
from .writer import Writer

ALLOWED = Approval(allowed=True)
DENIED = Approval(allowed=False, reason="the user said no")
NOBODY = Approval(allowed=False, reason="nobody is here to allow it")

CHOICES = "[y]es  [N]o  [a]lways this command, or say why not: "


def command_of(tool: Tool, call: ToolCall) -> str | None:
    """Return the shell command that a call would run, read as the tool will read it; None: it runs none."""
    if tool.name != "bash":
        return None

    return str(validate(call.function.arguments, tool.parameters)["cmd"])


class AllowAll:
    """An approver that says yes.

    Attributes:
        permission: who allows commands, in words for the user.
        wanted: the command that nobody was there to allow; None: there was none.
    """

    permission = "none asks first"
    wanted: str | None = None

    async def __call__(self, tool: Tool, call: ToolCall) -> Approval:  # noqa: ARG002 - what was asked for is all the same
        """Say yes."""
        return ALLOWED


class AskFirst(AllowAll):
    """An approver that shows each shell command as a whole and waits for a word: no is the default.

    Args:
        writer: whose thread shows and waits, after all that happened before is shown.
        view: what else shows calls, and need not show again what was asked.
        console: the terminal that shows.
        keyboard: the descriptor of the terminal that is typed at.
        runtime: where the commands would run.
    """

    permission = "each asks first"

    def __init__(self, writer: Writer, view: View, console: Console, keyboard: int, runtime: AsyncRuntime) -> None:
        self._writer = writer
        self._view = view
        self._console = console
        self._keyboard = keyboard
        self._runtime = runtime
        self._always: set[str] = set()

    async def __call__(self, tool: Tool, call: ToolCall) -> Approval:
        """Return what the person says; a word other than those offered is a no, and its reason for the model."""
        command = command_of(tool, call)
        if command is None or command in self._always:
            return ALLOWED

        given_up = threading.Event()
        try:
            answer = await self._writer.ask(lambda: self._ask(call.id, command, given_up))
        except (OSError, termios.error):  # the terminal has gone
            return DENIED
        finally:
            given_up.set()
        match answer.lower():
            case "y" | "yes":
                return ALLOWED
            case "a" | "always":
                self._always.add(command)
                return ALLOWED
            case "" | "n" | "no":
                return DENIED
        return Approval(allowed=False, reason=f"the user said: {answer}")

    def _ask(self, call_id: str, command: str, given_up: threading.Event) -> str:
        """Show the command and return the line that is typed; runs in the writer's thread.

        Every line of the command, also one that is wrapped, is indented: only the question stands at the margin, last.
        """
        self._view.asked(call_id)
        show = self._console.print
        show(Text(f"\nThe model wants to run, on {place_of(self._runtime)}:\n", style="bold yellow"), soft_wrap=True)
        show(Padding(Text(visible(command), overflow="fold"), (0, 0, 0, 4)))
        termios.tcflush(self._keyboard, termios.TCIFLUSH)  # what was typed before the question is no answer to it
        show(Text(f"\nRun it? {CHOICES}", style="bold yellow"), end="", soft_wrap=True)
        self._console.file.flush()
        return _read_line(self._keyboard, given_up)


class NobodyToAsk(AllowAll):
    """An approver for where no person is: the first command ends the run."""

    permission = "there is no terminal to ask at, so the first one ends the run (--yes allows all)"

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt

    async def __call__(self, tool: Tool, call: ToolCall) -> Approval:
        """Allow what is no shell command; else end the run."""
        command = command_of(tool, call)
        if command is None:
            return ALLOWED

        self.wanted = self.wanted or command
        self._interrupt()
        return NOBODY


def _read_line(descriptor: int, given_up: threading.Event) -> str:
    """Return the line that is typed at a terminal; empty at its end, or when nobody waits for it any more."""
    while not select.select([descriptor], [], [], 0.1)[0]:
        if given_up.is_set():
            return ""

    return os.read(descriptor, 1 << 16).decode("utf-8", "replace").strip()
