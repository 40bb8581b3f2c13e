"""Binance's handlers: see the package for what a handler is, and each `binance_*` module for its formats."""

from __future__ import annotations

from tests.venue_vectors.binance_signing import signing
from tests.venue_vectors.runner import Handler

HANDLERS: dict[str, Handler] = {"signing": signing}
