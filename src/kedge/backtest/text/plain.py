"""A result as plain data for machines: decimals as canonical strings, statistics as numbers, times as ISO 8601 UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kedge.backtest.metrics import Statistic
from kedge.model.instant import iso
from kedge.model.money import canonical

if TYPE_CHECKING:
    from kedge.backtest.figures import Figures
    from kedge.backtest.roundtrips import RoundTrip


def plain(result: Figures, warnings: Sequence[str]) -> dict[str, Any]:
    """Everything a result says but the equity of each point; `warnings` are said with it."""
    return {
        **_run(result),
        **_money(result),
        **_statistics(result),
        **_round_trips(result),
        "assumptions": result.assumptions,
        "warnings": list(warnings),
        "trades": [trade.to_json() for trade in result.trades],
    }


def _run(result: Figures) -> dict[str, Any]:
    record, curve = result.record, result.equity_curve
    return {
        "symbols": list(record.symbols),
        "strategies": list(record.strategies),
        "parameters": {name: dict(values) for name, values in record.parameters.items()},
        "settings": dict(record.settings),
        "limits": {name: dict(limits) for name, limits in record.limits.items()},
        "currency": record.currency,
        "start": iso(curve.time_at(0)) if len(curve) else None,
        "end": iso(curve.time_at(-1)) if len(curve) else None,
        "bars": result.bars,
        "ticks": record.ticks,
        "fills": result.fills,
        "orders": record.orders,
        "refused": result.refused,
        "dropped": record.dropped,
        "quarantined": result.quarantined,
        "gaps": record.gaps,
        "liquidations": record.liquidations,
        "disabled": dict(record.disabled),
        "load_seconds": result.load_seconds,
        "run_seconds": result.run_seconds,
    }


def _money(result: Figures) -> dict[str, Any]:
    return {
        "initial_capital": canonical(result.initial_capital),
        "final_equity": canonical(result.final_equity),
        "net_profit": canonical(result.net_profit),
        "gross_profit": canonical(result.gross_profit),
        "total_fees": canonical(result.total_fees),
        "total_slippage": canonical(result.total_slippage),
        "total_funding": canonical(result.total_funding),
        "other_fees": {currency: canonical(fee) for currency, fee in result.record.other_fees.items()},
        "total_return": canonical(result.total_return),
        "market_return": _text(result.market_return),
        "turnover": canonical(result.turnover),
    }


def _statistics(result: Figures) -> dict[str, Any]:
    return {
        "max_drawdown": canonical(result.max_drawdown),
        "max_drawdown_seconds": _total_seconds(result.max_drawdown_duration),
        "sharpe_ratio": result.sharpe_ratio,
        "sortino_ratio": result.sortino_ratio,
        "calmar_ratio": result.calmar_ratio,
        "cagr": result.cagr,
        "volatility": result.volatility,
        "exposure": result.exposure,
        "monthly_returns": [
            {"month": f"{found.year:04d}-{found.month:02d}", "return": canonical(found.ratio)}
            for found in result.monthly_returns
        ],
    }


def _round_trips(result: Figures) -> dict[str, Any]:
    return {
        "win_rate": canonical(result.win_rate),
        "profit_factor": _text(result.profit_factor),
        "expectancy": _text(result.expectancy),
        "average_win": _text(result.average_win),
        "average_loss": _text(result.average_loss),
        "average_holding_seconds": _total_seconds(result.average_holding),
        "best_trade": _trip(result.best_trade),
        "worst_trade": _trip(result.worst_trade),
        "round_trips": [trip.to_json() for trip in result.all_round_trips],
        "by_strategy": [
            {
                "strategy": part.strategy,
                "fills": part.fills,
                "round_trips": part.round_trips,
                "win_rate": canonical(part.win_rate),
                "gross": canonical(part.gross),
                "fees": canonical(part.fees),
                "net": canonical(part.net),
                "open_net": canonical(part.open_net),
                "traded": canonical(part.traded),
            }
            for part in result.by_strategy
        ],
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)


def _total_seconds(length: timedelta | None) -> Statistic | None:
    return None if length is None else length.total_seconds()


def _trip(trip: RoundTrip | None) -> dict[str, object] | None:
    return None if trip is None else trip.to_json()
