"""`Progress`: what an agent does, as a person likes to watch it. Events in, lines on the terminal out.

All data goes through `visible` into `Text`: what a model or a command says is never read as markup or as control codes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum, auto

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..events import (
    Event,
    EventsDropped,
    MessageAdded,
    ModelReplaced,
    ReasoningDelta,
    RetryScheduled,
    StepStarted,
    StreamRestarted,
    TextDelta,
    ToolCallDelta,
    ToolCallsRescued,
    ToolFinished,
    ToolOutputDelta,
    ToolStarted,
    TurnFinished,
)
from ..messages import ToolCall, Usage
from .console import is_animated, is_ascii, marks_of
from .describe import Block, described_call, described_result, described_size
from .escape import one_line, visible
from .words import Words
from .working import Working


class _Kind(Enum):
    """What was drawn last: between words and blocks stands an empty line, between single lines none."""

    WORDS = auto()
    LINE = auto()
    BLOCK = auto()


class Progress:
    """Draws events on a console, plainly line by line, or with a moving last line where the console can.

    Args:
        console: where to draw.
        hidden: tools whose calls are not shown, for they only end the run.
        shows_answer: draw the model's words as they come, the answer included. Otherwise they are drawn once it is
            clear that they are not the answer, which somebody else prints.
        shows_costs: at the end, draw how many steps, tokens and seconds it took.

    Attributes:
        must_be_read: False: the work goes on when nobody looks.
    """

    must_be_read = False

    def __init__(
        self,
        console: Console,
        *,
        hidden: Collection[str] = (),
        shows_answer: bool = False,
        shows_costs: bool = True,
    ) -> None:
        self._console = console
        self._hidden = hidden
        self.shows_answer = shows_answer
        self._shows_costs = shows_costs
        self._said = ""  # of the last reply, as drawn
        self._words = Words(console.width)
        self._line_open = False  # the words have not ended their line yet
        self._held = ""  # of the last reply, not drawn yet
        self._last = _Kind.WORDS
        self._calls: dict[str, ToolCall] = {}
        self._asked: set[str] = set()
        self._working = Working(is_ascii(console))
        self._moving: Live | None = None
        self._marks = marks_of(console)

    def greet(self, lines: Sequence[Block]) -> None:
        """Draw the first lines."""
        for style, line in lines:
            self._line(line, style)

    def asked(self, call_id: str) -> None:
        """Leave the last line to a question, which shows the command of this call."""
        self._flush_held()
        self._stand_still()
        self._asked.add(call_id)
        self._last = _Kind.BLOCK

    def draw(self, event: Event) -> None:
        """Draw one event."""
        match event:
            case StepStarted():
                self._flush_held()
                self._said = ""
                self._move("thinking")
            case ReasoningDelta():
                self._move("thinking")
            case TextDelta(text=text):
                self._stream(text)
            case ToolCallDelta(name=name):
                self._end_words()
                self._move(f"writing a call of {visible(name)}" if name else "writing a call")
            case StreamRestarted(reason=reason):
                self._said = ""
                self._note(f"{reason}; starting over")
            case ToolCallsRescued() if self._said:
                self._said = ""
                self._note("the text is a tool call, and is taken as one")
            case RetryScheduled(delay=delay, reason=reason):
                self._note(f"{reason}; trying again in {delay:.1f} s")
            case ModelReplaced(model=model, reason=reason):
                self._note(f"{reason}; asking {model} instead")
            case MessageAdded(message=message) if message.role == "assistant":
                self._end_reply(message.text)
            case ToolStarted(call=call):
                self._start_call(call)
            case ToolOutputDelta(call_id=call_id, text=text):
                self._working.heard(call_id, text)
            case ToolFinished():
                self._finish_call(event)
            case EventsDropped(count=count):
                self._note(f"{count} pieces of output are left out here: the terminal was too slow")
            case TurnFinished():
                self._finish(event)

    def close(self) -> None:
        """Leave the terminal as a next program expects it; may be called twice."""
        self._end_words()
        self._stand_still()

    # The model's words.

    def _stream(self, text: str) -> None:
        if not self.shows_answer:
            self._move("answering")
            return

        if not self._said:
            text = text.lstrip("\n")
        if text:
            if not self._said:
                self._begin(_Kind.WORDS)
            self._said += text
            self._write(self._words.feed(visible(text)) if is_animated(self._console) else visible(text))

    def _end_words(self) -> None:
        """Close the line that the words left open."""
        self._write(self._words.end())
        self._words = Words(self._console.width)
        if self._line_open:
            self._line_open = False
            self._console.print()

    def _write(self, text: str) -> None:
        if text:
            self._stand_still()
            self._console.print(Text(text), end="", soft_wrap=True)
            self._console.file.flush()
            self._line_open = not text.endswith("\n")

    def _end_reply(self, text: str) -> None:
        self._stand_still()
        if not self.shows_answer:
            self._held = text
            return

        if not self._said:
            self._stream(text)
        self._end_words()

    def _flush_held(self) -> None:
        held, self._held = self._held.strip("\n"), ""
        if held:
            self._begin(_Kind.WORDS)
            self._line(visible(held), "")

    # Tools.

    def _start_call(self, call: ToolCall) -> None:
        self._calls[call.id] = call
        if call.function.name in self._hidden:
            return

        self._flush_held()
        if call.function.name == "bash" and call.id not in self._asked:  # may take long: shown before it runs
            self._begin(_Kind.BLOCK)
            first, *rest = described_call(call)
            self._line(f"{self._marks.bullet} {first}", "cyan")
            for line in rest:
                self._line(f"    {line}", "cyan")
        self._move(f"running {visible(call.function.name)}", call.id)

    def _finish_call(self, event: ToolFinished) -> None:
        call = self._calls.pop(event.call_id, None)
        self._working.forget(event.call_id)
        if event.name in self._hidden and not event.is_error:
            return

        self._flush_held()
        result = described_result(event, call)
        if call is None or call.function.name != "bash":  # the others are quick: shown when they are done
            self._begin(_Kind.LINE if not result else _Kind.BLOCK)
            name = described_call(call)[0] if call else visible(event.name)
            size = described_size(event)
            line = Text(f"{self._marks.bullet} {name}", style="red" if event.is_error else "cyan")
            self._print(line.append(f"  {size}", style="dim") if size else line)
        self._stand_still()
        for number, (style, shown) in enumerate(result, 1):
            is_ending = number == len(result) and event.name == "bash"
            edge = self._marks.corner if is_ending else self._marks.gutter
            self._print(Text(f"  {edge} ", style="dim").append(shown, style=style))
        if self._calls:
            self._move(f"running {visible(next(iter(self._calls.values())).function.name)}")

    # The end.

    def _finish(self, event: TurnFinished) -> None:
        self._stand_still()
        if self.shows_answer and self._said.strip() != event.answer.strip():
            self._said = ""
            self._stream(event.answer)
        self._end_words()
        if self._held.strip() != event.answer.strip():
            self._flush_held()
        if self._shows_costs:
            steps = "1 step" if event.steps == 1 else f"{event.steps} steps"
            parts = [steps, *_tokens(event.usage), f"{event.duration:.1f} s"]
            self._begin(_Kind.WORDS)
            self._line(f" {self._marks.dot} ".join(parts), "dim")

    # The console.

    def _begin(self, kind: _Kind) -> None:
        """Leave an empty line before what comes, where it belongs."""
        self._end_words()
        self._stand_still()
        if not self._last is kind is _Kind.LINE:
            self._console.print()
        self._last = kind

    def _note(self, text: str) -> None:
        self._end_words()
        self._line(f"  {one_line(text, 300)}", "yellow")

    def _line(self, text: str, style: str) -> None:
        self._print(Text(text, style=style))

    def _print(self, text: Text) -> None:
        self._stand_still()
        self._console.print(text, soft_wrap=True)

    def _move(self, label: str, call_id: str | None = None) -> None:
        """Let the last line say what goes on, where lines can be redrawn and no words are on it."""
        self._working.tell(label, call_id)
        if self._moving is None and not self._line_open and is_animated(self._console):
            self._moving = Live(
                self._working,
                console=self._console,
                refresh_per_second=10,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._moving.start()

    def _stand_still(self) -> None:
        if self._moving is not None:
            self._moving.stop()
            self._moving = None


def _tokens(usage: Usage) -> list[str]:
    return [f"{usage.total_tokens:,} tokens"] if usage.total_tokens else []
