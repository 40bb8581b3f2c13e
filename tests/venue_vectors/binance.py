"""Binance's handlers: see the package for what a handler is, and each `binance_*` module for its formats."""

from __future__ import annotations

from tests.venue_vectors.binance_payloads import docs_examples, markets_raw, payloads, ws_samples
from tests.venue_vectors.binance_requests import requests
from tests.venue_vectors.binance_responses import responses
from tests.venue_vectors.binance_signing import signing
from tests.venue_vectors.runner import Handler

HANDLERS: dict[str, Handler] = {
    "signing": signing,
    "requests_ccxt": requests,
    "requests_ccxt_static_verbatim": requests,
    "responses_ccxt": responses,
    "responses_ccxt_static_verbatim": responses,
    "docs_examples": docs_examples,
    "payloads": payloads,
    "ws_samples": ws_samples,
    "markets_raw": markets_raw,
}
