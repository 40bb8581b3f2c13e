"""What the checks look at: one order against the state, computed once.

Exposure is never optimistic. An order counts with all that it may still do: in flight, unknown, asked to be
cancelled, or ended with fills still owed. On each side the worst case is the position plus everything on that
side, those included that the venue itself holds to reduce-only: such a fill may have happened and not have reached
us, and where it comes first the other orders go on from flat. A stop and its target count both: the second may
fill before our cancel of it arrives. An order can make worse only its own side, so that side is what it is held to.

An order *strictly reduces* when it is opposite to the position and no larger than what is left of the
position after every other order on its side. (Orders of the same one-lives group count once: when one fills,
the venue's reduce-only and our cancel end the other. For the same reason the brackets of a strategy do not stand
in the way of its own reduce-only exit, which would else be refused for what they hold.) Such an order can only
bring the account closer to flat.

The worst price an order can reach: a limit's own price, or the reference where that is worse; a market
order's is the book side it takes for its quantity, else the reference moved against us by the collar; a
stop's is its stop price, moved likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from kedge.core.orders.standing import BUYS, COVERS, NOTHING, SELLS, SHEDS
from kedge.core.orders.terms import outstanding
from kedge.core.state import State
from kedge.model.instrument import Instrument
from kedge.model.money import ONE, TEN_THOUSAND, ZERO
from kedge.model.order import BUY, LIMIT, MARKET, Order, OrderIntent, OrderType

_STOP_LIMIT: Final = OrderType.STOP_LIMIT
_TAKE_PROFIT: Final = OrderType.TAKE_PROFIT


class Assessment:
    """One order against the state; attributes are set once, here, and read by the checks."""

    __slots__ = (
        "_equity",
        "_gross_after",
        "_others",
        "_others_net",
        "_value_of_one",
        "adds",
        "buying",
        "flaw",
        "furthest",
        "intent",
        "notional",
        "now",
        "open_count",
        "own",
        "position",
        "quantity",
        "reducing",
        "reference",
        "reference_age_ns",
        "same_side_reducing",
        "standing",
        "state",
        "working_buy",
        "working_sell",
        "worst_after",
        "worst_price",
        "worst_value",
    )

    def __init__(
        self, intent: OrderIntent, state: State, listed: Instrument | None, collar: Decimal, flaw: str = ""
    ) -> None:
        self.intent = intent
        self.flaw = flaw
        self.state = state
        self.now = now = state.now
        symbol = intent.symbol
        self.quantity = quantity = intent.quantity
        self.buying = buying = intent.side is BUY
        held = state.portfolio.account.get(symbol)
        self.position = position = ZERO if held is None else held.quantity
        known = state.market.reference(symbol)
        if known is None:
            self.reference, self.reference_age_ns = None, 0
        else:
            self.reference, self.reference_age_ns = known[0], now - known[1]
        standing = self.standing = state.orders.standing.get(symbol)
        if standing is None:
            total, self.own, self.same_side_reducing = NOTHING, NOTHING, ZERO
        else:
            total, self.own = standing.total, standing.share(intent.strategy)
            reducing = standing.reducing(intent.side)
            self.same_side_reducing = _same_side_reducing(intent, reducing) if reducing else ZERO
        self.working_buy, self.working_sell = total[BUYS], total[SELLS]
        self.worst_price = worst_price = self._worst_price(intent, state, collar)
        self._value_of_one = value = worst_price if listed is None else listed.contract_size * worst_price
        self.notional = quantity * value
        before = position + self.working_buy
        short_before = self.working_sell - position
        room = -before if buying else -short_before
        if self.same_side_reducing:
            room -= self.same_side_reducing
        self.reducing: bool = quantity <= room
        added = ZERO if intent.reduce_only else quantity
        if buying:
            self.furthest = worst = before + total[COVERS] + added
        else:
            worst = short_before + total[SHEDS] + added
            self.furthest = -worst
        self.worst_after = worst = worst if worst > ZERO else ZERO
        self.adds: bool = worst > ZERO and worst > before and worst > short_before
        self.worst_value = worst * value
        self.open_count = len(state.orders.active)
        self._equity: Decimal | None = None
        self._others: list[str] | None = None
        self._gross_after: Decimal | None = None
        self._others_net = ZERO

    def _worst_price(self, intent: OrderIntent, state: State, collar: Decimal) -> Decimal:
        """Zero where nothing is known: the checks refuse before they use it."""
        reference = self.reference
        if reference is None:
            reference = ZERO
        kind, own = intent.order_type, intent.price
        if own is None:
            own = intent.stop_price
        at = own if own is not None and own > reference else reference
        if kind is LIMIT or kind is _STOP_LIMIT:
            return at
        if kind is _TAKE_PROFIT and intent.price is not None:
            return at
        if kind is MARKET:
            depth = state.market.worst_price(intent.symbol, intent.side, intent.quantity)
            if depth is not None and depth >= reference:
                return depth
        return at * (ONE + collar / TEN_THOUSAND) if self.buying and collar else at

    @property
    def unknown(self) -> bool:
        """Whether the outcome of an order on the symbol is unknown."""
        orders = self.state.orders
        if not orders.unknown:
            return False
        found = map(orders.find, orders.unknown)
        return any(order is not None and order.symbol == self.intent.symbol for order in found)

    def room(self) -> Decimal:
        """What is left of an opposite position after every other order on this order's side; below zero:
        nothing.
        """
        if self.buying:
            return -self.position - self.same_side_reducing - self.working_buy
        return self.position - self.same_side_reducing - self.working_sell

    def account_equity(self) -> Decimal:
        """Equity at the freshest prices, computed at first need."""
        equity = self._equity
        if equity is None:
            equity = self._equity = self.state.equity()
        return equity

    def gross_after(self) -> Decimal:
        """Worst-case gross exposure of the account with this order, in account currency."""
        gross = self._gross_after
        if gross is None:
            gross = self._gross_after = self._sum_others() + self.worst_value
        return gross

    def net_after(self) -> Decimal:
        """Worst-case absolute net exposure of the account with this order: every symbol to the side of this
        order.
        """
        self.gross_after()
        return abs(self._others_net + self.furthest * self._value_of_one)

    def strategy_gross_after(self) -> Decimal:
        """Worst-case gross exposure of the order's strategy with this order, in account currency."""
        state, strategy = self.state, self.intent.strategy
        added = ZERO if self.intent.reduce_only else self.intent.quantity
        held = state.portfolio.strategy_position(strategy, self.intent.symbol)
        own = self.own
        long = held + own[BUYS] + own[COVERS] + (added if self.buying else ZERO)
        short = held - own[SELLS] - own[SHEDS] - (ZERO if self.buying else added)
        total = max(long, -short, ZERO) * self._value_of_one
        for symbol in self._other_symbols():
            long, short, price = worst_case(state, symbol, strategy)
            total += max(long, -short, ZERO) * price
        return total

    def _sum_others(self) -> Decimal:
        """Worst-case gross value of every other symbol with a position or an order; their net is kept beside it."""
        gross = net = ZERO
        for symbol in self._other_symbols():
            long, short, price = worst_case(self.state, symbol)
            gross += max(long, -short, ZERO) * price
            net += (long if self.buying else short) * price
        self._others_net = net
        return gross

    def _other_symbols(self) -> Sequence[str]:
        """Symbols other than this order's with a position or an order, in order of first use."""
        state = self.state
        if len(state.instruments) == 1:
            return ()
        if self._others is None:
            own = self.intent.symbol
            symbols = {symbol: None for symbol, held in state.portfolio.account.items() if held.quantity}
            symbols.update(dict.fromkeys(state.orders.symbols()))
            self._others = [symbol for symbol in symbols if symbol != own]
        return self._others


def _same_side_reducing(intent: OrderIntent, reducing: dict[str, Order]) -> Decimal:
    """What the other reduce-only orders on the side of `intent` take of the position; of a group the largest counts."""
    group, strategy = intent.group, intent.strategy
    by_hand = intent.reduce_only and not intent.parent
    total = ZERO
    groups: dict[str, Decimal] = {}
    for order in reducing.values():
        if (group and order.group == group) or (by_hand and order.parent and order.strategy == strategy):
            continue
        left = outstanding(order)
        if order.group:
            counted = groups.get(order.group, ZERO)
            if left <= counted:
                continue
            groups[order.group] = left
            left -= counted
        total += left
    return total


def worst_case(state: State, symbol: str, strategy: str | None = None) -> tuple[Decimal, Decimal, Decimal]:
    """The most positive and most negative position that `symbol` can reach, and the value of one unit.

    With `strategy`, of its own position and orders alone.

    The unit is valued at the worst of the last price and the orders' own worst prices.
    """
    portfolio = state.portfolio
    held_by = portfolio.position(symbol) if strategy is None else portfolio.strategy_position(strategy, symbol)
    long = short = held_by
    price = state.price(symbol) or ZERO
    standing = state.orders.standing.get(symbol)
    if standing is not None:
        price = max(price, standing.worst_price())
        share = standing.total if strategy is None else standing.share(strategy)
        long += share[BUYS] + share[COVERS]
        short -= share[SELLS] + share[SHEDS]
    held = state.portfolio.account.get(symbol)
    if not price and held is not None:
        price = held.average_price or ZERO
    instrument = state.instruments.get(symbol)
    return long, short, price * (instrument.contract_size if instrument is not None else ONE)
