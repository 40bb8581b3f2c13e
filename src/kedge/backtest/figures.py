"""`Figures`: what a run earned and how, computed when it is asked for and then kept.

Money and ratios of money are `Decimal`; statistics of returns (Sharpe, volatility, growth) are floats, or `None` where
they are not defined. See `metrics` for each formula and `roundtrips` for what a round trip is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from kedge.backtest import metrics
from kedge.backtest.curve import EquityCurve
from kedge.backtest.curve_fold import ratio
from kedge.backtest.metrics import MonthlyReturn, sum_exact
from kedge.backtest.record import RunRecord
from kedge.backtest.roundtrips import RoundTrip, round_trips
from kedge.backtest.trade import BacktestTrade
from kedge.model.facts import FundingPayment
from kedge.model.money import EXACT, ZERO, canonical


class StrategyResult(Struct, frozen=True, gc=False):
    """What one strategy contributed: its closed trips, and its profit with the open ones at the last price."""

    strategy: str
    fills: int
    round_trips: int
    win_rate: Decimal
    gross: Decimal
    fees: Decimal
    net: Decimal
    open_net: Decimal
    traded: Decimal


class Figures:
    """The outcome of a run in figures; `kedge.backtest.result.BacktestResult` adds what is said of them.

    `trades` may be given as a function that makes the list when it is first wanted. `funding` are the payments of
    perpetuals, positive received.
    """

    def __init__(
        self,
        initial_capital: Decimal,
        equity_curve: EquityCurve,
        trades: Sequence[BacktestTrade] | Callable[[], Sequence[BacktestTrade]],
        record: RunRecord | None = None,
        funding: Sequence[FundingPayment] = (),
    ) -> None:
        self.initial_capital = initial_capital
        self.equity_curve = equity_curve
        self.record = record or RunRecord()
        self.funding = funding
        self._trades = trades

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.initial_capital} -> {canonical(self.final_equity)}, {self.fills} fills, "
            f"max_drawdown {self.max_drawdown:.4f})"
        )

    # ---------------------------------------------------------------------------------------------- what happened

    @cached_property
    def trades(self) -> list[BacktestTrade]:
        """Every fill in order."""
        return list(self._trades() if callable(self._trades) else self._trades)

    @property
    def fills(self) -> int:
        """How many fills there were."""
        return len(self.trades)

    @cached_property
    def all_round_trips(self) -> list[RoundTrip]:
        """The round trips, those still open at the end last, valued at the last price."""
        curve = self.equity_curve
        end = curve.time_at(-1) if len(curve) else 0
        return round_trips(self.trades, curve.last_prices(), end)

    @cached_property
    def round_trips(self) -> list[RoundTrip]:
        """The round trips that were closed, in order of their end."""
        return [trip for trip in self.all_round_trips if not trip.is_open]

    @cached_property
    def open_round_trips(self) -> list[RoundTrip]:
        """The round trips that were still open at the end, valued at the last price."""
        return [trip for trip in self.all_round_trips if trip.is_open]

    @property
    def bars(self) -> int:
        """How many candles the run saw."""
        return self.record.bars

    @property
    def quarantined(self) -> int:
        """How many market facts were not believed."""
        return self.record.quarantined

    @property
    def refused(self) -> int:
        """How many orders risk refused."""
        return self.record.refused

    @property
    def load_seconds(self) -> float:
        """How long loading the data took."""
        return self.record.load_seconds

    @property
    def run_seconds(self) -> float:
        """How long the run took, loading aside."""
        return self.record.run_seconds

    @property
    def assumptions(self) -> list[str]:
        """What the run took for granted, one sentence each."""
        return list(self.record.assumptions)

    # ------------------------------------------------------------------------------------------------------ money

    @property
    def final_equity(self) -> Decimal:
        """Equity after the last fact, open positions at the last price."""
        return self.equity_curve.final

    @property
    def net_profit(self) -> Decimal:
        """Final equity less initial capital."""
        return EXACT.subtract(self.final_equity, self.initial_capital)

    @cached_property
    def total_return(self) -> Decimal:
        """Net profit as a fraction of the initial capital."""
        return ratio(self.net_profit, self.initial_capital)

    @cached_property
    def total_fees(self) -> Decimal:
        """All fees in the account's currency; rebates count below zero."""
        return sum_exact([trade.fee for trade in self.trades])

    @cached_property
    def total_slippage(self) -> Decimal:
        """What simulated slippage cost; it is in the prices, and so in gross profit, already."""
        return sum_exact([trade.slippage_cost for trade in self.trades])

    @cached_property
    def total_funding(self) -> Decimal:
        """Funding of perpetuals, positive received."""
        return sum_exact([payment.amount for payment in self.funding])

    @cached_property
    def gross_profit(self) -> Decimal:
        """Profit of all round trips, the open ones included, before fees and funding."""
        return sum_exact([trip.gross for trip in self.all_round_trips])

    @cached_property
    def traded(self) -> Decimal:
        """Value of all fills."""
        return sum_exact([trade.notional for trade in self.trades])

    # --------------------------------------------------------------------------------------------------- the curve

    @cached_property
    def max_drawdown(self) -> Decimal:
        """Largest fall of equity from its running peak, as a fraction of that peak."""
        return self.equity_curve.max_drawdown()

    @property
    def max_drawdown_duration(self) -> timedelta:
        """The longest time equity was below a peak."""
        return self.equity_curve.max_drawdown_duration()

    @property
    def exposure(self) -> float:
        """Share of the time in which a position was held."""
        return self.equity_curve.exposure()

    @cached_property
    def turnover(self) -> Decimal:
        """Value traded over the mean of the daily equities: 2 means the account was turned over twice."""
        average = metrics.mean([equity for _, equity in self.equity_curve.daily()])
        return ratio(self.traded, average) if average is not None and average > ZERO else ZERO

    @cached_property
    def daily_returns(self) -> metrics.Floats:
        """Returns of every UTC day, the first from the initial capital."""
        return metrics.daily_returns(self.equity_curve.daily(), self.initial_capital)

    @cached_property
    def monthly_returns(self) -> list[MonthlyReturn]:
        """Returns of every UTC month that has data."""
        return metrics.monthly_returns(self.equity_curve.daily(), self.initial_capital)

    @cached_property
    def sharpe_ratio(self) -> float | None:
        """Annualized Sharpe ratio of UTC daily returns, 365 days a year, no risk-free rate."""
        return metrics.sharpe_ratio(self.daily_returns)

    @cached_property
    def sortino_ratio(self) -> float | None:
        """Annualized Sortino ratio of UTC daily returns, target zero."""
        return metrics.sortino_ratio(self.daily_returns)

    @cached_property
    def volatility(self) -> float | None:
        """Annualized standard deviation of UTC daily returns."""
        return metrics.volatility(self.daily_returns)

    @cached_property
    def cagr(self) -> float | None:
        """Compound annual growth over the calendar days of the run."""
        return metrics.cagr(self.initial_capital, self.final_equity, len(self.daily_returns))

    @cached_property
    def calmar_ratio(self) -> float | None:
        """Compound annual growth over the maximum drawdown."""
        return metrics.calmar_ratio(self.cagr, self.max_drawdown)

    @property
    def market_return(self) -> Decimal | None:
        """Return of holding the one symbol from its first recorded price to its last; `None` with several symbols."""
        first, last = self.equity_curve.first_prices(), self.equity_curve.last_prices()
        if len(first) != 1:
            return None
        (symbol, price), *_ = first.items()
        return ratio(EXACT.subtract(last[symbol], price), price) if price > ZERO else None

    # ------------------------------------------------------------------------------------------------- round trips

    @cached_property
    def _nets(self) -> list[Decimal]:
        return [trip.net for trip in self.round_trips]

    @property
    def wins(self) -> int:
        """Closed round trips that earned something after fees."""
        return sum(net > ZERO for net in self._nets)

    @cached_property
    def win_rate(self) -> Decimal:
        """Share of the closed round trips that earned something after fees; zero where none was closed."""
        return ratio(Decimal(self.wins), Decimal(len(self._nets))) if self._nets else ZERO

    @cached_property
    def profit_factor(self) -> Decimal | None:
        """What was won over what was lost, by closed round trip after fees; `None` where nothing was lost."""
        return metrics.profit_factor(self._nets)

    @cached_property
    def expectancy(self) -> Decimal | None:
        """Mean net profit of a closed round trip."""
        return metrics.mean(self._nets)

    @cached_property
    def average_win(self) -> Decimal | None:
        """Mean net profit of the round trips that won."""
        return metrics.mean([net for net in self._nets if net > ZERO])

    @cached_property
    def average_loss(self) -> Decimal | None:
        """Mean net profit, below zero, of the round trips that lost."""
        return metrics.mean([net for net in self._nets if net < ZERO])

    @property
    def best_trade(self) -> RoundTrip | None:
        """The closed round trip with the highest net profit."""
        return max(self.round_trips, key=lambda trip: trip.net, default=None)

    @property
    def worst_trade(self) -> RoundTrip | None:
        """The closed round trip with the lowest net profit."""
        return min(self.round_trips, key=lambda trip: trip.net, default=None)

    @property
    def average_holding(self) -> timedelta | None:
        """Mean time from entry to exit of the closed round trips."""
        trips = self.round_trips
        return sum((trip.holding for trip in trips), timedelta(0)) / len(trips) if trips else None

    @cached_property
    def by_strategy(self) -> list[StrategyResult]:
        """What each strategy contributed, in order of first trade; funding is the account's and not shared out."""
        return [self._strategy(name) for name in dict.fromkeys(trade.strategy for trade in self.trades)]

    def _strategy(self, name: str) -> StrategyResult:
        trades = [trade for trade in self.trades if trade.strategy == name]
        trips = [trip for trip in self.all_round_trips if trip.strategy == name]
        closed = [trip.net for trip in trips if not trip.is_open]
        return StrategyResult(
            strategy=name,
            fills=len(trades),
            round_trips=len(closed),
            win_rate=ratio(Decimal(sum(net > ZERO for net in closed)), Decimal(len(closed))) if closed else ZERO,
            gross=sum_exact([trip.gross for trip in trips]),
            fees=sum_exact([trip.fees for trip in trips]),
            net=sum_exact([trip.net for trip in trips]),
            open_net=sum_exact([trip.net for trip in trips if trip.is_open]),
            traded=sum_exact([trade.notional for trade in trades]),
        )
