"""`python -m pygent` and the command `pygent`: the version at once, all else by `pygent.cli`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):  # scripts ask for it: it costs no import
            from importlib.metadata import version

            sys.stdout.write(f"pygent {version('pygent')}\n")
            sys.stdout.flush()
            return 0

        from .cli.main import run_command_line

        return run_command_line(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the event loop, which handles it otherwise
        return 130
    except OSError as error:
        from .cli.output import leave_streams, stdout_failed

        return leave_streams(stdout_failed(error))


if __name__ == "__main__":
    sys.exit(main())
