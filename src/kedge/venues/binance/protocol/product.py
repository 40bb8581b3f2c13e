"""The two venues of this wire family, and where each is found.

Source: FACTS.md 1.1 and 2.1. A base URL is configuration; these are the defaults.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from kedge.model.sequence import SequenceRule, chained, contiguous


class Product(StrEnum):
    """Which of Binance's venues is meant."""

    SPOT = "binance"
    USDM = "binance-futures"


class Site(Struct, frozen=True):
    """Base URLs. Futures streams have a path for each family of streams; spot has one, and its user stream comes over the
    WebSocket API.
    """

    rest: str
    ws: str
    ws_api: str = ""


SITES: dict[Product, Site] = {
    Product.SPOT: Site(
        "https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443/ws-api/v3"
    ),
    Product.USDM: Site("https://fapi.binance.com", "wss://fstream.binance.com", "wss://ws-fapi.binance.com/ws-fapi/v1"),
}

#: How updates of a book join: spot numbers without holes, futures name their predecessor (FACTS.md 1.7, 2.7).
SEQUENCE_RULES: dict[Product, SequenceRule] = {Product.SPOT: contiguous, Product.USDM: chained}
