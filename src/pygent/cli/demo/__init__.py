"""`pygent demo`: the real agent on a small project, with a model whose replies were recorded."""
