"""`Plan`: a run's settings, rules and candles in the whole numbers that the kernel computes with, or why it cannot.

Units are chosen so that nothing needs rounding to be represented. With `d(.)` the digits after the point:

    price unit   10**-P    P = max(d(prices), d(tick))                       each symbol its own
    lot          the instrument's, counted
    money unit   10**-M    M = max(P + d(lot) + d(contract size), 12, d(capital)), the same for all symbols

so `lots x lot x contract size x price` is a whole number of money units, and so is a fee, which is cut to 1e-12.
Limits are brought to the grid on the side that changes no comparison.

What the kernel does not do (`unsupported`) it does not try: other limits, spot, latency, participation, candles that the
market data handler might quarantine, several symbols out of step.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from kedge.core.allocation.sizing import RESERVE
from kedge.core.strategy.base import BaseStrategy
from kedge.core.strategy.moves import KEEP
from kedge.core.strategy.signals import SignalStrategy, checked
from kedge.model.instant import NS_PER_DAY
from kedge.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from kedge.model.limits import RiskConfig
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.research import kernel_state as at
from kedge.research import wide
from kedge.research.market import Market
from kedge.storage.columns import CandleColumns
from kedge.storage.ticks import scale_of

if TYPE_CHECKING:
    from kedge.research.evaluate import Settings

Ints = NDArray[np.int64]

#: Limits that the kernel knows; another one that is set sends a run to the event engine.
LIMITS = frozenset({
    "order_quantity_max", "order_notional_max", "position_quantity_max", "position_notional_max", "gross_exposure_max",
    "daily_loss_max", "drawdown_ratio_max", "loss_action", "flatten_slippage_bps_max", "symbols",
    "executions_window_ms", "price_band_window_ms", "errors_in_a_row_max", "unknown_age_ms_max", "clock_offset_ms_max",
})  # fmt: skip
_FEE_DIGITS = 12
_PRICE_MAX = 2**50
_FACTOR_MAX = 2**wide.FACTOR_BITS


class _Idle(BaseStrategy):
    """Wants nothing: for asking the engine whether it would run at all."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = symbols
        super().__init__()

    def required_symbols(self) -> Sequence[str]:
        return self._symbols


class Unsupported(Exception):
    """Why a run is not for the kernel; never leaves this package."""


class Merged(Struct, frozen=True):
    """The candles of a market in the order they are told, prices in units.

    `order` are the places of each symbol's candles; `closes` is 1 where a moment ends (several symbols close at once) and
    2 where a UTC day does; there are so many `moments`, and these `days`.
    """

    columns: tuple[Ints, ...]
    order: tuple[Ints, ...]
    closes: NDArray[np.int8]
    moments: int
    days: list[int]
    highest: tuple[int, ...]


class Plan(Struct, frozen=True):
    """The filled arrays of a run, to be copied for each; and the scales that read its results."""

    x: Ints
    w: Ints
    merged: Merged
    money_scale: int
    price_scales: tuple[int, ...]
    lots: tuple[Decimal, ...]


def plan_of(market: Market, settings: Settings) -> Plan:
    """The plan of all runs over `market` with these settings, kept with the market; raises `Unsupported`."""
    plans = market.memory.setdefault("plans", {})
    key = repr(settings)
    found = plans.get(key)
    if found is None:
        try:
            found = _plan(market, settings)
        except Unsupported as reason:
            found = str(reason)
        plans[key] = found
    if isinstance(found, str):
        raise Unsupported(found)
    return found  # type: ignore[no-any-return]


def _plan(market: Market, settings: Settings) -> Plan:
    engine = settings.engine()
    engine.run(_Idle(market.symbols), [stream[:1] for stream in market.streams])  # refuses what it refuses
    instruments = engine._instruments(market.symbols)  # noqa: SLF001  (the engine decides what is traded)
    _check(market, settings, instruments)
    scales = tuple(
        max(stream.price_scale, scale_of(each.tick_size))
        for stream, each in zip(market.streams, instruments, strict=True)
    )
    money = max(
        _FEE_DIGITS,
        scale_of(settings.initial_capital),
        *(
            scale + scale_of(each.lot_size) + scale_of(each.contract_size)
            for scale, each in zip(scales, instruments, strict=True)
        ),
    )
    merged = _merged(market, scales)
    x = np.zeros(at.FIRST + len(instruments) * at.BLOCK, np.int64)
    w = np.zeros(2 * (at.W_FIRST + len(instruments) * at.W_BLOCK), np.int64)
    rate_digits = max(scale_of(rate) for each in instruments for rate in (each.taker_fee, each.maker_fee))
    _account(x, w, settings, instruments, money, rate_digits)
    for place, (each, scale) in enumerate(zip(instruments, scales, strict=True)):
        _rules(x, w, place, each, settings.risk, (scale, money, rate_digits, merged.highest[place]))
    return Plan(x, w, merged, money, scales, tuple(each.lot_size for each in instruments))


def _check(market: Market, settings: Settings, instruments: list[Instrument]) -> None:
    if settings.latency_ms:
        raise Unsupported("latency is set")
    if settings.participation is not None:
        raise Unsupported("participation is set")
    for field in structs.fields(RiskConfig):
        if field.name not in LIMITS and getattr(settings.risk, field.name) is not None:
            raise Unsupported(f"the limit {field.name} is set")
    for own in settings.risk.symbols.values():
        if own.price_collar_bps_max is not None:
            raise Unsupported("the limit price_collar_bps_max is set")
    first = instruments[0]
    for each in instruments:
        if each.kind is not InstrumentKind.PERPETUAL or each.status is not InstrumentStatus.OPEN:
            raise Unsupported(f"{each.symbol} is {each.kind}, {each.status}")
        if each.taker_fee < ZERO or each.maker_fee < ZERO:
            raise Unsupported(f"{each.symbol} has a rebate")
        if each.max_leverage != first.max_leverage:
            raise Unsupported("the symbols differ in leverage")
    streams = market.streams
    if len(streams) > 1:
        interval, offset = streams[0].interval, int(streams[0].ts[0]) if len(streams[0]) else 0
        for stream in streams:
            if stream.interval != interval or bool(((stream.ts - offset) % interval).any()):
                raise Unsupported("the candles of the symbols are not in step")
    for stream in streams:
        _check_candles(stream, settings.market.jump_limit(stream.symbol))


def _check_candles(stream: CandleColumns, reach: Decimal | None) -> None:
    """Candles that the market data handler accepts one and all: it judges each by itself, and against the last close."""
    if not stream.interval:
        raise Unsupported("the candles have no interval")
    low, high = stream.low, stream.high
    inside = (low > 0) & (low <= stream.open) & (stream.open <= high) & (low <= stream.close) & (stream.close <= high)
    num, den = (Decimal(1) if reach is None else reach).as_integer_ratio()
    if not bool(inside.all()) or bool((stream.volume < 0).any()) or bool((stream.ts < 0).any()):
        raise Unsupported(f"a candle of {stream.symbol} is not sound")
    if len(stream) and int(high.max()) * (num + den) > 2**62:
        raise Unsupported(f"the prices of {stream.symbol} are too large for fixed point")
    last = stream.close[:-1]
    near = (low[1:] * den >= last * (den - num)) & (high[1:] * den <= last * (den + num))
    apart = stream.ts[1:] - stream.ts[:-1] >= stream.interval
    if not (reach is None or bool(near.all())) or not bool(apart.all()):
        raise Unsupported(f"a candle of {stream.symbol} jumps, overlaps or comes late")


def _merged(market: Market, scales: tuple[int, ...]) -> Merged:
    parts, highest = [], []
    for place, (stream, scale) in enumerate(zip(market.streams, scales, strict=True)):
        factor = 10 ** (scale - stream.price_scale)
        most = int(stream.high.max()) * factor if len(stream) else 1
        if most >= _PRICE_MAX:
            raise Unsupported(f"the prices of {stream.symbol} are too large for fixed point")
        highest.append(most)
        prices = [getattr(stream, name) * factor for name in ("open", "high", "low", "close")]
        where = np.full(len(stream), place, np.int64)
        parts.append((where, *prices, np.asarray(stream.ts), stream.ts + stream.interval))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if len(parts) > 1 else list(parts[0])
    if len(parts) > 1:
        told = np.argsort(columns[-1], kind="stable")
        columns = [column[told] for column in columns]
    order = tuple(np.flatnonzero(columns[0] == place) for place in range(len(parts)))
    days = (columns[-1] - 1) // NS_PER_DAY
    moments = np.append(columns[-1][1:] != columns[-1][:-1], True)
    closes = moments.astype(np.int8) + np.append(days[1:] != days[:-1], True)
    arrays = tuple(np.ascontiguousarray(column, np.int64) for column in columns)
    return Merged(arrays, order, closes, int(moments.sum()), days[closes == 2].tolist(), tuple(highest))


def _account(x: Ints, w: Ints, settings: Settings, instruments: list[Instrument], money: int, rates: int) -> None:
    risk = settings.risk
    x[at.SYMBOLS] = len(instruments)
    x[at.WATCHES] = risk.daily_loss_max is not None or risk.drawdown_ratio_max is not None
    x[at.FLATTENS] = risk.loss_action == "flatten"
    x[at.DRAWDOWN_NUM], x[at.DRAWDOWN_DEN] = _ratio(risk.drawdown_ratio_max)
    x[at.SLIP_NUM], x[at.SLIP_DEN] = _ratio(settings.slippage_bps / TEN_THOUSAND)
    x[at.REACH_NUM], x[at.REACH_DEN] = _ratio(risk.flatten_slippage_bps_max / TEN_THOUSAND)
    x[at.LEVERAGE_NUM], x[at.LEVERAGE_DEN] = num, den = _ratio(instruments[0].max_leverage)
    x[at.FEE_UNIT], x[at.RATE_DEN] = _unit(money - _FEE_DIGITS), _unit(rates)
    x[at.FEE_DIVISOR] = _unit(money - _FEE_DIGITS + rates)
    x[at.RESERVE_DEN], x[at.RESERVE_NUM] = _ratio(ONE + RESERVE)
    if max(num, den) * 10**rates >= _FACTOR_MAX:
        raise Unsupported("leverage and fees have too many digits for fixed point")
    x[at.DAY] = -1
    capital = int(settings.initial_capital.scaleb(money))
    for place, value in (
        (at.W_DAILY_LOSS, _grid(risk.daily_loss_max, money, up=True)),
        (at.W_GROSS, _grid(risk.gross_exposure_max, money)),
        *((place, capital) for place in (at.W_CASH, at.W_DAY_START, at.W_PEAK, at.W_LAST)),
    ):
        _keep(w, place, value)


def _rules(x: Ints, w: Ints, place: int, each: Instrument, risk: RiskConfig, units: tuple[int, int, int, int]) -> None:
    scale, money, rates, highest = units
    k, wk = at.FIRST + place * at.BLOCK, at.W_FIRST + place * at.W_BLOCK
    lot = each.lot_size * each.contract_size
    x[k + at.TICK] = _whole(each.tick_size.scaleb(scale))
    x[k + at.LOT] = unit = _whole(lot.scaleb(money - scale))
    num, den = _ratio(each.maintenance_margin)
    most = min(2**62 // (2 * den), 2 ** (wide.AMOUNT_BITS - 2) // highest)
    if highest * 2 * unit * int(x[at.RESERVE_DEN]) >= 2**62:
        raise Unsupported(f"a lot of {each.symbol} is worth too much for fixed point")
    x[k + at.UNITS_MAX] = most
    x[k + at.LOTS_MIN] = max(-int(-Fraction(each.min_quantity) / Fraction(each.lot_size) // 1), 1)
    x[k + at.LOTS_MAX] = (
        2**62 if each.max_quantity is None else min(int(Fraction(each.max_quantity) / Fraction(each.lot_size)), 2**62)
    )
    x[k + at.TAKER], x[k + at.MAKER] = (_whole(rate.scaleb(rates)) for rate in (each.taker_fee, each.maker_fee))
    x[k + at.MAINTENANCE_NUM], x[k + at.MAINTENANCE_DEN] = num, den
    x[k + at.SHORTABLE] = each.shortable
    x[k + at.DEATH_LOW], x[k + at.DEATH_HIGH] = -1, at.NEVER
    for entry, name in ((at.ORDER_LOTS_MAX, "order_quantity_max"), (at.POSITION_LOTS_MAX, "position_quantity_max")):
        bound = risk.for_symbol(each.symbol, name)
        x[k + entry] = -1 if bound is None else min(int(Fraction(bound) / Fraction(each.lot_size)), 2**62)
    _keep(w, wk + at.W_NOTIONAL_MIN, max(_grid(each.min_notional, money, up=True), 0))
    for entry, name in (
        (at.W_ORDER_NOTIONAL, "order_notional_max"),
        (at.W_POSITION_NOTIONAL, "position_notional_max"),
    ):
        _keep(w, wk + entry, _grid(risk.for_symbol(each.symbol, name), money))


def for_strategy(plan: Plan, strategy: SignalStrategy, market: Market) -> Ints:
    """A copy of the plan's numbers with those of a strategy: what it may hold, and how its entries are protected."""
    x = plan.x.copy()
    wanted, lookback = set(strategy.required_symbols()), strategy.lookback()
    warm = [order for symbol, order in zip(market.symbols, plan.merged.order, strict=True) if symbol in wanted]
    x[at.LIVE_FROM] = max(int(order[lookback - 1]) if len(order) >= lookback else 2**62 for order in warm)
    x[at.ALLOW_SHORT] = strategy.allow_short
    x[at.PROTECTED] = strategy.is_protected
    for bps, num, den in (
        (strategy.stop_loss_bps, at.STOP_NUM, at.STOP_DEN),
        (strategy.take_profit_bps, at.TARGET_NUM, at.TARGET_DEN),
        (strategy.trail_bps, at.TRAIL_NUM, at.TRAIL_DEN),
    ):
        x[num], x[den] = _ratio(None if bps is None else bps / TEN_THOUSAND)
    quantity = strategy.quantity
    for place, lot in enumerate(plan.lots):
        lots = -1 if quantity is None else int(Fraction(quantity) / Fraction(lot))
        if lots >= 2**61:
            raise Unsupported("the quantity is too large for fixed point")
        x[at.FIRST + place * at.BLOCK + at.QUANTITY] = lots
    return x


def moves_of(strategy: SignalStrategy, market: Market, plan: Plan) -> NDArray[np.int8]:
    """The strategy's column over all bars in the order they are told; before its lookback it keeps what is held."""
    wanted = set(strategy.required_symbols())
    merged = np.full(len(plan.merged.closes), KEEP, np.int8)
    early = strategy.lookback() - 1
    for symbol, order in zip(market.symbols, plan.merged.order, strict=True):
        bars = market.bars[symbol]
        if symbol not in wanted or len(bars) <= early:
            continue
        column = checked(strategy.signals(bars), bars, type(strategy).__name__)
        if len(plan.merged.order) == 1:
            merged[early:] = column[early:]
        else:
            merged[order[early:]] = column[early:]
    return merged


def _keep(w: Ints, place: int, value: int) -> None:
    if not abs(value) < 2 ** (wide.AMOUNT_BITS - 2):
        raise Unsupported("an amount is too large for fixed point")
    wide.store(w, place, value)


def _ratio(value: Decimal | None) -> tuple[int, int]:
    """A fraction in lowest terms, both of which are factors; -1 for none."""
    if value is None:
        return -1, 1
    num, den = value.as_integer_ratio()
    if max(abs(num), den) >= _FACTOR_MAX:
        raise Unsupported(f"{value} has too many digits for fixed point")
    return num, den


def _grid(value: Decimal | None, scale: int, *, up: bool = False) -> int:
    """A limit as a whole number of units, down unless `up`; -1 for none."""
    if value is None:
        return -1
    exact = Fraction(value) * 10**scale
    return -int(-exact // 1) if up else int(exact // 1)


def _whole(value: Decimal) -> int:
    if value != value.to_integral_value():
        raise Unsupported("a rule of the instrument has too many digits for fixed point")
    number = int(value)
    if number >= 2**62:
        raise Unsupported("a rule of the instrument is too large for fixed point")
    return number


def _unit(digits: int) -> int:
    if not 0 <= digits <= 18:
        raise Unsupported("fees and amounts have too many digits for fixed point")
    return int(10**digits)
