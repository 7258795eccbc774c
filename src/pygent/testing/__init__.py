"""Testing agents without a model, and models without an agent: fakes for the ports, public and documented.

`pygent.testing.server` has the server that misbehaves.
"""

from .history import check_history
from .model_checks import ModelCheck, model_conformance
from .scripted_model import ScriptedModel, tool_call
from .sweep import Scenario, cancel_sweep

__all__ = [
    "ModelCheck",
    "Scenario",
    "ScriptedModel",
    "cancel_sweep",
    "check_history",
    "model_conformance",
    "tool_call",
]
