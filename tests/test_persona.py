"""The system prompt: who the agent is, how it works, how it ends."""

from __future__ import annotations

from pygent import Persona
from pygent.persona import system_prompt


def test_prompt_introduces_the_persona() -> None:
    """Name and description become the first sentence, whatever their punctuation."""
    assert system_prompt(Persona("Ada", "a tester.")).startswith("You are Ada, a tester.\n")
    assert system_prompt(Persona("Ada", "a tester")).startswith("You are Ada, a tester.\n")


def test_prompt_names_only_the_final_tools_there_are() -> None:
    """A model is never told of a tool that it does not have."""
    assert "`stop`" in system_prompt(Persona(), ["bash", "stop"])
    assert "`continue`" not in system_prompt(Persona(), ["bash", "stop"])
    assert "`stop`" not in system_prompt(Persona(), ["bash"])
