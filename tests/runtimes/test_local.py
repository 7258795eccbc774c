"""A runtime's life: opened once, used anywhere, and gone without a trace."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from pygent import PathOutsideWorkspace, RuntimeUnavailable, WorkspaceError
from pygent.runtimes import AsyncRuntime, LocalRuntime
from pygent.runtimes.marks import alive
from pygent.testing import cancel_sweep

from .conftest import Nap, descriptors, within


async def test_opens_at_first_use(tmp_path: Path) -> None:
    """Nothing exists before it is needed; then the workspace is made."""
    runtime = LocalRuntime(tmp_path / "a" / "b")
    assert (runtime.kind, runtime.workspace, runtime.notice) == ("local", "", None)
    assert list(tmp_path.iterdir()) == []

    assert await runtime.write_file("hello", "world") == "Wrote hello (5 bytes)"
    assert runtime.workspace == str(tmp_path / "a" / "b")
    assert (await runtime.exec("pwd; cat hello")).output == f"{tmp_path}/a/b\nworld"
    await runtime.cleanup()


async def test_repr_tells_the_state(tmp_path: Path) -> None:
    """Where it is, whether it is open, and how many commands run."""
    runtime = LocalRuntime(tmp_path)
    assert repr(runtime) == f"<LocalRuntime {tmp_path} not opened running=0>"
    started = asyncio.Event()
    running = asyncio.create_task(runtime.exec("echo; sleep 60", on_output=lambda _: started.set()))
    await started.wait()
    assert repr(runtime) == f"<LocalRuntime {tmp_path} open running=1>"
    await runtime.cleanup()
    await running
    assert repr(runtime) == f"<LocalRuntime {tmp_path} closed running=0>"


async def test_opening_at_once_opens_once() -> None:
    """Tasks that need the runtime at the same time get the same workspace."""
    runtime = LocalRuntime()
    seen: set[str] = set()

    async def work(number: int) -> None:
        await runtime.write_bytes(f"{number}", b"")
        seen.add(runtime.workspace)

    await asyncio.gather(runtime.open(), *(work(number) for number in range(20)))

    assert len(seen) == 1
    assert len(await runtime.list_files()) == 20
    await runtime.cleanup()


async def test_temporary_workspace_is_removed() -> None:
    """`cleanup` removes what was temporary, folders that nobody may write to included, and may be called again."""
    before = descriptors()
    runtime = LocalRuntime()
    await runtime.exec("mkdir -p locked/deep; touch locked/deep/file; chmod 500 locked/deep locked")
    folder = Path(runtime.workspace)
    assert folder.name.startswith("pygent-")

    await asyncio.gather(runtime.cleanup(), runtime.cleanup())
    await runtime.cleanup()

    assert not folder.exists()
    assert runtime.workspace == ""
    assert descriptors() == before


async def test_given_workspace_stays(tmp_path: Path) -> None:
    """A workspace that was there before the runtime, or was named by the user, is there after it."""
    async with LocalRuntime(tmp_path) as runtime:
        await runtime.write_file("kept", "yes")

    assert (tmp_path / "kept").read_text() == "yes"


async def test_used_up_runtime_says_so() -> None:
    """After `cleanup`, of a runtime that was opened or never was, nothing begins anew in an empty workspace."""
    opened = LocalRuntime()
    await opened.open()
    for runtime in (opened, LocalRuntime()):
        await runtime.cleanup()
        for use in (runtime.open(), runtime.exec("true"), runtime.read_bytes("x"), runtime.list_files()):
            with pytest.raises(RuntimeUnavailable, match="cleaned up; make a new one"):
                await use


async def test_cleanup_ends_all_processes(tmp_path: Path, nap: Nap) -> None:
    """Running commands, background processes and daemons end with the runtime; who waits gets a result."""
    runtime = LocalRuntime(tmp_path)
    await runtime.exec(f"{nap.command} >/dev/null 2>&1 & setsid -f {nap.command} >/dev/null 2>&1")
    started = asyncio.Event()
    running = asyncio.create_task(runtime.exec(f"echo; {nap.command}", on_output=lambda _: started.set()))
    await started.wait()
    await runtime.cleanup()

    assert nap.pids() == []
    result = await running
    assert (result.exit_code, result.timed_out) == (-9, False)


async def test_cleanup_ends_processes_without_environment(tmp_path: Path, nap: Nap) -> None:
    """Who cleared its environment, and the children of such a one, end with the runtime, if they stay in the session.

    Commands that ran since, and the end of the first of a session's processes, change nothing about that.
    """
    runtime = LocalRuntime(tmp_path)
    first = await runtime.exec(f"env -i {nap.command} >/dev/null 2>&1 &")
    second = await runtime.exec(f"env -i sh -c '{nap.command} & {nap.command} & wait' >/dev/null 2>&1 &")
    assert {*first.background, *second.background} <= set(nap.pids())
    await runtime.exec(f"kill -9 {second.background[0]}")
    assert (await runtime.exec("true")).background == ()
    assert within(5, lambda: len(nap.pids()) == 3)  # a killed process may still be seen for a moment
    await runtime.cleanup()

    assert nap.pids() == []


async def test_empty_session_is_forgotten(runtime: LocalRuntime, nap: Nap) -> None:
    """The number of a session that has ended may be somebody else's next: it is not kept."""
    left = await runtime.exec(f"env -i {nap.command} >/dev/null 2>&1 &")
    assert len(runtime._sessions) == 1
    await runtime.exec(f"kill -9 {left.background[0]}")
    assert await asyncio.to_thread(within, 2, lambda: not alive(next(iter(runtime._sessions))))
    await runtime.exec("true")

    assert not runtime._sessions


async def test_background_process_lives_as_long_as_the_runtime(runtime: LocalRuntime) -> None:
    """A server started by one command answers the next."""
    server = 'mkfifo ask answer; while read line <ask; do echo "you said $line" >answer; done'
    result = await runtime.exec(f"({server}) >/dev/null 2>&1 & while [ ! -p answer ]; do sleep 0.01; done")
    assert len(result.background) == 1

    assert (await runtime.exec("echo hi >ask; cat answer")).output == "you said hi\n"


async def test_environment_is_an_allowlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands inherit no key, token or secret; what is passed or set on purpose they see."""
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "MY_SECRET", "AWS_SESSION_TOKEN", "DATABASE_URL", "WANTED"):
        monkeypatch.setenv(name, "sentinel")
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.delenv("TERM", raising=False)
    async with LocalRuntime(tmp_path, env={"ADDED": "yes", "PAGER": "more"}, env_passthrough=["WANTED"]) as runtime:
        output = (await runtime.exec("env")).output
    environment = dict(line.split("=", 1) for line in output.splitlines())

    assert {name for name, value in environment.items() if value == "sentinel"} == {"WANTED"}
    assert environment["ADDED"] == "yes"
    assert environment["PAGER"] == "more"
    assert environment["LC_TIME"] == "C"
    assert environment["TERM"] == "dumb"
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PWD"] == str(tmp_path)


async def test_initial_files_are_there(tmp_path: Path) -> None:
    """Files and folders are copied in before anything runs, permissions included."""
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "deep" / "data").write_bytes(b"\x00\xff")
    (tmp_path / "project" / "link").symlink_to("/etc/passwd")
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o755)
    async with LocalRuntime(initial_files=[tmp_path / "project", str(script)]) as runtime:
        assert await runtime.list_files() == ["project/deep/data", "run.sh"]
        assert (await runtime.exec("./run.sh")).output == "ran\n"
        await runtime.upload(script, "bin/again")
        assert (await runtime.exec("bin/again")).output == "ran\n"


async def test_the_folder_that_we_are_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` and `..` are copied under the names that these folders have, as `src` would be."""
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "a").write_text("a")
    monkeypatch.chdir(tmp_path / "project" / "src")

    async with LocalRuntime(initial_files=["."]) as runtime:
        assert await runtime.list_files() == ["src/a"]

        await runtime.upload("..")
        await AsyncRuntime.upload(runtime, ".", None)

        assert await runtime.list_files() == ["project/src/a", "src/a"]


async def test_missing_initial_file_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what cannot be copied, and no temporary folder stays behind."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    os.mkfifo(tmp_path / "fifo")
    for path, reason in ((tmp_path / "missing", "No such file"), (tmp_path / "fifo", "not a regular file")):
        with pytest.raises(RuntimeUnavailable, match=f"{path.name}.*{reason}"):
            await LocalRuntime(initial_files=[path]).open()
    assert list(temporary.iterdir()) == []


async def test_unusable_workspace_is_unavailable(tmp_path: Path) -> None:
    """A workspace that cannot be had is RuntimeUnavailable, at the first use and at the next."""
    (tmp_path / "file").write_bytes(b"")
    runtime = LocalRuntime(tmp_path / "file")
    for use in (runtime.exec("pwd"), runtime.exec("pwd")):
        with pytest.raises(RuntimeUnavailable, match="cannot use"):
            await use


@pytest.mark.parametrize("twice", [False, True], ids=["cancelled", "cancelled twice"])
def test_cancel_at_any_step_leaves_nothing(tmp_path: Path, nap: Nap, twice: bool) -> None:
    """Wherever opening and running a command are cancelled, no process, no descriptor and no folder is left."""

    class Once:
        def __init__(self) -> None:
            self.runtime = LocalRuntime()

        async def run(self) -> None:
            await self.runtime.exec(f"setsid {nap.command} & echo out; kill -9 $!")

        async def check(self) -> None:
            assert await asyncio.to_thread(nap.pids) == []
            await self.runtime.cleanup()
            assert await asyncio.to_thread(os.listdir, tmp_path) == []

    before = descriptors()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        points = cancel_sweep(Once, twice=twice)
    assert descriptors() == before
    assert points > 5


@pytest.mark.parametrize("damage", ["rm -rf $PWD", "mv $PWD $PWD-moved", "mv $PWD $PWD-moved; ln -s / $PWD"])
async def test_no_command_runs_elsewhere(tmp_path: Path, damage: str) -> None:
    """When a command took the workspace away, the next one fails; it never runs in another folder."""
    async with LocalRuntime(tmp_path / "workspace") as runtime:
        await runtime.exec(damage)
        with pytest.raises(RuntimeUnavailable, match="is gone"):
            await runtime.exec("touch here")
        with pytest.raises(RuntimeUnavailable, match="is gone"):
            await runtime.write_bytes("here", b"")

    assert not (Path.cwd() / "here").exists()
    assert not list(tmp_path.rglob("here"))


async def test_link_in_place_of_the_temporary_workspace_is_not_followed(tmp_path: Path) -> None:
    """`cleanup` never empties a folder that a command put a link to."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"")
    (tmp_path / "precious").chmod(0o500)
    async with LocalRuntime() as runtime:
        folder = Path(runtime.workspace)
        await runtime.exec(f"mv $PWD {tmp_path}/moved && ln -s {tmp_path}/precious $PWD")
        assert folder.is_symlink()

    assert not folder.is_symlink()
    assert (tmp_path / "precious" / "file").exists()
    assert (tmp_path / "precious").stat().st_mode & 0o777 == 0o500


def test_one_runtime_in_several_event_loops(tmp_path: Path) -> None:
    """A runtime may be used in one `asyncio.run` after the other."""
    runtime = LocalRuntime(tmp_path)

    async def work() -> str:
        results = await asyncio.gather(*(runtime.exec("echo ok") for _ in range(10)))
        return "".join(result.output for result in results)

    assert asyncio.run(work()) == asyncio.run(work()) == "ok\n" * 10
    asyncio.run(runtime.cleanup())


def test_one_runtime_in_several_threads(tmp_path: Path) -> None:
    """A runtime may be used by event loops in several threads at the same time."""
    runtime = LocalRuntime(tmp_path)
    outputs: list[str] = []

    async def work() -> None:
        outputs.append((await runtime.exec("echo ok")).output)

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(runtime.cleanup())

    assert outputs == ["ok\n"] * 8


def test_forgotten_runtime_is_cleaned_up(nap: Nap) -> None:
    """A runtime that nobody holds any more takes its processes and its temporary folder with it, without a word."""

    async def work() -> str:
        runtime = LocalRuntime()
        await runtime.exec(f"setsid -f {nap.command} >/dev/null 2>&1")
        return runtime.workspace

    before = descriptors()
    folder = asyncio.run(work())
    gc.collect()

    assert nap.pids() == []
    assert not Path(folder).exists()
    assert descriptors() == before


def test_interpreter_exit_is_quiet(nap: Nap) -> None:
    """A program that ends without `cleanup` prints no complaint and leaves neither process nor folder."""
    program = (
        "import asyncio; from pygent.runtimes import LocalRuntime\n"
        "runtime = LocalRuntime()\n"
        f"asyncio.run(runtime.exec('{nap.command} >/dev/null 2>&1 &'))\n"
        "print(runtime.workspace)"
    )
    done = subprocess.run([sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=20)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("/")
    assert not Path(done.stdout.strip()).exists()
    assert nap.pids() == []


def test_forked_child_leaves_its_parent_alone(tmp_path: Path) -> None:
    """A forked child may use the runtime, and its end ends nothing of its parent's."""
    program = (
        "import asyncio, os, sys; from pygent.runtimes import LocalRuntime\n"
        "runtime = LocalRuntime()\n"
        "run = lambda cmd: print(asyncio.run(runtime.exec(cmd)).output, end='', flush=True)\n"
        "run('sleep 60 >/dev/null 2>&1 & echo $! >pid; echo before')\n"
        "if os.fork() == 0:\n    run('echo child'); sys.exit(0)\n"
        "os.wait(); run('kill -0 $(cat pid) && echo after')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)

    assert (done.stdout, done.returncode) == ("before\nchild\nafter\n", 0), done.stderr


async def test_files_through_the_runtime(runtime: LocalRuntime, tmp_path: Path) -> None:
    """Reading, writing, listing and exporting meet the same files as the commands do, and nothing outside."""
    await runtime.exec("mkdir -p src/pkg; printf 'a\\377' >src/pkg/a; ln -s /etc/passwd link")
    await runtime.write_file("src/b", "ü")

    assert await runtime.read_file("src/pkg/a") == "a\ufffd"
    assert await runtime.read_file("src/b", binary=True) == "w7w="
    assert await runtime.list_files("src") == ["src/b", "src/pkg/a"]
    for path in ("link", "../x", "/etc/passwd"):
        with pytest.raises(PathOutsideWorkspace):
            await runtime.read_bytes(path)
    for start in ("src", "./src/", "src/../src", f"{runtime.workspace}/src"):
        dest = tmp_path / "exported"
        await runtime.export(start, dest)
        assert sorted(str(file.relative_to(dest)) for file in dest.rglob("*") if file.is_file()) == ["b", "pkg/a"]
        shutil.rmtree(dest)
    with pytest.raises(WorkspaceError):
        await runtime.export("../outside", tmp_path / "exported")
