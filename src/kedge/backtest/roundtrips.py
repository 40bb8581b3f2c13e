"""Round trips: what was won and lost, from flat to flat.

A trip begins with the fill that opens a position of a strategy in a symbol and ends with the one that leaves it flat;
a fill that flips the position ends one trip and begins the next, and its fee is split by quantity. Cost is the average
cost of `kedge.model.position`, so nothing is lost between trips: over all of them, the open ones at the last price,

    sum of net = final equity - initial capital - funding

to the last digit. Funding is no part of a trip: it is its own line in the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from kedge.backtest.curve_fold import ratio
from kedge.backtest.trade import BacktestTrade
from kedge.model.instant import NS_PER_US, iso, to_datetime
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO, canonical
from kedge.model.order import Side
from kedge.model.position import Position


class RoundTrip(Struct, frozen=True, gc=False):
    """One trip; `side` is that of its entry.

    `quantity` is everything that was entered, `entry_price` and `exit_price` are means by quantity. `gross` is the
    profit before fees, slippage in it; `slippage` says how much that was. While `is_open` the rest is valued at the
    last price, and that is the exit. `fills` counts what made the trip; a fill that flips counts in both.
    """

    strategy: str
    symbol: str
    side: Side
    entry_ns: int
    exit_ns: int
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    entry_value: Decimal
    gross: Decimal
    fees: Decimal
    slippage: Decimal
    fills: int
    is_open: bool = False

    @property
    def net(self) -> Decimal:
        """Profit after fees."""
        return EXACT.subtract(self.gross, self.fees)

    @property
    def return_ratio(self) -> Decimal:
        """Net profit as a fraction of the value entered."""
        return ratio(self.net, self.entry_value) if self.entry_value else ZERO

    @property
    def entry_time(self) -> datetime:
        """When the position was opened, aware UTC."""
        return to_datetime(self.entry_ns)

    @property
    def exit_time(self) -> datetime:
        """When it was flat again, or the last moment seen; aware UTC."""
        return to_datetime(self.exit_ns)

    @property
    def holding(self) -> timedelta:
        """How long it was held."""
        return timedelta(microseconds=(self.exit_ns - self.entry_ns) // NS_PER_US)

    def to_json(self) -> dict[str, object]:
        """Plain data: decimals as strings, times as ISO 8601 UTC."""
        return {
            "strategy": self.strategy,
            "symbol": self.symbol,
            "side": "long" if self.side is Side.BUY else "short",
            "entry": iso(self.entry_ns),
            "exit": None if self.is_open else iso(self.exit_ns),
            "quantity": canonical(self.quantity),
            "entry_price": canonical(self.entry_price),
            "exit_price": canonical(self.exit_price),
            "gross": canonical(self.gross),
            "fees": canonical(self.fees),
            "net": canonical(self.net),
            "fills": self.fills,
        }


class _Trip:
    """A trip on its way."""

    __slots__ = (
        "entered",
        "entered_value",
        "entry_ns",
        "exited",
        "exited_value",
        "fees",
        "fills",
        "gross",
        "side",
        "slippage",
    )

    def __init__(self, entry_ns: int, side: Side) -> None:
        self.entry_ns = entry_ns
        self.side = side
        self.entered = ZERO
        self.entered_value = ZERO
        self.exited = ZERO
        self.exited_value = ZERO
        self.gross = ZERO
        self.fees = ZERO
        self.slippage = ZERO
        self.fills = 0


class _Leg(Struct, frozen=True, gc=False):
    """A part of a fill that does not cross zero; `slippage` is per unit."""

    signed: Decimal
    fee: Decimal
    slippage: Decimal


class RoundTripBook:
    """Folds trades into trips; `closed` are in order of their end."""

    def __init__(self) -> None:
        self.closed: list[RoundTrip] = []
        self._positions: dict[tuple[str, str], Position] = {}
        self._trips: dict[tuple[str, str], _Trip] = {}
        self._last_ns = 0

    def take(self, trade: BacktestTrade) -> None:
        """Fold in a fill."""
        self._last_ns = max(self._last_ns, trade.ts)
        key = (trade.strategy, trade.symbol)
        position = self._positions.get(key)
        if position is None:
            position = self._positions[key] = Position(trade.symbol, trade.multiplier)
        self._book(key, position, trade, trade.signed, trade.fee, trade.slippage)
        if trade.fee_quantity:
            self._book(key, position, trade, -trade.fee_quantity, ZERO, ZERO)

    def open(self, prices: Mapping[str, Decimal], at_ns: int = 0) -> list[RoundTrip]:
        """The trips that go on, valued at `prices`; without one at cost, as the account is."""
        found = []
        for key, trip in self._trips.items():
            position = self._positions[key]
            price = prices.get(position.symbol)
            units = EXACT.multiply(position.quantity, position.multiplier)
            worth = position.cost if price is None else EXACT.multiply(units, price)
            trip.gross = EXACT.add(trip.gross, EXACT.subtract(worth, position.cost))
            trip.exited = EXACT.add(trip.exited, abs(units))
            trip.exited_value = EXACT.add(trip.exited_value, abs(worth))
            found.append(_finished(key, trip, max(at_ns, self._last_ns), position.multiplier, is_open=True))
        self._trips = {}
        return found

    def _book(
        self,
        key: tuple[str, str],
        position: Position,
        trade: BacktestTrade,
        signed: Decimal,
        fee: Decimal,
        slippage: Decimal,
    ) -> None:
        """Book `signed` units at the trade's price; what crosses zero is two legs, of two trips."""
        held = position.quantity
        if held and (held > ZERO) != (signed > ZERO) and abs(signed) > abs(held):
            part = EXACT.divide(EXACT.multiply(fee, abs(held)), abs(signed)).quantize(CENT_OF_NANO, context=EXACT)
            self._leg(key, position, trade, _Leg(-held, part, slippage))
            signed, fee = EXACT.add(signed, held), EXACT.subtract(fee, part)
        self._leg(key, position, trade, _Leg(signed, fee, slippage))

    def _leg(self, key: tuple[str, str], position: Position, trade: BacktestTrade, leg: _Leg) -> None:
        trip = self._trips.get(key)
        if trip is None:
            trip = self._trips[key] = _Trip(trade.ts, Side.BUY if leg.signed > ZERO else Side.SELL)
        units = EXACT.multiply(abs(leg.signed), trade.multiplier)
        value = EXACT.multiply(units, trade.price)
        if (leg.signed > ZERO) == (trip.side is Side.BUY):
            trip.entered = EXACT.add(trip.entered, units)
            trip.entered_value = EXACT.add(trip.entered_value, value)
        else:
            trip.exited = EXACT.add(trip.exited, units)
            trip.exited_value = EXACT.add(trip.exited_value, value)
        trip.gross = EXACT.add(trip.gross, position.trade(leg.signed, trade.price))
        trip.fees = EXACT.add(trip.fees, leg.fee)
        trip.slippage = EXACT.add(trip.slippage, EXACT.multiply(units, leg.slippage))
        trip.fills += 1
        if position.is_flat:
            del self._trips[key]
            self.closed.append(_finished(key, trip, trade.ts, trade.multiplier))


def _finished(key: tuple[str, str], trip: _Trip, exit_ns: int, multiplier: Decimal, is_open: bool = False) -> RoundTrip:
    """`entered` and `exited` count base units, so that prices are means; a trip's quantity is in its own units."""
    return RoundTrip(
        strategy=key[0],
        symbol=key[1],
        side=trip.side,
        entry_ns=trip.entry_ns,
        exit_ns=exit_ns,
        quantity=ratio(trip.entered, multiplier),
        entry_price=ratio(trip.entered_value, trip.entered),
        exit_price=ratio(trip.exited_value, trip.exited) if trip.exited else ZERO,
        entry_value=trip.entered_value,
        gross=trip.gross,
        fees=trip.fees,
        slippage=trip.slippage,
        fills=trip.fills,
        is_open=is_open,
    )


def round_trips(trades: Iterable[BacktestTrade], prices: Mapping[str, Decimal], at_ns: int = 0) -> list[RoundTrip]:
    """All trips of a run: the closed ones in order of their end, then the open ones at `prices`."""
    book = RoundTripBook()
    for trade in trades:
        book.take(trade)
    return book.closed + book.open(prices, at_ns)
