"""`OrdersInFlight`: the fold of approvals, cancel requests and venue reports into the orders that are alive.

Three rules carry it. Only the venue's word ends an order. A fill is known by its trade id, and only an exact
repeat is ignored. An order that has ended but whose fills have not all reached us still owes them: it stays
in `owing`, and counts as exposure, until they are booked, because an acknowledged cancel may overtake the
last fill (hazard H14).

Ended orders are kept for a while (`ENDED_KEPT_MIN`) to recognize late reports, trade ids longer
(`TRADES_KEPT_MIN`); both in two generations, so at most twice as many are kept, and the oldest forgotten first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from decimal import Decimal
from typing import Final

from msgspec.structs import astuple

from kedge.core.orders.lifecycle import GOES_ON, REPORTED, TABLE, OrderEvent
from kedge.core.orders.repeats import Repeats
from kedge.core.orders.standing import Standing
from kedge.core.orders.terms import FINE, amend, plain, too_much
from kedge.core.orders.wishes import SentWishes
from kedge.model.errors import OurBug
from kedge.model.facts import (
    AmendRejected,
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
from kedge.model.instant import NS_PER_DAY, NS_PER_MS, NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import TERMINAL, IntentFields, Order, OrderIntent, OrderStatus

ENDED_KEPT_MIN: Final = 10_000
TRADES_KEPT_MIN = 100_000

# What another module calls its own is looked up at each use, even compiled, unless it is ours and final.
_ORDER: Final = Order
_OVER: Final = TERMINAL
_SUBMITTED: Final = OrderStatus.SUBMITTED
_FILLED: Final = OrderStatus.FILLED
_ACCEPT: Final = OrderEvent.ACCEPT
_REJECT: Final = OrderEvent.REJECT
_CANCEL: Final = OrderEvent.CANCEL
_EXPIRE: Final = OrderEvent.EXPIRE
_PART_FILL: Final = OrderEvent.PART_FILL
_FULL_FILL: Final = OrderEvent.FULL_FILL
_AMEND: Final = OrderEvent.AMEND
_GROW: Final = OrderEvent.GROW

REPEAT: Final = "repeat"


class OrdersInFlight:
    """Every order that may still move a position, and the recent past of those that no longer can."""

    __slots__ = (
        "_ended",
        "_ended_before",
        "_sent_day",
        "_sent_times",
        "_trades",
        "active",
        "by_symbol",
        "owing",
        "sent_today",
        "standing",
        "unknown",
        "wishes",
    )

    def __init__(self) -> None:
        self.active: dict[str, Order] = {}
        self.by_symbol: dict[str, dict[str, Order]] = {}
        self.owing: dict[str, Order] = {}
        #: What the orders of each symbol may still do.
        self.standing: dict[str, Standing] = {}
        self.unknown: dict[str, int] = {}
        self.sent_today = 0
        self._sent_day = -1
        self._sent_times: deque[int] = deque()
        #: What was sent lately, whatever became of it.
        self.wishes = SentWishes()
        self._ended: dict[str, Order] = {}
        self._ended_before: dict[str, Order] = {}
        self._trades = Repeats(TRADES_KEPT_MIN)

    # decisions -------------------------------------------------------------------------------------------------------

    def send(
        self, intent: OrderIntent, now: int, duplicate_window_ms: int | None = None, worst_price: Decimal = ZERO
    ) -> Order:
        """Fold an approval: the order is submitted and counts from now on."""
        fields: IntentFields = astuple(intent)
        (
            order_id, symbol, side, kind, quantity, price, stop_price, trail, force, expires_ns, post_only, reduce_only,
            strategy, _signal_n, parent, group, stop_loss, take_profit, tag,
        ) = fields  # fmt: skip
        if order_id in self.active or order_id in self._ended or order_id in self._ended_before:
            raise OurBug(f"client order id {order_id} was used before")
        order = _ORDER(
            symbol, side, kind, quantity, price, order_id, "", ZERO, ZERO, ZERO, _SUBMITTED, now, now, "", stop_price,
            trail, force, expires_ns, post_only, reduce_only, strategy, worst_price, parent, group, stop_loss,
            take_profit, tag,
        )  # fmt: skip
        self.active[order_id] = order
        on_symbol = self.by_symbol.get(symbol)
        if on_symbol is None:
            on_symbol = self.by_symbol[symbol] = {}
            self.standing[symbol] = Standing()
        on_symbol[order_id] = order
        self.standing[symbol].weigh(order)
        self._count(now)
        if duplicate_window_ms:
            self.wishes.remember(intent, now, duplicate_window_ms * NS_PER_MS)
        return order

    def request_cancel(self, order_id: str, now: int) -> None:
        """Fold a cancel request: it changes nothing about what the order may still do."""
        order = self.active.get(order_id)
        if order is not None:
            order.cancel_requested = True
            order.updated_ns = now

    # venue reports ---------------------------------------------------------------------------------------------------

    def accepted(self, fact: OrderAccepted, now: int) -> str:
        """The venue works the order."""
        order = self.find(fact.order_id)
        if order is None:
            return f"the venue accepted {fact.order_id}, which is not ours"
        if fact.exchange_id:
            order.exchange_id = fact.exchange_id
        return self._move(order, _ACCEPT, now)

    def rejected(self, fact: OrderRejected, now: int) -> str:
        """The venue refused the order."""
        order = self.find(fact.order_id)
        if order is None:
            return f"the venue rejected {fact.order_id}, which is not ours"
        order.error = fact.reason
        return self._move(order, _REJECT, now)

    def ended(self, fact: OrderCancelled | OrderExpired, now: int) -> str:
        """The venue ended the order; its cumulative quantity stands even where the fills are still on their
        way.
        """
        order = self.find(fact.order_id)
        if order is None:
            return f"the venue ended {fact.order_id}, which is not ours"
        if not order.error:
            order.error = fact.reason
        if fact.filled > order.venue_quantity:
            order.venue_quantity = fact.filled
        odd = self._move(order, _CANCEL if type(fact) is OrderCancelled else _EXPIRE, now)
        return odd or too_much(order)

    def cancel_rejected(self, fact: CancelRejected, now: int) -> str:
        """The venue did not cancel: the order counts as before, and must be asked about.

        It is not asked to end again until the venue says that it works: an order that has filled, and whose fill
        is on its way, would be asked for ever.
        """
        order = self.active.get(fact.order_id)
        if order is not None:
            order.updated_ns = now
        return FINE

    def amended(self, fact: OrderAmended, now: int) -> str:
        """The venue works the order on these terms: they count from now on. It says nothing of any other doubt.

        An end stands. What only our count of fills had ended lives again where the venue has made more of it.
        """
        order = self.find(fact.order_id)
        if order is None:
            return f"the venue amended {fact.order_id}, which is not ours"
        if not fact.quantity > ZERO:
            return f"the venue amended {order.id} to a quantity of {fact.quantity}"
        if order.status in _OVER and not (order.status is _FILLED and fact.quantity > order.venue_quantity):
            return self._move(order, _AMEND, now)
        if order.status is _FILLED:
            self._revive(order, now)
        else:
            order.status = TABLE.after(order.status, _AMEND)
        if fact.exchange_id:
            order.exchange_id = fact.exchange_id
        standing = self.standing[order.symbol]
        standing.drop(order)
        odd = amend(order, fact, now)
        standing.weigh(order)
        if order.filled_quantity >= order.quantity:
            self._move(order, _FULL_FILL, now)
        return f"{odd}; {too_much(order)}" if too_much(order) else odd

    def amend_rejected(self, fact: AmendRejected, now: int) -> str:
        """The venue did not amend: the order is what it was."""
        return FINE

    def outcome_unknown(self, fact: OutcomeUnknown, now: int) -> str:
        """A request got no answer: the order may live, so it does, for every limit."""
        order = self.active.get(fact.order_id)
        if order is not None:
            order.outcome_unknown = True
            order.updated_ns = now
            self.unknown.setdefault(order.id, now)
        return FINE

    def reported(self, fact: OrderReport, now: int) -> str:
        """The venue's answer to a query. One without a status says nothing (hazard H5)."""
        order = self.find(fact.order_id)
        if order is None:
            return f"the venue reported {fact.order_id}, which is not ours"
        if fact.status is None:
            return FINE
        if fact.exchange_id:
            order.exchange_id = fact.exchange_id
        if fact.filled > order.venue_quantity:
            order.venue_quantity = fact.filled
            self._settle(order)
        event = REPORTED[fact.status]
        if order.outcome_unknown and fact.status in GOES_ON and fact.ts < order.updated_ns:
            return FINE  # told before the doubt began, and late: it says nothing of what became of the last request
        self._known(order)
        if event is _ACCEPT:  # it works: a cancel asked for was refused or lost, and may be asked again
            order.cancel_requested = False
        if event is None or (order.status is fact.status and order.status in _OVER):
            self._settle(order)
            return too_much(order)
        odd = self._move(order, event, now)
        return odd or too_much(order)

    def filled(self, fill: Fill, now: int) -> tuple[Order | None, str]:
        """Book a fill: the order it belongs to (`None`: not ours) and what is odd about it, `REPEAT` for an
        exact repeat.
        """
        if self._trades.seen(fill.symbol, fill.trade_id):
            return self.find(fill.order_id), REPEAT
        order = self.find(fill.order_id)
        if order is None:
            return None, f"a fill of {fill.quantity} {fill.symbol} for {fill.order_id}, which is not ours"
        order.filled_quantity += fill.quantity
        order.filled_value += fill.quantity * fill.price
        if order.filled_quantity > order.venue_quantity:
            order.venue_quantity = order.filled_quantity
        if fill.symbol != order.symbol or fill.side is not order.side:
            self._settle(order)
            return order, f"a fill of {fill.side} {fill.symbol} for {order.id}, an order to {order.side} {order.symbol}"
        whole = order.filled_quantity >= order.quantity
        odd = self._move(order, _FULL_FILL if whole else _PART_FILL, now)
        if order.status not in _OVER:  # else it was settled
            self._settle(order)
        if order.filled_quantity > order.quantity:
            odd = f"overfill: {order.filled_quantity} of {order.quantity} on {order.id}"
        return order, odd

    # questions -------------------------------------------------------------------------------------------------------

    def find(self, order_id: str) -> Order | None:
        """The order by client id, alive, owing or recently ended."""
        order = self.active.get(order_id)
        if order is not None:
            return order
        return self.owing.get(order_id) or self._ended.get(order_id) or self._ended_before.get(order_id)

    def on(self, symbol: str) -> Collection[Order]:
        """Orders on `symbol` that may still move the position: alive, or ended with fills still owed."""
        on_symbol = self.by_symbol.get(symbol)
        if not self.owing:
            return on_symbol.values() if on_symbol else ()
        return [*(on_symbol or {}).values(), *(order for order in self.owing.values() if order.symbol == symbol)]

    def symbols(self) -> list[str]:
        """Symbols with an order that may still move a position, in order of first use."""
        found = {symbol: None for symbol, orders in self.by_symbol.items() if orders}
        found.update({order.symbol: None for order in self.owing.values()})
        return list(found)

    def sent_within(self, now: int, window_ns: int = NS_PER_S) -> int:
        """How many orders were sent in the last `window_ns`."""
        times = self._sent_times
        while times and times[0] <= now - window_ns:
            times.popleft()
        return len(times)

    def sent_on_day(self, now: int) -> int:
        """How many orders were sent in the UTC day of `now`."""
        return self.sent_today if now // NS_PER_DAY == self._sent_day else 0

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {
            "active": {order.id: plain(order) for order in self.active.values()},
            "owing": {order.id: plain(order) for order in self.owing.values()},
            "unknown": dict(self.unknown),
            "sent_today": self.sent_today,
            "sent_day": self._sent_day,
            "trades": len(self._trades),
        }

    # inside ----------------------------------------------------------------------------------------------------------

    def _move(self, order: Order, event: OrderEvent, now: int) -> str:
        status = TABLE.get((order.status, event))
        if status is None:
            self._settle(order)  # what it says of quantities counts all the same
            return f"the venue says {event} of {order.id}, which is {order.status}"
        order.status = status
        order.updated_ns = now
        if order.outcome_unknown:
            self._known(order)
        if status in _OVER:
            self._settle(order)
        return FINE

    def _revive(self, order: Order, now: int) -> None:
        """What became of it meanwhile nobody has told: it is in doubt."""
        self.owing.pop(order.id, None)
        self._ended.pop(order.id, None)
        self._ended_before.pop(order.id, None)
        order.status = TABLE.after(order.status, _GROW)
        order.outcome_unknown = True
        self.unknown.setdefault(order.id, now)
        self.active[order.id] = order
        self.by_symbol.setdefault(order.symbol, {})[order.id] = order

    def _known(self, order: Order) -> None:
        order.outcome_unknown = False
        self.unknown.pop(order.id, None)

    def _settle(self, order: Order) -> None:
        """Put an order that changed where it belongs, counted for what it may still do: alive, owing fills, or over."""
        if order.status not in _OVER:
            self.standing[order.symbol].weigh(order)
            return
        if self.active.pop(order.id, None) is not None:
            del self.by_symbol[order.symbol][order.id]
        if order.venue_quantity > order.filled_quantity:
            self.owing[order.id] = order
            self.standing[order.symbol].weigh(order)
            return
        self.owing.pop(order.id, None)
        self.standing[order.symbol].drop(order)
        self._ended[order.id] = order
        if len(self._ended) >= ENDED_KEPT_MIN:
            self._ended_before, self._ended = self._ended, {}

    def _count(self, now: int) -> None:
        day = now // NS_PER_DAY
        if day != self._sent_day:
            self._sent_day, self.sent_today = day, 0
        self.sent_today += 1
        times, horizon = self._sent_times, now - NS_PER_S
        times.append(now)
        while times[0] <= horizon:
            times.popleft()
