"""The promises of a runtime, each a function that tries it: `runtime_checks.py` makes checks of them."""
