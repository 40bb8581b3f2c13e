"""What Hyperliquid refuses about an order before it looks at the account, in its own words.

One order that is malformed fails its whole batch, with one error: nothing of the batch is done.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.hyperliquid.listing import BY_NUMBER, COLLATERAL, Listed
from kedge.venues.emulator.hyperliquid.numerals import read
from kedge.venues.emulator.hyperliquid.orders import TriggerTerms

VALUE_MIN = Decimal(10)
#: How far a limit may be from the reference price.
DISTANCE_MAX = Decimal("0.8")
TIFS = frozenset({"Gtc", "Ioc", "Alo", "FrontendMarket"})


class Malformed(Exception):
    """The body is no action of the venue's: HTTP 422."""


class Wanted(Struct, frozen=True):
    """One order of an action, read."""

    listed: Listed
    side: Side
    price: Decimal
    size: Decimal
    reduce_only: bool
    tif: str
    trigger: TriggerTerms | None
    cloid: str | None


def wanted(order: Any) -> Wanted:
    """Read one order of an action; `Malformed` where it has not the shape of one."""
    try:
        listed = BY_NUMBER.get(order["a"])
        price, size = read(order["p"]), read(order["s"])
        kind, cloid = order["t"], order.get("c")
        if type(order["b"]) is not bool or type(order["r"]) is not bool or price is None or size is None:
            raise Malformed
        tif, trigger = _kind(kind)
    except (KeyError, TypeError, AttributeError):
        raise Malformed from None
    if listed is None or tif not in TIFS or (cloid is not None and not _is_cloid(cloid)):
        raise Malformed
    side = Side.BUY if order["b"] else Side.SELL
    return Wanted(listed, side, price, size, order["r"], tif, trigger, None if cloid is None else cloid.lower())


def error(order: Wanted, reference: Decimal) -> str:
    """What is wrong with an order by itself; empty where nothing is."""
    listed = order.listed
    if not order.size:
        return "Order has zero size."
    if order.size % listed.lot:
        return "Order has invalid size."
    prices = [order.price] + ([order.trigger.price] if order.trigger is not None else [])
    if any(price <= ZERO or price % listed.tick(price) for price in prices):
        return "Price must be divisible by tick size."
    if abs(order.price - reference) > reference * DISTANCE_MAX:
        return "Order price cannot be more than 80% away from the reference price"
    if order.price * order.size < VALUE_MIN and not order.reduce_only:
        return f"Order must have minimum value of {f'10 {COLLATERAL}' if listed.spot else '$10'}."
    return ""


def _kind(kind: dict[str, Any]) -> tuple[str, TriggerTerms | None]:
    if set(kind) == {"limit"}:
        return kind["limit"]["tif"], None
    terms = kind["trigger"]
    price = read(terms["triggerPx"])
    if price is None or type(terms["isMarket"]) is not bool or terms["tpsl"] not in {"tp", "sl"}:
        raise Malformed
    return "Gtc", TriggerTerms(price, terms["isMarket"], terms["tpsl"] == "sl")


def _is_cloid(cloid: Any) -> bool:
    if not isinstance(cloid, str) or len(cloid) != 34 or not cloid.startswith("0x"):
        return False
    return all(digit in "0123456789abcdef" for digit in cloid[2:].lower())
