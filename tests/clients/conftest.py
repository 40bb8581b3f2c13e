"""Other people's clients against an emulator: each test module starts its own `kedge emulator` as a user would.

The clients live in an environment of their own; the emulator runs in the checkout's `.venv` as a subprocess and says in
one JSON line where it listens. Faults, time and prices are set through its control endpoint.
"""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"


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


@pytest.fixture(scope="module")
def emulate() -> Iterator[Callable[..., Emulator]]:
    """Starts emulators: `emulate("binance", "--seed", "3")`; they end with the module."""
    running: list[subprocess.Popen[str]] = []

    def start(venue: str, *options: str) -> Emulator:
        command = [str(PYTHON), "-m", "kedge", "emulator", venue, *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, told = process.communicate(timeout=10)
            pytest.fail(f"the emulator did not start: {told}")
        return Emulator(process, json.loads(line))

    yield start
    codes = []
    for process in running:
        process.terminate()
        _, told = process.communicate(timeout=20)
        codes.append((process.returncode, told))
    assert codes == [(0, "")] * len(running), "an emulator ends cleanly and says nothing on standard error"


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults set by a test end with it."""
    yield
    for name in request.fixturenames:
        value = request.node.funcargs.get(name)
        if isinstance(value, Emulator):
            value.control("DELETE", "faults")
