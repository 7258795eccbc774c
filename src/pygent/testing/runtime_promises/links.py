"""The walls of a workspace: no path, link or detour leads out of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ...errors import PathOutsideWorkspace, WorkspaceError
from .bench import Bench, must, must_equal, must_raise
from .corpus import Corpus

LINKS = Corpus()

OUTSIDE = {
    "parent": "../{token}",
    "winding": "sub/../../{token}",
    "absolute": "/tmp/{token}",  # noqa: S108 - the point is that it is not made
    "link to a folder": "folder/{token}",
    "relative link": "up/{token}",
    "link to the root": "root/tmp/{token}",
    "link of a link": "chain/{token}",
}
"""Ways out. Where they lead is a folder that everybody may write to."""

PREPARE = "mkdir sub && ln -s /tmp folder && ln -s .. up && ln -s / root && ln -s folder chain"


@LINKS.promise(cases=OUTSIDE)
async def nothing_is_written_outside(bench: Bench, path: str) -> None:
    """A path that leads out of the workspace is PathOutsideWorkspace for writing, and no file is made there."""
    await bench.sh(PREPARE)
    path = path.format(token=bench.token)
    try:
        with must_raise(PathOutsideWorkspace, f"writing {path}"):
            await bench.runtime.write_bytes(path, b"escaped")
        made = await bench.sh(f"ls /tmp/{bench.token} ../{bench.token} 2>/dev/null || true")
        must(not made, f"it was made all the same: {made}")
        must(not await asyncio.to_thread(_exists_here, bench.token), "it was made on this machine all the same")
    finally:
        await bench.runtime.exec(f"rm -f /tmp/{bench.token} ../{bench.token}")


@LINKS.promise(cases={"absolute": "/etc/passwd", "link to a file": "passwd", "link to a folder": "etc/passwd"})
async def nothing_is_read_outside(bench: Bench, path: str) -> None:
    """A path that leads out of the workspace is PathOutsideWorkspace for reading."""
    await bench.sh("ln -s /etc/passwd passwd && ln -s /etc etc")

    with must_raise(PathOutsideWorkspace, f"reading {path}"):
        await bench.runtime.read_bytes(path)


@LINKS.promise()
async def nothing_is_listed_or_copied_outside(bench: Bench) -> None:
    """Listing and exporting end at the walls, too, and links on the way are not followed."""
    await bench.sh(f"{PREPARE} && echo inside >sub/file && ln -s /etc/passwd sub/passwd")
    for path in ("..", "/etc", "../.."):
        with must_raise(PathOutsideWorkspace, f"listing {path}"):
            await bench.runtime.list_files(path)
        with must_raise(PathOutsideWorkspace, f"exporting {path}"):
            await bench.runtime.export(path, bench.scratch / "stolen")
    await bench.runtime.export("sub", bench.scratch / "copy")

    names = await asyncio.to_thread(lambda: sorted(path.name for path in bench.scratch.rglob("*")))
    must_equal(names, ["copy", "file"], "what was copied")


@LINKS.promise(cases={"to a file": "target", "to nothing": "nothing"})
async def link_at_the_end_is_not_followed(bench: Bench, target: str) -> None:
    """Writing to a link that leads out replaces the link or is refused; what it points to stays as it is."""
    await asyncio.to_thread((bench.scratch / "target").write_bytes, b"precious")
    await bench.sh(f"ln -s '{bench.scratch}/{target}' link")
    try:
        await bench.runtime.write_bytes("link", b"new")
    except WorkspaceError:
        pass
    else:
        must_equal(await bench.runtime.read_bytes("link"), b"new", "content")

    names = await asyncio.to_thread(lambda: sorted(path.name for path in bench.scratch.iterdir()))
    must_equal(names, ["target"], "files beside the link's target")
    must_equal(await asyncio.to_thread((bench.scratch / "target").read_bytes), b"precious", "the link's target")


def _exists_here(name: str) -> bool:
    made = Path("/tmp") / name  # noqa: S108 - the same
    exists = made.exists()
    made.unlink(missing_ok=True)
    return exists
