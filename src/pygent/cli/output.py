"""The ends of output: what is written last, and how a stream is left that is broken or that nobody reads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from .result import ExitCode
from .writer import is_stuck


def write_stdout(data: bytes) -> int | None:
    """Write to standard output; return the exit status if it cannot be written to, and None if all went well."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        return stdout_failed(error)

    return None


def stdout_failed(error: OSError) -> int:
    """Tell why standard output cannot be written to, unless its reader has just left; return the exit status.

    Raises:
        OSError: this one, for it is that of a file.
    """
    if error.filename is not None:
        raise error

    if isinstance(error, BrokenPipeError):
        return ExitCode.BROKEN_PIPE

    with suppress(OSError):  # such as a full disk, to which both go
        sys.stderr.write(f"pygent: standard output cannot be written to: {error.strerror}\n")
    return ExitCode.FAILED


def leave_streams(exit_code: int) -> int:
    """Return the exit status when the standard streams can be left to the interpreter's end; else end here and now.

    At its end it flushes them: it would complain about one that is broken, and wait for one that nobody reads.
    """
    if is_stuck():
        os._exit(exit_code)
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    return exit_code
