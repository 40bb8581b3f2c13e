"""What differs from venue to venue although ccxt gives it one name, and which venues were tried.

For a venue that is not in the table the gateway assumes the worst: that our client ids are not found again, so an order
whose answer was lost stays unknown until a human looks.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct


class Quirk(Struct, frozen=True):
    """`client_id` is the parameter that carries our id, `doubt_seconds` how long a request without an answer may still
    take effect (0: nobody knows), `query` the parameter that asks for an order by our id (empty: lists are searched),
    `pause_ms` the pause between requests where ccxt's own is too short.
    """

    client_id: str = "clientOrderId"
    doubt_seconds: int = 0
    query: str = ""
    pause_ms: int = 0
    balance: dict[str, Any] = {}
    options: dict[str, Any] = {}


PLAIN: Final = Quirk()

_BINANCE: Final[dict[str, Any]] = {
    "adjustForTimeDifference": True,
    "fetchCurrencies": False,
    "fetchMargins": False,
    "warnOnFetchOpenOrdersWithoutSymbol": False,
}

#: Tried against our emulators (`tests/venues/ccxt`).
QUIRKS: Final[dict[str, Quirk]] = {
    # a signed request is refused once timestamp + recvWindow (10 s in ccxt) is past; ten more for the engine
    "binance": Quirk(
        doubt_seconds=20,
        query="origClientOrderId",
        options={**_BINANCE, "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    ),
    "binanceusdm": Quirk(
        doubt_seconds=20,
        query="origClientOrderId",
        options={**_BINANCE, "defaultType": "future", "fetchMarkets": {"types": ["linear"]}},
    ),
    # a token is good for two minutes; the balance of the old API knows no holds; ccxt counts on 30 requests a second, of
    # which the public ones may be 10
    "coinbase": Quirk(client_id="client_order_id", doubt_seconds=130, pause_ms=100, balance={"v3": True}),
}
