"""From a signal to an order: which side, how much, on which tick and lot.

A quantity that the signal names is taken, cut down to the lot. A `target` is the position wanted: the order
is what is missing to it, counting what the strategy already has in flight. A signal with neither uses the
strategy's budget, its share of the account's equity: it goes to the full budget on that side, so a buy while
short closes and turns.

A budget is divided by the price *plus a reserve* (`RESERVE`, 5%): between the decision and the fill the price
moves and fees are due, and an order that eats the last cent is refused by the venue when it does.

Prices are rounded to the tick towards the passive side (a buy down, a sell up), so an order is never worse
than asked. A reducing order that would leave a remainder too small to be sold later takes the remainder with
it (hazard H27).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import astuple

from kedge.core.orders.standing import BUYS, SELLS
from kedge.core.orders.terms import outstanding
from kedge.core.state import State
from kedge.model.decisions import SignalDropped, Sized
from kedge.model.instrument import Instrument
from kedge.model.money import EXACT, ONE, ZERO, round_price_down, round_price_up, round_quantity
from kedge.model.order import BUY, MARKET, SELL, OrderIntent, Side
from kedge.model.signal import Signal, SignalFields

_remainder: Final = EXACT.remainder

#: What a budget keeps back for price moves and fees until the fill.
RESERVE = Decimal("0.05")


class Sizer:
    """Turns signals into order intents."""

    def __init__(self, state: State) -> None:
        self._state = state

    def size(
        self, strategy: str, signal: Signal, order_id: str = "", signal_n: int = 0
    ) -> tuple[Sized, OrderIntent] | SignalDropped:
        """The order for a signal, under `order_id`, and how it came to its size; or why there is none."""
        instrument = self._state.instruments.get(signal.symbol)
        if instrument is None:
            return SignalDropped(strategy, signal.symbol, f"{signal.symbol} is not among the session's instruments")
        quantity, side = signal.quantity, signal.side
        if quantity is not None and side is not None and signal.target is None:
            quantity = self._cut(strategy, signal, side, quantity, instrument)
            sized = Sized(strategy, signal.symbol, side, quantity, "asked")
        else:
            wanted = self._derived(strategy, signal, instrument)
            if isinstance(wanted, SignalDropped):
                return wanted
            sized = wanted
        quantity = sized.quantity
        if not quantity.is_finite() or quantity > ZERO:
            return sized, _intent(strategy, signal, sized, instrument, order_id, signal_n)
        return SignalDropped(
            strategy, signal.symbol, f"{sized.rule}: the quantity rounds to nothing at lot {instrument.lot_size}"
        )

    def _derived(self, strategy: str, signal: Signal, instrument: Instrument) -> Sized | SignalDropped:
        """Side and quantity from a target or a budget."""
        symbol = signal.symbol
        held = self._state.portfolio.strategy_position(strategy, symbol) + self._in_flight(strategy, symbol)
        if signal.target is not None:
            missing = signal.target - held
            if not missing:
                return SignalDropped(strategy, symbol, f"the position is at its target {signal.target}")
            side = BUY if missing > ZERO else SELL
            cut = round_quantity(self._at_most_held(strategy, signal, side, abs(missing)), instrument.lot_size)
            if instrument.min_quantity or instrument.min_notional:
                cut = self._whole(strategy, signal, side, cut, instrument)
            return Sized(strategy, symbol, side, cut, "target")
        if signal.side is None:
            return SignalDropped(strategy, symbol, "a signal needs a side or a target")
        price = signal.price or signal.stop_price or self._state.price(symbol)
        if price is None or not price > ZERO:
            return SignalDropped(strategy, symbol, f"no price of {symbol} is known to divide the budget by")
        budget = self._state.budget(strategy)
        full = budget / (price * instrument.contract_size * (ONE + RESERVE))
        missing = full - held if signal.side is BUY else full + held
        if not missing > ZERO:
            return SignalDropped(strategy, symbol, f"the position {held} has used its budget {budget:.2f}")
        quantity = round_quantity(self._at_most_held(strategy, signal, signal.side, missing), instrument.lot_size)
        return Sized(strategy, symbol, signal.side, quantity, "budget", budget, price)

    def _in_flight(self, strategy: str, symbol: str) -> Decimal:
        """What the strategy's working orders will add, protective ones aside."""
        standing = self._state.orders.standing.get(symbol)
        if standing is None:
            return ZERO
        share = standing.share(strategy)
        total = share[BUYS] - share[SELLS]
        for side in (BUY, SELL):
            for order in standing.reducing(side).values():
                if order.strategy == strategy and order.order_type is MARKET:
                    total += outstanding(order) if side is BUY else -outstanding(order)
        return total

    def _cut(self, strategy: str, signal: Signal, side: Side, quantity: Decimal, instrument: Instrument) -> Decimal:
        """A quantity that was asked for, on the lot; reduce-only never more than is held."""
        if not quantity.is_finite():
            return quantity
        if signal.reduce_only:
            quantity = self._at_most_held(strategy, signal, side, quantity)
        if _remainder(quantity, instrument.lot_size):
            quantity = round_quantity(quantity, instrument.lot_size)
        if instrument.min_quantity or instrument.min_notional:
            quantity = self._whole(strategy, signal, side, quantity, instrument)
        return quantity

    def _at_most_held(self, strategy: str, signal: Signal, side: Side, quantity: Decimal) -> Decimal:
        """`quantity`; reduce-only no more than is held, whatever else is on its way."""
        if not signal.reduce_only:
            return quantity
        held = self._state.portfolio.strategy_position(strategy, signal.symbol)
        return min(quantity, max(-held if side is BUY else held, ZERO))

    def _whole(self, strategy: str, signal: Signal, side: Side, quantity: Decimal, instrument: Instrument) -> Decimal:
        """`quantity`, or the whole position where the rest of it could not be sold later."""
        held = self._state.portfolio.strategy_position(strategy, signal.symbol)
        room = -held if side is BUY else held
        rest = room - quantity
        if not (quantity > ZERO and rest > ZERO):
            return quantity
        price = self._state.price(signal.symbol) or ZERO
        if rest < instrument.min_quantity or instrument.notional(rest, price) < instrument.min_notional:
            return round_quantity(room, instrument.lot_size)
        return quantity


def _intent(
    strategy: str, signal: Signal, sized: Sized, instrument: Instrument, order_id: str, signal_n: int
) -> OrderIntent:
    side = sized.side
    fields: SignalFields = astuple(signal)
    price: Decimal | None
    stop_price: Decimal | None
    (
        symbol, _side, _quantity, _target, kind, price, stop_price, trail, force, expires_ns, post_only, reduce_only,
        stop_loss, take_profit, group, tag, _reason,
    ) = fields  # fmt: skip
    return OrderIntent(
        order_id,
        symbol,
        side,
        kind,
        sized.quantity,
        price if price is None else _passive(price, side, instrument),
        stop_price if stop_price is None else _passive(stop_price, side, instrument),
        trail,
        force,
        expires_ns,
        post_only,
        reduce_only,
        strategy,
        signal_n,
        "",
        group,
        stop_loss,
        take_profit,
        tag,
    )


def _passive(price: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """`price` on the tick: a buy down, a sell up; what is no number is left for the checks to refuse."""
    if not price.is_finite() or not _remainder(price, instrument.tick_size):
        return price
    return (round_price_down if side is BUY else round_price_up)(price, instrument.tick_size)
