"""Market data given as objects, with values that are none: quarantined, journaled, replayed; the run is as if without."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kedge import BacktestEngine, BacktestResult, Candle, Quote, SmaCrossStrategy, Trade
from kedge.backtest.recording import codec
from kedge.backtest.replay import replay
from kedge.cli.loading import of_spec
from kedge.journal.read import read
from kedge.journal.verify import verify
from kedge.model.decisions import Quarantined
from kedge.model.errors import DataError
from kedge.model.facts import MalformedFact
from tests.core.market.market_facts import changed
from tests.strategies.histories import MINUTE, closes

D = Decimal
MARKET = closes([100 + abs(at % 12 - 6) for at in range(80)])
AT = (0, 9, 30, 31, 79)
BAD: dict[str, Any] = {
    "NaN": D("NaN"), "signalling NaN": D("sNaN"), "infinity": D("-Infinity"), "nothing": None, "a float": 101.5,
    "a float NaN": float("nan"), "a text": "101", "a whole number": 101, "a list": [1], "another class": object(),
}  # fmt: skip


def run(candles: list[Any], journal: Path | None = None) -> BacktestResult:
    return BacktestEngine(10_000, journal_dir=journal).run(SmaCrossStrategy(fast=2, slow=4), candles)


def figures(result: BacktestResult) -> object:
    """What a run did and earned; ids are made of record numbers, and a quarantine is two records."""
    return [(each.ts, each.side, each.quantity, each.price) for each in result.trades], result.final_equity


def broken(field: str, value: Any) -> list[Any]:
    return [changed(each, **{field: value}) if at in AT else each for at, each in enumerate(MARKET)]


@pytest.mark.parametrize("what", BAD)
def test_h32_a_run_with_bad_values_is_journaled_whole_and_is_the_run_without_those_candles(
    what: str, tmp_path: Path
) -> None:
    without = run([each for at, each in enumerate(MARKET) if at not in AT])
    assert without.trades
    for field in ("open", "high", "low", "close", "volume", "ts", "interval", "received", "symbol"):
        if (field in ("ts", "interval", "received") and what == "a whole number") or (
            field == "symbol" and what == "a text"
        ):
            continue
        journal = tmp_path / field
        result = run(broken(field, BAD[what]), journal)
        assert result.quarantined == len(AT), field
        assert figures(result) == figures(without), field
        assert verify(journal).ok, field
        records = [(record.kind, codec().decode(record)) for record in read(journal)]
        told = [value for _, value in records if isinstance(value, MalformedFact)]
        refused = [value for _, value in records if isinstance(value, Quarantined)]
        assert [(each.fact, each.rule, each.value) for each in told] == [
            (each.fact, each.rule, each.value) for each in refused
        ]
        assert len(told) == len(AT)
        if field == "close":
            report = replay(journal, of_spec)
            assert report.ok, report.differences


def test_trades_and_quotes_with_bad_values_too(tmp_path: Path) -> None:
    ticks: list[Any] = []
    for at, candle in enumerate(MARKET):
        known = candle.ts + MINUTE
        ticks.append(Trade(known, candle.close if at % 7 else D("NaN"), D(1)))
        ticks.append(Quote(known, candle.close - 1, candle.close + 1, D(1) if at % 5 else D("Infinity"), D(1)))
    result = BacktestEngine(10_000, journal_dir=tmp_path / "j").run(SmaCrossStrategy(fast=2, slow=4), [MARKET, ticks])
    assert result.quarantined == 12 + 16
    assert verify(tmp_path / "j").ok
    assert replay(tmp_path / "j", of_spec).ok


def test_the_same_bad_values_are_journaled_in_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(broken("close", object()), tmp_path / name)
    for path in sorted((tmp_path / "one").glob("audit-*.jsonl")):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("data", [None, 5, "candles.csv", Path("candles.csv"), b"x"])
def test_what_is_no_data_is_refused(data: Any) -> None:
    with pytest.raises(DataError, match=r"market data is .*; give candles or columns"):
        run(data)


def test_a_stream_among_streams_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="one of several streams is"):
        run([MARKET, None])
    with pytest.raises(DataError, match="row 0 of the market data is 'x'"):
        run([MARKET, ["x"]])


def test_data_without_one_good_fact_is_no_data() -> None:
    nothing: list[Candle] = [changed(each, close=None) for each in MARKET]
    with pytest.raises(DataError, match="there is no market data"):
        run(nothing)
