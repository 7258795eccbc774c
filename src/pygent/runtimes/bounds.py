"""`bounds`: what a single command on this machine may use up by accident."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

MAX_FILE_BYTES_WRITTEN = 4 << 30
MAX_OPEN_FILES = 4096

_BLOCK_BYTES = 512  # of POSIX, for `ulimit -f`


def bounds(max_file_bytes: int | None, max_open_files: int | None) -> bytes:
    """Return the beginning of a shell command that bounds the rest of its line, and all that this starts.

    Nothing crashes into a core file. The others are soft: they end accidents, such as a loop that fills the disk, and
    a command that means it begins with `ulimit -f unlimited`. Memory, processor time and processes are not bounded:
    these limits break ordinary programs, or count those of the whole user.

    A prefix costs 0.1 ms, where another program in front would cost one; `preexec_fn` is unsafe beside threads; and
    limits set from outside come too late for what a shell starts at once.

    Args:
        max_file_bytes: the largest file that may be written; None: as large as they like.
        max_open_files: how many descriptors one process may have; None: as many as this program's.
    """
    lines = ["ulimit -c 0"]
    if max_file_bytes is not None:
        lines.append(f"ulimit -S -f {_within(resource.RLIMIT_FSIZE, max_file_bytes) // _BLOCK_BYTES}")
    if max_open_files is not None:
        lines.append(f"ulimit -S -n {_within(resource.RLIMIT_NOFILE, max_open_files)}")
    return "; ".join([*lines, ""]).encode()  # on the command's own first line, so that errors number its lines right


def _within(kind: int, wanted: int) -> int:
    """What is wanted, or less where this program itself has less: a bound of ours raises none of somebody else's."""
    soft = resource.getrlimit(kind)[0]
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
