"""`Workspace`: the files of one folder of this machine, confined to it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from posixpath import normpath

from ..errors import PathOutsideWorkspace, RuntimeUnavailable, WorkspaceError
from .base import IGNORED_FOLDERS, MAX_FILE_BYTES, files_below, own_name, write_copy
from .beneath import FOLDER, Opener, best_opener

MAX_LISTED_FILES = 100_000


def _flags(*names: str) -> int:
    """Flags for `os.open`, as far as the platform has them: on Windows this file can be imported, if not used."""
    return sum(getattr(os, name, 0) for name in names)


_READ = _flags("O_RDONLY", "O_NONBLOCK", "O_NOCTTY")  # a FIFO or a terminal must not make us wait
_CREATE = _flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC")

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Workspace:
    """A folder, made if it is missing, whose files are read and written without ever leaving it.

    The folder is held open, so that nothing can be put in its place. Paths are relative to it, or absolute and inside.
    Everything here blocks: call it in a thread. Hard links are the one way out that cannot be seen.

    Args:
        path: the folder.
        opener: how confined paths are opened; None: by the kernel's `openat2`, or without links where there is none.

    Attributes:
        path: the folder's path, free of links.
        protected: files and folders in it that are not to be written to, whatever way leads there.

    Raises:
        RuntimeUnavailable: there is no such folder and it cannot be made, or it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, opener: Opener | None = None) -> None:
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
            self.path = Path(path).resolve()
            self._folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise RuntimeUnavailable(f"cannot use {str(path)!r} as a workspace: {_reason(error)}") from error

        self.protected: tuple[str, ...] = ()
        # Not by a close(): a thread may be at work here, and its descriptor's number would then be another file's.
        weakref.finalize(self, os.close, self._folder)
        self._opener = opener or best_opener(self._folder)

    def __repr__(self) -> str:
        return f"<Workspace {self.path}>"

    @property
    def cwd(self) -> str:
        """Where to start a program so that it is in this very folder, whatever has become of its path since."""
        held = f"/proc/self/fd/{self._folder}"  # the child has its own `self`, and at that moment our descriptors
        return held if os.path.isdir(held) else str(self.path)  # noqa: PTH112 - on the way of every command

    def check(self) -> None:
        """See that the folder is still at its path.

        Raises:
            RuntimeUnavailable: it was deleted, moved or replaced.
        """
        try:
            found = os.stat(self.path, follow_symlinks=False)  # noqa: PTH116 - on the way of every command
        except OSError as error:
            raise RuntimeUnavailable(f"the workspace {self.path} is gone: {_reason(error)}") from error

        if not os.path.samestat(found, os.fstat(self._folder)):
            raise RuntimeUnavailable(f"the workspace {self.path} is gone: something else is in its place")

    def open_beneath(self, path: str, flags: int) -> int:
        """Return a descriptor of what a relative path leads to, without leaving the folder.

        Raises:
            OSError: there is nothing, or it leads out.
        """
        return self._opener(self._folder, path, flags)

    def read_bytes(self, path: str, *, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the content of a regular file; see `AsyncRuntime.read_bytes`."""
        return self._read(path, limit_bytes)[0]

    def _read(self, path: str, limit_bytes: int) -> tuple[bytes, int]:
        """Return the content of a regular file and its permissions."""
        with self._explained("read", path), self._open(path, _READ) as descriptor:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise WorkspaceError(f"cannot read {path!r}: it is {_kind(info)}, not a regular file")

            data = b""
            if info.st_size <= limit_bytes:
                with open(descriptor, "rb", closefd=False) as file:
                    data = file.read(limit_bytes + 1)  # the one more shows a file that grows while we read
            size = max(info.st_size, len(data))
            if size > limit_bytes:
                raise WorkspaceError(
                    f"cannot read {path!r}: it has {size} bytes, more than the {limit_bytes} that are allowed; "
                    "take a part of it by a command such as head, tail, sed or grep"
                )

            return data, stat.S_IMODE(info.st_mode)

    def write_bytes(self, path: str, data: bytes, *, mode: int | None = None) -> None:
        """Create or replace a file; see `AsyncRuntime.write_bytes`.

        A link at the end of the path is replaced, not followed.

        Args:
            path: the file.
            data: its new content.
            mode: its permissions; None: those of the file that it replaces, or the usual ones.
        """
        with self._explained("write", path), self._parent(path) as (folder, name):
            temporary = f".pygent-{secrets.token_hex(8)}"
            descriptor = os.open(temporary, _CREATE, 0o666, dir_fd=folder)
            try:
                with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                    _resemble(name, folder, descriptor, mode)
                    file.write(data)
                    file.flush()
                    os.fsync(descriptor)
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise

    def list_files(self, path: str = ".", *, limit: int = MAX_LISTED_FILES) -> list[str]:
        """Return a file, or the files below a folder; see `AsyncRuntime.list_files`."""
        found: list[str] = []
        with self._explained("list", path):
            for name in self._files(normpath(self._relative(path)), copying=False):
                found.append(name)
                if len(found) > limit:
                    raise WorkspaceError(
                        f"cannot list {path!r}: there are more than {limit} files; list a folder in it"
                    )

        return sorted(os.fsencode(name).decode("utf-8", "replace") for name in found)

    def copy_in(self, source: str | os.PathLike[str], dest: str | None = None) -> None:
        """Copy a file or folder of this machine into the workspace, permissions included; see `AsyncRuntime.upload`."""
        root = Path(source)
        name = dest or own_name(root)
        try:
            for file in files_below(root):
                target = name if file == root else f"{name}/{file.relative_to(root).as_posix()}"
                self.write_bytes(target, file.read_bytes(), mode=stat.S_IMODE(file.stat().st_mode))
        except OSError as error:
            raise WorkspaceError(f"cannot copy {str(source)!r} into the workspace: {_reason(error)}") from error

    def copy_out(self, path: str, dest: str | os.PathLike[str]) -> None:
        """Copy a file or folder to this machine, permissions included; see `AsyncRuntime.export`."""
        with self._explained("copy", path):
            start = normpath(self._relative(path))
            for name in self._files(start, copying=True):
                data, mode = self._read(name, MAX_FILE_BYTES)
                write_copy(Path(dest) / PurePosixPath(name).relative_to(start), data, mode)

    def _files(self, start: str, *, copying: bool) -> Iterator[str]:
        """Give a file itself, or what is below a folder: all that a copy needs, or what a model wants to see."""
        with self._open(start, _READ) as descriptor:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                yield start
                return

        folders = [start]
        while folders:
            folder = folders.pop()
            try:
                entries = self._entries(folder)
            except OSError:  # not ours to read, or removed meanwhile
                if copying or folder == start:
                    raise

                continue

            for entry, is_folder, is_file in entries:
                name = entry if folder == "." else f"{folder}/{entry}"
                if is_folder and (copying or entry not in IGNORED_FOLDERS):
                    folders.append(name)
                elif not is_folder and (is_file or not copying):
                    yield name

    # How paths are opened and errors told.

    def _entries(self, folder: str) -> list[tuple[str, bool, bool]]:
        """Return what is in a folder: the name, whether it is a folder, whether it is a regular file."""
        with self._open(folder, _READ | os.O_DIRECTORY) as descriptor, os.scandir(descriptor) as entries:
            return [
                (entry.name, entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False))
                for entry in entries
            ]

    @contextmanager
    def _open(self, path: str, flags: int) -> Iterator[int]:
        descriptor = self.open_beneath(self._relative(path), flags)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder that holds a file, made if it is missing, and give it with the file's name in it."""
        relative = self._relative(path)
        parent, _, name = relative.rpartition("/")
        self._refuse_protected(normpath(relative), path)  # before its folders are made
        if name in ("", ".", ".."):
            with self._open(path, FOLDER):  # which tells if it is outside
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

        try:
            with self._open(parent, FOLDER):
                pass
        except FileNotFoundError:
            self._make_folder(parent)
        with self._open(parent, FOLDER) as folder:
            self._refuse_protected(self._place_of(folder, name), path)  # links may have led there
            yield folder, name

    def _refuse_protected(self, place: str, path: str) -> None:
        for name in self.protected:
            if f"{place}/".startswith(f"{name}/"):
                raise WorkspaceError(
                    f"cannot write {path!r}: {name} makes other programs run commands, and is protected in a sandbox; "
                    "ask the user to change it"
                )

    def _place_of(self, folder: int, name: str) -> str:
        """Where a file in an open folder of the workspace is, as a relative path free of links."""
        if not self.protected:
            return name

        there, here = (Path("/proc/self/fd", str(held)).readlink() for held in (folder, self._folder))
        return str(there.relative_to(here) / name)

    def _make_folder(self, path: str) -> None:
        names = path.split("/")
        for depth in range(len(names)):
            with self._open("/".join(names[:depth]), FOLDER) as folder, suppress(FileExistsError):
                os.mkdir(names[depth] or ".", dir_fd=folder)

    def _relative(self, path: str) -> str:
        """Return the path relative to the workspace; whether it stays inside is decided when it is opened."""
        if "\0" in path:  # the kernel would take the path to end there
            raise WorkspaceError(f"{path!r} is no path: it contains NUL")

        if not path.startswith("/"):
            return path or "."

        try:
            return str(PurePosixPath(path).relative_to(self.path))
        except ValueError:
            raise PathOutsideWorkspace(
                f"{path!r} is outside of the workspace {self.path}; use a path relative to that"
            ) from None

    @contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        """Let errors of the system become ours, with the path in them."""
        self.check()
        try:
            yield
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.EXDEV, errno.ELOOP):
                raise PathOutsideWorkspace(
                    f"cannot {verb} {path!r}: it leads out of the workspace, by a link or by '..'"
                ) from error

            raise WorkspaceError(f"cannot {verb} {path!r}: {_reason(error)}") from error


def _resemble(name: str, folder: int, descriptor: int, mode: int | None) -> None:
    """Give a new file the owner and the permissions of the one that it replaces, or `mode`."""
    with suppress(FileNotFoundError):
        old, new = os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(descriptor)
        if stat.S_ISREG(old.st_mode):
            if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):  # root works in a user's folder
                with suppress(PermissionError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
            mode = old.st_mode if mode is None else mode
    if mode is not None:
        os.fchmod(descriptor, mode & 0o777)  # new content loses set-uid, as it does in the kernel


def _kind(info: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(info.st_mode), "something else")


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
