"""A tiny account for one strategy: enough of a view to drive it directly, candle by candle.

Market orders fill at the next open, limit orders at their price once a candle trades through it. A signal without a
quantity gets `BUDGET` units on its side. Cancels are obeyed at once, unless `slow_cancels` says that they hang.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.model.facts import Fill
from kedge.model.instrument import Instrument, generic_instrument
from kedge.model.market import Candle, OrderBook, Quote
from kedge.model.order import Order, OrderStatus, Side
from kedge.model.signal import CancelOrders, Signal, Wish

BUDGET = Decimal(10)
ZERO = Decimal(0)

Fact = Candle | Quote | OrderBook


class Paper:
    """The view of `strategy`, which it installs, and the venue behind it."""

    def __init__(self, strategy: BaseStrategy, instruments: Iterable[Instrument] = ()) -> None:
        self.strategy = strategy
        self.now = 0
        self.cash = Decimal(100_000)
        self.positions: dict[str, Decimal] = {}
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.refused: set[str] = set()
        self.slow_cancels = False
        self.quote: Quote | None = None
        self.instruments = {each.symbol: each for each in instruments}
        self._count = 0
        strategy.view = self

    # the view --------------------------------------------------------------------------------------------------------

    def equity(self) -> Decimal:
        return self.cash

    def budget(self) -> Decimal:
        return self.equity()

    def position(self, symbol: str) -> Decimal:
        return self.positions.get(symbol, ZERO)

    def account_position(self, symbol: str) -> Decimal:
        return self.position(symbol)

    def average_price(self, symbol: str) -> Decimal | None:
        raise NotImplementedError

    def open_orders(self, symbol: str = "") -> Sequence[Order]:
        return [order for order in self.orders if not symbol or order.symbol == symbol]

    def last_price(self, symbol: str) -> Decimal | None:
        raise NotImplementedError

    def best(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        return None if self.quote is None else (self.quote.bid, self.quote.ask)

    def history(self, symbol: str) -> Sequence[Candle]:
        raise NotImplementedError

    def instrument(self, symbol: str) -> Instrument:
        return self.instruments.get(symbol) or generic_instrument(symbol)

    # the venue -------------------------------------------------------------------------------------------------------

    def play(self, facts: Iterable[Fact]) -> list[list[Wish]]:
        """What the strategy wished because of each fact, its own fills on the way included."""
        return [self.take(fact) for fact in facts]

    def take(self, fact: Fact) -> list[Wish]:
        self.now = fact.ts
        wishes: list[Wish] = []
        if isinstance(fact, Candle):
            for order in list(self.orders):
                price = _reached(order, fact)
                if price is not None:
                    wishes += self.fill(order, price)
            return wishes + self._obey(self.strategy.on_candle(fact))
        if isinstance(fact, Quote):
            self.quote = fact
            return self._obey(self.strategy.on_quote(fact))
        return self._obey(self.strategy.on_book(fact))

    def fill(self, order: Order, price: Decimal, part: Decimal | None = None) -> list[Wish]:
        """Fill an order, in part or whole, and let the strategy answer."""
        quantity = order.remaining_quantity if part is None else part
        order.filled_quantity += quantity
        if not order.remaining_quantity:
            self.orders.remove(order)
        self.positions[order.symbol] = self.position(order.symbol) + order.side.sign * quantity
        fill = Fill(self.now, order.id, f"t{len(self.fills)}", order.symbol, order.side, quantity, price)
        self.fills.append(fill)
        return self._obey(self.strategy.on_fill(fill))

    def _obey(self, wishes: Wishes) -> list[Wish]:
        wanted = list(wishes or ())
        for wish in wanted:
            if isinstance(wish, CancelOrders):
                self._cancel(wish)
            elif wish.symbol not in self.refused:
                self._place(wish)
        return wanted

    def _cancel(self, wish: CancelOrders) -> None:
        for order in self.open_orders(wish.symbol):
            order.cancel_requested = True
        if not self.slow_cancels:
            self.confirm_cancels()

    def confirm_cancels(self) -> None:
        self.orders = [order for order in self.orders if not order.cancel_requested]

    def _place(self, wish: Signal) -> None:
        held = self.position(wish.symbol)
        if wish.target is not None or wish.quantity is None:
            coming = sum((each.side.sign * each.remaining_quantity for each in self.open_orders(wish.symbol)), ZERO)
            target = wish.target
            if target is None:
                target = BUDGET if wish.side is Side.BUY else -BUDGET
            missing = target - held - coming
            side, quantity = Side.BUY if missing > 0 else Side.SELL, abs(missing)
        else:
            assert wish.side is not None
            side, quantity = wish.side, wish.quantity
        if quantity:
            self._count += 1
            order = Order(wish.symbol, side, wish.order_type, quantity, wish.price, f"o{self._count}", tag=wish.tag)
            order.status = OrderStatus.OPEN
            self.orders.append(order)


def _reached(order: Order, candle: Candle) -> Decimal | None:
    if order.symbol != candle.symbol:
        return None
    if order.price is None:
        return candle.open
    through = candle.low < order.price if order.side is Side.BUY else candle.high > order.price
    return order.price if through else None
