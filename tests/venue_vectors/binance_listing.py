"""A listing of whatever markets a payload names, so that it can be read without the venue's own list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kedge.venues.binance.protocol.instruments import Listing, listing
from kedge.venues.binance.protocol.product import Product
from tests.venue_vectors.runner import to_json

_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "USD")
_NAMES = {"symbol", "s", "S", "ps", "raw"}


def listing_of(product: Product, payload: Any, *more: str) -> Listing:
    """Every market that `payload` names, with a grid fine enough for anything."""
    raws = sorted({*_symbols(payload), *more})
    return listing(product, to_json({"symbols": [_entry(product, raw) for raw in raws]}))


def base_and_quote(raw: str) -> tuple[str, str]:
    """The two assets of a raw symbol, near enough for a test."""
    for quote in _QUOTES:
        if raw.endswith(quote) and raw != quote:
            return raw.removesuffix(quote), "USDX" if quote == "USD" else quote
    return raw, "NONE"


def _entry(product: Product, raw: str) -> dict[str, Any]:
    base, quote = base_and_quote(raw)
    return {
        "symbol": raw,
        "status": "TRADING",
        "contractType": "PERPETUAL" if product is Product.USDM else "",
        "baseAsset": base,
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0.00000001"},
            {"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "0", "stepSize": "0.00000001"},
        ],
    }


def _symbols(payload: Any) -> Iterator[str]:
    if isinstance(payload, dict):
        for name, value in payload.items():
            if name in _NAMES and isinstance(value, str) and value.isupper() and len(value) > 4:
                yield value
            if name == "stream" and isinstance(value, str) and "@" in value:
                yield value.partition("@")[0].upper()
            yield from _symbols(value)
    elif isinstance(payload, list):
        for each in payload:
            yield from _symbols(each)
