"""A session: one account at one of Binance's venues, and how its calls are asked.

It owns what every question needs: the key, the clock against the venue's, the limiter with the venue's own figures, and
the list of markets. Signed requests carry the venue's time as we reckon it (hazard H38). Everything beyond that belongs
to whoever asks: `trading` for orders, `shell` for the rest.

Rate rules are weight a minute for the address, orders for the account by their window, and raw requests where the venue
has such a rule; figures come from exchangeInfo and what is used from the headers of every answer. Kinds of limits that
we cannot honour are in `unknown_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from kedge.model.errors import ConfigError
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, Failed, Whole
from kedge.venues.binance.protocol import calls, instruments
from kedge.venues.binance.protocol.errors import failure, fault_of, is_fault
from kedge.venues.binance.protocol.instruments import Listing, Market, RateLimit
from kedge.venues.binance.protocol.market import server_time
from kedge.venues.binance.protocol.product import Product, Site
from kedge.venues.binance.protocol.requests import Call, Purpose, Security, http_request
from kedge.venues.binance.protocol.signing import Signer, signer
from kedge.venues.limiter import ExchangeRateLimiter, RateRule, Urgency
from kedge.venues.shell import Call as ShellCall
from kedge.venues.shell import Caller
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpRequest, HttpResponse, HttpTransport

T = TypeVar("T")

WEIGHT = "weight"

#: Rules until the venue has told its own (FACTS.md 1.9, 2.9).
FIRST_RULES = {
    Product.SPOT: (
        RateLimit("REQUEST_WEIGHT", 60, 6_000),
        RateLimit("ORDERS", 10, 50),
        RateLimit("ORDERS", 86_400, 160_000),
    ),
    Product.USDM: (
        RateLimit("REQUEST_WEIGHT", 60, 2_400),
        RateLimit("ORDERS", 10, 300),
        RateLimit("ORDERS", 60, 1_200),
    ),
}

#: The venue's kinds of limits: our name, and whether there is one for each window.
_RULES = {"REQUEST_WEIGHT": (WEIGHT, False), "ORDERS": ("orders", True), "RAW_REQUESTS": ("raw", True)}

_URGENCY = {
    Purpose.CANCEL: Urgency.EXIT,
    Purpose.EXIT: Urgency.EXIT,
    Purpose.ORDER: Urgency.ORDER,
}

_HEADERS = {
    "x-mbx-used-weight-1m": WEIGHT,
    "x-mbx-order-count-10s": "orders:10",
    "x-mbx-order-count-1m": "orders:60",
    "x-mbx-order-count-1d": "orders:86400",
}

#: How long an order may wait for its turn before it is better not sent.
ORDER_WAIT_MS_MAX = 2_000
TIMEOUT_MS = 10_000


class Session:
    """How one account asks one venue. `open` must have been called before anything that needs the list of markets."""

    def __init__(
        self,
        product: Product,
        site: Site,
        api_key: Secret,
        api_secret: Secret,
        http: HttpTransport,
        clock: Clock,
    ) -> None:
        self.product = product
        self.site = site
        self.api_key = api_key
        self.clock = clock
        self.venue_clock = VenueClock(clock)
        self.limiter = ExchangeRateLimiter.of_rules(map(_rule, FIRST_RULES[product]), clock)
        self.caller = Caller(http, self.limiter, self.venue_clock, _classify, _usage, [api_key, api_secret])
        self._signer = signer(api_secret) if api_secret else None
        self._listing: Listing | None = None
        self.unknown_rules: tuple[str, ...] = ()

    @property
    def signer(self) -> Signer:
        """What signs for this account; a `ConfigError` where there is no secret."""
        if self._signer is None or not self.api_key:
            raise ConfigError(
                f"{self.product} needs a key for this; set TRADING_EXCHANGE_API_KEY and TRADING_EXCHANGE_API_SECRET"
            )
        return self._signer

    @property
    def has_key(self) -> bool:
        """Whether requests can be signed."""
        return self._signer is not None and bool(self.api_key)

    @property
    def listing(self) -> Listing:
        """The list of markets."""
        if self._listing is None:
            raise ConfigError(f"{self.product} is not open; await open() first")
        return self._listing

    def market(self, symbol: str) -> Market:
        """The market that we call `symbol`."""
        return self.listing.market(symbol)

    def now(self) -> int:
        """Our time, UTC ns."""
        return self.clock.now_ns()

    async def ask(
        self,
        call: Call,
        read: Callable[[bytes], T],
        *,
        answers: frozenset[int] = frozenset(),
        base_url: str = "",
        leaves: Callable[[int], None] | None = None,
    ) -> Answer[T]:
        """The answer to a call of the protocol; `leaves` is told the venue's time that the request carries, as it leaves."""
        return await self.caller.ask(self._shell_call(call, read, answers, base_url, leaves))

    async def load(self) -> Answer[Listing]:
        """Take the venue's list of markets and its rate rules."""
        answer = await self.ask(calls.exchange_info(self.product), lambda body: instruments.listing(self.product, body))
        if isinstance(answer, Whole):
            self._take_listing(answer.value)
        return answer

    def _take_listing(self, listing: Listing) -> None:
        self._listing = listing
        self.unknown_rules = tuple(limit.kind for limit in listing.rate_limits if limit.kind not in _RULES)
        for limit in listing.rate_limits:
            if limit.kind in _RULES:
                self.limiter.set_rule(_rule(limit))

    def replace_market(self, market: Market) -> None:
        """Know a market under figures that were read for the account (fees, leverage)."""
        listing = self.listing
        listing.by_raw[market.raw] = listing.by_symbol[market.instrument.symbol] = market

    async def venue_time(self) -> Answer[int]:
        """The venue's clock, UTC ns."""
        return await self.ask(calls.server_time(self.product), server_time)

    def _shell_call(
        self,
        call: Call,
        read: Callable[[bytes], T],
        answers: frozenset[int],
        base_url: str,
        leaves: Callable[[int], None] | None,
    ) -> ShellCall[T]:
        def build(venue_ns: int) -> HttpRequest:
            if leaves is not None:
                leaves(venue_ns)
            by = self.signer if call.security is Security.SIGNED else None
            return http_request(call, base_url or self.site.rest, self.api_key, by, venue_ns)

        urgent = _URGENCY.get(call.purpose)
        if urgent is None:
            trusted = call.security is not Security.PUBLIC or call.path.endswith("/time")
            urgent = Urgency.TRUST if trusted else Urgency.MARKET
        return ShellCall(
            call.path.rpartition("/")[2],
            build,
            read,
            self._costs(call),
            urgent,
            TIMEOUT_MS,
            ORDER_WAIT_MS_MAX if call.purpose is Purpose.ORDER else None,
            answers,
        )

    def _costs(self, call: Call) -> Mapping[str, int]:
        costs: dict[str, int] = {}
        for rule in self.limiter.rules:
            kind = rule.name.partition(":")[0]
            cost = {WEIGHT: call.weight, "orders": call.orders, "raw": 1}[kind]
            if cost:
                costs[rule.name] = cost
        return costs


def _rule(limit: RateLimit) -> RateRule:
    name, by_window = _RULES[limit.kind]
    return RateRule(f"{name}:{limit.seconds}" if by_window else name, limit.limit, limit.seconds * 1_000)


def _usage(headers: Mapping[str, str]) -> Mapping[str, int]:
    return {
        rule: int(headers[name])
        for name, rule in _HEADERS.items()
        if name in headers and headers[name].isascii() and headers[name].isdigit() and len(headers[name]) < 10
    }


def _classify(response: HttpResponse, now: int) -> Failed | None:
    if response.status >= 400:
        return failure(response.status, response.headers, response.body, now)
    if response.body[:1] == b"{" and b'"code"' in response.body[:200] and is_fault(fault_of(response.body)):
        return failure(response.status, response.headers, response.body, now)
    return None
