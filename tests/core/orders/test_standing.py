"""The running sums of what orders may still do equal a sum over all orders, whatever happened to them in between."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kedge.core.orders.inflight import OrdersInFlight
from kedge.core.orders.standing import STOPS, Share, Standing
from kedge.core.orders.terms import outstanding
from kedge.model.facts import (
    CancelRejected,
    Fill,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OutcomeUnknown,
)
from kedge.model.order import BUY, SELL, TERMINAL, Order, OrderIntent, OrderStatus, OrderType, Side

D = Decimal
SYMBOLS = ("BTC-USD", "ETH-USD")
STRATEGIES = ("one", "two")
QUANTITIES = st.sampled_from([D("0.1"), D("0.25"), D(1), D("2.50"), D(7)])
PRICES = st.sampled_from([D(n) / 2 for n in range(195, 206)])
TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT)


class Orders(RuleBasedStateMachine):
    """Orders of two strategies on two symbols, and everything a venue may say of them, likely or not."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = OrdersInFlight()
        self.ids: list[str] = []
        self.now = 0

    def tick(self) -> int:
        self.now += 1
        return self.now

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        strategy=st.sampled_from(STRATEGIES),
        side=st.sampled_from([BUY, SELL]),
        kind=st.sampled_from(TYPES),
        quantity=QUANTITIES,
        price=PRICES,
        reduce_only=st.booleans(),
        worst=PRICES,
    )
    def send(
        self,
        symbol: str,
        strategy: str,
        side: Side,
        kind: OrderType,
        quantity: Decimal,
        price: Decimal,
        reduce_only: bool,
        worst: Decimal,
    ) -> None:
        order_id = f"o{len(self.ids)}"
        self.ids.append(order_id)
        limited = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        self.orders.send(
            OrderIntent(
                id=order_id,
                symbol=symbol,
                side=side,
                order_type=kind,
                quantity=quantity,
                price=price if limited else None,
                stop_price=price if kind in STOPS else None,
                reduce_only=reduce_only,
                strategy=strategy,
            ),
            self.tick(),
            worst_price=worst,
        )

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), quantity=QUANTITIES, wrong=st.integers(0, 9))
    def fill(self, data: st.DataObject, quantity: Decimal, wrong: int) -> None:
        order = self.order(data)
        side = order.side if wrong else order.side.opposite
        now = self.tick()
        self.orders.filled(Fill(now, order.id, f"t{now}", order.symbol, side, quantity, D(100), D(0), ""), now)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), filled=QUANTITIES, none=st.booleans(), expired=st.booleans())
    def end(self, data: st.DataObject, filled: Decimal, none: bool, expired: bool) -> None:
        order, now = self.order(data), self.tick()
        quantity = D(0) if none else filled
        fact = OrderExpired(now, order.id, quantity) if expired else OrderCancelled(now, order.id, quantity)
        self.orders.ended(fact, now)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), status=st.sampled_from([None, *OrderStatus]), filled=QUANTITIES)
    def report(self, data: st.DataObject, status: OrderStatus | None, filled: Decimal) -> None:
        order, now = self.order(data), self.tick()
        self.orders.reported(OrderReport(now, order.id, status, filled), now)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), quantity=QUANTITIES, price=st.none() | PRICES)
    def amend(self, data: st.DataObject, quantity: Decimal, price: Decimal | None) -> None:
        order, now = self.order(data), self.tick()
        limited = order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        self.orders.amended(OrderAmended(now, order.id, quantity, price if limited else None), now)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), what=st.integers(0, 4))
    def say(self, data: st.DataObject, what: int) -> None:
        order, now = self.order(data), self.tick()
        if what == 0:
            self.orders.accepted(OrderAccepted(now, order.id), now)
        elif what == 1:
            self.orders.rejected(OrderRejected(now, order.id, "no"), now)
        elif what == 2:
            self.orders.outcome_unknown(OutcomeUnknown(now, order.id), now)
        elif what == 3:
            self.orders.cancel_rejected(CancelRejected(now, order.id, "no"), now)
        else:
            self.orders.request_cancel(order.id, now)

    def order(self, data: st.DataObject) -> Order:
        order = self.orders.find(data.draw(st.sampled_from(self.ids)))
        assert order is not None
        return order

    @invariant()
    def sums_are_those_of_all_orders(self) -> None:
        for symbol in SYMBOLS:
            orders = list(self.orders.on(symbol))
            standing = self.orders.standing.get(symbol, Standing())
            assert _figures(standing.total) == _summed(orders)
            for strategy in STRATEGIES:
                own = [order for order in orders if order.strategy == strategy]
                assert _figures(standing.share(strategy)) == _summed(own)
            assert standing.worst_price() == max((order.worst_price for order in orders), default=D(0))

    @invariant()
    def what_is_looked_for_is_found(self) -> None:
        for symbol in SYMBOLS:
            orders = list(self.orders.on(symbol))
            standing = self.orders.standing.get(symbol, Standing())
            alive = [order for order in orders if order.status not in TERMINAL]
            assert sorted(standing.stops) == sorted(order.id for order in alive if order.order_type in STOPS)
            for side in (BUY, SELL):
                reducing = [order for order in orders if order.reduce_only and order.side is side]
                assert sorted(standing.reducing(side)) == sorted(order.id for order in reducing)
                prices = [order.price for order in alive if order.order_type is OrderType.LIMIT and order.side is side]
                limits = sorted(price for price in prices if price is not None)
                nearest = standing.nearest(side)
                assert (nearest.price if nearest else None) == (limits[-1 if side is BUY else 0] if limits else None)
                inside = [price for price in limits if D(99) <= price <= D(101)]
                found = standing.between(side, D(99), D(101))
                assert (found.price if found else None) == (inside[0] if inside else None)


def _figures(share: Share) -> tuple[Decimal, ...]:
    return tuple(share)


def _summed(orders: list[Order]) -> tuple[Decimal, ...]:
    def total(side: Side, reduce_only: bool) -> Decimal:
        found = [order for order in orders if order.side is side and order.reduce_only is reduce_only]
        return sum(map(outstanding, found), D(0))

    return total(BUY, False), total(SELL, False), total(BUY, True), total(SELL, True)


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_of_equal_prices_the_oldest_is_nearest() -> None:
    orders = OrdersInFlight()
    for order_id in ("a", "b"):
        for side, name in ((BUY, "bid"), (SELL, "ask")):
            intent = OrderIntent(
                id=f"{name}-{order_id}",
                symbol="BTC-USD",
                side=side,
                order_type=OrderType.LIMIT,
                quantity=D(1),
                price=D(100),
            )
            orders.send(intent, 1)
    standing = orders.standing["BTC-USD"]
    found = [standing.nearest(side) for side in (BUY, SELL)]
    assert [order.id for order in found if order is not None] == ["bid-a", "ask-a"]


def test_sums_start_anew_once_nothing_works() -> None:
    """No digits and no names are left of what was: a long run does not gather them."""
    orders = OrdersInFlight()
    intent = OrderIntent(
        id="a", symbol="BTC-USD", side=BUY, order_type=OrderType.MARKET, quantity=D("0.10"), strategy="s"
    )
    orders.send(intent, 1)
    orders.filled(Fill(2, "a", "t", "BTC-USD", BUY, D("0.10"), D(1), D(0), ""), 2)
    standing = orders.standing["BTC-USD"]
    assert [str(each) for each in standing.total] == ["0"] * 4
    assert standing.own == {}
