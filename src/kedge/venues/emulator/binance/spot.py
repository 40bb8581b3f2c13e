"""Binance Spot: what a client reaches at `/api/v3`, `/ws`, `/stream` and `/ws-api/v3`, put together.

Written from the documentation of the venue (July 2026) alone. User data goes through the WebSocket API, as since
February 2026: `userDataStream.subscribe.signature`, or `session.logon` and `userDataStream.subscribe`; listen keys are
gone and answer 410.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from kedge.venues.emulator.binance.credentials import Credentials
from kedge.venues.emulator.binance.fields import Fields, microseconds, ms, wants_microseconds
from kedge.venues.emulator.binance.gate import KEY_PAGE, PUBLIC, SIGNED, Gate, Limits, Route
from kedge.venues.emulator.binance.heartbeat import Heartbeat
from kedge.venues.emulator.binance.listing import SPOT, EightPlaces
from kedge.venues.emulator.binance.refused import Refused
from kedge.venues.emulator.binance.spot_account import SpotAccount, SpotUserWords
from kedge.venues.emulator.binance.spot_lists import SpotLists
from kedge.venues.emulator.binance.spot_market import SpotMarket, SpotWords
from kedge.venues.emulator.binance.spot_orders import SpotOrders
from kedge.venues.emulator.binance.streams import Streams
from kedge.venues.emulator.binance.wsapi import WebSocketApi
from kedge.venues.emulator.exchange import Exchange, Settings
from kedge.venues.emulator.faults import Fault, Faults, Rule
from kedge.venues.emulator.front import Addresses
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.wire import Reply, Request, Session, fields

API, WS_API = "/api/v3", "/ws-api/v3"
BALANCES = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20), "BNB": Decimal(50)}
LIMITS = Limits(6_000, (("10S", 10, 50), ("1D", 86_400, 160_000)), microseconds=True, retry_after=True)
_PING_S, _PATIENCE_S, _MESSAGES_A_SECOND = 20, 60, 5


class BinanceSpot:
    """The dialect."""

    def __init__(self, options: Options) -> None:
        self.faults = Faults(options.seed)
        listed = {each.symbol: each for each in SPOT}
        self.exchange = Exchange(
            options.courses([(each.instrument, each.price) for each in SPOT]),
            Settings(BALANCES, options.seed, options.pace.step_ms, fees=EightPlaces()),
            options.timeline(),
        )
        timeline = self.exchange.timeline
        self.credentials = Credentials(options.seed)
        self.gate = Gate(timeline, options.pace, self.faults, self.credentials, LIMITS)
        self.orders = SpotOrders(self.exchange, listed, self.faults, options.seed)
        self.orders.on_first_fill = self.gate.forgive_order
        self.lists = SpotLists(self.orders)
        self.account = SpotAccount(self.exchange, self.orders, self.lists, self.gate)
        self.market = SpotMarket(self.exchange, listed, self.orders, self.gate)
        words = SpotWords(self.exchange, self.orders)
        symbols = {symbol.lower(): symbol for symbol in listed}
        self.streams = Streams(self.exchange, words, symbols, _MESSAGES_A_SECOND)
        self.user = SpotUserWords(self.exchange, self.account, self.orders, self.say)
        self.lists.told.append(self.user.list_status)
        self.api = WebSocketApi(self.gate, self._add_routes(), self._specials())
        self._sessions: dict[int, Session] = {}
        self._api_sessions: dict[int, Session] = {}
        self._subscriptions = 0
        self.heartbeat = Heartbeat(timeline, self._sessions.values(), _PING_S, _PATIENCE_S, options.pace.scale)

    # what the front asks (`Dialect`)

    def http(self, request: Request) -> Reply:
        """Answer a request."""
        return self.gate.serve(request)

    def failure(self, rule: Rule, request: Request) -> Reply:
        """An error that a fault asks for."""
        return self.gate.failure(rule)

    def connect(self, session: Session) -> Reply | None:
        """A WebSocket: the API, or market streams raw or combined."""
        path = session.path.rstrip("/")
        if path == WS_API:
            self.gate.weights.add(2, self.gate.timeline.now)
            self._api_sessions[session.number] = session
        elif path == "/stream":
            names = fields(session.query).get("streams", "")
            self.streams.connect(session, combined=True, streams=[each for each in names.split("/") if each])
        elif path == "/ws" or path.startswith("/ws/"):
            named = [each for each in path.removeprefix("/ws").split("/") if each]
            self.streams.connect(session, combined=False, streams=named)
        else:
            return Reply(404, b"")
        self._sessions[session.number] = session
        return None

    def receive(self, session: Session, text: str) -> None:
        """A message."""
        if session.number in self._api_sessions:
            self.api.receive(session, text)
        else:
            self.streams.receive(session, text)

    def heard(self, session: Session, payload: bytes) -> None:
        """A pong, or a ping that counts as a message."""
        if session.number in self._api_sessions or self.streams.counts(session):
            self.heartbeat.heard(session, payload)

    def closed(self, session: Session) -> None:
        """A connection is over, and with it its subscriptions."""
        self._sessions.pop(session.number, None)
        self._api_sessions.pop(session.number, None)
        self.streams.closed(session)

    def happen(self, rule: Rule) -> None:
        """End the user data subscriptions, or announce the end of all connections."""
        now = ms(self.exchange.now)
        if rule.fault is Fault.EXPIRE:
            self.say({"e": "eventStreamTerminated", "E": now})
            for session in self._api_sessions.values():
                session.state.pop("subscriptions", None)
                session.state.pop("logged_on", None)
        elif rule.fault is Fault.SHUTDOWN:
            self.streams.say({"e": "serverShutdown", "E": now}, "!serverShutdown")
            for session in self._api_sessions.values():
                session.push(_json({"event": {"e": "serverShutdown", "E": now}}), "!serverShutdown")
            self.exchange.timeline.after(rule.ms * 1_000_000, self._hang_up)

    def control(self, what: tuple[str, str], given: dict[str, Any]) -> dict[str, Any] | None:
        """`POST /_emulator/keys`: the venue's key page."""
        return self.credentials.control(what, given)

    def describe(self, addresses: Addresses) -> dict[str, Any]:
        """Addresses and keys."""
        return {
            "rest": addresses.http,
            "ws": addresses.ws,
            "ws_api": addresses.ws + WS_API,
            "api_key": self.credentials.api_key,
            "api_secret": self.credentials.api_secret,
            "ed25519_api_key": self.credentials.ed25519_api_key,
            "ed25519_private_key": self.credentials.ed25519_private_key,
            "symbols": list(self.exchange.instruments),
        }

    # user data

    def say(self, event: dict[str, Any]) -> None:
        """Tell every subscription of the user data stream."""
        for session in list(self._api_sessions.values()):
            told = microseconds(event) if wants_microseconds(session.query) else event
            for number in _subscriptions(session):
                session.push(_json({"subscriptionId": number, "event": told}), f"user/{event['e']}")

    def _subscribe(self, session: Session, fields: Fields) -> dict[str, Any]:
        number = self._subscriptions
        self._subscriptions += 1
        session.state["subscriptions"] = [*_subscriptions(session), number]
        return {"subscriptionId": number}

    def _subscribe_logged_on(self, session: Session, fields: Fields) -> dict[str, Any]:
        if not session.state.get("logged_on"):
            raise Refused(-1193, "Unauthorized: log on with session.logon first.", 401)
        return self._subscribe(session, fields)

    def _unsubscribe(self, session: Session, fields: Fields) -> dict[str, Any]:
        number = fields.maybe_whole("subscriptionId")
        session.state["subscriptions"] = [each for each in _subscriptions(session) if number not in {None, each}]
        return {}

    def _specials(self) -> dict[str, Any]:
        return {
            "userDataStream.subscribe": (self._subscribe_logged_on, PUBLIC),
            "userDataStream.subscribe.signature": (self._subscribe, SIGNED),
            "userDataStream.unsubscribe": (self._unsubscribe, PUBLIC),
        }

    def _add_routes(self) -> dict[str, Route]:
        methods: dict[str, Route] = {}
        self.gate.add("GET", KEY_PAGE, Route(self.credentials.restrictions, 1, SIGNED))
        for (path, method), route in self.market.routes().items():
            self.gate.add("GET", API + path, route)
            methods[method] = route
        for (verb, path, method), route in self.account.routes().items():
            self.gate.add(verb, API + path, route)
            methods[method] = route
        for verb in ("POST", "PUT", "DELETE"):
            self.gate.add(verb, f"{API}/userDataStream", Route(_gone))
        return methods

    def _hang_up(self) -> None:
        for session in list(self._sessions.values()):
            session.close(1001)


def build(options: Options) -> BinanceSpot:
    """The dialect for `kedge emulator binance`."""
    return BinanceSpot(options)


def _subscriptions(session: Session) -> list[int]:
    found = session.state.get("subscriptions")
    return found if isinstance(found, list) else []


def _gone(fields: Fields) -> Any:
    raise Refused(-1000, "This endpoint was removed; use the WebSocket API's userDataStream.subscribe.", 410)


def _json(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
