"""The strategy's view over the state: reads, never writes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kedge.core.state import State
from kedge.core.strategy.registry import Entry
from kedge.model.errors import StrategyError
from kedge.model.instrument import Instrument
from kedge.model.market import Candle
from kedge.model.order import Order


class StateView:
    """`kedge.core.strategy.view.View` for one registered strategy."""

    __slots__ = ("_entry", "_name", "_state")

    def __init__(self, state: State, entry: Entry) -> None:
        self._state = state
        self._entry = entry
        self._name = entry.name

    @property
    def now(self) -> int:
        """The time of the fact being handled, UTC nanoseconds."""
        return self._state.now

    @property
    def cash(self) -> Decimal:
        """The account's cash."""
        return self._state.portfolio.cash

    def equity(self) -> Decimal:
        """Cash and open positions at the last prices."""
        return self._state.equity()

    def budget(self) -> Decimal:
        """This strategy's share of the equity."""
        return self._state.budget(self._name)

    def position(self, symbol: str) -> Decimal:
        """This strategy's signed position."""
        return self._state.portfolio.strategy_position(self._name, symbol)

    def account_position(self, symbol: str) -> Decimal:
        """The whole account's signed position."""
        return self._state.portfolio.position(symbol)

    def average_price(self, symbol: str) -> Decimal | None:
        """Average entry price of this strategy's position; `None` when flat."""
        own = self._state.portfolio.strategies.get((self._name, symbol))
        return None if own is None else own.average_price

    def open_orders(self, symbol: str = "") -> Sequence[Order]:
        """This strategy's orders in flight, on `symbol` or all."""
        orders = self._state.orders
        found = orders.by_symbol.get(symbol, {}) if symbol else orders.active
        return [order for order in found.values() if order.strategy == self._name]

    def last_price(self, symbol: str) -> Decimal | None:
        """The freshest price known; `None` before the first."""
        return self._state.market.last_price(symbol)

    def best(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and ask; `None` where there is no valid quote or book."""
        return self._state.market.best(symbol)

    def history(self, symbol: str) -> Sequence[Candle]:
        """Past candles up to now, the newest last."""
        if not self._entry.history:
            raise StrategyError(
                f"{self._name} keeps no history; set the class attribute history to the candles it needs"
            )
        return self._entry.history.get(symbol, ())

    def instrument(self, symbol: str) -> Instrument:
        """The instrument's rules."""
        found = self._state.instruments.get(symbol)
        if found is None:
            raise StrategyError(
                f"{symbol} is not among the session's instruments: {', '.join(self._state.instruments)}"
            )
        return found
