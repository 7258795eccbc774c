"""Models: the port, any OpenAI-compatible server, a cassette of recorded replies, and `ask`, which asks any of them.

Importing this loads no HTTP library; the first request does, in a worker thread.
"""

from .base import CustomModel, Model
from .custom import ask
from .openai import OpenAIModel
from .replay import ReplayModel
from .timeouts import Timeouts

__all__ = ["CustomModel", "Model", "OpenAIModel", "ReplayModel", "Timeouts", "ask"]
