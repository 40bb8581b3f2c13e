"""What differs from venue to venue although ccxt gives it one name, and which venues were tried.

For a venue that is not in the table the gateway assumes the worst: that our client ids are not found again, so an order
whose answer was lost stays unknown until a human looks; that a page of a list may have been cut wherever it could have been;
and that what moves money or margin in a way of its own is not to be had.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from kedge.model.instrument import InstrumentKind
from kedge.model.order import OrderType


class Quirk(Struct, frozen=True):
    """What is known of a venue.

    `kind`           the one kind of market that ccxt's class is for (None: either)
    `client_id`      the parameter that carries our id; `query` the one that asks for an order by it (empty: lists are searched)
    `doubt_seconds`  how long a request without an answer may still take effect (0: nobody knows)
    `pause_ms`       the pause between requests where ccxt's own is too short
    `refusal`        a pattern: how the venue says that it did nothing, where ccxt cannot name the reason
    `buys_for_money` market buys are sized in money: they are not sent
    `page`           rows of a page of fills or orders, up to which a list is known to be whole (0: nobody knows)
    `keeps_since`    candles come from the moment asked for, not the latest whatever was asked
    `lists_all`      a list of open orders has no pages
    `conditional`    orders that wait for a price and were proven; as ccxt's `stopLossPrice` and `takeProfitPrice`
    `replaces`       `editOrder` puts a new order under a new client id of ours in the place of another, or does nothing
    `sets_margin`    leverage and mode are set, and read back, by ccxt's unified methods
    `tells_funding`  payments are signed: below zero where we paid
    """

    kind: InstrumentKind | None = None
    client_id: str = "clientOrderId"
    doubt_seconds: int = 0
    query: str = ""
    pause_ms: int = 0
    refusal: str = ""
    buys_for_money: bool = False
    page: int = 0
    keeps_since: bool = False
    lists_all: bool = False
    conditional: frozenset[OrderType] = frozenset()
    replaces: bool = False
    sets_margin: bool = False
    tells_funding: bool = False
    balance: dict[str, Any] = {}
    options: dict[str, Any] = {}


PLAIN: Final = Quirk()

_BINANCE: Final[dict[str, Any]] = {
    "adjustForTimeDifference": True,
    "fetchCurrencies": False,
    "fetchMargins": False,
    "warnOnFetchOpenOrdersWithoutSymbol": False,
}

#: Tried against our emulators (`tests/venues/ccxt`, `tests/contract`).
QUIRKS: Final[dict[str, Quirk]] = {
    # a signed request is refused once timestamp + recvWindow (10 s in ccxt) is past; ten more for the engine
    "binance": Quirk(
        kind=InstrumentKind.SPOT,
        doubt_seconds=20,
        query="origClientOrderId",
        page=500,
        keeps_since=True,
        lists_all=True,
        conditional=frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT}),
        replaces=True,
        options={**_BINANCE, "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    ),
    # conditional orders have an endpoint, ids and lists of their own there: not through ccxt
    "binanceusdm": Quirk(
        kind=InstrumentKind.PERPETUAL,
        doubt_seconds=20,
        query="origClientOrderId",
        page=500,
        keeps_since=True,
        lists_all=True,
        sets_margin=True,
        tells_funding=True,
        options={**_BINANCE, "defaultType": "future", "fetchMarkets": {"types": ["linear"]}},
    ),
    # a token is good for two minutes; the balance of the old API knows no holds; ccxt counts on 30 requests a second, of
    # which the public ones may be 10
    "coinbase": Quirk(
        kind=InstrumentKind.SPOT,
        client_id="client_order_id",
        doubt_seconds=130,
        pause_ms=100,
        refusal=r'"success": ?false.*"error_response"|"error_response".*"success": ?false',
        buys_for_money=True,
        page=100,
        keeps_since=True,
        balance={"v3": True},
    ),
}

#: Venues that are not reached through ccxt, and why.
REFUSED: Final[dict[str, str]] = {
    "hyperliquid": (
        "ccxt sets its maker as referrer and has a share of each order approved for them there, before the first order; "
        "use the venue 'hyperliquid'"
    ),
}
