"""Brackets and OCO groups: orders that follow from fills.

An entry that carries a stop loss or a take profit gets them when it fills: for each fill, reduce-only exits
of exactly that quantity, so a partial entry is protected at once and for what it is; of an entry that turns a
position, of what it turned to. Stop and take-profit of one fill form a group.

Of a group one order may live. When one of them fills, the others are cancelled; when it fills in part, the
others stay until it is whole for a bracket's exits (the venue's reduce-only keeps them from turning the
position), and are cancelled at the first fill for a group that the strategy made itself. Protection whose
position is gone is cancelled (hazard H53).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kedge.core.state import State
from kedge.model.decisions import CancelRequested
from kedge.model.facts import Fill
from kedge.model.money import ZERO
from kedge.model.order import BUY, Order, OrderIntent, OrderType, Side

STOP_LOSS = "stop_loss"
TAKE_PROFIT = "take_profit"


def concerned(state: State, order: Order) -> bool:
    """Whether a fill of `order` may make anything necessary at all; `follow` says what."""
    return bool(
        order.group
        or order.stop_loss is not None
        or order.take_profit is not None
        or state.orders.by_symbol.get(order.symbol)
    )


def follow(state: State, order: Order, fill: Fill) -> Iterator[OrderIntent | CancelRequested]:
    """What a fill of `order` makes necessary: protection for an entry, the end of its siblings, the end of orphans."""
    if order.stop_loss is not None or order.take_profit is not None:
        held = state.portfolio.strategy_position(order.strategy, order.symbol)
        quantity = min(fill.quantity, held if order.side is BUY else -held)
        if quantity > ZERO:  # else it only reduced
            yield from _protect(order, fill, quantity)
    if order.group:
        yield from _end_siblings(state, order)
    if state.orders.by_symbol.get(fill.symbol):
        yield from _end_orphans(state, fill.symbol)


def _protect(entry: Order, fill: Fill, quantity: Decimal) -> Iterator[OrderIntent]:
    exit_side = entry.side.opposite
    group = f"{entry.id}-{fill.trade_id}"
    if entry.stop_loss is not None:
        yield OrderIntent(
            id="",
            symbol=entry.symbol,
            side=exit_side,
            order_type=OrderType.STOP,
            quantity=quantity,
            stop_price=entry.stop_loss,
            reduce_only=True,
            strategy=entry.strategy,
            parent=entry.id,
            group=group,
            tag=STOP_LOSS,
        )
    if entry.take_profit is not None:
        yield OrderIntent(
            id="",
            symbol=entry.symbol,
            side=exit_side,
            order_type=OrderType.LIMIT,
            quantity=quantity,
            price=entry.take_profit,
            reduce_only=True,
            strategy=entry.strategy,
            parent=entry.id,
            group=group,
            tag=TAKE_PROFIT,
        )


def _end_siblings(state: State, filled: Order) -> Iterator[CancelRequested]:
    if filled.tag in (STOP_LOSS, TAKE_PROFIT) and filled.is_active:
        return
    for order in list(state.orders.by_symbol.get(filled.symbol, {}).values()):
        if order.group == filled.group and order.id != filled.id and not order.cancel_requested:
            yield CancelRequested(order.id, f"{filled.id} of the same group filled")


def _end_orphans(state: State, symbol: str) -> Iterator[CancelRequested]:
    """Reduce-only orders of a strategy that holds nothing on their side any more."""
    for order in list(state.orders.by_symbol.get(symbol, {}).values()):
        if order.reduce_only and order.parent and not order.cancel_requested:
            held = state.portfolio.strategy_position(order.strategy, symbol)
            if not (held > ZERO if order.side is Side.SELL else held < ZERO):
                yield CancelRequested(order.id, "the position it protected is gone")
