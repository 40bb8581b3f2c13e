"""A backtest on real candles against a ledger kept by hand (to the last digit) and against backtesting.py."""

from __future__ import annotations

import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kedge import BacktestEngine, BaseStrategy, BreakoutStrategy, MeanReversionStrategy, SmaCrossStrategy
from kedge.storage.formats import read_candles
from tests.backtest import ledger

D = Decimal
BARS = 20_000
CASH = D(1_000_000)
FILES = ("binance_spot_BTCUSDT_1h_2018_2026.csv.gz", "hyperliquid_perp_SOL_5m.csv.gz")

CASES: dict[str, tuple[type[BaseStrategy], dict[str, Any], Any]] = {
    "sma_cross": (SmaCrossStrategy, {"fast": 10, "slow": 30}, lambda: ledger.sma_cross(10, 30)),
    "mean_reversion": (MeanReversionStrategy, {"window": 20, "num_std": 2}, lambda: ledger.mean_reversion(20, 2)),
    "breakout": (BreakoutStrategy, {"window": 20, "exit_window": 10}, lambda: ledger.breakout(20, 10)),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("costs", [("0.001", "5"), ("0", "0")])
def test_trades_fees_and_equity_are_those_of_a_ledger_kept_by_hand(
    shared: Path, file: str, name: str, costs: tuple[str, str]
) -> None:
    strategy, parameters, rule = CASES[name]
    fee, slippage = D(costs[0]), D(costs[1])
    path = shared / "data" / file
    bars = ledger.read(path, BARS)
    by_hand = ledger.run(bars, rule(), CASH, fee, slippage)
    result = BacktestEngine(CASH, fee, slippage).run(
        strategy(quantity=D(1), **parameters), read_candles(path).columns[:BARS]
    )
    ours = [(t.ts, str(t.side), t.quantity, t.price, t.fee) for t in result.trades]
    assert len(ours) > 100
    assert ours == list(ledger.pairs(by_hand.entries))
    assert result.total_fees == by_hand.fees
    assert result.final_equity == by_hand.equity(bars[-1].close)


@pytest.mark.parametrize("name", list(CASES))
def test_backtesting_py_agrees_within_float_error(shared: Path, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backtesting = pytest.importorskip("backtesting")
    strategy, parameters, rule = CASES[name]
    path = shared / "data" / FILES[0]
    bars = ledger.read(path, BARS)
    decided = rule()

    class Peer(backtesting.Strategy):  # type: ignore[name-defined,misc]
        """The rule of the hand-kept ledger under backtesting.py's broker."""

        def init(self) -> None:
            self.seen: list[ledger.Bar] = []

        def next(self) -> None:
            if not self.seen:
                self.seen = list(bars[: len(self.data) - 1])
                for count in range(1, len(self.seen) + 1):
                    decided(self.seen[:count], D(0))
            self.seen.append(bars[len(self.data) - 1])
            held = D(self.position.size)
            wanted = decided(self.seen[-60:], held)
            if wanted is not None and wanted != held:
                change = int(wanted - held)
                (self.buy if change > 0 else self.sell)(size=abs(change))

    frame = pandas.DataFrame(
        {
            "Open": [float(b.open) for b in bars],
            "High": [float(b.high) for b in bars],
            "Low": [float(b.low) for b in bars],
            "Close": [float(b.close) for b in bars],
        },
        index=pandas.to_datetime([b.ts for b in bars]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = backtesting.Backtest(frame, Peer, cash=float(CASH), commission=0.001).run()
    result = BacktestEngine(CASH, D("0.001"), D(0)).run(
        strategy(quantity=D(1), **parameters), read_candles(path).columns[:BARS]
    )
    assert len(peer["_trades"]) == len(result.round_trips)
    assert float(result.final_equity) == pytest.approx(peer["Equity Final [$]"], rel=1e-9)
    assert float(result.max_drawdown) == pytest.approx(-peer["Max. Drawdown [%]"] / 100, rel=1e-6)
