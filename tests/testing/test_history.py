"""`check_history` refuses what strict servers refuse, and nothing else."""

from __future__ import annotations

import pytest

from pygent import Message, ToolCall, ToolCallFunction
from pygent.testing import check_history


def calling(*ids: str) -> Message:
    return Message.assistant(tool_calls=[ToolCall(id=i, function=ToolCallFunction(name="f")) for i in ids])


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([Message.user("a"), Message.assistant("b")], id="words"),
        pytest.param(
            [calling("1", "2"), Message.tool("1", ""), Message.tool("2", ""), Message.user("")], id="answered"
        ),
    ],
)
def test_valid(messages: list[Message]) -> None:
    """A conversation in which each call is answered in its place passes."""
    check_history(messages)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        pytest.param([calling("1")], "no answers", id="unanswered"),
        pytest.param([calling("1"), Message.user("")], "before the answers", id="answered-too-late"),
        pytest.param([Message.tool("1", "")], "answers '1'", id="answer-to-nothing"),
        pytest.param(
            [calling("1", "2"), Message.tool("2", ""), Message.tool("1", "")], "answers '2'", id="wrong-order"
        ),
        pytest.param([calling("1"), Message.tool("1", ""), Message.tool("1", "")], "answers '1'", id="answered-twice"),
        pytest.param(
            [calling("1"), Message.tool("1", ""), calling("1"), Message.tool("1", "")], "again", id="id-reused"
        ),
        pytest.param([calling("1", "1"), Message.tool("1", ""), Message.tool("1", "")], "again", id="id-twice"),
    ],
)
def test_invalid(messages: list[Message], complaint: str) -> None:
    """Anything else is refused with the number of the message."""
    with pytest.raises(AssertionError, match=complaint):
        check_history(messages)
