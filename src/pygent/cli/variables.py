"""The variables of one run: those of the process, and over them what `-e NAME=value` says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..providers import VARIABLES

OURS = ("PYGENT_", "OPENAI_")


@dataclass(frozen=True, slots=True)
class Variables:
    """What `-e` comes to.

    Attributes:
        settings: the environment that settings are read from.
        commands: what the commands see besides; never what begins with `PYGENT_` or `OPENAI_`, nor what names the key
            or the place of a server.
    """

    settings: Mapping[str, str]
    commands: Mapping[str, str]


def variables_of(given: Iterable[tuple[str, str]]) -> Variables:
    """Divide the variables of `-e` between the settings and the commands."""
    values = dict(given)
    ours = {name: value for name, value in values.items() if name.startswith(OURS) or name in VARIABLES}
    return Variables({**os.environ, **ours}, {name: value for name, value in values.items() if name not in ours})
