"""Flatten: cancel, confirm, close reduce-only within the book, confirm flat, stay latched.

One call looks at the state and says what comes next; it is called again with every fact until nothing is
left, so a lost reply, a race or a partial fill only costs another round. A closing order is a limit that
expires at once, reaching no further than `flatten_slippage_bps_max` from the reference: never a blind market
order into an empty book (C18). When the venue refuses one or it ends unfilled, the next follows after a pause
(H29). Quantities too small for the venue are dust, said and left (H27).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kedge.core.state import State
from kedge.model.decisions import Alert, CancelRequested, Decision, HaltChanged, HaltState, Severity
from kedge.model.instant import NS_PER_MS
from kedge.model.money import (
    EXACT,
    ONE,
    TEN_THOUSAND,
    ZERO,
    canonical,
    round_price_down,
    round_price_up,
    round_quantity,
)
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.model.position import Position

TAG = "flatten"
RETRY = "flatten:retry"
RETRY_EVERY_NS = 200 * NS_PER_MS


def next_actions(state: State) -> Iterator[Decision | OrderIntent]:
    """What flattening needs now: cancels first, then closing orders, then the word that all is flat."""
    others = [order for order in state.orders.active.values() if order.tag != TAG]
    for order in others:
        if not order.cancel_requested:
            yield CancelRequested(order.id, "flatten")
    if others or state.orders.active or state.orders.owing or RETRY in state.timers.due:
        return
    waiting = False
    for position in state.portfolio.held():
        if is_dust(state, position):
            continue
        waiting = True
        yield from closing_orders(state, position)
    if not waiting:
        for position in state.portfolio.held():
            yield Alert(
                Severity.WARNING,
                f"{canonical(position.quantity)} is too small to close and stays as dust",
                position.symbol,
            )
        yield HaltChanged(HaltState.FLATTENING, HaltState.FLAT, "no order and no position is left")


def closing_orders(state: State, position: Position) -> Iterator[OrderIntent]:
    """The reduce-only orders that close `position`, one for each strategy that holds it; none without a price."""
    reference = state.market.reference(position.symbol)
    if reference is None:
        return
    instrument = state.instruments[position.symbol]
    side = Side.SELL if position.quantity > ZERO else Side.BUY
    slip = state.config.flatten_slippage_bps_max / TEN_THOUSAND
    if side is Side.SELL:
        price = round_price_up(EXACT.multiply(reference[0], max(ONE - slip, ZERO)), instrument.tick_size)
    else:
        price = round_price_down(EXACT.multiply(reference[0], ONE + slip), instrument.tick_size)
    if not price > ZERO:
        price = instrument.tick_size
    least = max(instrument.min_quantity, instrument.lot_size)
    left = _closable(state, position)
    shares: list[tuple[str, Decimal]] = []
    for strategy, share in _holders(state, position):
        quantity = round_quantity(min(share, left), instrument.lot_size)
        if quantity >= least:
            left -= quantity
            shares.append((strategy, quantity))
    if left >= least or not shares:
        shares.append(("", left))
    elif left:  # too small to be sold by itself: it goes with another, or it would stay for ever (H27)
        strategy, quantity = shares.pop()
        shares.append((strategy, quantity + left))
    for strategy, quantity in shares:
        yield _closing(position.symbol, side, quantity, price, strategy)


def _holders(state: State, position: Position) -> list[tuple[str, Decimal]]:
    """The strategies that hold on the account's side, and how much; what others hold against it nets out."""
    return [
        (owner, abs(own.quantity))
        for (owner, symbol), own in state.portfolio.strategies.items()
        if symbol == position.symbol and own.quantity and (own.quantity > ZERO) == (position.quantity > ZERO)
    ]


def _closing(symbol: str, side: Side, quantity: Decimal, price: Decimal, strategy: str) -> OrderIntent:
    return OrderIntent(
        id="",
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT,
        quantity=quantity,
        price=price,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        strategy=strategy,
        tag=TAG,
    )


def is_dust(state: State, position: Position) -> bool:
    """Whether the venue would take no order small enough to close the position."""
    instrument = state.instruments.get(position.symbol)
    quantity = _closable(state, position)
    return not quantity or (instrument is not None and quantity < instrument.min_quantity)


def _closable(state: State, position: Position) -> Decimal:
    instrument = state.instruments.get(position.symbol)
    quantity = abs(position.quantity)
    if instrument is None:
        return quantity
    quantity = round_quantity(quantity, instrument.lot_size)
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        return instrument.max_quantity
    return quantity
