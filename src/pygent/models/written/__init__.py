"""Tool calls that a model wrote as text: their forms, and which of them are taken for calls."""
