"""The feed of Coinbase Exchange (`ws-feed`), the venue behind Advanced Trade, as far as its recordings need it.

    {"type": "snapshot", "product_id", "bids": [[price, size]], "asks": [[price, size]]}
    {"type": "l2update", "product_id", "time", "changes": [["buy" | "sell", price, size]]}      absolute, zero removes
    {"type": "match" | "last_match", "product_id", "trade_id", "price", "size", "side", "time"}  the maker's side
    {"type": "ticker", "product_id", "best_bid", "best_ask", ...}

Books carry no number here: only the connection's word tells of a loss (`kedge.model.sequence.unnumbered`). A snapshot has no
time; it counts from its receipt.
"""

from __future__ import annotations

from decimal import Decimal

from kedge.model.errors import VenueError
from kedge.model.facts import Fact
from kedge.model.market import BookDelta, Level, OrderBook, of_row
from kedge.model.money import ZERO
from kedge.venues.coinbase import market
from kedge.venues.coinbase.values import Fields, decode_object, number
from kedge.venues.exact import shown

_book = of_row(OrderBook)
_delta = of_row(BookDelta)

#: Messages that say nothing of the market.
_SILENT = frozenset({"subscriptions", "heartbeat", "status", "ticker"})


def facts(text: str | bytes, received: int) -> list[Fact]:
    """The facts in a message, under the venue's names of products, which are canonical."""
    told = decode_object(text, "message")
    kind = told.text("type")
    if kind in _SILENT:
        return []
    product = told.text("product_id")
    if kind == "snapshot":
        bids, asks = _levels(told, "bids"), _levels(told, "asks")
        return [_book(received, tuple(sorted(bids, reverse=True)), tuple(sorted(asks)), product, 0, received)]
    if kind == "l2update":
        changed: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
        for change in told.list("changes"):
            side, price, size = _three(change)
            if side not in changed:
                raise VenueError(f"l2update: side {shown(side)} is not known")
            changed[side][price] = size
        sides = (tuple(changed[side].items()) for side in ("buy", "sell"))
        return [_delta(told.moment("time"), *sides, product, 0, 0, -1, received)]
    if kind in {"match", "last_match"}:
        return [market.trade(_as_trade(told), product, received)]
    raise VenueError(f"message type {shown(kind)} is not known")


def best(text: str | bytes) -> tuple[str, Decimal, Decimal]:
    """Product and best prices of a `ticker`."""
    told = decode_object(text, "ticker")
    return told.text("product_id"), told.not_negative("best_bid"), told.not_negative("best_ask")


def _levels(told: Fields, name: str) -> list[Level]:
    read = [_two(level) for level in told.list(name)]
    return [(price, size) for price, size in read if size]


def _two(level: object) -> Level:
    if not isinstance(level, list) or len(level) != 2:
        raise VenueError(f"a level is {shown(level)}, not price and size")
    price, size = number(level[0], "price"), number(level[1], "size")
    if not price > ZERO or size < ZERO:
        raise VenueError(f"a level of {size} at {price}")
    return price, size


def _three(change: object) -> tuple[str, Decimal, Decimal]:
    if not isinstance(change, list) or len(change) != 3 or not isinstance(change[0], str):
        raise VenueError(f"a change is {shown(change)}, not side, price and size")
    return change[0], *_two(change[1:])


def _as_trade(told: Fields) -> Fields:
    """A match in the words of Advanced Trade: its side is in small letters, its id a number."""
    side = told.text("side", "").upper()
    words = {name: told.text(name) for name in ("price", "size", "time")}
    return Fields({**words, "side": side, "trade_id": str(told.integer("trade_id"))}, "match")
