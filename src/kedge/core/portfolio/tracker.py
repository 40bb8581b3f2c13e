"""`PositionTracker`: positions by account and by strategy, cash, fees and funding, exact.

At every moment, to the last digit, in the account's currency:

    cash + value of positions = start + realized + unrealized - fees + funding

A linear contract costs nothing to hold, so its value is its unrealized profit and cash moves by what is
realized; spot is paid for, so its value is quantity x price and cash moves by the whole price. A fee in the
base currency is treated as what it is: that quantity leaves the position at the fill's price and pays the
fee. A fee in a third currency is kept in that currency (`other_fees`) and counts in the account's only at a
rate that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from typing import Final

from kedge.model.facts import Fill, FundingPayment
from kedge.model.instrument import Instrument, InstrumentKind, generic_instrument
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.model.order import BUY
from kedge.model.position import Position

_SPOT: Final = InstrumentKind.SPOT

Price = Callable[[str], Decimal | None]


class PositionTracker:
    """The account's money, folded from fills."""

    __slots__ = (
        "_instruments",
        "_owned",
        "account",
        "account_currency",
        "cash",
        "fees",
        "funding",
        "other_fees",
        "realized",
        "start",
        "strategies",
    )

    def __init__(
        self, cash: Decimal = ZERO, account_currency: str = "USD", instruments: Iterable[Instrument] = ()
    ) -> None:
        self.start = cash
        self.cash = cash
        self.account_currency = account_currency
        self.account: dict[str, Position] = {}
        self.strategies: dict[tuple[str, str], Position] = {}
        self._owned: dict[str, list[Position]] = {}
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO
        self.other_fees: dict[str, Decimal] = {}
        self._instruments = {instrument.symbol: instrument for instrument in instruments}

    def add_instrument(self, instrument: Instrument) -> None:
        """Know an instrument, or its new rules."""
        self._instruments[instrument.symbol] = instrument

    def update_from_fill(self, fill: Fill, strategy: str = "") -> Decimal:
        """Book a fill for the account and the strategy: increase, decrease, close or flip. Returns the profit realized."""
        with localcontext(EXACT):
            return self.book(fill, strategy)

    def update_from_funding(self, payment: FundingPayment) -> None:
        """Book funding: positive is received. Strategies share it by the position they hold."""
        with localcontext(EXACT):
            self.book_funding(payment)

    def book(self, fill: Fill, strategy: str) -> Decimal:
        """`update_from_fill` where the context is wide already: the fold's way in."""
        symbol = fill.symbol
        instrument = self._instruments.get(symbol) or self._generic(symbol)
        account = self.account.get(symbol)
        if account is None:
            account = self.account[symbol] = Position(symbol, instrument.contract_size)
        own = self.strategies.get((strategy, symbol))
        if own is None:
            own = self.strategies[strategy, symbol] = Position(symbol, instrument.contract_size)
            self._owned.setdefault(strategy, []).append(own)
        signed = fill.quantity if fill.side is BUY else -fill.quantity
        own.trade(signed, fill.price)
        profit = account.trade(signed, fill.price)
        self.realized += profit
        if instrument.kind is _SPOT:
            self.cash -= signed * instrument.contract_size * fill.price
        else:
            self.cash += profit
        if fill.fee:
            profit += self._charge(fill, instrument, account, own)
        return profit

    def book_funding(self, payment: FundingPayment) -> None:
        """`update_from_funding` where the context is wide already: the fold's way in."""
        symbol, amount = payment.symbol, payment.amount
        instrument = self._instruments.get(symbol) or self._generic(symbol)
        account = self.account.setdefault(symbol, Position(symbol, instrument.contract_size))
        self.cash += amount
        self.funding += amount
        account.funding += amount
        holders = [own for (_, held), own in self.strategies.items() if held == symbol and own.quantity]
        total = sum((own.quantity for own in holders), ZERO)
        left = amount
        for place, own in enumerate(holders, 1):
            last = place == len(holders) or not total
            share = left if last else (amount * own.quantity / total).quantize(CENT_OF_NANO, context=EXACT)
            own.funding += share
            left -= share

    def position(self, symbol: str) -> Decimal:
        """The account's signed quantity."""
        position = self.account.get(symbol)
        return ZERO if position is None else position.quantity

    def strategy_position(self, strategy: str, symbol: str) -> Decimal:
        """A strategy's signed quantity."""
        position = self.strategies.get((strategy, symbol))
        return ZERO if position is None else position.quantity

    def sole_holder(self, symbol: str) -> str:
        """The one strategy that holds `symbol`: whom a fill that belongs to no order of ours concerns. Else empty."""
        holders = [owner for (owner, held), own in self.strategies.items() if held == symbol and own.quantity]
        return holders[0] if len(holders) == 1 else ""

    def held(self) -> list[Position]:
        """The positions that are not flat, in order of first trade."""
        return [position for position in self.account.values() if position.quantity]

    def value_of(self, position: Position, price: Decimal) -> Decimal:
        """What a position adds to equity at `price`."""
        if self._instruments[position.symbol].kind is _SPOT:
            return position.value(price)
        return position.unrealized(price)

    def equity(self, price: Price) -> Decimal:
        """Cash and positions at the prices that `price(symbol)` gives; a position without one is worth its
        cost.
        """
        total = self.cash
        for position in self.account.values():
            if position.quantity:
                mark = price(position.symbol)
                if mark is None:
                    mark = position.average_price
                assert mark is not None, "a held position has an average price"
                total += self.value_of(position, mark)
        return total

    def strategy_profit(self, strategy: str, price: Price) -> Decimal:
        """Realized and unrealized profit of a strategy, after fees and funding."""
        total = ZERO
        for own in self._owned.get(strategy, ()):
            total += own.realized - own.fees + own.funding
            if own.quantity:
                mark = price(own.symbol)
                if mark is not None:
                    total += own.unrealized(mark)
        return total

    def losers(self, bound: Decimal, price: Price) -> list[str]:
        """The strategies that have lost `bound` or more, in order of first trade."""
        return [owner for owner in self._owned if owner and not -self.strategy_profit(owner, price) < bound]

    def get_total_exposure(self, price: Price | None = None) -> Decimal:
        """Gross exposure: the sum of absolute position values, at `price` or, without it, at cost."""
        total = ZERO
        for position in self.account.values():
            mark = price(position.symbol) if price is not None and position.quantity else None
            total += abs(position.cost if mark is None else position.value(mark))
        return total

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {
            "cash": self.cash,
            "start": self.start,
            "realized": self.realized,
            "fees": self.fees,
            "funding": self.funding,
            "other_fees": dict(self.other_fees),
            "account": [position.snapshot() for position in self.account.values()],
            "strategies": [[key[0], own.snapshot()] for key, own in self.strategies.items()],
        }

    def _charge(self, fill: Fill, instrument: Instrument, account: Position, own: Position) -> Decimal:
        """Book the fee of a fill; returns the profit that paying it in the base currency realizes."""
        currency = fill.fee_currency
        profit, fee = ZERO, fill.fee
        if not currency or currency == instrument.quote:
            self.cash -= fee
        elif currency == instrument.base and instrument.kind is _SPOT:
            own.trade(-fee, fill.price)
            profit = account.trade(-fee, fill.price)
            self.realized += profit
            fee *= fill.price
        elif currency in (instrument.settle, self.account_currency):
            self.cash -= fee
        else:
            self.other_fees[currency] = self.other_fees.get(currency, ZERO) + fee
            return profit
        self.fees += fee
        account.fees += fee
        own.fees += fee
        return profit

    def _generic(self, symbol: str) -> Instrument:
        found = self._instruments[symbol] = generic_instrument(symbol, quote=self.account_currency)
        return found
