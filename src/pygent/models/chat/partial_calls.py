"""The pieces of tool calls that a stream brings, routed to their calls, however a server numbers and repeats them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...events import ToolCallDelta
from ...messages import JSON, ToolCall
from ...replies import with_own_ids
from ..wire import arguments_text, brief_text, parse_index, sound_json, sound_text, tool_call

_QUOTE_OR_BRACKET = re.compile(r"""\\. | ["{}\[\]]""", re.DOTALL | re.VERBOSE)


class _PartialCall:
    """One tool call as far as it came."""

    def __init__(self, number: int, index: int | None) -> None:
        self.number = number
        self.index = index  # at which it began
        self.id = ""
        self.name = ""
        self.pieces: list[str] = []  # of the arguments
        self.extra_content: JSON = None
        self._closing = _Closing()

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a whole object already, valid or not: nothing that follows could mend it."""
        return self._closing.came_in(self.pieces)

    @property
    def is_ghost(self) -> bool:
        """Whether nothing was ever said of it but that it is there."""
        return not (self.id or self.name or self.pieces)

    def whole(self) -> ToolCall:
        """The call, if this is all of it."""
        return tool_call(self.name, self.arguments, call_id=self.id, extra_content=sound_json(self.extra_content))


class _Closing:
    """Looks in the pieces of a JSON text for the bracket that closes it; reads each only once."""

    def __init__(self) -> None:
        self._read = 0  # so many pieces
        self._depth = 0
        self._in_string = False
        self._cut = ""  # a backslash at the end of a piece
        self._came = False

    def came_in(self, pieces: Sequence[str]) -> bool:
        """Whether it came in these, which go on from those before."""
        while not self._came and self._read < len(pieces):
            self._came = self._comes_in(self._cut + pieces[self._read])
            self._read += 1
        return self._came

    def _comes_in(self, text: str) -> bool:
        end = 0
        for match in _QUOTE_OR_BRACKET.finditer(text):
            found, end = match[0], match.end()
            if found == '"':
                self._in_string = not self._in_string
            elif not self._in_string and found in "{[":
                self._depth += 1
            elif not self._in_string and found in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return True
        self._cut = "\\" if text.endswith("\\") and end < len(text) else ""
        return False


class PartialCalls:
    """Routes the pieces of tool calls to their calls, for servers that number them and for those that do not."""

    def __init__(self) -> None:
        self.calls: list[_PartialCall] = []
        self._by_id: dict[str, _PartialCall] = {}
        self._by_index: dict[int, _PartialCall] = {}

    def add(self, piece: Mapping[str, JSON], *, is_first: bool = True) -> ToolCallDelta:
        """Merge one piece; `is_first` in the list of its chunk."""
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        call_id, index = brief_text(piece.get("id")), parse_index(piece.get("index"))
        name, arguments = brief_text(function.get("name")), arguments_text(function.get("arguments"))
        call = self._find(call_id, index, name, arguments, is_first)
        if call is None:
            call = _PartialCall(len(self.calls), index)
            self.calls.append(call)
        if call_id:
            call.id = call.id or call_id
            self._by_id.setdefault(call_id, call)
        if index is not None:
            self._by_index[index] = call
        if name and (not call.name or (name != call.name and not call.pieces and not call_id)):
            call.name += name  # some servers stream the name, too; others repeat it
        if arguments:
            call.pieces.append(arguments)
        if piece.get("extra_content") is not None:
            call.extra_content = _united(call.extra_content, piece["extra_content"])
        return ToolCallDelta(index=call.number, name=call.name, arguments=sound_text(arguments))

    def finished(self) -> tuple[ToolCall, ...]:
        """The calls, each with an id of its own."""
        return with_own_ids([call.whole() for call in self.calls if not call.is_ghost])

    def _find(self, call_id: str, index: int | None, name: str, arguments: str, is_first: bool) -> _PartialCall | None:
        """The call that a piece goes on with; None: it begins a new one."""
        numbered = self._by_index.get(index) if index is not None else None
        if not call_id and index is not None:
            return numbered

        if not call_id:
            last = self.calls[-1] if self.calls else None
            begins = last is None or (name and (last.is_whole or not is_first))
            return None if begins else last

        if numbered is not None and (numbered.id == call_id or not (numbered.id or name)):  # the id may come late
            return numbered

        known = self._by_id.get(call_id)
        if known is None or not name:
            return known

        # A name under a known id: the server repeats itself, or it gave one id to two calls.
        is_other = index is not None and (index != known.index or known.name not in ("", name))
        is_next = bool(arguments.strip()) and known.is_whole
        return None if is_other or is_next else known


def _united(known: JSON, more: JSON) -> JSON:
    """Two objects as one; of anything else the later."""
    return {**known, **more} if isinstance(known, Mapping) and isinstance(more, Mapping) else more
