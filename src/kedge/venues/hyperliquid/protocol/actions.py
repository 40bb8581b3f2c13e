"""Actions of `/exchange`, as they are hashed and sent: their keys stand in the order that is signed.

Keys that are optional are left out, never null: a null is another hash. A cancel names its asset `a` and order `o`, a
cancel by client id `asset` and `cloid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kedge.model.errors import UserError
from kedge.venues.hyperliquid.protocol.figures import wire

Action = dict[str, Any]

#: Dollars in an isolated margin change are counted in millionths.
_MILLION = Decimal(1_000_000)


class Tif(StrEnum):
    """How long a limit order works: till cancelled, at once or never, only if it rests."""

    GTC = "Gtc"
    IOC = "Ioc"
    ALO = "Alo"


class Trigger(StrEnum):
    """Which way a trigger order waits: a stop-loss on the adverse side of the mark price, a take-profit on the other."""

    STOP_LOSS = "sl"
    TAKE_PROFIT = "tp"


def limit(tif: Tif) -> Action:
    """The kind of a limit order."""
    return {"limit": {"tif": tif.value}}


def trigger(at: Decimal, way: Trigger, market: bool) -> Action:
    """The kind of an order that waits for the mark price to reach `at`."""
    return {"trigger": {"isMarket": market, "triggerPx": wire(at, "trigger price"), "tpsl": way.value}}


def order(
    asset: int,
    buy: bool,
    price: Decimal,
    size: Decimal,
    kind: Action,
    *,
    reduce_only: bool = False,
    cloid: str | None = None,
) -> Action:
    """One order of an order action."""
    made: Action = {
        "a": asset,
        "b": buy,
        "p": wire(price, "price"),
        "s": wire(size, "size"),
        "r": reduce_only,
        "t": kind,
    }
    if cloid is not None:
        made["c"] = cloid
    return made


def place(orders: Sequence[Action], builder: tuple[str, int] | None = None) -> Action:
    """Orders that stand alone; `builder` is who gets a fee, and how many tenths of a basis point."""
    action: Action = {"type": "order", "orders": list(orders), "grouping": "na"}
    if builder is not None:
        action["builder"] = {"b": builder[0].lower(), "f": builder[1]}
    return action


def cancel(cancels: Iterable[tuple[int, int]]) -> Action:
    """The end of orders by asset and the venue's id."""
    return {"type": "cancel", "cancels": [{"a": asset, "o": oid} for asset, oid in cancels]}


def cancel_by_cloid(cancels: Iterable[tuple[int, str]]) -> Action:
    """The end of orders by asset and client id."""
    return {"type": "cancelByCloid", "cancels": [{"asset": asset, "cloid": cloid} for asset, cloid in cancels]}


def modify(modifies: Iterable[tuple[int | str, Action]]) -> Action:
    """New orders in the place of others, named by the venue's id or by client id; each gets a new id of the venue."""
    return {"type": "batchModify", "modifies": [{"oid": oid, "order": new} for oid, new in modifies]}


def schedule_cancel(at_ms: int | None) -> Action:
    """The dead man's switch: cancel every order of the account at `at_ms`, five seconds ahead at least; None: off."""
    return {"type": "scheduleCancel"} if at_ms is None else {"type": "scheduleCancel", "time": at_ms}


def update_leverage(asset: int, leverage: int, cross: bool) -> Action:
    """Leverage and margin mode of one perpetual; both are set by one action."""
    return {"type": "updateLeverage", "asset": asset, "isCross": cross, "leverage": leverage}


def update_isolated_margin(asset: int, dollars: Decimal) -> Action:
    """Move `dollars` to (below zero: from) the margin of an isolated position."""
    millionths = dollars * _MILLION
    if millionths != millionths.to_integral_value():
        raise UserError(f"margin is {dollars}; Hyperliquid counts it in millionths of a dollar, so round it first")
    return {"type": "updateIsolatedMargin", "asset": asset, "isBuy": True, "ntli": int(millionths)}


def noop() -> Action:
    """Nothing, with a nonce: whatever else was signed with that nonce can no longer happen."""
    return {"type": "noop"}
