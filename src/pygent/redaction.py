"""`Redactor`: puts the name of a known secret in its place, in whole texts and in texts that come in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .settings.values import Secret

MIN_LENGTH = 8
"""A shorter secret is none: it would be found in innocent words."""


class Redactor:
    """Replaces each secret by `[redacted:NAME]`, the longest where several begin at the same place.

    Only the exact text is found: not one that is encoded, as in base64 or a URL, or cut in two by something else. A
    tool that prints such a thing on purpose cannot be held back by looking for words.

    Args:
        secrets: the secrets by name, such as `OPENAI_API_KEY`.
    """

    def __init__(self, secrets: Mapping[str, Secret] | None = None) -> None:
        revealed = ((name, secret.reveal()) for name, secret in (secrets or {}).items())
        names = {text: name for name, text in revealed if len(text) >= MIN_LENGTH}
        self._names = {text: names[text] for text in sorted(names, key=len, reverse=True)}
        self._pattern = re.compile("|".join(map(re.escape, self._names)))
        self._starts = frozenset(text[0] for text in self._names)
        self.longest = max(map(len, self._names), default=0)

    def __repr__(self) -> str:
        return f"<Redactor of {', '.join(self._names.values()) or 'nothing'}>"

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        if not any(secret in text for secret in self._names):  # ten times the speed of the pattern
            return text

        return self._pattern.sub(self._replacement, text)

    def stream(self, listener: Callable[[str], None]) -> RedactedStream:
        """Return what takes a text piece by piece, and passes it on to `listener` without the secrets."""
        return RedactedStream(self, listener)

    def split(self, text: str) -> tuple[str, str]:
        """Return the redacted beginning of a text that goes on, and its end, which may be the start of a secret."""
        done: list[str] = []
        position = 0
        while True:
            held = self._possible_start(text, position)
            match = self._pattern.search(text, position) if self._names else None
            if match is None or match.start() >= held:
                return "".join([*done, text[position:held]]), text[held:]

            done += [text[position : match.start()], self._replacement(match)]
            position = match.end()

    def _possible_start(self, text: str, position: int) -> int:
        """Where the first secret may begin that the text does not hold as a whole; its length if there is none."""
        for start in range(max(position, len(text) - self.longest + 1), len(text)):
            if text[start] in self._starts and any(secret.startswith(text[start:]) for secret in self._names):
                return start

        return len(text)

    def _replacement(self, match: re.Match[str]) -> str:
        return f"[redacted:{self._names[match[0]]}]"


class RedactedStream:
    """Passes a text on as it comes; only what may be the start of a secret waits for what comes next, or `close`."""

    def __init__(self, redactor: Redactor, listener: Callable[[str], None]) -> None:
        self._redactor = redactor
        self._listener = listener
        self._held = ""

    def __call__(self, text: str) -> None:
        """Take the next piece."""
        ready, self._held = self._redactor.split(self._held + text)
        if ready:
            self._listener(ready)

    def close(self) -> None:
        """Pass on what is left: nothing more comes; may be called again."""
        held, self._held = self._redactor(self._held), ""
        if held:
            self._listener(held)
