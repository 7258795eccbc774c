"""What the server says, and accepts, in the Responses API."""
