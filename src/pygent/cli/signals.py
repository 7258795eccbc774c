"""`Signals`: Ctrl-C and its kin cancel the task that runs, so that everything is cleaned up before the process ends."""

from __future__ import annotations

import asyncio
import signal
from types import TracebackType
from typing import Self

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While the block runs, a signal cancels the task that entered it.

    A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays ignored.

    Attributes:
        exit_code: the exit status for what has cancelled the task: 130, 143 …; None: nothing has.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None

    def cancel(self, exit_code: int) -> None:
        """Cancel the task; the first reason counts."""
        self.exit_code = self.exit_code or exit_code
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Self:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._caught = [signum for signum in HANDLED if signal.getsignal(signum) is not signal.SIG_IGN]
        for signum in self._caught:
            self._loop.add_signal_handler(signum, self.cancel, 128 + signum)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for signum in self._caught:
            self._loop.remove_signal_handler(signum)
