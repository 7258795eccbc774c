"""What can go wrong whatever the API: `SCENARIOS`, entered by the three files that play them."""

from . import connections, replies, statuses
from .scenario import SCENARIOS

__all__ = ["SCENARIOS", "connections", "replies", "statuses"]
