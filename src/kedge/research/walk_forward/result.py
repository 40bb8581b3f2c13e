"""The result of a walk-forward: a list of windows, and what they make together.

**Stitched equity.** One account goes through the windows: each begins with what the one before left, after the cost of
closing what was still open (fee and slippage at the last price), for the next window starts flat. So the stitched
curve, and nothing in sample, is what following the method would have come to.

**Efficiency** is the mean return a day out of sample over that in sample (Pardo, "The Evaluation and Optimization of
Trading Strategies", 2nd ed., Wiley 2008, chapter 11): 1 means that nothing was lost on the way out, 0 that all was.
It is not defined where nothing was earned in sample.

**Stability**: how often the choice of a parameter changed from one window to the next. Parameters that jump about chase
noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from msgspec import Struct

from kedge.backtest.curve import EquityCurve
from kedge.backtest.curve_fold import ratio
from kedge.backtest.metrics import Statistic
from kedge.backtest.result import BacktestResult
from kedge.backtest.trade import BacktestTrade
from kedge.core.strategy.parameters import text_of
from kedge.model.instant import iso, to_datetime
from kedge.model.money import EXACT, ZERO, canonical
from kedge.research.evaluate import Settings
from kedge.research.walk_forward.schedule import Schedule, Window
from kedge.research.walk_forward.search import Places, Search, Space, parameters_at
from kedge.research.walk_forward.window import Candidate, Outcome


class WalkForwardWindow(Struct, frozen=True, eq=False):
    """One window: the parameters chosen in sample, and what they did there and, unseen, out of sample.

    Out of sample `fees` and `closing_cost` are in `final_equity`; in sample nothing is charged for what was open at the
    end. `candidates` are all that was tried, `disabled` says why the strategy was disabled out of sample, if it was.
    """

    window: Window
    params: dict[str, Any]
    in_sample_return: Decimal
    out_of_sample_return: Decimal
    in_sample_sharpe: float | None
    out_of_sample_sharpe: float | None
    in_sample_trades: int
    out_of_sample_trades: int
    score: float
    initial_capital: Decimal
    final_equity: Decimal
    fees: Decimal
    closing_cost: Decimal
    candidates: tuple[Candidate, ...] = ()
    disabled: str = ""

    @property
    def in_sample(self) -> tuple[datetime, datetime]:
        """The days the parameters were chosen on, UTC, half-open."""
        return to_datetime(self.window.in_start), to_datetime(self.window.in_end)

    @property
    def out_of_sample(self) -> tuple[datetime, datetime]:
        """The days they were judged on, UTC, half-open."""
        return to_datetime(self.window.out_start), to_datetime(self.window.out_end)


class Stability(Struct, frozen=True):
    """One parameter over the windows: its values in order, how often it changed, its commonest value and that one's share."""

    name: str
    values: tuple[str, ...]
    changes: int
    commonest: str
    share: Decimal


class Plan(Struct, frozen=True):
    """What was run: on which data, in which windows, with which search. `unused_days` at the end made no whole window."""

    strategy: str
    symbols: tuple[str, ...]
    data_sha256: str
    schedule: Schedule
    settings: Settings
    search: Search
    space: Space
    objective: str
    unused_days: int


class WalkForwardResult(list[WalkForwardWindow]):
    """The windows in order, and the whole."""

    def __init__(
        self,
        windows: Sequence[WalkForwardWindow],
        curve: EquityCurve,
        trades: Sequence[BacktestTrade],
        compared: Mapping[Places, Sequence[Outcome]],
        plan: Plan,
    ) -> None:
        super().__init__(windows)
        self.equity_curve = curve
        self.trades = list(trades)
        self.compared = compared
        self.plan = plan

    def __repr__(self) -> str:
        return f"WalkForwardResult({len(self)} windows, out of sample {canonical(self.total_return)})"

    @cached_property
    def account(self) -> BacktestResult:
        """The stitched account as a result: its curve's statistics. It lists no trades, which do not join up at the seams."""
        return BacktestResult(self.plan.settings.initial_capital, self.equity_curve, [])

    @property
    def total_return(self) -> Decimal:
        """Return of the stitched account."""
        return self.account.total_return

    @property
    def sharpe_ratio(self) -> float | None:
        """Annualized Sharpe ratio of the stitched account."""
        return self.account.sharpe_ratio

    @property
    def total_fees(self) -> Decimal:
        """Fees paid out of sample, the cost of closing at the seams aside."""
        return sum((each.fees for each in self), ZERO)

    @property
    def closing_costs(self) -> Decimal:
        """What closing at the seams cost."""
        return sum((each.closing_cost for each in self), ZERO)

    @property
    def efficiency(self) -> Statistic | None:
        """Mean return a day out of sample over that in sample; `None` where nothing was earned in sample."""
        inside = EXACT.divide(sum((each.in_sample_return for each in self), ZERO), Decimal(sum(self._in_days)))
        outside = EXACT.divide(sum((each.out_of_sample_return for each in self), ZERO), Decimal(sum(self._out_days)))
        return float(outside / inside) if inside > ZERO else None

    @property
    def winning_share(self) -> Decimal:
        """Share of the windows that earned something out of sample."""
        return ratio(Decimal(sum(each.out_of_sample_return > ZERO for each in self)), Decimal(len(self)))

    @cached_property
    def stability(self) -> list[Stability]:
        """How each parameter that was searched kept still."""
        return [self._stability(name) for name, values in self.plan.space.items() if len(values) > 1]

    @property
    def tried(self) -> int:
        """How many different sets of parameters were tried, in all windows together."""
        return len({candidate.places for each in self for candidate in each.candidates})

    def parameters_at(self, places: Places) -> dict[str, Any]:
        """The parameters of a set."""
        return parameters_at(self.plan.space, places)

    def to_json(self) -> dict[str, Any]:
        """Plain data: decimals as strings, statistics as numbers or null, times as ISO 8601 UTC. Out of sample comes first."""
        account, plan = self.account, self.plan
        return {
            "strategy": plan.strategy,
            "symbols": list(plan.symbols),
            "data_sha256": plan.data_sha256,
            "out_of_sample": {
                "initial_capital": canonical(self.plan.settings.initial_capital),
                "final_equity": canonical(account.final_equity),
                "total_return": canonical(account.total_return),
                "max_drawdown": canonical(account.max_drawdown),
                "sharpe_ratio": account.sharpe_ratio,
                "sortino_ratio": account.sortino_ratio,
                "trades": len(self.trades),
                "fees": canonical(self.total_fees),
                "closing_costs": canonical(self.closing_costs),
                "winning_share": canonical(self.winning_share),
                "days": len(account.daily_returns),
            },
            "efficiency": self.efficiency,
            "stability": [
                {
                    "parameter": each.name,
                    "changes": each.changes,
                    "commonest": each.commonest,
                    "share": canonical(each.share),
                }
                for each in self.stability
            ],
            "windows": [_plain(each) for each in self],
            "schedule": {name: getattr(self.plan.schedule, name) for name in Schedule.__struct_fields__},
            "search": {name: getattr(self.plan.search, name) for name in Search.__struct_fields__},
            "space": {name: [text_of(value) for value in values] for name, values in self.plan.space.items()},
            "objective": self.plan.objective,
            "tried": self.tried,
            "unused_days": self.plan.unused_days,
        }

    @property
    def _in_days(self) -> list[int]:
        return [each.window.in_days for each in self]

    @property
    def _out_days(self) -> list[int]:
        return [each.window.out_days for each in self]

    def _stability(self, name: str) -> Stability:
        values = tuple(text_of(each.params[name]) for each in self)
        commonest, often = Counter(values).most_common(1)[0]
        changes = sum(one != other for one, other in pairwise(values))
        return Stability(name, values, changes, commonest, ratio(Decimal(often), Decimal(len(values))))


def _plain(each: WalkForwardWindow) -> dict[str, Any]:
    window = each.window
    return {
        "window": window.number,
        "parameters": {name: text_of(value) for name, value in each.params.items()},
        "out_of_sample": {
            "start": iso(window.out_start),
            "end": iso(window.out_end),
            "return": canonical(each.out_of_sample_return),
            "sharpe_ratio": each.out_of_sample_sharpe,
            "trades": each.out_of_sample_trades,
            "initial_capital": canonical(each.initial_capital),
            "final_equity": canonical(each.final_equity),
            "fees": canonical(each.fees),
            "closing_cost": canonical(each.closing_cost),
        },
        "in_sample": {
            "start": iso(window.in_start),
            "end": iso(window.in_end),
            "return": canonical(each.in_sample_return),
            "sharpe_ratio": each.in_sample_sharpe,
            "trades": each.in_sample_trades,
        },
        "tried": len(each.candidates),
        "disabled": each.disabled,
    }
