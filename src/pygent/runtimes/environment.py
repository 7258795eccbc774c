"""The variables that commands on this machine see: an allowlist, so that no key, token or secret is among them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .marks import VARIABLE

INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR", VARIABLE}
)
"""The variables of this program that its commands see, beside `LC_*`."""

UNATTENDED = {
    "DEBIAN_FRONTEND": "noninteractive",
    "EDITOR": "cat",
    "GIT_EDITOR": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "PAGER": "cat",
    "PATH": os.defpath,
    "PYTHONUNBUFFERED": "1",
    "TERM": "dumb",
    "VISUAL": "cat",
}
"""Nobody sits at the keyboard: nothing should ask, page, or open an editor."""


def inherited(passthrough: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables of this program that its commands inherit, those named in `passthrough` too.

    The only place outside `settings` that reads `os.environ`: these are not settings of ours, they are passed on.
    """
    names = INHERITED.union(passthrough)
    return {name: value for name, value in os.environ.items() if name in names or name.startswith("LC_")}
