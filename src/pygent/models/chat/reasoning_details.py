"""`ReasoningDetails`: OpenRouter's `reasoning_details`, put together again from the pieces of a stream.

A model that thinks between its tool calls wants them back as they were: in their order, none changed.
https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
"""

from __future__ import annotations

from collections.abc import Mapping

from ...messages import JSON
from ..wire import sound_json, sound_text

_GROWING = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""The kinds that come in pieces, and the field that grows by them; the others come whole."""


class _Detail:
    """One of them as far as it came."""

    def __init__(self, growing: str | None) -> None:
        self._growing = growing
        self._fields: dict[str, JSON] = {}
        self._pieces: list[str] = []

    def goes_on_with(self, fields: Mapping[str, JSON]) -> bool:
        """Whether they can be of the same detail; an id may come late."""
        mine, theirs = self._fields.get("id"), fields.get("id")
        return mine is None or theirs is None or bool(mine == theirs)

    def add(self, fields: Mapping[str, JSON]) -> None:
        for name, value in fields.items():
            if name == self._growing and isinstance(value, str):
                self._pieces.append(value)
                self._fields[name] = ""  # its place; the text is joined at the end
            elif value is not None or name not in self._fields:
                self._fields[name] = value

    def whole(self) -> JSON:
        text = {self._growing: sound_text("".join(self._pieces))} if self._pieces else {}
        return {**self._fields, **text}


class ReasoningDetails:
    """Collects the details of one reply."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._open: dict[tuple[str, str], _Detail] = {}

    def __repr__(self) -> str:
        return f"<ReasoningDetails {len(self._details)}>"

    def add(self, pieces: JSON, *, are_whole: bool = False) -> None:
        """Merge the list of one chunk, or of a reply that was not streamed: its details are whole."""
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, Mapping) and piece:
                self._add(piece, are_whole)

    def whole(self) -> list[JSON]:
        """All of them, in the order in which they began."""
        return sound_json([detail.whole() for detail in self._details]) or []

    def _add(self, piece: Mapping[str, JSON], is_whole: bool) -> None:
        growing = _GROWING.get(str(piece.get("type")))
        place = str(piece.get("type")), str(piece.get("index"))
        known = None if is_whole or growing is None else self._open.get(place)
        is_next = known is not None and ("index" in piece or known is self._details[-1])
        if known is None or not is_next or not known.goes_on_with(piece):
            known = self._open[place] = _Detail(growing)
            self._details.append(known)
        known.add(piece)
