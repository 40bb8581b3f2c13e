"""A running emulator, as a client test sees it: its JSON line, and its control endpoint."""

from __future__ import annotations

import json
import ssl
import subprocess
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit


class Emulator:
    """A running emulator: `started` is its JSON line."""

    def __init__(self, process: subprocess.Popen[str], started: dict[str, Any]) -> None:
        self.process = process
        self.started = started
        self.rest: str = started["rest"]
        self.ws: str = started["ws"]
        self.api_key: str = started.get("api_key", "")
        self.api_secret: str = started.get("api_secret", "")

    def control(self, method: str, what: str = "", body: Any = None) -> dict[str, Any]:
        """Ask the control endpoint."""
        place = urlsplit(f"{self.started['control']}/{what}".rstrip("/"))
        assert place.hostname is not None
        secure = ssl.create_default_context(cafile=self.started["ca_file"]) if place.scheme == "https" else None
        connection = (
            HTTPConnection(place.hostname, place.port, timeout=10)
            if secure is None
            else HTTPSConnection(place.hostname, place.port, timeout=10, context=secure)
        )
        try:
            connection.request(method, place.path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            told: dict[str, Any] = json.load(answer)
        finally:
            connection.close()
        assert answer.status == 200, told
        return told

    def fault(self, name: str, **figures: Any) -> None:
        """Ask for a fault."""
        self.control("POST", "faults", {"fault": name, **figures})

    def push(self, symbol: str, price: Any) -> None:
        """Make a market trade through to a price."""
        self.control("POST", "market", {"symbol": symbol, "price": str(price)})

    def freeze(self, symbol: str) -> None:
        """Nobody else trades from now on."""
        self.control("POST", "market", {"symbol": symbol, "frozen": True})
