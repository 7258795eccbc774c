"""Thoughts inside the content: told apart however the text is cut, and quotations left alone."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pygent.events import Event, ReasoningDelta, StreamRestarted, TextDelta
from pygent.models.thinking import ThinkingSplitter


def split(text: str, *cuts: int, calls_follow: bool = False) -> tuple[str, str, list[Event]]:
    """What was thought and said, and the events, of a text cut at these places."""
    splitter, events = ThinkingSplitter(), []
    for start, end in pairwise([0, *sorted(cuts), len(text)]):
        events += splitter.feed(text[start:end])
    before = splitter.result(calls_follow=calls_follow)
    events += splitter.end(calls_follow=calls_follow)

    assert splitter.result(calls_follow=calls_follow) == before
    return *before, events


def seen(events: list[Event]) -> tuple[str, str]:
    """What a viewer has of it at the end: thoughts and words."""
    thought = said = ""
    for event in events:
        match event:
            case ReasoningDelta(text=text):
                thought += text
            case TextDelta(text=text):
                said += text
            case StreamRestarted():
                thought = said = ""
    return thought, said


SPLITS = {
    "plain": ("Hello", "", "Hello"),
    "empty": ("", "", ""),
    "blank": (" \n", "", " \n"),
    "blank-first": ("\n Hello\n", "", "\n Hello\n"),
    "think": ("<think>hm</think>Hello", "hm", "Hello"),
    "blanks-around": ("\n<think>\n\n hm \n</think>\n\nHello\n", "hm", "Hello\n"),
    "thinking": ("<thinking>hm</thinking> Hello", "hm", "Hello"),
    "thought": ("<thought>hm</thought>Hello", "hm", "Hello"),
    "mistral": ("[THINK]hm[/THINK]Hello", "hm", "Hello"),
    "no-thought": ("<think>\n\n</think>\n\nHello", "", "Hello"),
    "twice": ("<think>a</think>\n<think>b</think>Hello", "a\n\nb", "Hello"),
    "other-tags-inside": (
        "<think>a <thinking> b < c </thinking></think>Hello",
        "a <thinking> b < c </thinking>",
        "Hello",
    ),
    "never-closed": ("<think>hm, well", "hm, well", ""),
    "half-closed": ("<think>hm </thi", "hm </thi", ""),
    "only-opened": ("<think>\n", "", ""),
    "only-a-thought": ("<think>hm</think>\n", "hm", ""),
    "half-opened": ("<thi", "", "<thi"),
    "other-tag": ("<thorough>a</thorough>", "", "<thorough>a</thorough>"),
    "later": ("Hello <think>hm</think>", "", "Hello <think>hm</think>"),
    "line-breaks-in-words": ("a\n\nb\n", "", "a\n\nb\n"),
    "tag-in-words": ("<think>hm</think>a\n</think>\nb", "hm", "a\n</think>\nb"),
    "orphan": ("well, so\n</think>\n\nHello", "well, so", "Hello"),
    "orphan-after-many-lines": ("\na\n\nb < c\n\t</think> \r\nHello\n", "a\n\nb < c", "Hello\n"),
    "orphan-of-thinking": ("hm\n</thinking>\nHello", "hm", "Hello"),
    "orphan-at-once": ("</think>\n\nHello", "", "Hello"),
    "orphan-behind-a-closed-fence": ("```\nls\n```\n</think>\nHello", "```\nls\n```", "Hello"),
    "orphan-twice": ("a\n</think>\nb\n</think>\nc", "a", "b\n</think>\nc"),
    "orphan-with-nothing-behind-it": ("Hello\n</think>\n", "", "Hello\n"),
    "quoted-in-a-sentence": (
        "The tag </think> ends it.\nSo </think>\n",
        "",
        "The tag </think> ends it.\nSo </think>\n",
    ),
    "quoted-at-the-start-of-a-line": ("a\n</think> ends it.\nb", "", "a\n</think> ends it.\nb"),
    "quoted-in-a-fence": ("So:\n```xml\n<think>\n</think>\n```\nb", "", "So:\n```xml\n<think>\n</think>\n```\nb"),
    "quoted-in-a-list": ("- <think>\n- </think>\nb", "", "- <think>\n- </think>\nb"),
    "almost": ("a\n</thin\n", "", "a\n</thin\n"),
}


@pytest.mark.parametrize(("text", "thought", "said"), SPLITS.values(), ids=SPLITS)
def test_every_cut_gives_the_same(text: str, thought: str, said: str) -> None:
    """Thoughts and words are told apart the same way, whole or cut at any place, or everywhere."""
    for cuts in [(), *((cut,) for cut in range(len(text) + 1)), tuple(range(len(text)))]:
        *result, events = split(text, *cuts)

        assert result == [thought, said]
        assert seen(events) == (thought, said)


@pytest.mark.parametrize("text", [text for text, thought, _ in SPLITS.values() if "</think>" in text and thought])
def test_the_tag_is_never_shown(text: str) -> None:
    """What a viewer reads holds no tag that belongs to a thought, not for a moment."""
    *_, events = split(text, *range(len(text)))
    shown = "".join(event.text for event in events if isinstance(event, TextDelta)).partition("Hello")[0]

    assert "think>" not in shown or text.count("</think>") > 1


PIECES = [
    "<think>",
    "</think>",
    "\n</think>\n",
    "\n",
    " ",
    "```\n",
    "a",
    "<",
    "</",
    "think",
    ">",
    "</thinking>",
    "🌍",
    "\ud83c",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data(), st.booleans())
@example(["a", "\n</think>\n", "</think>", "a"], None, False)
def test_any_text_is_split_the_same_however_it_is_cut(
    pieces: list[str], data: st.DataObject | None, calls: bool
) -> None:
    """What is held back comes out in the end, and the events add up to the result."""
    text = "".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8)) if data is not None else range(len(text))
    *whole, events_of_whole = split(text, calls_follow=calls)
    *cut, events_of_cut = split(text, *cuts, calls_follow=calls)

    assert cut == whole
    if "\ud83c" not in text:
        assert seen(events_of_whole) == seen(events_of_cut) == tuple(whole)


@given(st.text(alphabet=st.characters(exclude_characters="<[", exclude_categories=["Cs"])))
def test_words_without_tags_come_through_untouched(text: str) -> None:
    """A reply of a model that does not think is what it was, to the last blank."""
    assert split(text)[:2] == ("", text)


def test_an_orphan_takes_back_what_was_shown() -> None:
    """The text so far is void, and comes again as one thought."""
    splitter = ThinkingSplitter()

    assert splitter.feed("well") == [TextDelta(text="well")]
    assert splitter.feed(", so\n</think>") == [TextDelta(text=", so\n")]
    assert splitter.feed("\n\n") == []
    assert splitter.feed("Hel") == [
        StreamRestarted(reason="what came so far was thinking"),
        ReasoningDelta(text="well, so"),
        TextDelta(text="Hel"),
    ]
    assert splitter.feed("lo\n</think>\n") == [TextDelta(text="lo\n</think>\n")]


def test_of_a_whole_body_nothing_need_be_taken_back() -> None:
    """What nobody saw need not be forgotten."""
    assert ThinkingSplitter().feed("hm\n</think>\nHello") == [ReasoningDelta(text="hm"), TextDelta(text="Hello")]


def test_tool_calls_behind_an_orphan_make_it_a_thought() -> None:
    """The model thought, and then it called: nothing was said."""
    thought, said, events = split("I list the files.\n</think>\n\n", 6, calls_follow=True)

    assert (thought, said) == ("I list the files.", "")
    assert seen(events) == ("I list the files.", "")


def test_where_the_server_tells_thoughts_apart_a_lone_tag_is_a_quotation() -> None:
    """Such a server would have taken the thought out."""
    splitter = ThinkingSplitter()
    splitter.think("hm")
    splitter.feed("a\n</think>\nb")

    assert splitter.result(calls_follow=False) == ("hm", "a\n</think>\nb")


def test_the_state_can_be_seen() -> None:
    """A repr says where it is, and what it holds back."""
    splitter = ThinkingSplitter()
    assert repr(splitter) == "<ThinkingSplitter at start held=''>"

    splitter.feed("<think>a</th")
    assert repr(splitter) == "<ThinkingSplitter thinking held='</th'>"

    splitter.feed("ink>Hello")
    assert repr(splitter) == "<ThinkingSplitter saying held=''>"


FLOODS = {
    "at the start": "",
    "in a thought": "<think>hm",
    "behind a thought": "<think>hm</think>",
    "on a line of words": "hm\n",
    "behind a lone tag": "hm\n</think>",
    "behind a quoted tag": "```\n</think>",
}


@pytest.mark.parametrize("blank", [" ", "\n"], ids=["spaces", "lines"])
@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS)
def test_held_blanks_are_read_once(text: str, blank: str) -> None:
    """Sixteen times the blanks take about sixteen times as long; each copied again and again, 256 times."""

    def seconds(blanks: int) -> float:
        splitter = ThinkingSplitter()
        splitter.feed(text)
        start = process_time()
        for _ in range(blanks):
            splitter.feed(blank)
        return process_time() - start

    assert min(seconds(64_000) for _ in range(2)) < 48 * min(seconds(4_000) for _ in range(5))


@pytest.mark.parametrize(
    "unit", ["<think>a</think>", "<think></think>", "<think> ", "a\n</think>\n", "```\n</think>\n"]
)
def test_a_whole_text_is_read_once(unit: str) -> None:
    """Eight times the text is about eight times the work, however many thoughts it holds."""

    def seconds(size: int) -> float:
        splitter = ThinkingSplitter()
        start = process_time()
        splitter.feed(unit * (size // len(unit)))
        splitter.end(calls_follow=False)
        return process_time() - start

    assert seconds(64_000) < 1
    assert min(seconds(1_600_000) for _ in range(2)) < 24 * min(seconds(200_000) for _ in range(3)) + 0.01


def test_words_behind_lone_tags_are_read_once() -> None:
    """The text before is looked at when it is decided what such a tag means, and not for each of them."""

    def seconds(tags: int) -> float:
        splitter = ThinkingSplitter()
        start = process_time()
        for _ in range(tags):
            splitter.feed(" ends it.\n</think>")
        return process_time() - start

    assert min(seconds(32_000) for _ in range(2)) < 48 * min(seconds(2_000) for _ in range(5))
