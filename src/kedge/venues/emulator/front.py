"""The front of an emulated venue: every request and every message passes here, and here is where things go wrong.

It knows no protocol. It asks the faults at each opportunity, keeps the sessions, and hands what is left to the dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from kedge.model.instant import NS_PER_MS
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import AT_ONCE, Fault, Faults, Rule
from kedge.venues.emulator.wire import Reply, Request, Served, Session


class Addresses(Struct, frozen=True):
    """Where the emulator listens: `http` and `ws` without a path, such as `http://127.0.0.1:8080`."""

    http: str
    ws: str


class Dialect(Protocol):
    """One venue's protocol. It is handed requests and messages, and writes to sessions."""

    exchange: Exchange
    faults: Faults

    def http(self, request: Request) -> Reply:
        """Answer a request."""

    def failure(self, rule: Rule, request: Request) -> Reply:
        """The venue's own shape of an error that a fault asks for: `error`, `rate_limit` or `ban`."""

    def connect(self, session: Session) -> Reply | None:
        """A WebSocket is asked for; a reply refuses it."""

    def receive(self, session: Session, text: str) -> None:
        """A message came in."""

    def heard(self, session: Session, payload: bytes) -> None:
        """A pong came in, or a ping, which was answered already."""

    def closed(self, session: Session) -> None:
        """A connection is over."""

    def happen(self, rule: Rule) -> None:
        """`expire`, `shutdown`, `maintenance` or `skew` was asked for; phase and skew are set already."""

    def describe(self, addresses: Addresses) -> dict[str, Any]:
        """What a client needs: `rest`, `ws`, `api_key`, `api_secret` and whatever else the venue wants."""


class Front:
    """Applies the faults and keeps the sessions of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.exchange = dialect.exchange
        self.timeline = dialect.exchange.timeline
        self.faults = dialect.faults
        self.sessions: dict[int, Session] = {}
        self._n = 0
        self._held: dict[int, list[tuple[str, str]]] = {}

    def advance(self, to: int) -> None:
        """Time goes on."""
        self.timeline.advance(to)

    def serve(self, request: Request) -> Served:
        """Handle a request, with what goes wrong on the way there and back."""
        faults, where = self.faults, request.path
        late = faults.take(Fault.LATENCY, where)
        at = self.timeline.now + (late.ms * NS_PER_MS if late else 0)
        if faults.take(Fault.DROP_BEFORE, where):
            return Served(None, at)
        for fault in (Fault.RATE_LIMIT, Fault.BAN, Fault.ERROR):
            rule = faults.take(fault, where)
            if rule is not None:
                if rule.executed:
                    self.dialect.http(request)
                return Served(self.dialect.failure(rule, request), at)
        reply = self.dialect.http(request)
        if faults.take(Fault.DUPLICATE, where):
            self.dialect.http(request)
        if faults.take(Fault.DROP_AFTER, where):
            return Served(None, at)
        return Served(reply, at)

    # connections

    def open(self, path: str, query: str, headers: dict[str, str]) -> Session | Reply:
        """A WebSocket is asked for."""
        self._n += 1
        session = Session(self._n, path, query, headers, self.timeline.now)
        session.route(self._push, lambda: self.timeline.now)
        refused = self.dialect.connect(session)
        if refused is not None:
            return refused
        self.sessions[session.number] = session
        return session

    def receive(self, session: Session, text: str) -> None:
        """A message came in."""
        if self._hears(session):
            self.dialect.receive(session, text)

    def heard(self, session: Session, payload: bytes, *, ping: bool) -> None:
        """A ping (it is answered) or a pong came in."""
        if self._hears(session):
            if ping:
                session.pong(payload)
            self.dialect.heard(session, payload)

    def hang_up(self, session: Session) -> None:
        """The other side is gone, or we closed."""
        if self.sessions.pop(session.number, None) is not None:
            session.close()
            self._held.pop(session.number, None)
            self.dialect.closed(session)

    # faults

    def cause(self, rule: Rule) -> None:
        """Put a rule in force, or let it happen now."""
        if rule.fault not in AT_ONCE:
            self.faults.add(rule)
            return
        rule.hits += 1
        chosen = [each for each in self.sessions.values() if each.path.startswith(rule.path)]
        if rule.fault is Fault.DISCONNECT:
            for session in chosen:
                session.close(1006)
        elif rule.fault is Fault.HALF_OPEN:
            for session in chosen:
                session.mute = self.timeline.now + rule.ms * NS_PER_MS
        else:
            if rule.fault is Fault.SKEW:
                self.faults.skew_ns = rule.ms * NS_PER_MS
            elif rule.fault is Fault.MAINTENANCE:
                self.faults.phase = rule.phase
            self.dialect.happen(rule)

    def push_price(self, symbol: str, price: Decimal) -> None:
        """Make a market trade through every order on the way to `price`."""
        self.exchange.markets[symbol].push(price)

    def _hears(self, session: Session) -> bool:
        return session.closed is None and session.mute <= self.timeline.now

    def _push(self, session: Session, text: str, channel: str) -> None:
        """Send a message past the faults of streams; an answer has no channel and meets none of them."""
        if not channel:
            session.deliver(text)
            return
        faults = self.faults
        if faults.take(Fault.SILENCE, channel) or faults.take(Fault.GAP, channel):
            return
        late = faults.take(Fault.PUSH_LATENCY, channel)
        if late is not None:
            self.timeline.after(late.ms * NS_PER_MS, _deliver(session, text))
            return
        held = self._held.pop(session.number, [])
        if not held and faults.take(Fault.PUSH_REORDER, channel):
            self._held[session.number] = [(text, channel)]
            return
        session.deliver(text)
        if faults.take(Fault.PUSH_DUPLICATE, channel):
            session.deliver(text)
        for each, _ in held:
            session.deliver(each)


def _deliver(session: Session, text: str) -> Callable[[], None]:
    return lambda: session.deliver(text)
