"""What a careful colleague would say of a result: each rule is a function, with its bound as a constant beside it.

None of it is a verdict. A rule speaks where a figure looks better, or rests on less, than its reader may think, and
says the figures it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from kedge.backtest.curve_fold import ratio
from kedge.backtest.metrics import sum_exact
from kedge.backtest.text.readable import money, number, percent, places_for, span
from kedge.model.money import EXACT, ZERO, canonical

if TYPE_CHECKING:
    from kedge.backtest.figures import Figures

#: Below this many closed round trips the error of a win rate is above 18 percentage points (95%, binomial).
ROUND_TRIPS_MIN = 30
#: Below this many days annual figures are mostly extrapolation.
DAYS_MIN = 90
#: Costs may take this share of what was earned before them.
COST_SHARE_MAX = Decimal("0.5")
#: One round trip may be this share of the net profit.
ONE_TRIP_SHARE_MAX = Decimal("0.5")
#: Below this share of time in the market there is little to judge.
EXPOSURE_MIN = Decimal("0.05")
#: Depth and length (share of the run) from which a drawdown is hard to sit through.
DRAWDOWN_MAX = Decimal("0.3")
UNDERWATER_SHARE_MAX = Decimal("0.5")
#: Above this Sharpe ratio the first guess is a mistake.
SHARPE_MAX = 4
#: A taker of more than this share of a bar's volume moves the price.
PARTICIPATION_MAX = Decimal("0.1")


def warnings_of(result: Figures) -> list[str]:
    """Every rule that has something to say, one sentence or two each."""
    return [said for rule in _RULES for said in rule(result)]


def _interrupted(result: Figures) -> Iterator[str]:
    record = result.record
    if record.liquidations:
        yield (
            f"The venue liquidated {_times(record.liquidations, 'position')}: the account was too small for its risk, "
            "and in a real market the price of a liquidation is worse."
        )
    if result.max_drawdown >= 1:
        yield "The account was wiped out during the run: what comes after that moment means nothing."
    if record.halted:
        yield f"Trading was halted during the run: {record.halted}."
    for strategy, reason in record.disabled.items():
        yield f"Strategy {strategy} was disabled during the run: {reason}."


def _few_trades(result: Figures) -> Iterator[str]:
    closed = len(result.round_trips)
    if not result.fills:
        yield "Nothing was traded: there is no result to judge."
    elif closed < ROUND_TRIPS_MIN:
        yield (
            f"Only {_times(closed, 'round trip')} closed: with fewer than {ROUND_TRIPS_MIN}, luck explains as much "
            "as skill."
        )


def _short_history(result: Figures) -> Iterator[str]:
    days = len(result.daily_returns)
    if result.fills and days < DAYS_MIN:
        yield (
            f"The history covers {_times(days, 'UTC day')}: CAGR, volatility and Sharpe ratio are extrapolated "
            "from little."
        )


def _costs(result: Figures) -> Iterator[str]:
    costs = EXACT.add(result.total_fees, result.total_slippage)
    before = EXACT.add(result.gross_profit, result.total_slippage)
    places = places_for(result.initial_capital)
    if result.fills and not result.total_fees and not result.record.other_fees:
        yield "No fees were charged: real venues charge them."
    if result.fills and not result.total_slippage:
        yield "No slippage was simulated: orders that cross the spread get worse prices than this."
    if costs <= ZERO or before <= ZERO:
        return
    share = ratio(costs, before)
    if share >= 1:
        yield (
            f"Costs ate the strategy: it earned {money(before, places)} before fees and slippage "
            f"and paid {money(costs, places)}."
        )
    elif share >= COST_SHARE_MAX:
        yield (
            f"Fees and slippage took {percent(share, 0)} of what was earned before them: the result depends on their "
            "estimate; try it with twice the costs."
        )


def _one_trip(result: Figures) -> Iterator[str]:
    best = result.best_trade
    if best is None or len(result.round_trips) < 2 or result.net_profit <= ZERO:
        return
    if best.net >= EXACT.multiply(result.net_profit, ONE_TRIP_SHARE_MAX):
        places = places_for(result.initial_capital)
        rest = EXACT.subtract(result.net_profit, best.net)
        yield (
            f"One round trip carries the result: {money(best.net, places, signed=True)} of "
            f"{money(result.net_profit, places, signed=True)}; without it {money(rest, places, signed=True)} is left."
        )


def _exposure(result: Figures) -> Iterator[str]:
    if result.fills and result.exposure < EXPOSURE_MIN:
        yield f"A position was held {percent(result.exposure)} of the time: the figures rest on a few moments."


def _drawdown(result: Figures) -> Iterator[str]:
    if DRAWDOWN_MAX <= result.max_drawdown < 1:
        yield f"The account lost {percent(result.max_drawdown)} from its peak: few would have stayed with it."
    under = result.equity_curve.longest_drawdown()
    if under is None or not result.max_drawdown:
        return
    whole = result.equity_curve.time_at(-1) - result.equity_curve.time_at(0)
    if whole and under.ns >= UNDERWATER_SHARE_MAX * whole:
        length = span(timedelta(microseconds=under.ns // 1000))
        state = "and is not over" if under.open else "before the old peak was reached"
        yield f"The longest drawdown took {length} {state}, {percent(under.ns / whole, 0)} of the run."


def _too_good(result: Figures) -> Iterator[str]:
    sharpe = result.sharpe_ratio
    if sharpe is not None and sharpe > SHARPE_MAX:
        yield (
            f"A Sharpe ratio of {number(sharpe)} is rarely real: look for data from the future, prices nobody would "
            "have got, or parameters fitted to this history."
        )


def _market(result: Figures) -> Iterator[str]:
    market = result.market_return
    if market is not None and result.fills and ZERO < result.total_return < market:
        yield (
            f"Holding the market would have earned {percent(market, signed=True)}, "
            f"the strategy {percent(result.total_return, signed=True)}."
        )


def _data(result: Figures) -> Iterator[str]:
    record = result.record
    if record.quarantined:
        were = f"{_times(record.quarantined, 'market fact')} {'was' if record.quarantined == 1 else 'were'}"
        yield f"{were} not believed and left out{_by_rule(record.quarantines)}."
    if record.gaps:
        yield f"The data has {_times(record.gaps, 'gap')}: what happened in them is not in this result."


def _orders(result: Figures) -> Iterator[str]:
    record = result.record
    if record.refused:
        yield f"Risk refused {_times(record.refused, 'order')}{_by_rule(record.refusals)}."
    if record.participation is not None and record.participation > PARTICIPATION_MAX:
        yield (
            f"A fill took {percent(record.participation, 0)} of its bar's volume: at this size the market would have "
            "moved; try a smaller account or a limit on participation."
        )


def _left_over(result: Figures) -> Iterator[str]:
    places = places_for(result.initial_capital)
    still = result.open_round_trips
    if still:
        net = sum_exact([trip.net for trip in still])
        yield (
            f"{_times(len(still), 'round trip')} still open at the end: {money(net, places, signed=True)} "
            "is not realized."
        )
    for currency, fee in result.record.other_fees.items():
        yield f"Fees of {canonical(fee)} {currency} have no price in this run and are not in the figures."
    yield from result.record.notes


def _by_rule(counts: Mapping[str, int]) -> str:
    said = ", ".join(f"{rule} {count:,}" for rule, count in counts.items())
    return f" ({said})" if said else ""


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


_RULES: tuple[Callable[[Figures], Iterator[str]], ...] = (
    _interrupted,
    _few_trades,
    _short_history,
    _costs,
    _one_trip,
    _too_good,
    _market,
    _exposure,
    _drawdown,
    _orders,
    _data,
    _left_over,
)
