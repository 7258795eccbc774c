"""The output items of a streamed response as far as they came, however a server names, numbers and repeats them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ...messages import JSON
from ..wire import brief_text
from .output_items import Part, parts_of


class PartialItem:
    """One output item as far as it came.

    Attributes:
        kind: its type: `message`, `reasoning`, `function_call` or another.
        number: how many of its kind came before it.
        index: its place in the output, where known.
        ids: all that it was called by; some servers give it another id in each event.
        fields: what the server said of it besides its texts, and in the end all of it.
        is_done: whether the server has said that this is all of it.
    """

    def __init__(self, kind: str, number: int, index: int | None) -> None:
        self.kind = kind
        self.number = number
        self.index = index
        self.ids: set[str] = set()
        self.fields: Mapping[str, JSON] = {}
        self.is_done = False
        self._pieces: dict[Part, list[str]] = {}
        self._closed: set[Part] = set()

    def __repr__(self) -> str:
        return f"<PartialItem {self.kind} {self.index} {'done' if self.is_done else 'open'}>"

    @property
    def is_named(self) -> bool:
        """Whether it was called by an id; that of a call is none, for texts are led by that of the item."""
        return not self.ids <= {self.fields.get("call_id")}

    def add(self, part: Part, piece: str) -> str:
        """Go on with a part; return what is new, which is nothing once the part is closed."""
        if part in self._closed:
            return ""

        self._pieces.setdefault(part, []).append(piece)
        return piece

    def close(self, part: Part, whole: str) -> str:
        """Take the whole of a part; return what of it is new, if it goes on from what came before."""
        if not whole:  # said of parts whose pieces came, too
            return ""

        self._closed.add(part)
        so_far = "".join(self._pieces.get(part, ()))
        self._pieces[part] = [whole]
        return whole.removeprefix(so_far) if whole.startswith(so_far) else ""

    def end(self, fields: Mapping[str, JSON]) -> Iterator[tuple[Part, str]]:
        """Take the whole item; yield what is new in its parts."""
        known = {name: self.fields[name] for name in ("name", "call_id") if name in self.fields}
        self.fields = {**known, **fields}
        self.is_done = True
        for part, whole in parts_of(fields).items():
            if new := self.close(part, whole):
                yield part, new

    def whole(self) -> dict[str, JSON]:
        """The item as a server would send it; as it did, if that was all of it."""
        fields = {**self.fields, "type": self.kind}
        if not self.is_done:
            fields.pop("encrypted_content", None)  # of what begins, it may be but the begin
        texts = {part: text for part, pieces in self._pieces.items() if (text := "".join(pieces))}
        known = {part: text for part, text in parts_of(self.fields).items() if text}
        if texts == known:
            return fields

        texts = dict(sorted({**known, **texts}.items(), key=lambda item: item[0][1]))
        match self.kind:
            case "message":
                fields["content"] = [_content(kind, text) for (kind, _), text in texts.items()]
            case "reasoning":
                for wanted, name in (("summary", "summary_text"), ("content", "reasoning_text")):
                    fields[wanted] = [
                        {"type": name, "text": text} for (kind, _), text in texts.items() if kind == wanted
                    ]
            case "function_call":
                fields["arguments"] = texts["arguments", 0]
        return fields


class PartialItems:
    """The items of one response; each event is led to its item by id, by place, or by what else it can mean.

    Attributes:
        arrived: the items in the order in which they came up.
    """

    def __init__(self) -> None:
        self.arrived: list[PartialItem] = []
        self._by_id: dict[tuple[str, str], PartialItem] = {}
        self._last: dict[tuple[str, int | None], PartialItem] = {}  # of a kind at a place, and of a kind
        self._counts: Counter[str] = Counter()

    def begin(self, fields: Mapping[str, JSON], index: int | None) -> PartialItem:
        """The item that is said to begin; its texts may have come before."""
        kind, ids = fields["type"], _ids(fields)
        item = self._named(kind, ids)
        if item is None:
            last = self._last.get((kind, index))
            item = last if last is not None and not last.fields else self._new(kind, index)
        if not item.is_done:
            item.fields = dict(fields)
        return self._name(item, ids)

    def end(self, fields: Mapping[str, JSON], index: int | None) -> PartialItem:
        """The item that is said to be all there; it may be said twice, or for the first time."""
        kind, ids = fields["type"], _ids(fields)
        item = self._named(kind, ids)
        if item is None:
            last = self._last.get((kind, index))
            is_it = last is not None and (not last.is_done or last.fields == fields)
            item = last if last is not None and is_it else self._new(kind, index)
        return self._name(item, ids)

    def find(self, kind: str, index: int | None, item_id: str) -> PartialItem:
        """The item that a piece of text belongs to."""
        ids = {item_id} - {""}
        item = self._named(kind, ids)
        if item is None:
            last = self._last.get((kind, index))
            if last is not None and index is None and (last.is_done or (item_id and last.is_named)):
                last = None  # it would have been called by its id
            item = last or self._new(kind, index)
        return self._name(item, ids)

    def adopt(self, output: Sequence[Mapping[str, JSON]]) -> list[PartialItem]:
        """Take the server's word for which items there are, and return the item for each."""
        before, self.arrived = self.in_order(), []
        taken: set[PartialItem] = set()
        for position, fields in enumerate(output):
            kind = brief_text(fields.get("type"))
            there = before[position] if position < len(before) and before[position].kind == kind else None
            item = self._named(kind, _ids(fields)) or there
            if item is None or item in taken:
                item = self._new(kind, position)
            else:
                item.index = position
                self.arrived.append(item)
            taken.add(item)
        return self.arrived

    def in_order(self) -> list[PartialItem]:
        """The items in the order of the output, or, unless all are numbered, of their arrival."""
        if any(item.index is None for item in self.arrived):
            return list(self.arrived)

        return sorted(self.arrived, key=lambda item: item.index or 0)

    def _named(self, kind: str, ids: set[str]) -> PartialItem | None:
        return next((item for name in ids if (item := self._by_id.get((kind, name)))), None)

    def _name(self, item: PartialItem, ids: set[str]) -> PartialItem:
        item.ids |= ids
        for name in ids:
            self._by_id.setdefault((item.kind, name), item)
        return item

    def _new(self, kind: str, index: int | None) -> PartialItem:
        item = PartialItem(kind, self._counts[kind], index)
        self._counts[kind] += 1
        self._last[kind, index] = self._last[kind, None] = item
        self.arrived.append(item)
        return item


def _ids(fields: Mapping[str, JSON]) -> set[str]:
    return {value for name in ("id", "call_id") if isinstance(value := fields.get(name), str) and value}


def _content(kind: str, text: str) -> JSON:
    """A part of a message."""
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}

    return {"type": "output_text", "text": text, "annotations": []}
