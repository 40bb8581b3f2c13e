"""Coinbase's handlers: see the package for what a handler is, and each `coinbase_*` module for its formats."""

from __future__ import annotations

from tests.venue_vectors.coinbase_messages import payload, sample
from tests.venue_vectors.coinbase_requests import request, static_request
from tests.venue_vectors.coinbase_responses import markets, response, static_response
from tests.venue_vectors.coinbase_signing import signing
from tests.venue_vectors.runner import Handler

HANDLERS: dict[str, Handler] = {
    "signing": signing,
    "requests_ccxt": request,
    "requests_ccxt_static_verbatim": static_request,
    "responses_ccxt": response,
    "responses_ccxt_static_verbatim": static_response,
    "ws_samples": sample,
    "payloads": payload,
    "markets_raw": markets,
}
