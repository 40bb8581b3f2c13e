"""A Binance Spot emulator without a socket, and a client of it that signs by its own few lines."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import msgspec

from kedge.venues.emulator.binance.spot import BinanceSpot, build
from kedge.venues.emulator.front import Front
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.wire import Reply, Request, Session

STEPPED = Pace.of(0, 1_800_000_000_000_000_000)


class Client:
    """One account at one emulated venue, stepped by hand. `frozen` markets move only when they are pushed."""

    prefix = "/api/v3"

    def __init__(self, *, frozen: bool = True, seed: int = 1, later_ms: int = 0) -> None:
        pace = Pace(0, STEPPED.start_ns + later_ms * 1_000_000, STEPPED.wall_ns)
        self.dialect: Any = self.make(Options(seed, pace))
        self.front = Front(self.dialect)
        self.exchange = self.dialect.exchange
        self.headers: dict[str, str] = {}
        for market in self.exchange.markets.values():
            market.frozen = frozen

    def make(self, options: Options) -> Any:
        """The dialect."""
        return build(options)

    @property
    def now_ms(self) -> int:
        return int(self.front.timeline.now // 1_000_000)

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.front.advance(self.front.timeline.now + ms * 1_000_000)

    def push(self, price: Any, symbol: str = "BTCUSDT") -> None:
        """Trade through to a price."""
        from decimal import Decimal

        self.front.push_price(symbol, Decimal(str(price)))

    def raw(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Reply | None:
        """A request as it stands; None where the connection broke."""
        return self.front.serve(Request(method, path, query, headers, body)).reply

    def signed_query(self, **params: Any) -> str:
        """Parameters with timestamp and signature."""
        query = urlencode({"timestamp": self.now_ms} | params)
        secret = self.dialect.credentials.api_secret.encode()
        return f"{query}&signature={hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()}"

    def get(self, path: str, **params: Any) -> Any:
        """A public request; the JSON answer."""
        return self.told(self.raw("GET", self.prefix + path, urlencode(params)))

    def signed(self, method: str, path: str, **params: Any) -> Any:
        """A signed request; the JSON answer."""
        key = self.dialect.credentials.api_key
        place = path if path.startswith(("/fapi", "/sapi")) else self.prefix + path
        return self.told(self.raw(method, place, self.signed_query(**params), **{"x-mbx-apikey": key}))

    def told(self, reply: Reply | None) -> Any:
        """The JSON of an answer; status and headers are kept."""
        assert reply is not None, "the connection broke"
        self.status, self.headers = reply.status, reply.headers
        return msgspec.json.decode(reply.body)

    def order(self, side: str = "BUY", kind: str = "LIMIT", **params: Any) -> Any:
        """Place an order; a limit order's time in force is GTC unless told."""
        given: dict[str, Any] = {"symbol": "BTCUSDT", "side": side, "type": kind, **params}
        if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
            given.setdefault("timeInForce", "GTC")
        return self.signed("POST", "/order", **given)

    def cancel(self, **params: Any) -> Any:
        """Cancel an order."""
        return self.signed("DELETE", "/order", symbol="BTCUSDT", **params)

    def best(self, symbol: str = "BTCUSDT") -> tuple[Any, Any]:
        """Best bid and ask prices."""
        tape = self.exchange.tapes[symbol]
        bid, ask = tape.best(asks=False), tape.best(asks=True)
        assert bid is not None
        assert ask is not None
        return bid[0], ask[0]

    # WebSockets

    def keep(self, session: Session, ms: int) -> None:
        """Let time pass on a connection that answers its pings."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.wait(min(20_000, until - self.now_ms))
            for payload in [payload for kind, payload in session.frames if kind == "ping"][-1:]:
                self.front.heard(session, payload, ping=False)

    def connect(self, path: str, query: str = "") -> Session:
        """A WebSocket connection."""
        session = self.front.open(path, query, {})
        assert isinstance(session, Session)
        return session

    def ask(self, session: Session, method: str, *, sign: bool = False, **params: Any) -> Any:
        """A WebSocket API request; its answer, the events before it dropped."""
        if sign:
            params |= {"apiKey": self.dialect.credentials.api_key, "timestamp": self.now_ms}
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
            secret = self.dialect.credentials.api_secret.encode()
            params["signature"] = hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
        self.front.receive(session, msgspec.json.encode({"id": 7, "method": method, "params": params}).decode())
        answers = [each for each in events(session) if each.get("id") == 7]
        return answers[-1] if answers else None

    def subscribe(self) -> Session:
        """A connection with the user data stream."""
        session = self.connect("/ws-api/v3")
        assert self.ask(session, "userDataStream.subscribe.signature", sign=True)["status"] == 200
        return session


def events(session: Session) -> list[Any]:
    """What was said since the last time, decoded."""
    said = [msgspec.json.decode(payload) for kind, payload in session.frames if kind == "text"]
    session.frames.clear()
    return said


def user_events(session: Session, kind: str) -> list[Any]:
    """User data events of one kind."""
    return [each["event"] for each in events(session) if each.get("event", {}).get("e") == kind]


__all__ = ["STEPPED", "BinanceSpot", "Client", "events", "user_events"]
