"""`kedge data`: what a file holds, and the catalogue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .shell import WAVES, Shell, candles


def test_clean_data_is_told_to_be_clean(shell: Shell) -> None:
    out = shell.done("data", "check", "market.csv")
    assert "candles" in out
    found = json.loads(shell.done("data", "check", "market.csv", "--json", "-"))["market.csv"]
    assert (found["clean"], found["total_candles"], found["interval_seconds"]) == (True, 200, 3600)
    assert (found["from"], found["to"]) == ("2024-01-01T00:00:00Z", "2024-01-09T07:00:00Z")


def test_findings_are_counted_and_the_answer_is_no(shell: Shell) -> None:
    rows = candles(WAVES).splitlines(keepends=True)
    shell.write("bad.csv", "".join([*rows[:50], rows[49], *rows[60:]]))
    ran = shell("data", "check", "market.csv", "bad.csv", "--json", "-")
    found = json.loads(ran.out)
    assert (ran.code, found["market.csv"]["clean"], found["bad.csv"]["clean"]) == (1, True, False)
    assert (found["bad.csv"]["gaps"], found["bad.csv"]["duplicates"]) == (1, 1)
    assert shell("data", "check", "bad.csv").code == 1


def test_import_and_list(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "200 candles added" in shell.done("data", "import", "market.csv", "--symbol", "ETH-USD", "--venue", "lab")
    assert "0 candles added, 200 were there" in shell.done(
        "data", "import", "market.csv", "--symbol", "ETH-USD", "--venue", "lab"
    )
    (row,) = json.loads(shell.done("data", "list", "--json", "-"))
    assert (row["venue"], row["symbol"], row["rows"], row["missing"]) == ("lab", "ETH-USD", 200, 0)
    assert "ETH-USD" in shell.done("data", "list")
    monkeypatch.setenv("TRADING_DATA_DIR", "elsewhere")
    assert json.loads(shell.done("data", "list", "--json", "-")) == []
    shell.done("data", "import", "market.csv")
    assert Path("elsewhere/local/BTC-USD/1h/manifest.json").is_file()


def test_an_import_that_contradicts_what_is_there_changes_nothing(shell: Shell) -> None:
    shell.done("data", "import", "market.csv")
    rows = candles(WAVES).splitlines(keepends=True)
    shell.write("other.csv", "".join([*rows[:100], rows[100].replace(",10\n", ",11\n"), *rows[101:]]))
    shell.refused(["data", "import", "other.csv"], "volume", "decide which is right")
