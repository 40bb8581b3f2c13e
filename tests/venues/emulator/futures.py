"""A Binance USD-M emulator without a socket, and a client of it."""

from __future__ import annotations

from typing import Any

from kedge.venues.emulator.binance.futures import build
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.wire import Session
from tests.venues.emulator.spot import Client


class FuturesClient(Client):
    """As `Client`, on `/fapi/v1` unless a path names another version."""

    prefix = "/fapi/v1"

    def make(self, options: Options) -> Any:
        return build(options)

    def order(self, side: str = "BUY", kind: str = "LIMIT", **params: Any) -> Any:
        """Place an order."""
        given: dict[str, Any] = {"symbol": "BTCUSDT", "side": side, "type": kind, **params}
        if kind == "LIMIT":
            given.setdefault("timeInForce", "GTC")
        return self.signed("POST", "/order", **given)

    def algo(self, side: str, kind: str, **params: Any) -> Any:
        """Place a conditional order."""
        given = {"symbol": "BTCUSDT", "side": side, "type": kind, "algoType": "CONDITIONAL", **params}
        return self.signed("POST", "/algoOrder", **given)

    def held(self) -> Any:
        """The position in BTCUSDT."""
        found = self.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")
        return found[0] if found else None

    def status_of(self, number: int) -> str:
        """An order's status."""
        return str(self.signed("GET", "/order", symbol="BTCUSDT", orderId=number)["status"])

    def listen(self) -> Session:
        """A connection with the user data stream."""
        key = self.signed("POST", "/listenKey")["listenKey"]
        return self.connect(f"/private/ws/{key}")
