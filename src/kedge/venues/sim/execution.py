"""Execution: the one place where a match becomes a fill, or an order ends.

A fill goes through the same steps whatever matched it: cut to what reduce-only and participation allow, worsen the price by
slippage and round it to the tick against us (but never past a limit), compute the fee, ask the account whether it is
admitted, move the account, report. An order that is not admitted ends as expired with the reason, because it was accepted.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.facts import Fill, Liquidity, OrderCancelled, OrderExpired, VenueFact
from kedge.model.instrument import Instrument
from kedge.model.money import EXACT, ZERO
from kedge.model.order import OrderStatus, Side, TimeInForce
from kedge.venues.sim.account import Account
from kedge.venues.sim.fees import FeeModel
from kedge.venues.sim.filters import below_notional
from kedge.venues.sim.listing import Listing
from kedge.venues.sim.memory import OrderMemory
from kedge.venues.sim.slippage import NoSlippage, SlippageModel
from kedge.venues.sim.working import ARRIVING, ENDED, MARKET, TRAILING, Working

_add: Final = EXACT.add
_sub: Final = EXACT.subtract
_mul: Final = EXACT.multiply
_remainder: Final = EXACT.remainder

_MAKER: Final = Liquidity.MAKER
_TAKER: Final = Liquidity.TAKER
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_FOK: Final = TimeInForce.FOK

NOTHING_TO_REDUCE: Final = "nothing left to reduce"
LIQUIDATED: Final = "liquidation"


class Execution:
    """Fills and ends orders. `orders` are all that work, by client id; `memory` remembers those that ended."""

    __slots__ = (
        "account",
        "fees",
        "memory",
        "orders",
        "participation",
        "slippage",
        "slips",
        "trades",
        "volume_bound",
    )

    def __init__(
        self,
        account: Account,
        slippage: SlippageModel,
        participation: Decimal | None,
        fees: FeeModel,
        memory: OrderMemory,
    ) -> None:
        self.account = account
        self.slippage = slippage
        self.slips = not isinstance(slippage, NoSlippage)
        self.participation = participation
        self.fees = fees
        self.memory = memory
        self.orders: dict[str, Working] = {}
        self.trades = 0
        self.volume_bound = participation is not None or slippage.uses_volume

    def see_volume(self, listing: Listing, volume: Decimal, ts: int) -> None:
        """Note the volume (in units of quantity) of the bar or print at `ts`, and how much of it we may take."""
        listing.volume = volume
        listing.room_of = ts
        if self.participation is not None:
            room = _mul(volume, self.participation)
            listing.room = _sub(room, _remainder(room, listing.lot_size))

    def allowed(self, listing: Listing, order: Working, most: Decimal | None = None) -> Decimal:
        """How much of `order` may trade now: bounded by reduce-only, by `most` and by participation."""
        quantity = order.left
        if order.reduce_only:
            reducible = -listing.position if order.buy else listing.position
            if reducible < quantity:
                quantity = reducible if reducible > ZERO else ZERO
        if most is not None and most < quantity:
            quantity = most
        if order.intent.time_in_force is _FOK:
            return ZERO if listing.room is not None and listing.room < quantity else quantity
        if listing.room is not None and listing.room < quantity:
            return listing.room
        return quantity

    def take(
        self,
        listing: Listing,
        order: Working,
        raw: Decimal,
        bound: Decimal | None,
        ts: int,
        out: list[VenueFact],
    ) -> None:
        """Fill what may fill as a taker at `raw` worsened by slippage, never past the limit `bound`."""
        quantity = order.left
        if order.reduce_only or listing.room is not None:
            quantity = self.allowed(listing, order)
            if not quantity:
                self._nothing(listing, order, ts, out)
                return
        price = self.worsened(listing, order.buy, raw, quantity)
        if bound is not None and (price > bound if order.buy else price < bound):
            price = bound
        self.settle(listing, order, quantity, price, abs(_sub(price, raw)), False, ts, out)

    def rest(
        self,
        listing: Listing,
        order: Working,
        price: Decimal,
        most: Decimal | None,
        maker: bool,
        ts: int,
        out: list[VenueFact],
    ) -> None:
        """Fill what may fill, at most `most`, at the limit price that was traded through."""
        quantity = order.left
        if order.reduce_only or listing.room is not None or most is not None:
            quantity = self.allowed(listing, order, most)
            if not quantity:
                self._nothing(listing, order, ts, out)
                return
        self.settle(listing, order, quantity, price, ZERO, maker, ts, out)

    def _nothing(self, listing: Listing, order: Working, ts: int, out: list[VenueFact]) -> None:
        """End a reduce-only order that has nothing left to reduce; any other waits for volume."""
        if order.reduce_only and not (-listing.position if order.buy else listing.position) > ZERO:
            self.cancel(listing, order, ts, NOTHING_TO_REDUCE, out)

    def worsened(self, listing: Listing, buy: bool, raw: Decimal, quantity: Decimal) -> Decimal:
        """`raw` worsened by slippage and rounded to the tick against us; a sell never below one tick."""
        tick = listing.tick_size
        if self.slips:
            amount = self.slippage.amount(raw, quantity, listing.volume, tick)
            price = _add(raw, amount) if buy else _sub(raw, amount)
        else:
            price = raw
        rest = _remainder(price, tick)
        if rest:
            price = _sub(price, rest)
            if buy:
                price = _add(price, tick)
        return price if price > ZERO else tick

    def settle(
        self,
        listing: Listing,
        order: Working,
        quantity: Decimal,
        price: Decimal,
        slippage: Decimal,
        maker: bool,
        ts: int,
        out: list[VenueFact],
    ) -> bool:
        """Charge, admit, book and report one fill; whether it was admitted."""
        instrument = listing.instrument
        buy = order.buy
        if order.kind == MARKET and instrument.min_notional and not order.reduce_only and not order.filled:
            small = below_notional(order.left, price, instrument)
            if small:
                self.expire(listing, order, ts, small, out)
                return False
        notional = _mul(_mul(quantity, listing.contract_size), price)
        fee, currency = self.fees.charge(instrument, buy, quantity, notional, maker)
        signed = quantity if buy else -quantity
        account = self.account
        refused = account.refuses(
            listing, signed, price, ZERO if self._foreign(instrument, currency) else fee
        )
        if refused:
            self.expire(listing, order, ts, refused, out)
            return False
        if listing.room is not None:
            listing.room = _sub(listing.room, quantity)
        account.trade(listing, signed, price)
        if fee:
            account.pay_fee(listing, fee, currency)
        account.rearm(listing)
        self.trades = n = self.trades + 1
        out.append(
            Fill(
                ts,
                order.id,
                f"t{n}",
                listing.symbol,
                _BUY if buy else _SELL,
                quantity,
                price,
                fee,
                currency,
                _MAKER if maker else _TAKER,
                slippage,
            )
        )
        order.filled = _add(order.filled, quantity)
        order.left = left = _sub(order.left, quantity)
        if not left:
            self._end(listing, order, OrderStatus.FILLED)
        elif order.reduce_only and not listing.position:
            self.cancel(listing, order, ts, NOTHING_TO_REDUCE, out)
        return True

    def _foreign(self, instrument: Instrument, currency: str) -> bool:
        return bool(currency) and currency != instrument.quote

    def liquidate(self, listing: Listing, reference: Decimal, ts: int, out: list[VenueFact]) -> None:
        """Cancel the symbol's orders and close its position at the worse of liquidation price and `reference`."""
        for order in self.working(listing):
            self.cancel(listing, order, ts, LIQUIDATED, out)
        position = listing.position
        buy = position < ZERO
        quantity = abs(position)
        below, above = (
            (listing.liquidation_below, listing.liquidation_above)
            if listing.mark is None
            else (listing.mark_below, listing.mark_above)
        )
        raw = max(above, reference) if buy else min(below, reference)
        price = self.worsened(listing, buy, raw, quantity)
        notional = _mul(_mul(quantity, listing.contract_size), price)
        fee, currency = self.fees.charge(listing.instrument, buy, quantity, notional, False)
        self.account.trade(listing, -position, price)
        if fee:
            self.account.pay_fee(listing, fee, currency)
        self.account.rearm(listing)
        self.trades += 1
        listing.liquidated += 1
        out.append(
            Fill(
                ts,
                f"liquidation-{listing.symbol}-{listing.liquidated}",
                f"t{self.trades}",
                listing.symbol,
                _BUY if buy else _SELL,
                quantity,
                price,
                fee,
                currency,
                _TAKER,
                abs(_sub(price, raw)),
            )
        )

    def working(self, listing: Listing) -> list[Working]:
        """The symbol's working orders in the order they arrived."""
        orders = [order for shelf in listing.shelves for order in shelf.values()]
        orders.sort(key=_arrival)
        return orders

    def cancel(self, listing: Listing, order: Working, ts: int, reason: str, out: list[VenueFact]) -> None:
        """End an order as cancelled, with what was filled of it."""
        self._end(listing, order, OrderStatus.CANCELLED)
        out.append(OrderCancelled(ts, order.id, order.filled, reason))

    def expire(self, listing: Listing, order: Working, ts: int, reason: str, out: list[VenueFact]) -> None:
        """End an order as expired, with what was filled of it."""
        self._end(listing, order, OrderStatus.EXPIRED)
        out.append(OrderExpired(ts, order.id, order.filled, reason))

    def _end(self, listing: Listing, order: Working, status: OrderStatus) -> None:
        del self.orders[order.id]
        del listing.shelves[order.shelf][order.id]
        order.shelf = ENDED
        order.status = status
        if order.expires_ns or order.cancel_at:
            listing.timed -= 1
        if order.kind == TRAILING:
            listing.trailing -= 1
        self.memory.add(order)

    def move(self, listing: Listing, order: Working, shelf: int) -> None:
        """Put an order on another shelf of its symbol."""
        if order.shelf != shelf:
            del listing.shelves[order.shelf][order.id]
            listing.shelves[shelf][order.id] = order
            order.shelf = shelf

    def into_market(self, listing: Listing, order: Working, at: int) -> None:
        """A triggered stop whose remainder could not trade waits as a market order."""
        if order.kind == TRAILING:
            listing.trailing -= 1
        order.kind = MARKET
        order.at = at
        self.move(listing, order, ARRIVING)


def _arrival(order: Working) -> int:
    return order.seq
