"""Models: the port, any OpenAI-compatible server, a cassette of recorded replies, and `ask`, which asks any of them.

Importing this loads no HTTP library; the first request does, in a worker thread.
"""

from .base import CustomModel, Model
from .choice import ModelChoice, choose_model
from .custom import ask
from .fallback import FallbackModel
from .http.timeouts import Timeouts
from .info import ModelInfo
from .openai import OpenAIModel
from .replay import ReplayModel
from .responses import OpenAIResponsesModel
from .served import ServedModel

__all__ = [
    "CustomModel",
    "FallbackModel",
    "Model",
    "ModelChoice",
    "ModelInfo",
    "OpenAIModel",
    "OpenAIResponsesModel",
    "ReplayModel",
    "ServedModel",
    "Timeouts",
    "ask",
    "choose_model",
]
