"""Runtimes with one fault each, as they are found in the wild."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from pygent import AsyncRuntime, LocalRuntime, RuntimeUnavailable, WorkspaceError
from pygent.runtimes import CommandResult, OnOutput


class Piped(LocalRuntime):
    """Waits for the end of the pipe, which every background process holds, in a thread that nobody can cancel."""

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        await self.open()
        return await asyncio.to_thread(self._wait_for, cmd, timeout)

    def _wait_for(self, cmd: str, timeout: float | None) -> CommandResult:
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", cmd],
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as late:
            return CommandResult(output=(late.output or b"").decode(), timed_out=True)

        return CommandResult(output=done.stdout.decode("utf-8", "replace"), exit_code=done.returncode)


class Blocking(Piped):
    """Runs commands on the event loop."""

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        await self.open()
        return self._wait_for(cmd, timeout)


class OnAsyncio(LocalRuntime):
    """asyncio's own processes, used as the tutorial shows."""

    stdin: int | None = subprocess.DEVNULL
    inherits = False

    _exec_until = AsyncRuntime._exec_until  # its jobs stand on its own `exec`

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        await self.open()
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            cmd,
            cwd=self.workspace,
            stdin=self.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if self.inherits else {"PATH": os.environ["PATH"]},
        )
        assert process.stdout is not None
        pieces: list[str] = []
        try:
            async with asyncio.timeout(timeout):
                while data := await process.stdout.read(1 << 16):
                    pieces.append(data.decode("utf-8", "replace"))
                    if on_output is not None:
                        on_output(pieces[-1])
                code = await process.wait()
        except TimeoutError:
            process.kill()
            return CommandResult(output="".join(pieces), timed_out=True)
        finally:
            process._transport.close()  # type: ignore[attr-defined] # or it complains later, in another test

        return CommandResult(output="".join(pieces), exit_code=code)


class Inheriting(OnAsyncio):
    """Hands the whole environment down."""

    inherits = True


class Impatient(LocalRuntime):
    """Takes 0 for no timeout."""

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        return await super().exec(cmd, timeout=timeout or None, on_output=on_output)


class Wandering(LocalRuntime):
    """Keeps no state between commands but the folder, which it lets them change."""

    _folder = "."

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        if cmd.startswith("cd /;"):
            self._folder = "/"
        return await super().exec(f"cd {self._folder}\n{cmd}", timeout=timeout, on_output=on_output)


class FollowsLinks(LocalRuntime):
    """Joins paths as strings and opens them."""

    def _path(self, path: str) -> Path:
        return Path(self.workspace) / path

    async def read_bytes(self, path: str, *, limit_bytes: int = 10 << 20) -> bytes:
        await self.open()
        try:
            data = await asyncio.to_thread(self._path(path).read_bytes)
        except (OSError, ValueError) as error:
            raise WorkspaceError(str(error)) from error

        if len(data) > limit_bytes:
            raise WorkspaceError("too large")

        return data

    async def write_bytes(self, path: str, data: bytes) -> None:
        await self.open()
        try:
            await asyncio.to_thread(self._path(path).parent.mkdir, parents=True, exist_ok=True)
            await asyncio.to_thread(self._path(path).write_bytes, data)
        except (OSError, ValueError) as error:
            raise WorkspaceError(str(error)) from error


class ForgetsModes(LocalRuntime):
    """Replaces a file by one that has the mode of new files."""

    async def write_bytes(self, path: str, data: bytes) -> None:
        await super().write_bytes(f"{path}.new", data)
        await asyncio.to_thread(os.replace, f"{self.workspace}/{path}.new", f"{self.workspace}/{path}")


class Immortal(LocalRuntime):
    """Opens again after its cleanup, in an empty workspace."""

    def __init__(self) -> None:
        super().__init__()
        self._inner = LocalRuntime()

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        return await self._inner.exec(cmd, timeout=timeout, on_output=on_output)

    async def cleanup(self) -> None:
        await self._inner.cleanup()
        self._inner = LocalRuntime()


class CleansUpOnce(LocalRuntime):
    """Has a cleanup that may not be called again."""

    _cleaned = False

    async def cleanup(self) -> None:
        if self._cleaned:
            raise RuntimeUnavailable("it was cleaned up already")

        self._cleaned = True
        await super().cleanup()


class LeavesTheBackground(LocalRuntime):
    """Tells of nothing that goes on, and lets it live for ever."""

    async def exec(self, cmd: str, *, timeout: float | None = 30, on_output: OnOutput | None = None) -> CommandResult:
        result = await super().exec(f"env -i PATH=$PATH setsid sh <<'EOF'\n{cmd}\nEOF", timeout=timeout)
        return CommandResult(output=result.output, exit_code=result.exit_code)


class WithoutJobs(LocalRuntime):
    """Is from before there were jobs."""

    async def _exec_until(self, stop: asyncio.Future[None], cmd: str, on_output: OnOutput) -> CommandResult:
        raise NotImplementedError("no jobs here")


class StartsOnly(LocalRuntime):
    """Has jobs of which one never hears again."""

    async def job_output(self, job_id: str | None = None, wait: float = 0) -> str:
        raise NotImplementedError("nothing to tell")

    async def job_kill(self, job_id: str) -> str:
        raise NotImplementedError("nothing to kill with")


class ForgetsJobs(OnAsyncio):
    """Has a cleanup without `await super().cleanup()`."""

    async def cleanup(self) -> None:
        pass


class Repeating(LocalRuntime):
    """Tells the whole output of a job each time."""

    _told = ""

    async def job_output(self, job_id: str | None = None, wait: float = 0) -> str:
        self._told += await super().job_output(job_id, wait)
        return self._told


class Lenient(LocalRuntime):
    """Has an answer to everything."""

    async def job_kill(self, job_id: str) -> str:
        try:
            return await super().job_kill(job_id)
        except WorkspaceError:
            return "killed"


class InTheForeground(LocalRuntime):
    """Waits for every command, whatever is asked, and kills the slow ones."""

    async def bash(
        self,
        cmd: str,
        timeout: float | None = 30,
        *,
        background: bool = False,
        on_output: OnOutput | None = None,
    ) -> str:
        return (await self.exec(cmd, timeout=timeout, on_output=on_output)).render(cmd, timeout)


class Shielded(LocalRuntime):
    """Lets commands go on when the call is cancelled."""

    async def bash(
        self,
        cmd: str,
        timeout: float | None = 30,
        *,
        background: bool = False,
        on_output: OnOutput | None = None,
    ) -> str:
        return await asyncio.shield(super().bash(cmd, timeout, background=background, on_output=on_output))
