"""`python -m pygent` and the command `pygent`: the version at once, all else by `pygent.cli`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # scripts ask for it: it costs no import
        from importlib.metadata import version

        sys.stdout.write(f"pygent {version('pygent')}\n")
        return 0

    try:
        from .cli.main import run_command_line

        return run_command_line(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the event loop, which handles it otherwise
        return 130


if __name__ == "__main__":
    sys.exit(main())
