"""`Watcher`: a small process that outlives ours, and ends what we left when we were killed."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

# Signals to all of a group or a service are not for it. It waits for a line, or for the end of the pipe, which the
# kernel closes however we end; the line is for when a forked child of ours holds the pipe open, too. A process in the
# middle of an exec shows no environment, so one look that finds nothing is not enough. What it removes is a
# temporary folder by its name, whatever it is told: it works when nobody is left to see what it does.
_SCRIPT = """
trap '' HUP INT TERM
read -r line
calm=0
round=0
while [ $calm -lt 3 ] && [ $round -lt 100 ]; do
    calm=$((calm + 1))
    round=$((round + 1))
    for path in $(grep -lsF -e "$1" /proc/[0-9]*/environ); do
        calm=0
        pid=${path#/proc/}
        kill -9 "${pid%/environ}"
    done
done
case $2 in
    */pygent-?*) rm -rf -- "$2" || { find "$2" -xdev -type d -exec chmod u+rwx {} \\;; rm -rf -- "$2"; } ;;
esac
"""


class Watcher:
    """Waits in a session of its own for our end; then kills all that carries a mark, and removes a folder.

    It starts in a millisecond or two and costs less than a megabyte of memory. Where there is no `/proc` it finds no
    processes. Making one blocks: do it in a thread.

    Args:
        mark: what to look for in the environments of processes.
        folder: the temporary folder to remove, whose name begins with `pygent-`; empty: nothing.
        path: where else to look for its few commands, `grep` and `rm`.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, mark: str, folder: str = "", path: str = os.defpath) -> None:
        self._process = os.getpid()
        read_end, self._pipe = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            self._popen = subprocess.Popen(  # noqa: S603 - our own script
                ["/bin/sh", "-c", _SCRIPT, "pygent-watcher", mark, folder],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": f"{os.defpath}:{path}"},
                start_new_session=True,
            )
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(read_end)

    def close(self) -> None:
        """Let it do now what it is there for, and wait for that; may be called again.

        Does nothing in a forked child, which must not end what its parent goes on with.
        """
        if self._process == os.getpid() and self._popen.returncode is None:
            with suppress(OSError):  # somebody killed it
                os.write(self._pipe, b"\n")
            self._release()

    def dismiss(self) -> None:
        """Send it away with its work undone, because it was done by others; may be called again."""
        if self._popen.returncode is None:
            self._popen.kill()
            self._release()

    def _release(self) -> None:
        os.close(self._pipe)
        self._popen.wait()
