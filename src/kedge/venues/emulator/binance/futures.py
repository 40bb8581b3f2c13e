"""Binance USD-M Futures: `/fapi`, the routed streams `/public`, `/market` and `/private`, and `/ws-fapi/v1`.

Written from the documentation of the venue (August 2026) alone. One-way mode and cross margin; the guide lists what is
only a label.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.facts import FundingPayment
from kedge.venues.emulator.binance.algo import AlgoOrders
from kedge.venues.emulator.binance.credentials import Credentials
from kedge.venues.emulator.binance.fields import ms
from kedge.venues.emulator.binance.futures_account import FuturesAccount
from kedge.venues.emulator.binance.futures_market import FuturesMarket, FuturesWords
from kedge.venues.emulator.binance.futures_orders import FuturesOrders
from kedge.venues.emulator.binance.futures_trading import FuturesTrading
from kedge.venues.emulator.binance.futures_user import FuturesUser
from kedge.venues.emulator.binance.gate import KEY, KEY_PAGE, SIGNED, Gate, Limits, Route
from kedge.venues.emulator.binance.heartbeat import Heartbeat
from kedge.venues.emulator.binance.listing import USDM, EightPlaces
from kedge.venues.emulator.binance.margin import Margin
from kedge.venues.emulator.binance.streams import Streams
from kedge.venues.emulator.binance.wsapi import WebSocketApi
from kedge.venues.emulator.exchange import Exchange, Settings
from kedge.venues.emulator.faults import Fault, Faults, Rule
from kedge.venues.emulator.front import Addresses
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution
from kedge.venues.emulator.wire import Reply, Request, Session, fields

API, WS_API = "/fapi", "/ws-fapi/v1"
BALANCES = {"USDT": Decimal(100_000)}
LIMITS = Limits(2_400, (("10S", 10, 300), ("1M", 60, 1_200)), microseconds=False, retry_after=False)
_PING_S, _PATIENCE_S, _MESSAGES_A_SECOND = 180, 600, 10
_STRIDE = 37
_ROUTES = ("/public", "/market", "/private", "")


class BinanceFutures:
    """The dialect."""

    def __init__(self, options: Options) -> None:
        self.faults = Faults(options.seed)
        listed = {each.symbol: each for each in USDM}
        self.exchange = Exchange(
            options.courses([(each.instrument, each.price) for each in USDM]),
            Settings(BALANCES, options.seed, options.pace.step_ms, update_stride=_STRIDE, fees=EightPlaces()),
            options.timeline(),
        )
        timeline = self.exchange.timeline
        self.credentials = Credentials(options.seed)
        self.gate = Gate(timeline, options.pace, self.faults, self.credentials, LIMITS)
        self.margin = Margin(self.exchange)
        self.orders = FuturesOrders(self.exchange, listed, self.margin, self.faults, options.seed)
        self.user = FuturesUser(self.exchange, self.margin, options.seed, options.pace.scale)
        self.orders.reporters.append(self.user)
        self.algos = AlgoOrders(self.orders)
        self.algos.told.append(self.user.on_algo)
        self.account = FuturesAccount(self.exchange, self.orders, self.algos, self.margin, self.gate)
        self.trading = FuturesTrading(self.exchange, self.orders, self.algos, self.gate)
        self.account.on_config.append(self.user.on_leverage)
        self.market = FuturesMarket(self.exchange, listed, self.gate)
        symbols = {symbol.lower(): symbol for symbol in listed}
        words = FuturesWords(self.exchange, self.market)
        self.streams = Streams(self.exchange, words, symbols, _MESSAGES_A_SECOND)
        self.streams.take_key = self.user.take_key
        self.api = WebSocketApi(self.gate, self._add_routes(), {})
        self.exchange.listeners.append(self)
        self._sessions: dict[int, Session] = {}
        self._api_sessions: dict[int, Session] = {}
        self.heartbeat = Heartbeat(timeline, self._sessions.values(), _PING_S, _PATIENCE_S, options.pace.scale)

    # what the front asks (`Dialect`)

    def http(self, request: Request) -> Reply:
        """Answer a request."""
        return self.gate.serve(request)

    def failure(self, rule: Rule, request: Request) -> Reply:
        """An error that a fault asks for."""
        return self.gate.failure(rule)

    def connect(self, session: Session) -> Reply | None:
        """A WebSocket: the API, market streams by route, or the user data of a listen key."""
        path = session.path.rstrip("/")
        if path == WS_API:
            self.gate.weights.add(5, self.gate.timeline.now)
            self._api_sessions[session.number] = session
            self._sessions[session.number] = session
            return None
        route = next(each for each in _ROUTES if path.startswith(each + "/") or not each)
        rest = path.removeprefix(route)
        values = fields(session.query)
        combined = rest == "/stream"
        if not combined and rest != "/ws" and not rest.startswith("/ws/"):
            return Reply(404, b"")
        named = values.get("streams", "").split("/") if combined else rest.removeprefix("/ws").split("/")
        self.streams.connect(session, combined=combined, streams=[each for each in named if each])
        if route == "/private":
            key = values.get("listenKey") or next((each for each in named if each), "")
            events = frozenset(each for each in values.get("events", "").split("/") if each)
            self.user.connect(session, key, events)
        self._sessions[session.number] = session
        return None

    def receive(self, session: Session, text: str) -> None:
        """A message."""
        if session.number in self._api_sessions:
            self.api.receive(session, text)
        else:
            self.streams.receive(session, text)

    def heard(self, session: Session, payload: bytes) -> None:
        """A pong, or a ping."""
        self.heartbeat.heard(session, payload)

    def closed(self, session: Session) -> None:
        """A connection is over."""
        self._sessions.pop(session.number, None)
        self._api_sessions.pop(session.number, None)
        self.streams.closed(session)
        self.user.closed(session)

    def happen(self, rule: Rule) -> None:
        """The listen key runs out, or all connections end."""
        if rule.fault is Fault.EXPIRE:
            self.user.expire()
        elif rule.fault is Fault.SHUTDOWN:
            self.streams.say({"e": "serverShutdown", "E": ms(self.exchange.now)}, "!serverShutdown")
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

    # what the exchange tells (`Listener`)

    def on_funding(self, payment: FundingPayment) -> None:
        """Funding reaches the user stream."""
        self.user.on_funding(payment)

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """A liquidation is public: forceOrder."""
        if order.liquidation and change is Change.FILL:
            now = ms(self.exchange.now)
            side = "BUY" if order.side.sign > 0 else "SELL"
            event = {
                "e": "forceOrder", "E": now,
                "o": {
                    "s": order.symbol, "S": side, "o": "LIMIT", "f": "IOC", "q": str(order.quantity),
                    "p": str(order.average), "ap": str(order.average), "X": "FILLED", "l": str(order.filled),
                    "z": str(order.filled), "T": now,
                },
            }  # fmt: skip
            self.streams.tell(f"{order.symbol.lower()}@forceOrder", event)
            self.streams.tell("!forceOrder@arr", event)

    def on_trade(self, trade: object) -> None:
        """The streams tell it."""

    def on_book(self, update: object) -> None:
        """The streams tell it."""

    def on_mark(self, symbol: str) -> None:
        """The streams tell it, at their period."""

    def _add_routes(self) -> dict[str, Route]:
        methods: dict[str, Route] = {}
        self.gate.add("GET", KEY_PAGE, Route(self.credentials.restrictions, 1, SIGNED))
        for (path, method), route in self.market.routes().items():
            self.gate.add("GET", API + path, route)
            methods |= {method: route} if method else {}
        for (verb, path, method), route in {**self.trading.routes(), **self.account.routes()}.items():
            self.gate.add(verb, API + path, route)
            methods |= {method: route} if method else {}
        listen = {"POST": self.user.start, "PUT": self.user.keep, "DELETE": self.user.stop}
        words = {"POST": "start", "PUT": "ping", "DELETE": "stop"}
        for verb, handler in listen.items():
            route = Route(handler, 1, KEY)
            self.gate.add(verb, f"{API}/v1/listenKey", route)
            methods[f"userDataStream.{words[verb]}"] = route
        return methods

    def _hang_up(self) -> None:
        for session in list(self._sessions.values()):
            session.close(1001)


def build(options: Options) -> BinanceFutures:
    """The dialect for `kedge emulator binance-futures`."""
    return BinanceFutures(options)
