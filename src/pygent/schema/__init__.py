"""JSON Schema of a tool's arguments: made of its signature, checked when it is defined, held against calls.

Pure: text and values in, values and errors out. Knows nothing of tools, models or runtimes.
"""

from __future__ import annotations

from .checking import check_schema as check_schema
from .decoding import decode_arguments as decode_arguments
from .signature import function_schema as function_schema
from .signature import function_summary as function_summary
from .validation import validate as validate

__all__ = ["check_schema", "decode_arguments", "function_schema", "function_summary", "validate"]
