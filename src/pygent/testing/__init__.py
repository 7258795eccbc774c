"""Testing agents without a model: fakes for the ports, public and documented."""

from .cancel_sweep import Scenario, cancel_sweep
from .history import check_history
from .scripted_model import ScriptedModel, tool_call

__all__ = ["Scenario", "ScriptedModel", "cancel_sweep", "check_history", "tool_call"]
