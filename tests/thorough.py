"""The switch for tests that take long: `PYGENT_THOROUGH=1`, as the nox session `sweep` sets it."""

from __future__ import annotations

import os

import pytest

THOROUGH = os.environ.get("PYGENT_THOROUGH") == "1"

takes_long = pytest.mark.skipif(not THOROUGH, reason="takes long; PYGENT_THOROUGH=1 runs it")
