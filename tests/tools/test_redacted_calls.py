"""Keys that a tool comes upon: not in its answer, not in what people see of it, not in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pygent import LocalRuntime, Tool, ToolError, ToolOutput
from pygent.redaction import Redactor
from pygent.settings.values import Secret
from pygent.tools import call_tool
from pygent.tools.builtin import bash

KEY = "sk-proj-0123456789abcdef"
REDACT = Redactor({"OPENAI_API_KEY": Secret(KEY)})
NAMED = "[redacted:OPENAI_API_KEY]"


async def returns_it(rt: Any) -> str:
    return f"the key is {KEY}!"


async def shows_it(rt: Any) -> ToolOutput:
    return ToolOutput(KEY, display=f"+{KEY}", is_error=True)


async def as_json(rt: Any) -> dict[str, list[str]]:
    return {"keys": [KEY]}


async def as_bytes(rt: Any) -> bytes:
    return KEY.encode()


def plain(rt: Any) -> str:
    return KEY


async def advises(rt: Any) -> str:
    raise ToolError(f"do not use {KEY}")


async def crashes(rt: Any) -> str:
    raise ValueError(KEY)


def crashes_in_a_thread(rt: Any) -> str:
    raise ValueError(KEY)


@pytest.mark.parametrize(
    "func", [returns_it, shows_it, as_json, as_bytes, plain, advises, crashes, crashes_in_a_thread]
)
async def test_no_way_out_for_a_key(
    func: Callable[..., Any], runtime: LocalRuntime, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever a tool returns or raises, the key's name stands in its place."""
    output = await call_tool(Tool.from_function(func), {}, runtime, redact=REDACT)

    assert NAMED in output.text
    assert KEY not in f"{output}{caplog.text}{capfd.readouterr()}"
    if func is shows_it:
        assert output == ToolOutput(NAMED, display=f"+{NAMED}", is_error=True)
    if func is crashes:
        assert "crashes" in caplog.text  # the traceback is still there
        assert NAMED in caplog.text


async def test_a_command_that_prints_the_key_is_redacted_as_it_prints(runtime: LocalRuntime) -> None:
    """In the answer, and in the output as it comes: in one piece or in several."""
    heard: list[str] = []
    script = f"printf %s {KEY[:9]}; sleep 0.2; echo {KEY[9:]}; echo {KEY}; printf sk-"
    output = await call_tool(bash, {"cmd": script}, runtime, on_output=heard.append, redact=REDACT)

    assert "".join(heard) == f"{NAMED}\n{NAMED}\nsk-"
    assert output.text.endswith(f"\n{NAMED}\n{NAMED}\nsk-")
    assert KEY not in output.text


@pytest.mark.parametrize("kind", [str, bytes])
@pytest.mark.parametrize("place", [0, 32_000, 32_690, 32_760, 500_000, 967_240, 967_300, 999_000])
async def test_a_key_anywhere_in_a_megabyte_is_gone(runtime: LocalRuntime, kind: type, place: int) -> None:
    """Also where the text is cut: no half of a key is left on either side."""
    text = "x" * place + KEY + "y" * (1_000_000 - place)

    async def large(rt: Any) -> str | bytes:
        return text if kind is str else text.encode()

    output = await call_tool(Tool.from_function(large), {}, runtime, redact=REDACT)

    assert len(output.text) < 66_000
    assert KEY[:4] not in output.text
    assert KEY[-8:] not in output.text


async def test_without_secrets_nothing_is_changed(runtime: LocalRuntime) -> None:
    """What looks like a key, but is none that we know, is the tool's business."""
    output = await call_tool(Tool.from_function(returns_it), {}, runtime)

    assert output.text == f"the key is {KEY}!"
