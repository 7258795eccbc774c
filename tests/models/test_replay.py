"""`ReplayModel`: a cassette plays what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.errors import ModelError, SettingsError
from pygent.events import Event, ReasoningDelta, TextDelta, ToolCallDelta
from pygent.messages import Message, ToolCall, ToolCallFunction, Usage
from pygent.models import ReplayModel, ask

HEADER = '{"pygent_cassette": 1, "provenance": "written by hand"}'
CALL = ToolCall(id="a", function=ToolCallFunction(name="bash", arguments='{"cmd": "ls"}'))
REPLIES = [
    Message(role="assistant", content="Hello  there,\nfriend \u2028!", reasoning="hm, yes", finish_reason="stop"),
    Message(role="assistant", content=None, tool_calls=(CALL, CALL), usage=Usage(total_tokens=7)),
    Message.assistant("bye"),
]


class Scripted:
    """Says what it is told to, once each."""

    def __init__(self, replies: list[Message]) -> None:
        self.replies = list(replies)

    def chat(self, messages: object, model: str, tools: object) -> Message:
        if not self.replies:
            raise ModelError("no more")

        return self.replies.pop(0)


async def replay(model: object, count: int) -> list[Message]:
    return [await ask(model, [Message.user("hi")], "m", []) for _ in range(count)]


async def test_what_was_recorded_is_played(tmp_path: Path) -> None:
    """Whole messages, in their order; a recording may be gone on with."""
    path = tmp_path / "tape.jsonl"
    recorded = await replay(ReplayModel.record(Scripted(REPLIES[:2]), path, provenance="a test"), 2)
    recorded += await replay(ReplayModel.record(Scripted(REPLIES[2:]), path), 1)
    player = ReplayModel(path)

    assert recorded == REPLIES
    assert await replay(player, 3) == REPLIES
    assert player.provenance == "a test"


@given(text=st.text(), reasoning=st.text(min_size=1))
async def test_any_text_is_played_to_the_letter(text: str, reasoning: str) -> None:
    """The deltas add up to what the message says."""
    line = json.dumps({"role": "assistant", "content": text, "reasoning": reasoning})
    events: list[Event] = []
    reply = await ReplayModel([HEADER, line]).chat([], "m", [], emit=events.append)

    assert (reply.content, reply.reasoning) == (text, reasoning)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == reasoning


async def test_it_is_played_as_a_stream_would_come() -> None:
    """Thoughts first, then words, then calls."""
    reply = Message(role="assistant", content="two words", reasoning="hm", tool_calls=(CALL,))
    events: list[Event] = []
    await ReplayModel([HEADER, json.dumps(reply.to_dict() | {"reasoning": "hm"})]).chat([], "m", [], emit=events.append)

    assert events == [
        ReasoningDelta(text="hm"),
        TextDelta(text="two "),
        TextDelta(text="words"),
        ToolCallDelta(index=0, name="bash", arguments='{"cmd": "ls"}'),
    ]


async def test_at_its_end_it_says_how_much_there_was() -> None:
    """A conversation that goes on longer than the recorded one is no accident to hide."""
    model = ReplayModel([HEADER, '{"role": "assistant", "content": "x"}'])
    await replay(model, 1)

    with pytest.raises(ModelError, match="holds 1 replies"):
        await replay(model, 1)
    assert repr(model) == "<ReplayModel the cassette 1/1>"


BAD = {
    "empty": ("", "line 1"),
    "no header": ('{"role": "assistant", "content": "x"}', "line 1"),
    "no JSON": ("hello", "line 1"),
    "from the future": ('{"pygent_cassette": 2}', "format 2"),
    "a bad reply": (f'{HEADER}\n\n{{"role": "assistant"}}\n{{"role": "nobody"}}', "line 4"),
    "a torn line": (f'{HEADER}\n{{"role": "assi', "line 2"),
}


@pytest.mark.parametrize(("text", "where"), BAD.values(), ids=BAD)
async def test_a_bad_cassette_is_named_with_its_line(text: str, where: str, tmp_path: Path) -> None:
    """The error comes at the first use, and at once when lines were given."""
    path = tmp_path / "tape.jsonl"
    path.write_text(text)

    with pytest.raises(SettingsError, match=where) as caught:
        await replay(ReplayModel(path), 1)
    assert str(path) in str(caught.value)

    with pytest.raises(SettingsError, match=where):
        ReplayModel(text.split("\n"))


async def test_a_missing_cassette_is_named(tmp_path: Path) -> None:
    """Making the model reads nothing yet."""
    model = ReplayModel(tmp_path / "none.jsonl")
    assert "unread" in repr(model)

    with pytest.raises(SettingsError, match=r"none\.jsonl"):
        await model.load()


async def test_nothing_else_is_recorded_over(tmp_path: Path) -> None:
    """A file that is no cassette stays as it is, and the model is not asked in vain."""
    path, model = tmp_path / "README.md", Scripted(REPLIES)
    path.write_text("# Read me\n")
    for place in (path, tmp_path / "no" / "folder"):
        with pytest.raises(SettingsError):
            await replay(ReplayModel.record(model, place), 1)

    assert path.read_text() == "# Read me\n"
    assert model.replies == REPLIES


async def test_what_fails_is_not_recorded(tmp_path: Path) -> None:
    """The cassette holds replies only, and the failure is the caller's to see."""
    path = tmp_path / "tape.jsonl"
    with pytest.raises(ModelError, match="no more"):
        await replay(ReplayModel.record(Scripted([]), path), 1)

    assert len(path.read_text().splitlines()) == 1


async def test_recording_passes_on_what_is_seen(tmp_path: Path) -> None:
    """Who watches a model that is recorded sees what they would see without."""
    events: list[Event] = []
    inner = ReplayModel([HEADER, '{"role": "assistant", "content": "two words"}'])
    await ReplayModel.record(inner, tmp_path / "tape.jsonl").chat([], "m", [], emit=events.append)

    assert events == [TextDelta(text="two "), TextDelta(text="words")]
