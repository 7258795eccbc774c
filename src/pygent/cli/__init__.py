"""The command `pygent`: `main.py` knows its words, `run.py` and `demo/` do the work, the rest shows and asks.

Nothing below imports this package, and nothing here is needed to embed an agent.
"""
