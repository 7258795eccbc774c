"""A loopback server that speaks just enough Chat Completions to give scripted replies to a program under test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pygent import Message
from pygent.testing.server import problem_of
from pygent.testing.server.inspector import Inspector


class CompletionsServer(ThreadingHTTPServer):
    """Answers each POST with the next reply, as a stream if that was asked for.

    Attributes:
        requests: the decoded bodies that came.
        refused: what the strictest server would have said against them.
        base_url: what to set OPENAI_BASE_URL to.
    """

    daemon_threads = True

    def __init__(self, replies: Sequence[Message]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.inspector = Inspector()
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: CompletionsServer

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if problem := self.server.inspector.problem_of(headers, content, problem_of):
            self.server.refused.append(problem)
            self._send(400, "application/json", json.dumps({"error": {"message": problem, "code": "strict"}}).encode())
            return

        request = json.loads(content)
        self.server.requests.append(request)
        if not self.server.replies:
            self._send(500, "application/json", b'{"error": {"message": "the script is at its end"}}')
            return

        message = self.server.replies.pop(0).to_dict()
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        if not request.get("stream"):
            body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
            self._send(200, "application/json", json.dumps(body).encode())
            return

        for number, call in enumerate(message.get("tool_calls", ())):
            call["index"] = number
        chunks = [
            {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": usage},
        ]
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def completions_server(*replies: Message) -> Iterator[CompletionsServer]:
    """Serve the replies from a thread until the block is left; no request may break the protocol."""
    with CompletionsServer(replies) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
        assert server.refused == []
