"""The exchanges that Kedge knows by name; more are reached through ccxt."""

from __future__ import annotations

from enum import StrEnum


class Exchange(StrEnum):
    """A venue; compares equal to its lower-case name."""

    BINANCE = "binance"
    HYPERLIQUID = "hyperliquid"
    COINBASE = "coinbase"
