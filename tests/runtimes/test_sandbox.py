"""`LocalRuntime(sandbox=…)`: what commands cannot do inside, and that everything else is as outside."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pygent import LocalRuntime, RuntimeUnavailable, WorkspaceError
from pygent.runtimes import bubblewrap
from pygent.runtimes.local import SandboxMode, tell

from .conftest import Nap, descriptors, within

needs_bwrap = pytest.mark.skipif(bool(bubblewrap.fault()), reason=bubblewrap.fault() or "bubblewrap works")
PROTECTED = [".git", ".git/hooks", ".git/config", ".git/commondir", ".git/index", ".vscode", ".mcp.json", "pygent.toml"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository, with what other programs take commands from."""
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    (folder / ".vscode").mkdir()
    (folder / ".vscode" / "tasks.json").write_text("{}")
    for name in (".mcp.json", "pygent.toml"):
        (folder / name).write_text("# ours\n")
    return folder


@pytest.fixture
async def enclosed(project: Path) -> AsyncIterator[LocalRuntime]:
    async with LocalRuntime(project, sandbox="bwrap") as runtime:
        yield runtime


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A `bwrap` that is installed and does not work."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bwrap").write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2; exit 1\n")
    (tmp_path / "bin" / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    tell.cache_clear()
    yield
    tell.cache_clear()


async def test_a_sandbox_asked_for_by_name_is_never_replaced(broken: None, tmp_path: Path) -> None:
    """Without it nothing runs, and the error says why."""
    for runtime in (LocalRuntime(tmp_path, sandbox="bwrap"), LocalRuntime(sandbox="bwrap")):
        with pytest.raises(RuntimeUnavailable, match=r"no sandbox to run commands in: .*Permission denied"):
            await runtime.exec("touch ran")
        await runtime.cleanup()

    assert not (tmp_path / "ran").exists()


async def test_the_best_there_is_may_be_none_and_says_so(
    broken: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`auto` without a sandbox works on the machine itself: `notice` says it, and one warning in the log."""
    for _ in range(2):
        async with LocalRuntime(tmp_path, sandbox="auto") as runtime:
            assert (await runtime.exec("echo ran")).output == "ran\n"
            assert "without a sandbox, and may do whatever you may do: " in str(runtime.notice)
            assert runtime.isolation == ""
            assert "isolation=none" in repr(runtime)
    assert [record.levelno for record in caplog.records if record.message == runtime.notice] == [logging.WARNING]


@pytest.mark.parametrize("value", ["docker", "", None])
def test_a_sandbox_is_one_of_three(value: SandboxMode) -> None:
    """Another word is an error that names them."""
    with pytest.raises(ValueError, match=r"sandbox=.* is not allowed; it is one of 'none', 'auto', 'bwrap'"):
        LocalRuntime(sandbox=value)


@needs_bwrap
async def test_where_commands_run_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`kind` stays what it was; `isolation` and `repr` tell of the sandbox, and nothing is to be warned of."""
    closed = LocalRuntime(tmp_path, sandbox="auto")
    assert (closed.isolation, "sandbox=auto" in repr(closed)) == ("", True)
    for sandbox in ("auto", "bwrap"):
        async with LocalRuntime(tmp_path, sandbox=sandbox) as runtime:
            assert (runtime.kind, runtime.isolation, runtime.notice) == ("local", "bubblewrap", None)
            assert "isolation=bubblewrap" in repr(runtime)
    assert caplog.records == []


@needs_bwrap
async def test_commands_and_file_tools_speak_of_the_same_paths(enclosed: LocalRuntime, project: Path) -> None:
    """The workspace has its own path inside, so that a path that a command prints works everywhere."""
    assert (await enclosed.exec("pwd; echo made >new")).output == f"{project}\n"
    assert await enclosed.read_file(f"{project}/new") == "made\n"


@needs_bwrap
async def test_the_machine_is_out_of_reach(
    enclosed: LocalRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other folders, homes, secrets and processes are not to be seen, and the system is not to be changed.

    Nothing here would do harm if there were no sandbox: it asks what it could do, and does not do it.
    """
    (tmp_path / "secret").write_text("not yours")
    script = (
        f"cat {tmp_path}/secret /proc/$PPID/environ | tr '\\0' '\\n'; ls -A ~; grep . /etc/shadow; "
        f"kill -0 {os.getpid()} && echo seen; "
        "for folder in / /usr/bin /etc; do [ -w $folder ] && echo writable; done; test -r /dev/tty && : </dev/tty"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-commands")
    output = (await enclosed.exec(script)).output

    assert "not yours" not in output
    assert "sk-not-for-commands" not in output
    assert "root:" not in output
    assert "seen" not in output
    assert "writable" not in output
    assert re.search("/dev/tty: No such device", output)


@needs_bwrap
async def test_no_capability_is_left(enclosed: LocalRuntime) -> None:
    """Also for root, who could remount what is read-only otherwise."""
    assert "CapEff:\t0000000000000000" in (await enclosed.exec("grep Cap /proc/self/status")).output
    assert "ro," in (await enclosed.exec("grep ' /usr ' /proc/self/mounts")).output
    assert (await enclosed.exec('mount -o remount,rw "$PWD/.git/hooks"')).exit_code != 0


@needs_bwrap
@pytest.mark.parametrize("network", [False, True])
async def test_there_is_no_network_unless_asked_for(tmp_path: Path, network: bool) -> None:
    """Not even what listens on this machine is reached; with the network it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        async with LocalRuntime(tmp_path, sandbox="bwrap", sandbox_network=network) as runtime:
            result = await runtime.exec(f'/usr/bin/python3 -c "{connect}" || exit 1')

    if "not found" in result.output:
        pytest.skip("there is no /usr/bin/python3")
    assert (result.exit_code == 0) == network


@needs_bwrap
async def test_home_and_tmp_are_its_own_and_last() -> None:
    """What a command leaves there the next one finds; the machine's own are untouched, and it goes with the runtime."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        enclosed = LocalRuntime(folder, sandbox="bwrap")
        assert (await enclosed.exec("echo a >~/kept; echo b >/tmp/kept-by-pygent")).exit_code == 0
        assert (await enclosed.exec("cat ~/kept /tmp/kept-by-pygent")).output == "a\nb\n"
        assert not Path("/tmp/kept-by-pygent").exists()
        assert not Path("~/kept").expanduser().exists()
        own = Path(enclosed._opened.temporary) if enclosed._opened else Path()
        assert own.is_dir()
        await enclosed.cleanup()
        assert not own.exists()


@needs_bwrap
@pytest.mark.parametrize("name", PROTECTED)
async def test_what_other_programs_run_cannot_be_changed(enclosed: LocalRuntime, project: Path, name: str) -> None:
    """Not by writing, removing, renaming or replacing it or what holds it, and not by the file tools."""
    before = _everything(project / name)
    for attack in (
        "echo evil >{0} || echo evil >{0}/evil",
        "rm -rf {0}; mkdir -p {0}; echo evil >{0}/evil",
        "mv {0} {0}-old; echo evil >{0}",
        "cp -r .git git; rm -rf .git; mv git .git; mv .git git; cp -r git .git; echo evil >{0}",
        "ln -sfn ../outside {0}",
        "chmod 777 {0}",
        "ln -sfn . here; echo evil >>here/{0}",
    ):
        await enclosed.exec(attack.format(name))
    for path in (name, f"{name}/evil", f"./x/../{name}", f"here/{name}", f"{enclosed.workspace}/{name}"):
        with pytest.raises(WorkspaceError, match=r"protected in a sandbox|Is a directory|Not a directory"):
            await enclosed.write_file(path, "evil")

    assert _everything(project / name) == before
    assert await enclosed.read_file("pygent.toml") == "# ours\n"


@needs_bwrap
async def test_a_repository_can_be_read(enclosed: LocalRuntime, project: Path) -> None:
    """Changes are seen and shown; to commit them is for outside."""
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    result = await enclosed.exec("echo x >file; git status --short; git log --oneline; git diff")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("?? file\n")
    assert "one" in result.output
    committed = await enclosed.exec("git add file")
    assert "Read-only file system" in committed.output


COMMANDS_OF_A_STRANGER = {
    "commondir": "cp -r .git fake; {git} -C fake config core.fsmonitor '{evil}'; echo ../fake >.git/commondir",
    "config.worktree": "printf '[core]\n fsmonitor = {evil}\n' >.git/config.worktree",
    "a new submodule": (
        "git init -q sub; cd sub; echo y >f; git add f; {git} commit -qm s; git config core.fsmonitor '{evil}'; cd ..; "
        "git update-index --add --cacheinfo 160000,$(git -C sub rev-parse HEAD),sub"
    ),
    "an old submodule": (
        "git init -q other; git -C other config core.fsmonitor '{evil}'; mv module module-old; mkdir -p module; "
        "rm -rf module/.git; cp -r other/.git module/.git; echo gitdir: ../other/.git >module/.git"
    ),
    "its repository": "git --git-dir=.git/modules/module config core.fsmonitor '{evil}'",
    "a worktree": (
        "cp -r .git fake; {git} -C fake config core.fsmonitor '{evil}'; echo $PWD/fake >.git/worktrees/tree/commondir"
    ),
    "hooks": "mv tools tools-old; mkdir -p tools/hooks; printf '#!/bin/sh\n{evil}\n' >tools/hooks/post-index-change; "
    "chmod +x tools/hooks/*",
}


@needs_bwrap
@pytest.mark.parametrize("script", COMMANDS_OF_A_STRANGER.values(), ids=COMMANDS_OF_A_STRANGER.keys())
async def test_git_outside_runs_nothing_of_what_was_written_inside(project: Path, tmp_path: Path, script: str) -> None:
    """Whatever settings commands write, `git status` outside goes by those that were there before."""
    module = tmp_path / "original"
    module.mkdir()
    git(module, "init", "-q")
    git(module, "commit", "-q", "--allow-empty", "-m", "one")
    git(project, "submodule", "--quiet", "add", str(module), "module")
    (project / "tools" / "hooks").mkdir(parents=True)
    (project / "tools" / "hooks" / "pre-commit").touch()
    git(project, "config", "core.hooksPath", "tools/hooks")
    git(project, "config", "extensions.worktreeConfig", "true")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    git(project, "worktree", "add", "-q", str(tmp_path / "tree"))
    marker = project / "left"
    async with LocalRuntime(project, sandbox="bwrap") as runtime:
        evil = f"touch {marker}; false"
        filled = script.format(evil=evil, git="git -c user.name=a -c user.email=a@b")
        await runtime.exec(f"export HOME=/tmp; {filled}; rm -f {marker}")

    (project / "pygent.toml").write_text("# newer\n")
    for folder in (project, tmp_path / "tree"):
        git(folder, "status")
    git(project, "add", "pygent.toml")

    assert not marker.exists()


@needs_bwrap
async def test_a_repository_of_another_name_is_one_too(tmp_path: Path) -> None:
    """A `.git` that is a file and leads to another folder of the workspace: that is protected as well."""
    git(tmp_path, "init", "-q", "--separate-git-dir", ".bare")
    (tmp_path / ".git").write_text("gitdir: .bare\n")
    async with LocalRuntime(tmp_path, sandbox="bwrap") as runtime:
        assert "Read-only" in (await runtime.exec("echo evil >>.bare/config")).output
        with pytest.raises(WorkspaceError, match="protected in a sandbox"):
            await runtime.write_file(".bare/commondir", "..")


@needs_bwrap
async def test_what_commands_make_themselves_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A new repository works as one expects; that it holds what others run is said when the runtime ends."""
    async with LocalRuntime(tmp_path, sandbox="bwrap") as runtime:
        result = await runtime.exec("git init -q . && git config user.name me && mkdir .vscode")
        assert result.exit_code == 0, result.output
        assert (await runtime.exec("git config user.email me@here && echo {} >.vscode/tasks.json")).exit_code == 0

    assert [record.message for record in caplog.records] == [
        f"commands have made .git, .vscode in {tmp_path}; "
        "other programs run commands that stand there: look before you open the folder"
    ]


@needs_bwrap
async def test_a_folder_that_has_become_a_repository_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One without a `.git`, whose settings lie in it; one that was so before is none of our business."""
    for told in (1, 1):
        async with LocalRuntime(tmp_path, sandbox="bwrap") as runtime:
            assert (await runtime.exec("git init -q --bare .")).exit_code == 0
        assert [record.message[:23] for record in caplog.records] == ["commands have made HEAD"] * told


@needs_bwrap
async def test_a_link_in_place_of_a_protected_folder_opens_no_door(project: Path, tmp_path: Path) -> None:
    """What was put there since, even by somebody outside, is not mounted: nothing more can be seen by it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("not yours")
    async with LocalRuntime(project, sandbox="bwrap") as runtime:
        (project / ".vscode").rename(tmp_path / "away")
        (project / ".vscode").symlink_to("../outside")
        (project / ".mcp.json").unlink()
        (project / ".mcp.json").symlink_to("../outside/secret")

        result = await runtime.exec("cat .vscode/secret .mcp.json; echo $?")

    assert "not yours" not in result.output
    assert result.output.endswith("1\n")


@needs_bwrap
async def test_links_are_not_followed_when_it_is_made(tmp_path: Path) -> None:
    """A `.git` or `.vscode` that is a link, as some people have it, is left alone, and commands run."""
    (tmp_path / "elsewhere" / "hooks").mkdir(parents=True)
    project = tmp_path / "project"
    project.mkdir()
    for name in (".git", ".vscode", ".idea"):
        (project / name).symlink_to("../elsewhere")
    async with LocalRuntime(project, sandbox="bwrap") as runtime:
        assert (await runtime.exec("ls .vscode/; echo ran")).output.endswith("ran\n")


@needs_bwrap
async def test_further_folders_can_be_made_readable(project: Path, tmp_path: Path) -> None:
    """They are seen and cannot be changed; one that is not there is an error at once."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "data").write_text("to be read")
    async with LocalRuntime(project, sandbox="bwrap", sandbox_readable=[tmp_path / "tools"]) as runtime:
        result = await runtime.exec(f"cat {tmp_path}/tools/data; echo >{tmp_path}/tools/data")
        assert result.output.startswith("to be read")
        assert "Read-only" in result.output
    async with LocalRuntime(project, sandbox="bwrap", sandbox_readable=["/"]) as runtime:
        script = "ls -d /var/lib /run/*; [ -w /var/lib ] && echo writable; grep . /etc/shadow; ls -A ~"
        result = await runtime.exec(script)
        assert "/var/lib\n" in result.output
        assert "writable" not in result.output
        assert "root:" not in result.output
        assert "cannot access '/run/*'" in result.output
    missing = LocalRuntime(project, sandbox="bwrap", sandbox_readable=["/no/such"])
    with pytest.raises(RuntimeUnavailable, match="sandbox_readable names '/no/such', which is not there"):
        await missing.open()


@needs_bwrap
async def test_everything_is_no_workspace_for_a_sandbox() -> None:
    """There would be nothing left to keep commands from."""
    runtime = LocalRuntime("/", sandbox="bwrap")
    with pytest.raises(RuntimeUnavailable, match="the workspace is /"):
        await runtime.open()


@needs_bwrap
async def test_the_environment_is_the_same_allowlist(enclosed: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of this program, no `TMPDIR` that is not there inside, and no value in the list of processes."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-commands")
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    async with LocalRuntime(sandbox="bwrap", env={"GIVEN": "value-of-mine"}) as runtime:
        output = (await runtime.exec("env; tr '\\0' '\\n' </proc/1/cmdline")).output

    assert "GIVEN=value-of-mine" in output
    assert output.count("value-of-mine") == 1
    assert "sk-not-for-commands" not in output
    assert "TMPDIR" not in output


@needs_bwrap
async def test_a_timeout_ends_all_after_a_grace(enclosed: LocalRuntime, nap: Nap) -> None:
    """SIGTERM is heard inside, and what fled the group and cleared its environment is gone with the namespace."""
    script = (
        f"env -i setsid -f {nap.command} >/dev/null 2>&1; trap 'echo tidied up; exit' TERM; while :; do sleep 0.1; done"
    )
    result = await enclosed.exec(script, timeout=0.5)

    assert result.timed_out
    assert result.output.endswith("tidied up\n")
    assert nap.pids() == []


@needs_bwrap
async def test_background_processes_live_as_long_as_the_runtime(enclosed: LocalRuntime, nap: Nap) -> None:
    """They are named by the machine's numbers, the namespace's own first process not among them, and end with it."""
    result = await enclosed.exec(f"echo hi; {nap.command} &")
    assert (result.output, result.exit_code) == ("hi\n", 0)
    assert result.duration < 5
    assert [Path(f"/proc/{pid}/comm").read_text() for pid in result.background] == ["sleep\n"]
    await enclosed.exec(f"env -i setsid -f {nap.command} >/dev/null 2>&1")
    assert nap.pids()

    await enclosed.cleanup()
    assert nap.pids() == []


@needs_bwrap
@pytest.mark.parametrize("cancels", [1, 3])
async def test_a_cancelled_command_is_gone(enclosed: LocalRuntime, nap: Nap, cancels: int) -> None:
    """At once, with all that it started."""
    started = asyncio.Event()
    script = f"env -i setsid -f {nap.command} >/dev/null 2>&1; echo; {nap.command}"
    running = asyncio.create_task(enclosed.exec(script, on_output=lambda _: started.set()))
    await started.wait()
    for _ in range(cancels):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running

    assert nap.pids() == []


@needs_bwrap
async def test_jobs_run_inside(enclosed: LocalRuntime, nap: Nap) -> None:
    """In the background as in the foreground; they hear SIGTERM and leave nothing."""
    started = await enclosed.bash(
        f"cat /etc/shadow; trap 'echo tidied up; exit' TERM; {nap.command} & wait", background=True
    )
    assert "denied" in started
    assert "\ntidied up\n" in await enclosed.job_kill("job-1")
    assert nap.pids() == []


@needs_bwrap
async def test_results_are_the_same(enclosed: LocalRuntime) -> None:
    """Output, long commands, bytes, exit codes; only a signal is told as a shell tells it."""
    assert (await enclosed.exec("echo out; echo err >&2; exit 3")).render("x") == "$ x\nout\nerr\n[exit 3]"
    assert (await enclosed.exec("kill -9 $$")).exit_code == 128 + signal.SIGKILL
    assert (await enclosed.exec(f": {'x' * 200_000}\necho long")).output == "long\n"
    flood = await enclosed.exec("head -c 5000000 /dev/zero")
    assert flood.omitted_bytes + flood.output.count("\0") == 5_000_000


@needs_bwrap
async def test_many_at_once_leave_nothing_open(enclosed: LocalRuntime) -> None:
    """Fifty commands, and no descriptor more than before."""
    await enclosed.exec("true")
    before = descriptors()
    results = await asyncio.gather(*(enclosed.exec("echo ran") for _ in range(50)))

    assert {result.output for result in results} == {"ran\n"}
    assert descriptors() == before


@needs_bwrap
def test_nothing_survives_a_killed_program(nap: Nap) -> None:
    """`kill -9` of the program ends what runs inside within two seconds, cleared environment or not."""
    program = (
        "import asyncio, sys\n"
        "from pygent import LocalRuntime\n"
        "async def main():\n"
        "    runtime = LocalRuntime(sandbox='bwrap')\n"
        "    await runtime.exec(sys.argv[1], on_output=lambda text: print(text, flush=True))\n"
        "asyncio.run(main())"
    )
    command = f"env -i setsid -f {nap.command} >/dev/null 2>&1; echo ready; {nap.command}"
    with subprocess.Popen([sys.executable, "-c", program, command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()

    assert within(2, lambda: nap.pids() == [])


@needs_bwrap
def test_the_thread_that_started_a_command_may_end(tmp_path: Path, nap: Nap) -> None:
    """What a command left behind does not die with one of our threads, as it would by `--die-with-parent`."""
    runtime = LocalRuntime(tmp_path, sandbox="bwrap")
    thread = threading.Thread(target=asyncio.run, args=(runtime.exec(f"{nap.command} >/dev/null 2>&1 &"),))
    thread.start()
    thread.join()
    assert nap.pids()

    asyncio.run(runtime.cleanup())
    assert nap.pids() == []


def git(folder: Path, *arguments: str) -> None:
    given = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *given, *arguments], cwd=folder, check=True, capture_output=True)


def _everything(path: Path) -> dict[str, tuple[int, bytes]]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): (file.stat().st_mode, file.read_bytes()) for file in files if file.is_file()}


async def test_what_leads_to_the_workspace_is_not_theirs_to_replace(tmp_path: Path) -> None:
    """A link in the place of a folder above the workspace leads no later command, and not us, elsewhere."""
    victim, workspace = tmp_path / "victim", tmp_path / "deep" / "er" / "ws"
    victim.mkdir()
    async with LocalRuntime(workspace, sandbox="bwrap") as runtime:
        for above in (workspace.parent, workspace.parent.parent):
            await runtime.exec(f"mv {above} /tmp/moved && ln -s /oldroot{victim} {above}; ln -s {victim} {above}")
            result = await runtime.exec("pwd; touch here")
            assert result.output.strip() == str(workspace)

    assert list(victim.iterdir()) == []
    assert (workspace / "here").exists()
