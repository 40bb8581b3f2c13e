"""From the order that risk approved to the order on the wire.

    market          a limit order, `Ioc`, at the approved worst price moved by a slippage; the venue knows no other
    limit           `Gtc`, `Ioc`, or `Alo` where it is post-only
    stop            a trigger `sl` that becomes an `Ioc` limit at the stop price moved by the slippage
    stop-limit      a trigger `sl` that becomes a limit order at its price
    take-profit     a trigger `tp`, likewise with or without a price

There is no fill-or-kill, no date and no trailing stop. Triggers look at the mark price.

A quantity goes out exactly or not at all, and so does a price, but for two. The bound of a market order is moved to the
venue's grid inwards, so that it cannot cost more than what was allowed. And the grid changes where a price gains a digit
(five significant figures), so a price that was on the tick of the moment may be off it elsewhere: an order that opens is
then refused, one that reduces is moved, a buy's limit down, a sell's up, a trigger to the side that is reached sooner.

Reduce-only is a flag of perpetuals. A spot balance cannot be sold below zero, so a sell that is to reduce needs none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kedge.model.decisions import Approved
from kedge.model.errors import UserError
from kedge.model.money import EXACT, ONE, ZERO, canonical
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.hyperliquid.protocol.actions import Action, Tif, Trigger, limit, order, trigger
from kedge.venues.hyperliquid.protocol.assets import Asset

#: How far beyond its reference a market order may reach: what the venue's own SDK and ccxt allow.
SLIPPAGE: Final = Decimal("0.05")

ORDER_TYPES: Final = frozenset(set(OrderType) - {OrderType.TRAILING_STOP})
TIMES_IN_FORCE: Final = frozenset({TimeInForce.GTC, TimeInForce.IOC})


class Unsendable(UserError):
    """The venue has no such order, or would refuse it as it stands; nothing was sent."""


def wire_order(asset: Asset, approved: Approved, cloid: str | None, slippage: Decimal = SLIPPAGE) -> Action:
    """The order of `approved` on the wire.

    Raises:
        Unsendable: the venue has no such order; the message says why, and becomes the reason of a rejection.
    """
    intent = approved.intent
    buy = intent.side is Side.BUY
    if not asset.is_size(intent.quantity):
        raise Unsendable(f"quantity {canonical(intent.quantity)} is not a multiple of {canonical(asset.lot_size)}")
    if intent.reduce_only and asset.spot and buy:
        raise Unsendable("a buy reduces nothing on spot")
    price, kind = _price_and_kind(asset, approved, slippage)
    reduce_only = intent.reduce_only and not asset.spot
    return order(asset.index, buy, price, intent.quantity, kind, reduce_only=reduce_only, cloid=cloid)


def market_bound(asset: Asset, buy: bool, reference: Decimal, slippage: Decimal = SLIPPAGE) -> Decimal:
    """The limit of an order that takes what there is: `reference` moved against us by `slippage`, on the grid."""
    if not reference > ZERO:
        raise Unsendable("a market order needs a price that bounds it, and none is known")
    moved = EXACT.multiply(reference, ONE + slippage if buy else ONE - slippage)
    return asset.price_down(moved) if buy else asset.price_up(moved)


def _price_and_kind(asset: Asset, approved: Approved, slippage: Decimal) -> tuple[Decimal, Action]:
    intent = approved.intent
    buy = intent.side is Side.BUY
    kind = intent.order_type
    if kind is OrderType.MARKET:
        return market_bound(asset, buy, approved.worst_price, slippage), limit(Tif.IOC)
    if kind is OrderType.LIMIT:
        return _limit_price(asset, intent), limit(_tif(intent))
    if kind is OrderType.TRAILING_STOP:
        raise Unsendable("Hyperliquid has no trailing stop; the core can trail a stop by itself")
    if intent.stop_price is None:
        raise Unsendable(f"a {kind} order without a stop price")
    if intent.time_in_force is not TimeInForce.GTC or intent.post_only:
        raise Unsendable("a trigger order on Hyperliquid works till cancelled and may take")
    stop_loss = kind is not OrderType.TAKE_PROFIT
    market = intent.price is None or kind is OrderType.STOP
    way = Trigger.STOP_LOSS if stop_loss else Trigger.TAKE_PROFIT
    price = market_bound(asset, buy, intent.stop_price, slippage) if market else _limit_price(asset, intent)
    # A buy stop and a sell take-profit wait for a rise: the lower of two prices is reached sooner.
    return price, trigger(_on_grid(asset, intent, intent.stop_price, down=buy is stop_loss), way, market)


def _limit_price(asset: Asset, intent: OrderIntent) -> Decimal:
    if intent.price is None:
        raise Unsendable(f"a {intent.order_type} order without a price")
    return _on_grid(asset, intent, intent.price, down=intent.side is Side.BUY)


def _on_grid(asset: Asset, intent: OrderIntent, price: Decimal, *, down: bool) -> Decimal:
    if not asset.is_price(price) and not intent.reduce_only:
        tick = canonical(asset.tick_size(price))
        raise Unsendable(
            f"price {canonical(price)} is not a multiple of {tick}, the tick of five significant figures there"
        )
    return asset.price_down(price) if down else asset.price_up(price)


def _tif(intent: OrderIntent) -> Tif:
    if intent.post_only:
        if intent.time_in_force is not TimeInForce.GTC:
            raise Unsendable(f"a post-only order cannot be {intent.time_in_force}")
        return Tif.ALO
    if intent.time_in_force is TimeInForce.GTC:
        return Tif.GTC
    if intent.time_in_force is TimeInForce.IOC:
        return Tif.IOC
    raise Unsendable(f"Hyperliquid has no {intent.time_in_force} orders, only gtc and ioc")
