"""Testing agents without a model: fakes for the ports, public and documented."""

from .history import check_history
from .scripted_model import ScriptedModel, tool_call

__all__ = ["ScriptedModel", "check_history", "tool_call"]
