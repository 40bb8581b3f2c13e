"""The gate: routes, weights, order counters, signatures and times, the same for Spot and Futures but for the figures.

A request first meets the limits of its address, then its route, then its key, its time and its signature, and only then
the handler. REST and the WebSocket API share handlers and counters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.emulator.binance.credentials import Credentials, rest_payload
from kedge.venues.emulator.binance.fields import Fields, microseconds, parsed
from kedge.venues.emulator.binance.refused import Refused, missing
from kedge.venues.emulator.faults import Fault, Faults, Phase, Rule
from kedge.venues.emulator.pace import Pace
from kedge.venues.emulator.rates import Penalties, Window
from kedge.venues.emulator.timeline import Timeline
from kedge.venues.emulator.wire import Reply, Request

Handler = Callable[[Fields], Any]
Weight = int | Callable[[Fields], int]

PUBLIC, KEY, SIGNED = "public", "key", "signed"
KEY_PAGE = "/sapi/v1/account/apiRestrictions"
RECV_WINDOW_MS, RECV_WINDOW_MS_MAX = 5_000, 60_000
_AHEAD_MS = 1_000
#: Timestamps from here on are microseconds; spot alone takes them.
_MICROSECONDS = 10**14
_HTML_404 = b"<html><body><h2>404 Not found</h2></body></html>"


class Route(Struct, frozen=True):
    """One endpoint. `order` counts against the order limits; `during_pause` works in maintenance too."""

    handler: Handler
    weight: Weight = 1
    security: str = PUBLIC
    order: bool = False
    free_on_success: bool = False
    during_pause: bool = False


class Limits(Struct, frozen=True):
    """The figures of one product."""

    weight: int
    order_windows: tuple[tuple[str, int, int], ...]  # header suffix, seconds, limit
    microseconds: bool
    retry_after: bool


class Gate:
    """Lets requests through to their handlers."""

    def __init__(
        self, timeline: Timeline, pace: Pace, faults: Faults, credentials: Credentials, limits: Limits
    ) -> None:
        self.timeline = timeline
        self.pace = pace
        self.faults = faults
        self.credentials = credentials
        self.limits = limits
        self.routes: dict[str, dict[str, Route]] = {}
        self.weights = Window("1M", 60, limits.weight)
        self.orders = [Window(*each) for each in limits.order_windows]
        self._penalties = Penalties()

    def add(self, method: str, path: str, route: Route) -> None:
        """Serve `method path` by `route`."""
        self.routes.setdefault(path, {})[method] = route

    @property
    def now(self) -> int:
        """The venue's clock, UTC ns, wrong by what a fault makes it."""
        return self.timeline.now + self.faults.skew_ns

    def serve(self, request: Request) -> Reply:
        """Answer a request."""
        now = self.timeline.now
        stopped = self._stopped(now)
        if stopped is not None:
            return stopped
        methods = self.routes.get(request.path)
        if methods is None:
            return Reply(404, _HTML_404, {"content-type": "text/html"})
        route = methods.get(request.method)
        if route is None:
            return self._reply(Refused(-1000, f"Request method '{request.method}' is not supported.", 405), None)
        try:
            fields = self._admit(request, route)
            weight = self.charge(route, fields)
            if route.order:
                self.count_order()
            answer = route.handler(fields)
            if route.free_on_success:
                self.weights.add(-weight, now)
        except Refused as refused:
            return self._reply(refused, route)
        unit = request.headers.get("x-mbx-time-unit", "").upper()
        return self._reply(
            microseconds(answer) if self.limits.microseconds and unit == "MICROSECOND" else answer, route
        )

    def charge(self, route: Route, fields: Fields) -> int:
        """Add a route's weight to what was used."""
        weight = route.weight if isinstance(route.weight, int) else route.weight(fields)
        self.weights.add(weight, self.timeline.now)
        return weight

    def count_order(self) -> None:
        """Count an order; -1015 where that is too many."""
        now = self.timeline.now
        for window in self.orders:
            if window.used(now) >= window.limit:
                word = {"10S": "10 SECOND", "1M": "1 MINUTE", "1D": "1 DAY"}[window.name]
                raise Refused(-1015, f"Too many new orders; current limit is {window.limit} orders per {word}.", 429)
        for window in self.orders:
            window.add(1, now)

    def forgive_order(self) -> None:
        """An order got its first fill: it counts no more (Spot)."""
        for window in self.orders:
            window.add(-1, self.timeline.now)

    def paused(self, route: Route) -> None:
        """Refuse while the venue is closed."""
        if self.faults.phase is Phase.CLOSED and not route.during_pause:
            raise Refused(-1016, "This service is no longer available.", 503)

    def check_time(self, fields: Fields, timestamp: str) -> None:
        """-1021 unless `timestamp` is on time by the venue's clock, or by the wall clock where that counts."""
        given = fields.whole(timestamp)
        window = fields.maybe_number("recvWindow")
        recv = RECV_WINDOW_MS if window is None else window
        if recv > RECV_WINDOW_MS_MAX:
            raise Refused(-1131, "recvWindow must be less than 60000.")
        if self.limits.microseconds and given >= _MICROSECONDS:
            given //= 1_000
        wall = self.pace.wall_at(self.timeline.now)
        clocks = [self.now // NS_PER_MS] + ([] if wall is None else [wall // NS_PER_MS])
        if any(given < clock + _AHEAD_MS and clock - given <= recv for clock in clocks):
            return
        if given >= clocks[0] + _AHEAD_MS:
            raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")

    def check_key(self, api_key: str | None) -> None:
        """-2014 and -2015."""
        if not api_key or len(api_key) != 64 or not api_key.isalnum():
            raise Refused(-2014, "API-key format invalid.", 401)
        if self.credentials.find(api_key) is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def check_signature(self, api_key: str, payload: bytes, signature: str) -> None:
        """-1102 and -1022."""
        if not signature:
            raise missing("signature")
        credential = self.credentials.find(api_key)
        if credential is None or not payload.isascii() or not credential.verify(payload, signature):
            raise Refused(-1022, "Signature for this request is not valid.")

    def failure(self, rule: Rule) -> Reply:
        """The shape of an error that a fault asks for."""
        if rule.fault is Fault.RATE_LIMIT:
            refused = Refused(-1003, "Too many requests; please use the websocket for live updates.", 429)
        elif rule.fault is Fault.BAN:
            until = (self.timeline.now + rule.ms * NS_PER_MS) // NS_PER_MS
            refused = Refused(-1003, banned_text(until), 418)
        else:
            refused = Refused(rule.code or -1000, rule.message or "Unknown error.", rule.status)
        reply = self._reply(refused, None)
        if rule.fault is not Fault.ERROR:
            reply.headers["Retry-After"] = str(max(rule.ms // 1_000, 1))
        return reply

    def rate_limits(self, *, orders: bool) -> list[dict[str, Any]]:
        """What a WebSocket answer says of the limits."""
        now = self.timeline.now
        told = [_limit("REQUEST_WEIGHT", self.weights, now)]
        return [*([_limit("ORDERS", each, now) for each in self.orders] if orders else []), *told]

    def headers(self, *, orders: bool) -> dict[str, str]:
        """The headers that say what was used."""
        now = self.timeline.now
        told = {"X-MBX-USED-WEIGHT": str(self.weights.used(now)), "X-MBX-USED-WEIGHT-1M": str(self.weights.used(now))}
        if orders:
            told |= {f"X-MBX-ORDER-COUNT-{each.name}": str(each.used(now)) for each in self.orders}
        return told

    def _admit(self, request: Request, route: Route) -> Fields:
        query, body = request.query, request.body.decode("utf-8", "replace")
        api_key = request.headers.get("x-mbx-apikey")
        self.paused(route)
        fields = Fields(parsed(query, body), self.timeline.now, api_key or "")
        if route.security == PUBLIC:
            return fields
        self.check_key(api_key)
        if route.security == SIGNED:
            payload, signature = rest_payload(query, request.body)
            self.check_signature(fields.api_key, payload, signature)
            self.check_time(fields, "timestamp")
        return fields

    def over_limit(self, now: int) -> Refused | None:
        """429 or 418 for a request that comes while the budget is overdrawn; None where it is not."""
        until = self._penalties.banned_until(now)
        if until:
            return Refused(-1003, banned_text(until // NS_PER_MS), 418)
        if not self.weights.full(now):
            self._penalties.behave()
            return None
        if self._penalties.offend(now):
            return Refused(-1003, banned_text(self._penalties.banned_until(now) // NS_PER_MS), 418)
        text = f"Too much request weight used; current limit is {self.limits.weight} request weight per 1 MINUTE."
        return Refused(-1003, text + " Please use WebSocket Streams for live updates to avoid polling the API.", 429)

    def retry_at(self, now: int) -> int:
        """When requests are welcome again, UTC ns."""
        return self._penalties.banned_until(now) or now + self.weights.seconds_left(now) * NS_PER_S

    def _stopped(self, now: int) -> Reply | None:
        refused = self.over_limit(now)
        if refused is None:
            return None
        reply = self._reply(refused, None)
        if self.limits.retry_after:
            reply.headers["Retry-After"] = str(-(-(self.retry_at(now) - now) // NS_PER_S))
        return reply

    def _reply(self, answer: Any, route: Route | None) -> Reply:
        headers = self.headers(orders=route is not None and route.order)
        if isinstance(answer, Refused):
            return Reply(answer.status, msgspec.json.encode(answer.body()), headers)
        return Reply(200, msgspec.json.encode(answer), headers)


def banned_text(until_ms: int) -> str:
    """The message of a ban; clients read the time out of it."""
    return (
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )


def _limit(kind: str, window: Window, now: int) -> dict[str, Any]:
    interval, number = {"10S": ("SECOND", 10), "1M": ("MINUTE", 1), "1D": ("DAY", 1)}[window.name]
    return {
        "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": window.limit,
        "count": window.used(now),
    }  # fmt: skip
