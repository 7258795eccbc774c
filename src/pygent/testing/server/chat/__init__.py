"""What the server says, and accepts, in Chat Completions."""
