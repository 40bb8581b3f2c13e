"""The result against the account and against its own parts."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from kedge.backtest.curve import EquityCurve
from kedge.backtest.record import RunRecord
from kedge.backtest.result import BacktestResult, BacktestTrade, trade_of
from kedge.model.facts import Fill
from kedge.model.instant import NS_PER_DAY, to_ns
from kedge.model.instrument import InstrumentKind
from kedge.model.order import Side
from tests.backtest.ledgers import HOUR, START, Desk, instrument, sample

D = Decimal


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    return sample(bars=24 * 120)[0]


def by_hand() -> BacktestResult:
    """Three trips: +99.8, -20.2, and one still open at +10 less its fee."""
    desk = Desk(D(1000), [instrument("BTC-USD")])
    told = [
        (Side.BUY, "1", "100"),
        (Side.SELL, "1", "200"),
        (Side.SELL, "2", "200"),
        (Side.BUY, "2", "210"),
        (Side.BUY, "1", "210"),
    ]
    desk.candle("BTC-USD", D(100), START + 1)
    for number, (side, quantity, price) in enumerate(told):
        desk.now = START + number * HOUR
        fee = D("0.1") if number != 4 else D(3)
        desk.fill("BTC-USD", side, D(quantity), D(price), fee, strategy="a" if number < 2 else "b", slippage=D("0.5"))
        desk.candle("BTC-USD", D(price), desk.now + 1)
    desk.candle("BTC-USD", D(220), START + 10 * HOUR)
    return desk.result(load_seconds=1.5, run_seconds=2.5, quarantined=3, refused=4)


def test_figures_by_hand() -> None:
    result = by_hand()
    assert (result.fills, result.bars, result.quarantined, result.refused) == (5, 7, 3, 4)
    assert result.final_equity == 1000 + D("99.8") + D("-20.2") + 10 - 3
    assert result.total_return == D("0.0866")
    assert result.total_fees == D("3.4")
    assert result.total_slippage == D("3.5")
    assert result.gross_profit == D(90)
    assert [trip.net for trip in result.round_trips] == [D("99.8"), D("-20.2")]
    assert [trip.net for trip in result.open_round_trips] == [D(7)]
    assert result.win_rate == D("0.5")
    assert result.profit_factor == D("99.8") / D("20.2")
    assert result.expectancy == D("39.8")
    assert (result.average_win, result.average_loss) == (D("99.8"), D("-20.2"))
    assert result.best_trade is result.round_trips[0]
    assert result.worst_trade is result.round_trips[1]
    assert result.traded == 100 + 200 + 400 + 420 + 210
    assert result.turnover == D(1330) / result.final_equity
    assert result.average_holding == timedelta(hours=1)
    assert result.market_return == D("1.2")
    assert result.total_funding == 0
    assert (result.load_seconds, result.run_seconds) == (1.5, 2.5)


def test_the_parts_of_strategies_are_the_whole() -> None:
    first, second = by_hand().by_strategy
    assert (first.strategy, first.fills, first.round_trips, first.win_rate) == ("a", 2, 1, D(1))
    assert (second.strategy, second.fills, second.round_trips, second.win_rate) == ("b", 3, 1, D(0))
    assert (first.net, second.net, second.open_net) == (D("99.8"), D("-13.2"), D(7))
    assert (second.gross, second.fees, second.traded) == (D(-10), D("3.2"), D(1030))


def test_a_trip_that_leaves_nothing_is_no_win() -> None:
    desk = Desk(D(1000), [instrument("BTC-USD")])
    desk.candle("BTC-USD", D(100), START + 1)
    for side, price in ((Side.BUY, "100"), (Side.SELL, "100"), (Side.BUY, "100"), (Side.SELL, "101")):
        desk.fill("BTC-USD", side, D(1), D(price))
    result = desk.result()
    assert (result.wins, result.win_rate, result.average_win, result.average_loss) == (1, D("0.5"), D(1), None)


def test_gross_less_costs_is_net_to_the_last_digit(result: BacktestResult) -> None:
    assert result.gross_profit - result.total_fees + result.total_funding == result.net_profit
    assert result.total_funding != 0
    assert Fraction(result.final_equity) == Fraction(result.initial_capital) + Fraction(result.net_profit)
    assert sum(part.fills for part in result.by_strategy) == result.fills


def test_statistics_are_those_of_the_daily_curve(result: BacktestResult) -> None:
    closes = [float(equity) for _, equity in result.equity_curve.daily()]
    returns = [after / before - 1 for before, after in zip([100_000.0, *closes], closes, strict=False)]
    average = math.fsum(returns) / len(returns)
    deviation = math.sqrt(math.fsum((found - average) ** 2 for found in returns) / (len(returns) - 1))
    downside = math.sqrt(math.fsum(min(found, 0) ** 2 for found in returns) / len(returns))
    assert result.sharpe_ratio == pytest.approx(average / deviation * math.sqrt(365))
    assert result.sortino_ratio == pytest.approx(average / downside * math.sqrt(365))
    assert result.volatility == pytest.approx(deviation * math.sqrt(365))
    assert result.cagr == pytest.approx((closes[-1] / 100_000) ** (365 / len(closes)) - 1)
    assert result.calmar_ratio == pytest.approx((result.cagr or 0) / float(result.max_drawdown))
    assert 0 < result.exposure < 1


def test_json_holds_what_is_promised_and_no_float_where_money_is(result: BacktestResult) -> None:
    text = json.dumps(result.to_json(), allow_nan=False)
    found = json.loads(text)
    promised = "bars fills total_fees final_equity total_return max_drawdown sharpe_ratio win_rate load_seconds"
    assert {*promised.split(), "run_seconds", "trades"} <= {*found}
    for name in ("total_fees", "final_equity", "total_return", "max_drawdown", "win_rate", "initial_capital"):
        assert isinstance(found[name], str)
        assert D(found[name]) == getattr(result, name)
        assert "E" not in found[name]
    first, trade = found["trades"][0], result.trades[0]
    assert datetime.fromisoformat(first["timestamp"]) == trade.timestamp
    assert (first["symbol"], first["side"], D(first["quantity"])) == (trade.symbol, trade.side, trade.quantity)
    assert (D(first["price"]), D(first["fee"]), D(first["slippage"])) == (trade.price, trade.fee, trade.slippage)
    assert len(found["trades"]) == found["fills"] == result.fills
    assert len(found["round_trips"]) == len(result.all_round_trips)
    assert found["by_strategy"][0]["strategy"] == "s"
    assert sum(D(trip["net"]) for trip in found["round_trips"]) == result.net_profit - result.total_funding


def test_trades_are_made_when_they_are_wanted_and_once() -> None:
    made: list[int] = []

    def make() -> list[BacktestTrade]:
        made.append(1)
        return [BacktestTrade(1, "BTC-USD", Side.BUY, D(1), D(2), D("0.1"), D(0))]

    result = BacktestResult(D(100), EquityCurve.of_points(D(100), [(1, D(99)), (NS_PER_DAY, D(98))]), make)
    assert result.max_drawdown == D("0.02")
    assert not made
    assert (result.fills, result.total_fees, result.trades[0].notional) == (1, D("0.1"), D(2))
    assert made == [1]


def test_a_run_without_anything_says_so_and_divides_by_nothing() -> None:
    result = BacktestResult(D(100), EquityCurve.of_points(D(100), []), ())
    assert (result.final_equity, result.total_return, result.max_drawdown) == (D(100), D(0), D(0))
    assert (result.win_rate, result.turnover, result.exposure) == (D(0), D(0), 0)
    nothing = (result.sharpe_ratio, result.sortino_ratio, result.cagr, result.calmar_ratio, result.profit_factor)
    assert nothing == (None,) * 5
    assert (result.best_trade, result.average_holding, result.expectancy, result.market_return) == (None,) * 4
    assert json.loads(json.dumps(result.to_json()))["trades"] == []
    assert dict(result.summary_table())["Sharpe ratio"] == "n/a"


def test_the_summary_is_readable() -> None:
    rows = dict(by_hand().summary_table())
    assert rows["Period"] == "2022-01-01 00:00 to 2022-01-01 10:00 UTC (10h)"
    assert rows["Final equity"] == "1,086.60 USD"
    assert rows["Total return"] == "+8.66%"
    assert rows["Round trips"] == "2 and 1 still open"
    assert rows["Average win / loss"] == "+99.80 / -20.20"
    assert rows["Quarantined facts"] == "3"
    assert "Funding" not in rows


def test_a_trade_takes_an_aware_datetime_or_nanoseconds() -> None:
    moment = datetime(2024, 8, 8, 23, 54, tzinfo=UTC)
    trade = BacktestTrade(moment, "BTC-USD", Side.SELL, D(1), D(2), D(3), D("0.5"), multiplier=D(10))
    assert (trade.timestamp, trade.ts, trade.side) == (moment, to_ns(moment), "sell")
    assert (trade.signed, trade.notional, trade.slippage_cost) == (D(-1), D(20), D(5))


@pytest.mark.parametrize(
    "kind, currency, fee, fee_quantity",
    [
        (InstrumentKind.SPOT, "", "0.25", "0"),
        (InstrumentKind.SPOT, "USD", "0.25", "0"),
        (InstrumentKind.SPOT, "BTC", "25", "0.25"),
        (InstrumentKind.SPOT, "BNB", "0", "0"),
        (InstrumentKind.PERPETUAL, "EUR", "0.25", "0"),
    ],
)
def test_a_fee_is_valued_as_the_position_tracker_books_it(
    kind: InstrumentKind, currency: str, fee: str, fee_quantity: str
) -> None:
    fill = Fill(5, "o", "t", "BTC-USD", Side.BUY, D(2), D(100), D("0.25"), currency, slippage=D(1))
    trade = trade_of(fill, instrument("BTC-USD", kind), "s", D(7), "tag", account_currency="EUR")
    assert (trade.fee, trade.fee_quantity, trade.fee_currency) == (D(fee), D(fee_quantity), currency)
    assert (trade.ts, trade.strategy, trade.realized, trade.order_id, trade.tag) == (5, "s", D(7), "o", "tag")


def test_the_record_has_defaults_for_everything() -> None:
    assert RunRecord().bars == 0
