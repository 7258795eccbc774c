"""`ThinkingSplitter`: tells what a model thinks from what it says, where it writes both into one text.

Many models think inside `<think>…</think>` at the start of their content, and not every server takes that out. Some
templates write the opening tag themselves, so that only the closing one comes, alone on its line.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from ..events import Event, ReasoningDelta, StreamRestarted, TextDelta
from .wire import sound_text

_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # Gemini
    "[THINK]": "[/THINK]",  # Mistral
}
_TAG_ROOM = max(map(len, _TAGS)) + 1
_CLOSING_TAGS = tuple(tag for tag in _TAGS.values() if tag.startswith("<"))
_LONE_CLOSING = re.compile(rf"^[ \t]*(?:{'|'.join(_CLOSING_TAGS)})[ \t\r]*$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)

_BLANKS = re.compile(r"\s*")
_BLANKS_OF_A_LINE = re.compile(r"[ \t]*")
_BLANKS_AFTER_A_LINE = re.compile(r"[ \t\r\n]*")
_NOTHING = re.compile("")


class ThinkingSplitter:
    """Splits a content that comes in pieces; wherever it is cut, it comes to the same.

    - A thought is what stands in tags at the very start; the blanks around it belong to nobody.
    - A thought that is never closed leaves nothing that was said: half a thought is no answer.
    - When a closing tag comes alone on its line without an opening one, and more of the reply after it, all before it
      was a thought: viewers are told to forget it as text, and get it as one thought. Within a sentence, inside a code
      fence, or where the server tells thoughts apart itself, such a tag is a quotation. With nothing behind it, only
      the tag is left out.
    """

    def __init__(self) -> None:
        self._said: list[str] = []
        self._thought: list[str] = []
        self._held = ""  # what may turn out to be a tag, and the blanks before it
        self._held_blanks: list[str] = []  # that came behind it, and decide nothing
        self._waits_through = _NOTHING  # which blanks these are
        self._at_start = True  # nothing was said yet
        self._closing = ""  # the tag that ends the thought; empty outside of one
        self._thought_is_blank = False  # up to now
        self._has_tags = False
        self._may_lack_opening = True
        self._at_line_start = True  # what comes next begins a line

    def __repr__(self) -> str:
        state = "thinking" if self._closing else "at start" if self._at_start else "saying"
        return f"<ThinkingSplitter {state} held={self._whole_held()!r}>"

    def feed(self, text: str) -> list[Event]:
        """Take a piece of the content, and return what viewers should see of it."""
        return [self._record(event) for event in self._split(text)]

    def think(self, text: str) -> list[Event]:
        """Take a piece of a thought that the server itself tells apart."""
        self._may_lack_opening = False
        return [self._record(ReasoningDelta(text=text))]

    def end(self, *, calls_follow: bool) -> list[Event]:
        """Take note that the content is at its end, with or without tool calls, and show what was held back."""
        events = [self._record(event) for event in self._ending(calls_follow)]
        self._take_held()
        return events

    def result(self, *, calls_follow: bool) -> tuple[str, str]:
        """What was thought, and what was said, if this is the end."""
        thought, said = list(self._thought), list(self._said)
        for event in self._ending(calls_follow):
            _apply(event, thought, said)
        return sound_text("".join(thought)), sound_text("".join(said))

    def _record(self, event: Event) -> Event:
        """Keep what an event tells, halves of characters and all, and make it fit to be shown."""
        _apply(event, self._thought, self._said)
        match event:
            case TextDelta(text=text):
                return TextDelta(text=sound_text(text))
            case ReasoningDelta(text=text):
                return ReasoningDelta(text=sound_text(text))
        return event

    def _split(self, text: str) -> Iterator[Event]:
        if self._held and self._waits_through.fullmatch(text):  # joined only when they end: a model may write thousands
            self._held_blanks.append(text)
            return

        text, start = self._take_held() + text, 0
        while start < len(text) and (self._closing or self._at_start):
            start = (yield from self._think(text, start)) if self._closing else self._begin(text, start)
        if start < len(text):
            yield from self._say(text[start:])

    def _hold(self, text: str, waits_through: re.Pattern[str]) -> None:
        """Hold a text until something comes that decides what it is, which these blanks do not."""
        self._held, self._waits_through = text, waits_through

    def _whole_held(self) -> str:
        return self._held + "".join(self._held_blanks)

    def _take_held(self) -> str:
        held = self._whole_held()
        self._held, self._held_blanks = "", []
        return held

    def _begin(self, text: str, start: int) -> int:
        """At the start: take a tag away, or hold what may become one; return where the rest begins."""
        word = _behind_blanks(text, start)
        opening = next((tag for tag in _TAGS if text.startswith(tag, word)), None)
        if opening is not None:
            self._closing, self._thought_is_blank = _TAGS[opening], True
            self._has_tags, self._may_lack_opening = True, False
            return word + len(opening)

        if any(tag.startswith(text[word : word + _TAG_ROOM]) for tag in _TAGS):
            self._hold(text[start:], _NOTHING if word < len(text) else _BLANKS)
            return len(text)

        self._at_start = False
        return word if self._has_tags else start

    def _think(self, text: str, start: int) -> Generator[Event, None, int]:
        """Within a thought: show it, and return where what comes behind it begins."""
        end = text.find(self._closing, start)
        is_closed = end >= 0
        thought = text[start:end] if is_closed else text[start:]
        rest = end + len(self._closing) if is_closed else len(text)
        held = 0 if is_closed else _overlap(thought, self._closing)
        shown = thought[: len(thought) - held].rstrip()
        if not is_closed:
            self._hold(thought[len(shown) :], _NOTHING if held else _BLANKS)
        if self._thought_is_blank and (shown := shown.lstrip()):
            self._thought_is_blank = False
            shown = f"\n\n{shown}" if self._thought else shown
        if shown:
            yield ReasoningDelta(text=shown)
        if is_closed:
            self._closing = ""
        return rest

    def _say(self, text: str) -> Iterator[Event]:
        """After the start: show words, but for a last line that may be a closing tag without an opening one."""
        first_line = 0 if self._at_line_start else text.find("\n") + 1 or len(text)
        lone = _LONE_CLOSING.search(text, first_line) if self._may_lack_opening else None
        if lone is not None and (after := text[lone.end() :].lstrip()):
            self._may_lack_opening = False
            before = "".join(self._said) + text[: lone.start()]
            if not _ends_in_fence(before):
                yield from self._turn_into_thought(before)
                text = after

        if self._may_lack_opening:
            last_line = lone.start() if lone else max(text.rfind("\n") + 1, first_line)
            word = text[last_line:].lstrip(" \t")
            if lone:
                self._hold(text[last_line:], _BLANKS_AFTER_A_LINE)
            elif any(tag.startswith(word) for tag in _CLOSING_TAGS):
                self._hold(text[last_line:], _NOTHING if word else _BLANKS_OF_A_LINE)
            text = text[: len(text) - len(self._held)]
            self._at_line_start = bool(self._held) or text.endswith("\n")
        if text:
            yield TextDelta(text=text)

    def _ending(self, calls_follow: bool) -> Iterator[Event]:
        """What is held, if nothing comes behind it."""
        held = self._whole_held()
        if self._closing:
            if held.strip() and not self._thought_is_blank:
                yield ReasoningDelta(text=held)
        elif self._may_lack_opening and _LONE_CLOSING.match(held) and not _ends_in_fence(said := "".join(self._said)):
            if calls_follow:
                yield from self._turn_into_thought(said)
        elif held := held.lstrip() if self._has_tags else held:
            yield TextDelta(text=held)

    def _turn_into_thought(self, text: str) -> Iterator[Event]:
        """The text so far was a thought, which its template had opened."""
        if self._said:
            yield StreamRestarted(reason="what came so far was thinking")
        if thought := text.strip():
            yield ReasoningDelta(text=thought)


def _apply(event: Event, thought: list[str], said: list[str]) -> None:
    match event:
        case ReasoningDelta(text=text):
            thought.append(text)
        case TextDelta(text=text):
            said.append(text)
        case StreamRestarted():
            said.clear()


def _ends_in_fence(text: str) -> bool:
    """Whether what comes behind the text is inside a block of code."""
    return len(_FENCE.findall(text)) % 2 == 1


def _behind_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of the text may be the begin of the tag."""
    return next((size for size in range(len(tag) - 1, 0, -1) if text.endswith(tag[:size])), 0)
