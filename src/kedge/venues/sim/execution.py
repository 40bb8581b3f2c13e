"""Execution: the one place where a match becomes a fill, or an order ends.

A fill goes through the same steps whatever matched it: cut to what reduce-only and participation allow, worsen the
price by slippage and round it to the tick against us (but never past a limit), compute the fee, ask the account
whether it is admitted, move the account, report. An order that is not admitted ends as expired with the reason,
because it was accepted.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Final

from kedge.model.facts import CancelRejected, Fill, Liquidity, OrderCancelled, OrderExpired, VenueFact
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.model.order import OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from kedge.venues.sim.account import Account
from kedge.venues.sim.fees import FeeModel, InstrumentFees
from kedge.venues.sim.filters import below_notional
from kedge.venues.sim.levels import working
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
_FILLED: Final = OrderStatus.FILLED

NOTHING_TO_REDUCE: Final = "nothing left to reduce"
LIQUIDATED: Final = "liquidation"


class Execution:
    """Fills and ends orders. `orders` are all that work, by client id; `memory` remembers those that ended."""

    __slots__ = (
        "account", "fees", "memory", "orders", "participation", "plain_fees", "slippage", "slips", "trades",
        "volume_bound",
    )  # fmt: skip

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
        self.plain_fees = type(fees) is InstrumentFees
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
            reducible = listing.position.copy_negate() if order.buy else listing.position
            if listing.benefit is not None and not order.adverse and listing.benefit < reducible:
                reducible = listing.benefit
            if reducible < quantity:
                quantity = reducible if reducible > ZERO else ZERO
        if most is not None and most < quantity:
            quantity = most
        room = listing.room
        if room is not None and room < quantity:
            return ZERO if order.intent.time_in_force is _FOK else room
        return quantity

    def take(
        self, listing: Listing, order: Working, raw: Decimal, bound: Decimal | None, ts: int, out: list[VenueFact]
    ) -> None:
        """Fill what may fill as a taker at `raw` worsened by slippage, never past the limit `bound`."""
        quantity = order.left
        if order.reduce_only or listing.room is not None:
            quantity = self.allowed(listing, order)
            if not quantity:
                self.nothing(listing, order, ts, out)
                return
        if not self.slips and not raw % listing.tick_size:
            self.settle(listing, order, quantity, raw, ZERO, False, ts, out)
            return
        price = self.worsened(listing, order.buy, raw, quantity)
        if bound is not None and (price > bound if order.buy else price < bound):
            price = bound
        slippage = _sub(price, raw) if order.buy else _sub(raw, price)
        self.settle(listing, order, quantity, price, slippage, False, ts, out)

    def rest(
        self, listing: Listing, order: Working, most: Decimal | None, maker: bool, ts: int, out: list[VenueFact]
    ) -> None:
        """Fill what may fill, at most `most`, at the order's limit, which was traded through."""
        quantity = order.left
        if order.reduce_only or listing.room is not None or most is not None:
            quantity = self.allowed(listing, order, most)
            if not quantity:
                self.nothing(listing, order, ts, out)
                return
        self.settle(listing, order, quantity, order.level, ZERO, maker, ts, out)

    def nothing(self, listing: Listing, order: Working, ts: int, out: list[VenueFact]) -> None:
        """End a reduce-only order that has nothing left to reduce; any other waits for volume."""
        if order.reduce_only and not (listing.position < ZERO if order.buy else listing.position > ZERO):
            self.cancel(listing, order, ts, NOTHING_TO_REDUCE, out)

    def worsened(self, listing: Listing, buy: bool, raw: Decimal, quantity: Decimal) -> Decimal:
        """`raw` worsened by slippage and rounded to the tick against us; a sell never below one tick."""
        tick = listing.tick_size
        price = raw
        if self.slips:
            amount = self.slippage.amount(raw, quantity, listing.volume, tick)
            if amount:
                price = _add(raw, amount) if buy else _sub(raw, amount)
        if price % tick:
            price = _sub(price, _remainder(price, tick))
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
        buy = order.buy
        account = self.account
        refused = currency = ""
        fee = ZERO
        if listing.min_notional and order.kind == MARKET and not order.reduce_only and not order.filled:
            refused = below_notional(order.left, price, listing)
        if not refused:
            value = _mul(quantity, price) if listing.unit else _mul(_mul(quantity, listing.contract_size), price)
            rate = listing.maker_fee if maker else listing.taker_fee
            if not self.plain_fees or rate < ZERO:
                fee, currency = self.fees.charge(listing.instrument, buy, quantity, value, maker)
            elif rate:
                fee = _mul(value, rate).quantize(CENT_OF_NANO, ROUND_UP, EXACT)
            elsewhere = bool(currency) and currency != account.currency
            refused = account.trade(listing, buy, quantity, price, value, ZERO if elsewhere else fee)
            if elsewhere and not refused:
                account.pay_elsewhere(listing, fee, currency)
        if refused:
            self.expire(listing, order, ts, refused, out)
            return False
        account.arm(listing)
        if account.several or not listing.position:
            account.arm_others(listing)
        self.trades = n = self.trades + 1
        side = _BUY if buy else _SELL
        liquidity = _MAKER if maker else _TAKER
        out.append(
            Fill(ts, order.id, f"t{n}", listing.symbol, side, quantity, price, fee, currency, liquidity, slippage)
        )
        if listing.room is not None:
            listing.room = _sub(listing.room, quantity)
        if listing.benefit is not None and buy is listing.held_short:
            listing.benefit = max(ZERO, _sub(listing.benefit, quantity))
        order.filled = _add(order.filled, quantity) if order.filled else quantity
        order.left = left = ZERO if quantity is order.left else _sub(order.left, quantity)
        if not left:
            self._end(listing, order, _FILLED)
            if order.cancel_at:
                out.append(CancelRejected(ts, order.id, "order is filled"))
        elif order.reduce_only and not listing.position:
            self.cancel(listing, order, ts, NOTHING_TO_REDUCE, out)
        return True

    def liquidate(self, listing: Listing, reference: Decimal, ts: int, out: list[VenueFact]) -> None:
        """Cancel the symbol's orders and close its position by an order of the venue's own.

        It trades the whole position, bounded by no volume, at the worse of liquidation price and `reference`.
        """
        for order in self.working(listing):
            self.cancel(listing, order, ts, LIQUIDATED, out)
        buy = listing.position < ZERO
        if listing.mark is None:
            raw = listing.liquidation_above if buy else listing.liquidation_below
        else:
            raw = listing.mark_above if buy else listing.mark_below
        if reference > raw if buy else reference < raw:
            raw = reference
        quantity = listing.position.copy_abs()
        price = self.worsened(listing, buy, raw, quantity)
        listing.liquidated += 1
        name = f"liquidation-{listing.symbol}-{listing.liquidated}"
        side = _BUY if buy else _SELL
        order = working(OrderIntent(name, listing.symbol, side, OrderType.MARKET, quantity, reduce_only=True), ts, 0)
        self.orders[name] = listing.arriving[name] = order
        room, listing.room = listing.room, None
        self.settle(listing, order, quantity, price, _sub(price, raw).copy_abs(), False, ts, out)
        listing.room = room

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
        if order.cancel_at:
            out.append(CancelRejected(ts, order.id, "order is expired"))

    def _end(self, listing: Listing, order: Working, status: OrderStatus) -> None:
        order_id = order.id
        del self.orders[order_id]
        listing.move(order, ENDED)
        order.status = status
        if order.expires_ns or order.cancel_at:
            listing.timed -= 1
        if order.kind == TRAILING:
            listing.trailing -= 1
        if order.dormant:
            order.dormant = False
            listing.triggered -= 1
        memory = self.memory
        if len(memory.younger) >= memory.size:
            memory.turn()
        memory.younger[order_id] = order

    def into_market(self, listing: Listing, order: Working, at: int) -> None:
        """A triggered stop whose remainder could not trade waits as a market order."""
        if order.kind == TRAILING:
            listing.trailing -= 1
        order.kind = MARKET
        order.at = at
        if order.shelf != ARRIVING:
            listing.move(order, ARRIVING)


def _arrival(order: Working) -> int:
    return order.seq
