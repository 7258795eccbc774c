"""Known secrets never come through, whole or in pieces; all else comes through as it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygent.redaction import Redactor
from pygent.settings.values import Secret

KEY = "sk-proj-0123456789abcdef"
SECRETS = {"OPENAI_API_KEY": Secret(KEY)}


def streamed(redactor: Redactor, pieces: list[str]) -> list[str]:
    heard: list[str] = []
    stream = redactor.stream(heard.append)
    for piece in pieces:
        stream(piece)
    stream.close()
    stream.close()
    return heard


def test_a_key_in_the_middle_of_a_megabyte_is_named() -> None:
    """It is found wherever it stands, as often as it does, and the text around it is untouched."""
    text = "x" * 500_000 + KEY + "y" * 500_000 + f"Bearer {KEY}"
    assert Redactor(SECRETS)(text) == (
        "x" * 500_000 + "[redacted:OPENAI_API_KEY]" + "y" * 500_000 + "Bearer [redacted:OPENAI_API_KEY]"
    )


@pytest.mark.parametrize(
    ("secrets", "text", "redacted"),
    [
        pytest.param({}, KEY, KEY, id="no secrets"),
        pytest.param({"PIN": "1234567"}, "1234567", "1234567", id="too short for one"),
        pytest.param({"PIN": "12345678"}, "12345678", "[redacted:PIN]", id="long enough"),
        pytest.param({"A": "aaaaaaaa", "B": "aaaaaaaabb"}, "aaaaaaaabb", "[redacted:B]", id="the longest"),
        pytest.param({"A": "aaaaaaaa", "B": "aaaaaaaabb"}, "aaaaaaaab", "[redacted:A]b", id="the shorter"),
        pytest.param({"A": "(.*)+[a-z"}, "is (.*)+[a-z!", "is [redacted:A]!", id="not a pattern"),
        pytest.param({"A": "12345678", "B": "567890ab"}, "1234567890ab", "[redacted:A]90ab", id="overlapping"),
    ],
)
def test_secrets_are_replaced_by_their_names(secrets: Mapping[str, str], text: str, redacted: str) -> None:
    """Exactly those, the longest first; what is shorter than eight characters stands in innocent words."""
    redactor = Redactor({name: Secret(value) for name, value in secrets.items()})

    assert redactor(text) == redacted
    assert "".join(streamed(redactor, list(text))) == redacted


@pytest.mark.parametrize("cut", range(1, len(KEY)))
def test_a_key_that_comes_in_two_pieces_is_found(cut: int) -> None:
    """What was heard before the second piece holds nothing of the key."""
    heard: list[str] = []
    stream = Redactor(SECRETS).stream(heard.append)
    stream(f"key: {KEY[:cut]}")
    assert "".join(heard) == "key: "
    stream(f"{KEY[cut:]}\n")

    assert "".join(heard) == "key: [redacted:OPENAI_API_KEY]\n"


def test_nothing_is_held_back_that_cannot_be_a_key() -> None:
    """Ordinary output is heard at once; the start of a key that is none, as soon as that is known."""
    heard: list[str] = []
    stream = Redactor(SECRETS).stream(heard.append)
    for piece, sum_of_all in (
        ("line 1\n", "line 1\n"),
        ("sk-", "line 1\n"),
        ("ip", "line 1\nsk-ip"),
        ("s", "line 1\nsk-ip"),
    ):
        stream(piece)
        assert "".join(heard) == sum_of_all
    stream.close()

    assert "".join(heard) == "line 1\nsk-ips"


@given(
    st.lists(st.text("ab", min_size=8, max_size=12), max_size=4),
    st.lists(st.text("ab", max_size=30), max_size=12),
)
def test_pieces_give_what_the_whole_gives(values: list[str], pieces: list[str]) -> None:
    """However a text is cut up, and whatever secrets begin within each other."""
    redactor = Redactor({f"S{number}": Secret(value) for number, value in enumerate(values)})

    assert "".join(streamed(redactor, pieces)) == redactor("".join(pieces))


def test_it_does_not_show_what_it_looks_for() -> None:
    """Its repr names the secrets only."""
    assert repr(Redactor(SECRETS)) == "<Redactor of OPENAI_API_KEY>"
    assert repr(Redactor()) == "<Redactor of nothing>"
