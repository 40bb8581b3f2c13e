"""Figures as people read them: money with as many decimals as the account needs, percentages, spans of time.

Everything is rounded here for the eye only (half even); machines get `plain`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from kedge.backtest.metrics import Statistic
from kedge.model.money import EXACT, canonical

if TYPE_CHECKING:
    from kedge.backtest.figures import Figures
    from kedge.backtest.roundtrips import RoundTrip

#: What stands where a figure is not defined.
NONE = "n/a"

_HUNDRED = Decimal(100)

#: From here on digits are no longer read: growth extrapolated from a lucky day, say.
_HUGE = Decimal("1e15")


def places_for(capital: Decimal) -> int:
    """Decimals in which an account of this size is read: cents of dollars, more of coins."""
    if capital >= 100:
        return 2
    return 4 if capital >= 1 else 8


def money(amount: Decimal | None, places: int = 2, signed: bool = False) -> str:
    """`1,234.50`; with `signed` a plus before a gain; what is huge as `1.235e+20`."""
    if amount is None:
        return NONE
    if abs(amount) >= _HUGE:
        return f"{amount:+.3e}" if signed else f"{amount:.3e}"
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)
    if not rounded:
        rounded = abs(rounded)
    return f"{rounded:+,f}" if signed and rounded else f"{rounded:,f}"


def percent(ratio: Decimal | Statistic | None, places: int = 2, signed: bool = False) -> str:
    """`12.34%` of a ratio of 0.1234."""
    if ratio is None:
        return NONE
    return money(EXACT.multiply(_exact(ratio), _HUNDRED), places, signed) + "%"


def number(value: Decimal | Statistic | None, places: int = 2) -> str:
    """A plain number."""
    return NONE if value is None else money(_exact(value), places)


def amount(value: Decimal) -> str:
    """A price or quantity as it is, thousands marked."""
    return f"{Decimal(canonical(value)):,f}"


def span(length: timedelta | None) -> str:
    """The two largest units of a span: `3d 4h`, `5m 12s`; below a second in milliseconds."""
    if length is None:
        return NONE
    if length < timedelta(seconds=1):
        return f"{length // timedelta(milliseconds=1)}ms" if length else "0s"
    left = int(length.total_seconds())
    parts: list[tuple[int, str]] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count}{name}" for count, name in parts[:2] if count)


def summary(result: Figures) -> list[tuple[str, str]]:
    """The rows of the summary: figure and value."""
    curve = result.equity_curve
    places = places_for(result.initial_capital)
    currency = result.record.currency
    rows = []
    if len(curve):
        first, last = curve[0][0], curve[-1][0]
        rows.append(("Period", f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC ({span(last - first)})"))
    rows += [
        ("Bars", f"{result.bars:,}"),
        ("Initial capital", f"{money(result.initial_capital, places)} {currency}"),
        ("Final equity", f"{money(result.final_equity, places)} {currency}"),
        ("Total return", percent(result.total_return, signed=True)),
    ]
    if result.market_return is not None:
        rows.append(("Return of the market", percent(result.market_return, signed=True)))
    rows += [
        ("CAGR", percent(result.cagr, signed=True)),
        ("Volatility (year)", percent(result.volatility)),
        ("Sharpe ratio", number(result.sharpe_ratio)),
        ("Sortino ratio", number(result.sortino_ratio)),
        ("Calmar ratio", number(result.calmar_ratio)),
        ("Max drawdown", percent(result.max_drawdown)),
        ("Longest drawdown", span(result.max_drawdown_duration)),
        ("Exposure", percent(result.exposure)),
        ("Turnover", f"{number(result.turnover)}x"),
        ("Fills", f"{result.fills:,}"),
        ("Round trips", _trips(result)),
        ("Win rate", percent(result.win_rate) if result.round_trips else NONE),
        ("Profit factor", number(result.profit_factor)),
        ("Expectancy", f"{money(result.expectancy, places, signed=True)} per round trip"),
        ("Average win / loss", f"{_signed(result.average_win, places)} / {_signed(result.average_loss, places)}"),
        ("Best / worst round trip", f"{_net(result.best_trade, places)} / {_net(result.worst_trade, places)}"),
        ("Average holding", span(result.average_holding)),
        ("Fees", f"{money(result.total_fees, places)} {currency}"),
        ("Slippage", f"{money(result.total_slippage, places)} {currency}"),
    ]
    if result.funding:
        rows.append(("Funding", f"{money(result.total_funding, places, signed=True)} {currency}"))
    rows.append(("Refused orders", f"{result.refused:,}"))
    rows.append(("Quarantined facts", f"{result.quarantined:,}"))
    return rows


def limits(result: Figures) -> list[tuple[str, str]]:
    """The limits that were in force, as rows of (whose, limits): those set with their values, those not set by name."""
    rows: list[tuple[str, str]] = []
    for section, named in result.record.limits.items():
        plain = {name: value for name, value in named.items() if not isinstance(value, dict)}
        own: dict[str, list[str]] = {}
        for name, symbols in named.items():
            for symbol, value in symbols.items() if isinstance(symbols, dict) else ():
                said = value if isinstance(value, dict) else {name.removeprefix("symbols_"): value}
                own.setdefault(symbol, []).extend(f"{each} {bound}" for each, bound in said.items())
        known = [f"{name} {value}" for name, value in plain.items() if value is not None]
        rows.append((f"{section} limits", ", ".join(known) or "none"))
        rows += [(f"{section} limits of {symbol}", ", ".join(said) or "none") for symbol, said in own.items()]
        rows.append((f"{section} limits not set", ", ".join(name for name in plain if plain[name] is None) or "none"))
    return rows


def _exact(value: Decimal | Statistic) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _trips(result: Figures) -> str:
    still = len(result.open_round_trips)
    return f"{len(result.round_trips):,}" + (f" and {still} still open" if still else "")


def _signed(value: Decimal | None, places: int) -> str:
    return money(value, places, signed=True)


def _net(trip: RoundTrip | None, places: int) -> str:
    return NONE if trip is None else money(trip.net, places, signed=True)
