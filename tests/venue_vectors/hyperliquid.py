"""Hyperliquid's handlers: see the package for what a handler is, and each `hyperliquid_*` module for its formats."""

from __future__ import annotations

from tests.venue_vectors.hyperliquid_messages import captures, markets_raw, payloads, ws_samples
from tests.venue_vectors.hyperliquid_requests import requests_ccxt, requests_static
from tests.venue_vectors.hyperliquid_responses import responses_ccxt, responses_static
from tests.venue_vectors.hyperliquid_signing import signing
from tests.venue_vectors.runner import Handler

HANDLERS: dict[str, Handler] = {
    "captures": captures,
    "markets_raw": markets_raw,
    "payloads": payloads,
    "requests_ccxt": requests_ccxt,
    "requests_ccxt_static_verbatim": requests_static,
    "responses_ccxt": responses_ccxt,
    "responses_ccxt_static_verbatim": responses_static,
    "signing": signing,
    "ws_samples": ws_samples,
}
