"""Each stream exists as a whole reply, too, with what is odd about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygent.testing.server import HELLO, STREAMS
from pygent.testing.server.chat.text_streams import SAYS_HELLO
from pygent.testing.server.chat.tool_streams import CALLS_TOOLS
from pygent.testing.server.chat.whole import whole_completion


def message(name: str) -> Any:
    return json.loads(whole_completion(STREAMS[name]))["choices"][0]["message"]


@pytest.mark.parametrize("name", SAYS_HELLO)
def test_a_text_is_the_same_as_a_whole(name: str) -> None:
    """In whatever dialect it was streamed."""
    content = message(name)["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)

    assert text.encode("utf-16", "surrogatepass").decode("utf-16") == HELLO


@pytest.mark.parametrize("name", CALLS_TOOLS)
def test_calls_are_the_same_as_a_whole(name: str) -> None:
    """Names and arguments are those that the stream means; null arguments, objects and ids stay as odd as they are."""
    made = [
        (call["function"].get("name"), call["function"].get("arguments"))
        for call in message(name)["tool_calls"]
        if "function" in call
    ]
    meant = tuple(
        (name, json.dumps(arguments) if isinstance(arguments, dict) else (arguments or "").strip() or "{}")
        for name, arguments in made
    )

    assert meant == CALLS_TOOLS[name].calls
    assert not any("index" in call for call in message(name)["tool_calls"])


def test_odd_ids_stay_odd() -> None:
    """Missing, empty and repeated ones; what stands beside a call stays with it."""
    ids = {name: [call.get("id") for call in message(name)["tool_calls"]] for name in CALLS_TOOLS}

    assert (ids["tool_noid"], ids["tool_emptyid"], ids["tool_dupid"]) == ([None, None], ["", ""], ["a", "a"])
    assert message("tool_extra_content")["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}


@pytest.mark.parametrize("name", ["err_in_200", "err_str_in_200", "err_choice", "err_mid", "err_detail"])
def test_an_error_is_an_error_as_a_whole(name: str) -> None:
    """It takes the place of the reply."""
    assert json.loads(whole_completion(STREAMS[name])).keys() & {"error", "detail"}


@pytest.mark.parametrize(
    "name", ["eofmid", "no_finish", "only_done", "not_object", "ndjson", "html_as_stream", "badchunk"]
)
def test_what_is_no_reply_stays_as_it_is(name: str) -> None:
    """There is nothing whole to be made of it."""
    assert whole_completion(STREAMS[name]) == STREAMS[name]
