"""Every request we make of Coinbase Advanced Trade, complete but for its token.

A `Call` is method, path, query and body. The token covers method, host and path and never the query (`claim`); what is
sent is `url`. Market data has unsigned twins under `/market`, which need no key and have a limit of their own.

Times go out as RFC 3339 text, except for candles and trades, which want whole seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from kedge.model.instant import NS_PER_S
from kedge.model.money import canonical
from kedge.model.order import OrderIntent, Side
from kedge.venues.coinbase.configuration import Configuration, configuration
from kedge.venues.coinbase.values import rfc3339

API = "/api/v3/brokerage"

#: Seconds -> the venue's name of a candle interval.
GRANULARITIES = {
    60: "ONE_MINUTE",
    300: "FIVE_MINUTE",
    900: "FIFTEEN_MINUTE",
    1800: "THIRTY_MINUTE",
    3600: "ONE_HOUR",
    7200: "TWO_HOUR",
    14400: "FOUR_HOUR",
    21600: "SIX_HOUR",
    86400: "ONE_DAY",
}
CANDLES_MAX = 350

#: The statuses of orders that live, in the two questions that it takes to have them all.
OPEN = ("OPEN",)
WAITING = ("PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED")
CANCELS_MAX = 100
PAGE_MAX = 100

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}

Query = tuple[tuple[str, str], ...]


class Call(Struct, frozen=True, gc=False):
    """One request. `path` begins at the host; `signed` says whether it wants a token."""

    method: str
    path: str
    query: Query = ()
    body: bytes = b""
    signed: bool = True

    def url(self, base: str) -> str:
        """The whole address under `base` (scheme and host), percent-encoded."""
        text = "&".join(f"{name}={_encoded(value)}" for name, value in self.query)
        return f"{base}{self.path}?{text}" if text else f"{base}{self.path}"

    def claim(self, host: str) -> str:
        """What the token is for: `POST api.coinbase.com/api/v3/brokerage/orders`."""
        return f"{self.method} {host}{self.path}"


def server_time() -> Call:
    """The venue's clock."""
    return Call("GET", f"{API}/time", signed=False)


# the market


def products(signed: bool = False) -> Call:
    """Everything listed."""
    return Call("GET", f"{_market(signed)}/products", (("product_type", "SPOT"),), signed=signed)


def book(product: str, depth: int, signed: bool = False) -> Call:
    """A book, `depth` levels a side."""
    query = ("product_id", product), ("limit", str(depth))
    return Call("GET", f"{_market(signed)}/product_book", query, signed=signed)


def trades(product: str, limit: int, start: int = 0, end: int = 0, signed: bool = False) -> Call:
    """The latest trades and the best prices; `start` and `end` in UTC nanoseconds."""
    query: Query = (("limit", str(limit)),)
    if start:
        query = (("start", _seconds(start)), *query)
    if end:
        query = (*query, ("end", _seconds(end)))
    return Call("GET", f"{_market(signed)}/products/{_encoded(product)}/ticker", query, signed=signed)


def candles(product: str, interval: int, start: int, end: int, signed: bool = False) -> Call:
    """Candles of `interval` nanoseconds that open in `[start, end]`: at most `CANDLES_MAX`, the newest first."""
    query = (
        ("granularity", GRANULARITIES[interval // NS_PER_S]),
        ("start", _seconds(start)),
        ("end", _seconds(end)),
    )
    return Call("GET", f"{_market(signed)}/products/{_encoded(product)}/candles", query, signed=signed)


# orders


def place(intent: OrderIntent, product: str) -> Call:
    """An order of ours; the same intent gives the same bytes, which is what makes asking again safe."""
    return place_as(intent.id, product, intent.side, configuration(intent))


def place_as(client_id: str, product: str, side: Side, wanted: Configuration) -> Call:
    """An order in the venue's own words. The venue executes a client id once, and answers a repeat with the original."""
    body = {
        "client_order_id": client_id,
        "product_id": product,
        "side": _SIDES[side],
        "order_configuration": wanted,
    }
    return Call("POST", f"{API}/orders", body=msgspec.json.encode(body))


def preview(product: str, side: Side, wanted: Configuration) -> Call:
    """What an order would do; nothing is placed."""
    body = {"product_id": product, "side": _SIDES[side], "order_configuration": wanted}
    return Call("POST", f"{API}/orders/preview", body=msgspec.json.encode(body))


def cancel(exchange_ids: Sequence[str]) -> Call:
    """Ask for the end of up to `CANCELS_MAX` orders by the venue's ids."""
    assert 0 < len(exchange_ids) <= CANCELS_MAX, f"{len(exchange_ids)} orders in one cancel"
    body = {"order_ids": list(exchange_ids)}
    return Call("POST", f"{API}/orders/batch_cancel", body=msgspec.json.encode(body))


def edit(exchange_id: str, price: Decimal, size: Decimal) -> Call:
    """Change a limit order (GTC only); both figures must be sent."""
    body = {"order_id": exchange_id, "price": canonical(price), "size": canonical(size)}
    return Call("POST", f"{API}/orders/edit", body=msgspec.json.encode(body))


def order(exchange_id: str) -> Call:
    """One order by the venue's id. There is no asking by client id."""
    return Call("GET", f"{API}/orders/historical/{_encoded(exchange_id)}")


def orders(
    statuses: Sequence[str] = (), product: str = "", since: int = 0, cursor: str = "", limit: int = PAGE_MAX
) -> Call:
    """A page of orders, the newest first. `OPEN` stands alone and leaves out what is pending or queued (`WAITING`)."""
    query = (
        *(("order_status", status) for status in statuses),
        ("product_ids", product),
        ("limit", str(limit)),
        ("start_date", rfc3339(since) if since else ""),
        ("cursor", cursor),
    )
    return Call("GET", f"{API}/orders/historical/batch", _said(query))


def fills(product: str = "", since: int = 0, exchange_id: str = "", cursor: str = "", limit: int = PAGE_MAX) -> Call:
    """A page of executions, the newest first."""
    query = (
        ("order_ids", exchange_id),
        ("product_ids", product),
        ("limit", str(limit)),
        ("start_sequence_timestamp", rfc3339(since) if since else ""),
        ("cursor", cursor),
    )
    return Call("GET", f"{API}/orders/historical/fills", _said(query))


# the account


def accounts(cursor: str = "", limit: int = 250) -> Call:
    """A page of currencies held."""
    return Call("GET", f"{API}/accounts", _said((("limit", str(limit)), ("cursor", cursor))))


def derivative_positions() -> Call:
    """Futures positions on the account; Kedge opens none, but must see those that are there."""
    return Call("GET", f"{API}/cfm/positions")


def fees() -> Call:
    """The account's fee tier."""
    return Call("GET", f"{API}/transaction_summary", (("product_type", "SPOT"),))


def key_permissions() -> Call:
    """What the key may do."""
    return Call("GET", f"{API}/key_permissions")


def _market(signed: bool) -> str:
    return API if signed else f"{API}/market"


def _said(query: Query) -> Query:
    return tuple((name, value) for name, value in query if value)


def _seconds(ns: int) -> str:
    return str(ns // NS_PER_S)


def _encoded(text: str) -> str:
    return "".join(
        character if character in _PLAIN else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in text
    )
