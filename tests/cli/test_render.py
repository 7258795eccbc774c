"""What a person sees of a run, drawn without a terminal: plain lines, no control codes, nothing twice."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent import (
    CommandResult,
    EventsDropped,
    Message,
    MessageAdded,
    RetryScheduled,
    StepStarted,
    StreamRestarted,
    TextDelta,
    ToolCallsRescued,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
    Usage,
)
from pygent.cli.console import open_console
from pygent.cli.render import Progress
from pygent.testing import tool_call


def drawn(*events, **options) -> str:
    file = io.StringIO()
    progress = Progress(open_console(file), hidden=("stop",), **options)
    for event in events:
        progress.draw(event)
    progress.close()
    return file.getvalue()


def reply(text, *tools) -> list:
    return [
        *(TextDelta(text=f"{word} ") for word in text.split()),
        MessageAdded(message=Message.assistant(text, tool_calls=tools)),
    ]


def end(answer: str, reason: str = "reply") -> TurnFinished:
    usage = Usage(total_tokens=1234)
    return TurnFinished(reason=reason, answer=answer, steps=2, usage=usage, duration=3.21)


LS = tool_call("bash", cmd="ls", id="1")
READ = tool_call("read_file", path="a.py", id="2")
STOP = tool_call("stop", summary="done", id="3")

RUN = [
    StepStarted(number=1),
    *reply("I look.", LS, READ),
    ToolStarted(call=LS),
    ToolOutputDelta(call_id="1", text="a.py\n"),
    ToolFinished(
        call_id="1", name="bash", output=CommandResult(output="a.py\n", exit_code=0).render("ls"), duration=0.1
    ),
    ToolStarted(call=READ),
    ToolFinished(call_id="2", name="read_file", output="1\tx\n2\ty\n"),
    StepStarted(number=2),
    *reply("It is fine."),
    end("It is fine."),
]

STORY = """
I look.

● $ ls
  │ a.py
  └ ok in 0.1 s

● read_file a.py  2 lines
{answer}
2 steps · 1,234 tokens · 3.2 s
"""


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_tells_a_run_without_its_answer() -> None:
    """Words on the way, commands with output, files by name, and the costs; the answer is printed by others."""
    assert lines_of(drawn(*RUN)) == lines_of(STORY.format(answer=""))


def test_tells_a_run_with_its_answer() -> None:
    """Where one terminal shows it all, the answer stands in its place, once."""
    assert lines_of(drawn(*RUN, shows_answer=True)) == lines_of(STORY.format(answer="\nIt is fine.\n"))


@pytest.mark.parametrize("shows_answer", [True, False])
def test_what_a_final_tool_said_is_the_answer(shows_answer: bool) -> None:
    """A call of stop is not shown as work; what it said is shown like any answer."""
    events = [
        StepStarted(number=1),
        *reply("", STOP),
        ToolStarted(call=STOP),
        ToolFinished(call_id="3", name="stop", output="done"),
        end("done", "stop"),
    ]

    assert drawn(*events, shows_answer=shows_answer).count("done") == shows_answer
    assert "stop" not in drawn(*events)


def test_words_before_a_final_tool_are_not_lost() -> None:
    """Words that are not the answer are shown, whichever tool follows them."""
    events = [*reply("Almost.", STOP), ToolStarted(call=STOP), end("done", "stop")]

    assert "Almost." in drawn(*events)


def test_model_that_does_not_stream_is_shown_as_well() -> None:
    """Words that come at once are shown at once."""
    events = [StepStarted(number=1), MessageAdded(message=Message.assistant("Hello.")), end("Hello.")]

    assert drawn(*events, shows_answer=True).count("Hello.") == 1


def test_restarted_reply_is_told_from_the_broken_one() -> None:
    """A reply that broke off stays on the terminal, so it is said that it does not count."""
    events = [
        StepStarted(number=1),
        TextDelta(text="It is br"),
        StreamRestarted(reason="connection reset"),
        RetryScheduled(attempt=1, delay=0.5, reason="connection reset"),
        *reply("It is whole."),
        end("It is whole."),
    ]

    assert lines_of(drawn(*events, shows_answer=True))[1:5] == [
        "It is br",
        "  connection reset; starting over",
        "  connection reset; trying again in 0.5 s",
        "",
    ]


@pytest.mark.parametrize("shows_answer", [True, False])
def test_call_written_as_text_is_explained_where_it_was_seen(shows_answer: bool) -> None:
    """A model that writes its tool call as text leaves it on the terminal; elsewhere only the call is shown."""
    events = [
        StepStarted(number=1),
        TextDelta(text='{"name": "bash"} '),
        ToolCallsRescued(names=("bash",)),
        MessageAdded(message=Message.assistant(tool_calls=[LS])),
        ToolStarted(call=LS),
    ]

    shown = drawn(*events, shows_answer=shows_answer)

    assert ("is taken as one" in shown) == ('{"name": "bash"}' in shown) == shows_answer
    assert "● $ ls" in shown


def test_denied_call_is_shown_with_its_reason() -> None:
    """A call that did not run says why."""
    event = ToolFinished(call_id="1", name="bash", output="not run: the user said no", is_error=True)

    assert lines_of(drawn(event)) == ["", "● bash", "  └ not run: the user said no"]


def test_dropped_events_are_told() -> None:
    """What a slow terminal missed is counted."""
    assert "7 pieces of output are left out" in drawn(EventsDropped(count=7))


def test_markup_is_text() -> None:
    """Square brackets, emoji codes and links are what they are."""
    evil = "[/nope] [red]x[/red] [link=http://x]y[/link] :smile:"
    output = CommandResult(output=evil, exit_code=0).render("x")
    events = [
        *reply(evil, LS),
        ToolStarted(call=LS),
        ToolFinished(call_id="1", name="bash", output=output),
        end(evil),
    ]

    assert drawn(*events).count(evil) == 2


@given(st.text(st.characters(), min_size=1, max_size=60))
def test_nothing_that_is_said_reaches_the_terminal_as_control_code(evil: str) -> None:
    """Whatever stands in words, commands, outputs, names or errors: no control character is drawn."""
    call = tool_call("bash", json.dumps({"cmd": evil}), id="1")
    other = tool_call("note", json.dumps({"text": evil}), id="2")
    events = [
        StepStarted(number=1),
        *reply(evil, call),
        TextDelta(text=evil),
        RetryScheduled(attempt=1, delay=1, reason=evil),
        StreamRestarted(reason=evil),
        ToolStarted(call=call),
        ToolOutputDelta(call_id="1", text=evil),
        ToolFinished(call_id="1", name="bash", output=f"$ {evil}\n{evil}"),
        ToolFinished(call_id="2", name=evil, output=evil, display=evil),
        ToolStarted(call=other),
        ToolFinished(call_id="2", name="note", output=evil, is_error=True),
        end(evil),
    ]

    shown = drawn(*events, shows_answer=True)

    assert not {char for char in shown if (char < " " or "\x7f" <= char <= "\x9f") and char not in "\n\t"}
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u200b\u200d\ufeff")
