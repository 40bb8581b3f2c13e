"""The dialect: what goes where, who may ask, how often, and what faults sound like in this venue's words."""

from __future__ import annotations

from typing import Any

from kedge.venues.emulator.coinbase import listing
from kedge.venues.emulator.coinbase.channels import Channels
from kedge.venues.emulator.coinbase.desk import Desk
from kedge.venues.emulator.coinbase.legacy import LEGACY, Legacy
from kedge.venues.emulator.coinbase.pages import API, Pages
from kedge.venues.emulator.coinbase.replies import Query, failed
from kedge.venues.emulator.coinbase.tokens import Keys, rest_fault, token_fault
from kedge.venues.emulator.exchange import Exchange, Settings
from kedge.venues.emulator.faults import Fault, Faults, Phase, Rule
from kedge.venues.emulator.front import Addresses
from kedge.venues.emulator.house import Options
from kedge.venues.emulator.rates import Window
from kedge.venues.emulator.wire import Reply, Request, Session

PRIVATE_PER_S = 30
PUBLIC_PER_S = 10
#: Below the API, what is public beside everything under `market`.
_PUBLIC = {"time"}


class CoinbaseDialect:
    """Coinbase Advanced Trade over one exchange."""

    def __init__(self, options: Options) -> None:
        settings = Settings(balances=dict(listing.BALANCES), seed=options.seed, pace_ms=options.pace.step_ms)
        self.exchange = Exchange(options.courses(listing.MARKETS), settings, options.timeline())
        self.faults = Faults(options.seed)
        self.keys = Keys(options.seed)
        self.desk = Desk(self.exchange, options.seed)
        self.pages = Pages(self.desk, self.faults, options.seed)
        self.channels = Channels(self.pages, self._stream_fault, options.seed)
        self._legacy = Legacy(self.pages)
        self._pace = options.pace
        self._windows = {True: Window("private", 1, PRIVATE_PER_S), False: Window("public", 1, PUBLIC_PER_S)}

    # requests

    def http(self, request: Request) -> Reply:
        """Let it in, count it, answer it."""
        private, route, name = self._route(request)
        if private and rest_fault(self.keys, request.headers, request.method, request.path, self._clocks()):
            return Reply(401, b"Unauthorized\n", {"content-type": "text/plain"})
        window = self._windows[private]
        used = window.add(1, self.exchange.now) if self._pace.speed else 0  # time that stands still has no seconds
        reply = failed(429, "rate_limit_exceeded", "Too many requests") if used > window.limit else None
        if reply is None and self.faults.phase is Phase.CLOSED and request.method != "GET":
            reply = failed(503, "UNAVAILABLE", "the service is under maintenance")
        if reply is None:
            reply = self._answer(request, route, name)
        reply.headers |= {
            "x-ratelimit-limit": str(window.limit),
            "x-ratelimit-remaining": str(max(window.limit - used, 0)),
            "x-ratelimit-reset": str(window.seconds_left(self.exchange.now)),
        }
        return reply

    def _route(self, request: Request) -> tuple[bool, str, str]:
        """Whether it needs a token, its route below the API, and the name that stands for `*` in it."""
        if request.path in LEGACY:
            return LEGACY[request.path], request.path, ""
        below = request.path.removeprefix(f"{API}/")
        public = below.startswith("market/") or below in _PUBLIC
        parts = below.removeprefix("market/").split("/")
        for known in ("/".join(parts), *("/".join([*parts[:at], "*", *parts[at + 1 :]]) for at in range(len(parts)))):
            if (request.method, known) in self.pages.routes:
                star = known.split("/").index("*") if "*" in known.split("/") else -1
                return not public, known, parts[star] if star >= 0 else ""
        return not public, "", ""

    def _answer(self, request: Request, route: str, name: str) -> Reply:
        if route in LEGACY:
            return self._legacy.serve(route)
        page = self.pages.routes.get((request.method, route))
        if page is None or not request.path.startswith(f"{API}/"):
            return failed(404, "NOT_FOUND", f"there is no {request.method} {request.path}")
        return page(request, Query(request.query), name)

    def _clocks(self) -> tuple[int, ...]:
        """The times that count as now: the venue's, and where it runs faster than the wall, the wall's too."""
        wall = self._pace.wall_at(self.exchange.now)
        skew = self.faults.skew_ns
        if wall is None:
            return (self.pages.now, self._pace.wall_ns + skew) if not self._pace.speed else (self.pages.now,)
        return self.pages.now, wall + skew

    def _stream_fault(self, token: str) -> str:
        return token_fault(self.keys, token, self._clocks())

    def failure(self, rule: Rule, request: Request) -> Reply:
        """The venue's own shape of an error that was asked for."""
        if rule.fault in {Fault.RATE_LIMIT, Fault.BAN}:
            reply = failed(429, "rate_limit_exceeded", rule.message or "Too many requests")
            reply.headers["retry-after"] = str(-(-rule.ms // 1_000) or 1)
            return reply
        if rule.message:
            return failed(rule.status, rule.message, rule.message)
        if rule.status >= 500:  # a proxy's page: no JSON
            return Reply(rule.status, b"<html><body>upstream error</body></html>", {"content-type": "text/html"})
        return failed(rule.status, "INTERNAL", "internal error")

    # connections

    def connect(self, session: Session) -> Reply | None:
        """Everyone may connect; what is private asks for a token."""
        self.channels.connect(session)
        return None

    def receive(self, session: Session, text: str) -> None:
        self.channels.receive(session, text)

    def heard(self, session: Session, payload: bytes) -> None:
        """Pings and pongs mean nothing here."""

    def closed(self, session: Session) -> None:
        self.channels.closed(session)

    def happen(self, rule: Rule) -> None:
        """Tokens run out, the venue goes down, or the products change their status."""
        if rule.fault is Fault.EXPIRE:
            self.channels.expire()
        elif rule.fault is Fault.SHUTDOWN:
            for connection in list(self.channels.connections.values()):
                connection.session.close(1001)
        elif rule.fault is Fault.MAINTENANCE:
            self.channels.status_changed()

    def describe(self, addresses: Addresses) -> dict[str, Any]:
        """Both kinds of key; `rest_host` is what coinbase-advanced-py wants, which always speaks https."""
        return {
            "rest": addresses.http,
            "ws": addresses.ws,
            "rest_host": addresses.http.partition("://")[2],
            "api_key": self.keys.ec_name,
            "api_secret": self.keys.ec_pem,
            "eddsa_api_key": self.keys.ed_name,
            "eddsa_api_secret": self.keys.ed_base64,
        }


def build(options: Options) -> CoinbaseDialect:
    """The dialect, with its exchange."""
    return CoinbaseDialect(options)
