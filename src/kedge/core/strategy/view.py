"""The read-only view of the world that a strategy gets: its position, its open orders, cash, prices, the
past.

The future is not hidden, it is not there: the view reads the state as folded up to the fact being handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from kedge.model.errors import StrategyError
from kedge.model.instrument import Instrument
from kedge.model.market import Candle
from kedge.model.order import Order


class View(Protocol):
    """What a strategy may read."""

    @property
    def now(self) -> int:
        """The time of the fact being handled, UTC nanoseconds."""

    @property
    def cash(self) -> Decimal:
        """The account's cash, in its own currency."""

    def equity(self) -> Decimal:
        """Cash and open positions at the last prices."""

    def budget(self) -> Decimal:
        """This strategy's share of the equity, in the account's currency."""

    def position(self, symbol: str) -> Decimal:
        """This strategy's signed position."""

    def account_position(self, symbol: str) -> Decimal:
        """The whole account's signed position."""

    def average_price(self, symbol: str) -> Decimal | None:
        """Average entry price of this strategy's position; `None` when flat."""

    def open_orders(self, symbol: str = "") -> Sequence[Order]:
        """This strategy's orders in flight, on `symbol` or all."""

    def last_price(self, symbol: str) -> Decimal | None:
        """The freshest price known; `None` before the first."""

    def best(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and ask; `None` where there is no valid quote or book."""

    def history(self, symbol: str) -> Sequence[Candle]:
        """Past candles up to now, the newest last: as many as `BaseStrategy.history` asks for."""

    def instrument(self, symbol: str) -> Instrument:
        """The instrument's rules."""


class _Nowhere:
    """The view of a strategy that is in no registry: every question is answered with how to get one."""

    def __getattr__(self, name: str) -> object:
        raise StrategyError(f"view.{name} is there only while a strategy runs; use it inside a hook such as on_candle")


NOWHERE: View = _Nowhere()  # type: ignore[assignment]
