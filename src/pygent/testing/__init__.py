"""Testing agents without a model, models without an agent, and runtimes without either. Public and documented.

`pygent.testing.server` has the server that misbehaves, `pygent.testing.plugin` fixtures for pytest.
"""

from .history import check_history
from .leaks import no_leaks, tagged
from .model_checks import ModelCheck, model_conformance
from .runtime_checks import RuntimeCheck, runtime_conformance
from .scripted_model import ScriptedModel, tool_call
from .sweep import Scenario, cancel_sweep

__all__ = [
    "ModelCheck",
    "RuntimeCheck",
    "Scenario",
    "ScriptedModel",
    "cancel_sweep",
    "check_history",
    "model_conformance",
    "no_leaks",
    "runtime_conformance",
    "tagged",
    "tool_call",
]
