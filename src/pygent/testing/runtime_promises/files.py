"""The files of a workspace: what is written is read, whole, whatever its name and content."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

from ...errors import WorkspaceError
from .bench import SOON, Bench, must, must_equal, must_raise
from .corpus import Corpus

FILES = Corpus()

NAMES = {
    "plain": "file.txt",
    "in new folders": "a/b/c/file",
    "unicode": "größe-数-😀.txt",
    "spaces": " two  spaces ",
    "quotes": 'it\'s "quoted"',
    "newline": "two\nlines",
    "shell": "$(touch broken);`false`&*?[x]\\n",
    "option": "-rf",
    "hidden": ".hidden",
}

CONTENTS = {
    "empty": b"",
    "text": "grüße\n".encode(),
    "no last newline": b"line",
    "every byte": bytes(range(256)) * 5,
    "a megabyte": b"0123456789abcdef" * 65536,
    "carriage returns": b"one\r\ntwo\rthree\n",
}

NO_FILES = {
    "missing": "true",
    "folder": "mkdir it",
    "fifo": "mkfifo it",
    "link to nothing": "ln -s nowhere it",
    "link to itself": "ln -s it it",
    "link to a device": "ln -s /dev/zero it",
}

NO_PATHS = {"NUL": "a\0b", "too long": "x" * 300, "a folder that is a file": "file/below", "the workspace": "."}

TOO_LARGE_BYTES = 12_000_000


@FILES.promise(cases=NAMES)
async def name_is_kept(bench: Bench, name: str) -> None:
    """A file is there under the very name that it was given, for reading, for listing and for commands."""
    await bench.runtime.write_bytes(name, b"content")

    must_equal(await bench.runtime.read_bytes(name), b"content", "content")
    must_equal(await bench.runtime.list_files(), [name], "files")
    must_equal(await bench.sh("find . -type f -exec cat {} \\;"), "content", "content for a command")


@FILES.promise(cases=CONTENTS)
async def content_is_kept(bench: Bench, content: bytes) -> None:
    """Bytes come back as they were written, also when they replace others."""
    await bench.runtime.write_bytes("file", b"old content that is longer than some new ones")
    await bench.runtime.write_bytes("file", content)

    must_equal(await bench.runtime.read_bytes("file"), content, "content")
    must_equal((await bench.sh("wc -c <file")).strip(), str(len(content)), "size for a command")


@FILES.promise()
async def text_is_text(bench: Bench) -> None:
    """Text is UTF-8; bytes that are not become U+FFFD; binary content can be had in base64."""
    said = await bench.runtime.write_file("text", "grüße 😀\n")
    await bench.runtime.write_bytes("binary", b"a\xffb")

    must("text" in said, f"what was said of the write: {said!r}")
    must_equal(await bench.runtime.read_file("text"), "grüße 😀\n", "text")
    must_equal(await bench.runtime.read_file("binary"), "a\ufffdb", "text with a byte that is no UTF-8")
    must_equal(await bench.runtime.read_file("binary", binary=True), b64encode(b"a\xffb").decode(), "base64")


@FILES.promise()
async def absolute_path_inside_is_fine(bench: Bench) -> None:
    """A path may be absolute, or wind about, as long as it ends in the workspace."""
    root = bench.runtime.workspace
    await bench.runtime.write_bytes(f"{root}/sub/file", b"content")

    for path in ("sub/file", f"{root}/sub/file", "./sub//file", "sub/../sub/./file"):
        must_equal(await bench.runtime.read_bytes(path), b"content", path)


@FILES.promise()
async def replacing_is_atomic(bench: Bench) -> None:
    """Who reads a file while it is replaced sees the old one or the new one, whole, and nothing else stays behind."""
    versions = (b"a" * 300_000, b"b" * 500_000)
    await bench.runtime.write_bytes("file", versions[0])
    watch = f"echo up; while [ ! -e stop ]; do cksum <file >>seen; done; sort -u seen; rm seen; : {bench.token}"
    running = await bench.start(watch, timeout=25)
    try:
        for number in range(30):
            await bench.runtime.write_bytes("file", versions[number % 2])
        await bench.runtime.write_bytes("stop", b"")
        result = await running
    finally:
        running.cancel()

    seen = [line.split()[1] for line in result.output.splitlines()[1:]]
    must(bool(seen) and set(seen) <= {"300000", "500000"}, f"sizes that a reader saw: {seen}")
    must_equal(await bench.runtime.list_files(), ["file", "stop"], "files that are left")


@FILES.promise()
async def replacing_makes_a_new_file(bench: Bench) -> None:
    """A file is not written over, but replaced: another name of the old one keeps the old content."""
    await bench.runtime.write_bytes("file", b"old")
    await bench.sh("ln file other")
    await bench.runtime.write_bytes("file", b"new")

    must_equal(await bench.sh("cat file other"), "newold", "content of the file, and of the old one's other name")


@FILES.promise(cases={"executable": ("751", "-rwxr-x--x"), "private": ("600", "-rw-------")})
async def mode_is_kept(bench: Bench, mode: tuple[str, str]) -> None:
    """A file that is replaced keeps its permissions."""
    number, text = mode
    await bench.sh(f"echo old >file && chmod {number} file")
    await bench.runtime.write_bytes("file", b"new")

    must_equal((await bench.sh("ls -l file"))[:10], text, "permissions")


@FILES.promise()
async def writers_do_not_mix(bench: Bench) -> None:
    """Of several who write one file at the same time one has the last word, and the whole of it."""
    contents = [str(number).encode() * 100_000 for number in range(10)]
    await asyncio.gather(*(bench.runtime.write_bytes("file", content) for content in contents))

    must(await bench.runtime.read_bytes("file") in contents, "the content is nobody's")
    must_equal(await bench.runtime.list_files(), ["file"], "files that are left")


@FILES.promise(cases=NO_FILES)
async def what_is_no_file_is_an_error(bench: Bench, make: str) -> None:
    """Reading what is no regular file is a WorkspaceError, at once."""
    await bench.sh(make)
    try:
        async with asyncio.timeout(SOON):
            with must_raise(WorkspaceError, "reading it"):
                await bench.runtime.read_bytes("it")
    except TimeoutError:
        raise AssertionError(f"{SOON:g} seconds later it was still being read") from None
    finally:
        await bench.runtime.exec("[ ! -p it ] || : <>it")  # lets go of a thread that waits for a writer


@FILES.promise(cases=NO_PATHS)
async def impossible_path_is_an_error(bench: Bench, path: str) -> None:
    """A path at which no file can be is a WorkspaceError, for reading as for writing."""
    await bench.runtime.write_bytes("file", b"content")

    with must_raise(WorkspaceError, "writing"):
        await bench.runtime.write_bytes(path, b"")
    with must_raise(WorkspaceError, "reading"):
        await bench.runtime.read_bytes(path)
    must_equal(await bench.runtime.list_files(), ["file"], "files that are left")


@FILES.promise()
async def large_file_is_refused(bench: Bench) -> None:
    """A file that is larger than the limit is a WorkspaceError and not an excerpt; one that just fits is read."""
    await bench.sh(f"head -c {TOO_LARGE_BYTES} /dev/zero >large")
    await bench.runtime.write_bytes("small", b"123456")

    must_equal(await bench.runtime.read_bytes("small", limit_bytes=6), b"123456", "content")
    with must_raise(WorkspaceError, "reading 6 bytes with limit_bytes=5"):
        await bench.runtime.read_bytes("small", limit_bytes=5)
    with must_raise(WorkspaceError, f"reading {TOO_LARGE_BYTES} bytes"):
        await bench.runtime.read_bytes("large")


@FILES.promise()
async def listing_is_for_a_model(bench: Bench) -> None:
    """All files below a folder are listed, sorted; links by name; what tools keep for themselves is passed over."""
    await bench.sh(
        "mkdir -p src/deep src/.git src/node_modules/x empty && cd src && "
        "touch b deep/a .git/config node_modules/x/y 'two\nlines' && ln -s .. up && ln -s nowhere dangling"
    )
    wanted = ["src/b", "src/dangling", "src/deep/a", "src/two\nlines", "src/up"]

    must_equal(await bench.runtime.list_files(), wanted, "files of the workspace")
    must_equal(await bench.runtime.list_files("src"), wanted, "files of a folder")
    must_equal(await bench.runtime.list_files("src/b"), ["src/b"], "a file")
    must_equal(await bench.runtime.list_files("empty"), [], "files of an empty folder")
    with must_raise(WorkspaceError, "listing what is not there"):
        await bench.runtime.list_files("missing")


@FILES.promise()
async def folder_goes_in_and_out(bench: Bench) -> None:
    """A folder that is uploaded and exported again is the same, file for file."""
    tree = {"a": b"text", "deep/er/b": bytes(range(256)), "ü 😀": b"", ".git/config": b"kept"}
    source, dest = bench.scratch / "project", bench.scratch / "copy"
    await asyncio.to_thread(_write_tree, source, tree)
    await bench.runtime.upload(source)
    await bench.runtime.upload(source / "a", "alone")
    await bench.runtime.export("project", dest)
    await bench.runtime.export("alone", bench.scratch / "alone")

    must_equal(await asyncio.to_thread(_read_tree, dest), tree, "the copy of the folder")
    must_equal(await asyncio.to_thread((bench.scratch / "alone").read_bytes), b"text", "the copy of the file")


@FILES.promise()
async def copying_what_is_not_there_is_an_error(bench: Bench) -> None:
    """What does not exist, on either side, is a WorkspaceError."""
    with must_raise(WorkspaceError, "upload"):
        await bench.runtime.upload(bench.scratch / "missing")
    with must_raise(WorkspaceError, "export"):
        await bench.runtime.export("missing", bench.scratch / "copy")


def _write_tree(root: Path, tree: dict[str, bytes]) -> None:
    for name, content in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def _read_tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
