"""The history file: whole or not at all, private, and never in the way of the work."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from pygent import Message, SessionError
from pygent.session import HistoryFile

HISTORY = [Message.system("s"), Message.user("héllo")]


async def test_what_was_saved_is_loaded_once(tmp_path: Path) -> None:
    """A saved conversation comes back at the first load; later loads leave the living one alone."""
    path = tmp_path / "history.json"
    await HistoryFile(path).save(HISTORY)
    file = HistoryFile(path)

    assert await file.load_once([]) == HISTORY
    assert await file.load_once(HISTORY[:1]) == HISTORY[:1]


async def test_without_a_file_the_history_stays(tmp_path: Path) -> None:
    """A file that does not exist yet is no error."""
    assert await HistoryFile(tmp_path / "none.json").load_once(HISTORY) == HISTORY


async def test_a_history_given_by_the_caller_is_not_replaced(tmp_path: Path) -> None:
    """An explicit history wins over the file."""
    path = tmp_path / "history.json"
    await HistoryFile(path).save(HISTORY)

    assert await HistoryFile(path, HISTORY[:1]).load_once(HISTORY[:1]) == HISTORY[:1]


async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """A conversation may hold anything: the file is 0600 whatever the umask, and leaves nothing beside it."""
    path = tmp_path / "history.json"
    await HistoryFile(path).save(HISTORY)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{", '{"role": "user"}', '[{"content": "no role"}]', "\xff"])
async def test_a_file_that_is_no_history_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    """Garbage is an error that names the file; it is neither used nor overwritten."""
    path = tmp_path / "history.json"
    path.write_text(content, "latin-1")

    with pytest.raises(SessionError, match=r"history\.json"):
        await HistoryFile(path).load_once([])
    assert path.read_text("latin-1") == content


async def test_half_a_character_does_not_keep_the_rest_from_being_saved(tmp_path: Path) -> None:
    """A tool's answer may hold a file name that is no UTF-8; it is saved as the model sees it."""
    path = tmp_path / "history.json"
    await HistoryFile(path).save([*HISTORY, Message.tool("1", "caf\udce9")])

    assert await HistoryFile(path).load_once([]) == [*HISTORY, Message.tool("1", "caf?")]


async def test_work_goes_on_when_saving_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that is not there costs one warning, not the conversation."""
    file = HistoryFile(tmp_path / "gone" / "history.json")

    with caplog.at_level(logging.WARNING, "pygent.session"):
        await file.save(HISTORY)
        await file.save(HISTORY)

    assert len(caplog.records) == 1
