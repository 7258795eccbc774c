"""Opening paths that lead nowhere but beneath a folder, whatever links somebody puts in the way meanwhile."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from typing import TypeAlias

Opener: TypeAlias = Callable[[int, str, int], int]
"""`(folder, path, flags) -> descriptor`; raises OSError, with EXDEV or ELOOP where the path leads out of the folder."""

FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""Flags for a folder that is passed through; `O_PATH` needs no permission to list it."""

_SYS_OPENAT2 = 437  # on every architecture that Linux has had since openat2 came
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_ATTEMPTS = 100  # the kernel says EAGAIN when something was renamed while it looked at `..`


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def openat2(folder: int, path: str, flags: int) -> int:
    """Let the Linux kernel see to it: links and `..` are followed as long as they stay beneath `folder`."""
    libc = ctypes.CDLL(None, use_errno=True)
    how = _OpenHow(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    for _ in range(_ATTEMPTS):
        descriptor: int = libc.syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(folder),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return descriptor

        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            raise OSError(code, os.strerror(code), path)

    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)


def walk(folder: int, path: str, flags: int) -> int:
    """Do it everywhere: open one component after the other, refusing every link, and take `..` back the way we came."""
    trail = [os.open(".", FOLDER, dir_fd=folder)]
    names = [name for name in path.split("/") if name not in ("", ".")]
    try:
        last = names.pop() if names and names[-1] != ".." else "."
        for name in names:
            if name != "..":
                trail.append(_open_no_link(name, FOLDER, trail[-1]))
            elif len(trail) > 1:
                os.close(trail.pop())
            else:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)

        return _open_no_link(last, flags, trail[-1])
    finally:
        for descriptor in trail:
            os.close(descriptor)


def best_opener(folder: int) -> Opener:
    """Return `openat2` where the kernel has it and no sandbox forbids it, else `walk`."""
    try:
        os.close(openat2(folder, ".", FOLDER))
    except (OSError, AttributeError):
        return walk

    return openat2


def _open_no_link(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOTDIR and stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None  # O_DIRECTORY hides that it is a link

        raise
