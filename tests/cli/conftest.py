"""The command line's fixtures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shell import WAVES, Shell, candles


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A user in an empty folder but for `market.csv`; the key and the environment are a fresh machine's."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in [name for name in os.environ if name.startswith("TRADING_") or name == "KEDGE_TRACEBACK"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    loaded = set(sys.modules)
    made = Shell(place, capsys)
    made.write("market.csv", candles(WAVES))
    yield made
    for name in set(sys.modules) - loaded:
        if name.startswith("kedge_user_"):
            del sys.modules[name]
