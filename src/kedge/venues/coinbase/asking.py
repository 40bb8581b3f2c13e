"""Asking: a protocol's call becomes a signed request at the moment it leaves, and lists are read to their last page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

from kedge.model.instant import NS_PER_S
from kedge.venues.answers import Answer, Failed, Partial, Whole
from kedge.venues.coinbase import errors
from kedge.venues.coinbase.orders import page
from kedge.venues.coinbase.requests import Call
from kedge.venues.coinbase.signing import ApiKey, token
from kedge.venues.coinbase.values import Fields, decode_object
from kedge.venues.gateway import RateUse
from kedge.venues.limiter import RateRule, Urgency
from kedge.venues.shell import Call as Asked
from kedge.venues.shell import Caller, unsupported
from kedge.venues.wire.http import HttpRequest, HttpResponse

T = TypeVar("T")

PRIVATE: Final = "private"
PUBLIC: Final = "public"

#: docs.cdp.coinbase.com, rate limits: a user's requests and an address's unsigned ones, in a second.
RATE_RULES: Final = (RateRule(PRIVATE, 30, 1_000), RateRule(PUBLIC, 10, 1_000))

#: Pages of a list that are read before it is called too long.
PAGES_MAX: Final = 200

TIMEOUT_MS: Final = 10_000


class Nonces:
    """Texts that no other request of this process had: its start and a count. They are no secret."""

    def __init__(self, start_ns: int) -> None:
        self._start = start_ns
        self._n = 0

    def next(self) -> str:
        """The next one, 32 hexadecimal digits."""
        self._n += 1
        return f"{self._start:016x}{self._n:016x}"


class Asker:
    """Asks one venue with one key (None: only what is public)."""

    def __init__(self, caller: Caller, base: str, key: ApiKey | None, nonces: Nonces) -> None:
        self._caller = caller
        self._base = base.rstrip("/")
        self._host = urlsplit(self._base).netloc
        self._key = key
        self._nonces = nonces

    @property
    def rate_limits(self) -> tuple[RateUse, ...]:
        """The limits on requests, and what is used of them."""
        return self._caller.limiter.uses()

    @property
    def has_key(self) -> bool:
        """Whether private requests can be made."""
        return self._key is not None

    @property
    def breaches(self) -> dict[str, int]:
        """Answers that could not be read, by question."""
        return self._caller.breaches

    def stream_token(self, now_ns: int) -> str:
        """A token for a subscription; empty without a key."""
        if self._key is None:
            return ""
        return token(self._key, self._caller.clock.venue_ns() // NS_PER_S, self._nonces.next())

    async def ask(
        self,
        call: Call,
        name: str,
        read: Callable[[Fields], T],
        urgency: Urgency = Urgency.TRUST,
        wait_ms_max: int | None = None,
        timeout_ms: int = TIMEOUT_MS,
        leaves: Callable[[int], None] = lambda _: None,
    ) -> Answer[T]:
        """The answer to one call, read; `leaves` is told the venue's time (UTC ns) as the request leaves."""
        if call.signed and self._key is None:
            return unsupported(f"{name}: it needs an API key, and none is set")
        costs = {PRIVATE: 1} if call.signed else {PUBLIC: 1}
        return await self._caller.ask(
            Asked(
                name,
                lambda now: self._request(call, now, leaves),
                lambda body: read(decode_object(body, name)),
                costs,
                urgency,
                timeout_ms,
                wait_ms_max,
            )
        )

    async def every(
        self,
        call: Callable[[str], Call],
        name: str,
        read: Callable[[Fields], T],
        pages_max: int = PAGES_MAX,
        enough: Callable[[list[T]], bool] = lambda _: False,
    ) -> Answer[list[T]]:
        """A list to its end; `Partial` where it is longer than `pages_max`, whole where the reader has `enough`.

        A page that fails fails the whole: half a list of orders looks like the orders (hazard H18).
        """
        found: list[T] = []
        cursor = ""
        for _ in range(pages_max):
            answer = await self.ask(call(cursor), name, lambda told: _read_page(told, name, read))
            if not isinstance(answer, Whole):
                return answer if isinstance(answer, Failed) else Partial(found, answer.missing)
            items, cursor = answer.value
            found += items
            if not cursor or enough(found):
                return Whole(found, answer.at)
        return Partial(found, f"{name}: more than {pages_max} pages; ask for a shorter time")

    def _request(self, call: Call, now_ns: int, leaves: Callable[[int], None]) -> HttpRequest:
        leaves(now_ns)
        headers: tuple[tuple[str, str], ...] = ()
        if call.signed:
            assert self._key is not None, "asked before"
            signed = token(self._key, now_ns // NS_PER_S, self._nonces.next(), call.claim(self._host))
            headers = (("Authorization", f"Bearer {signed}"),)
        if call.body:
            headers = (*headers, ("Content-Type", "application/json"))
        return HttpRequest(call.method, call.url(self._base), headers, call.body)


def classify(response: HttpResponse, now: int) -> Failed | None:
    """The protocol's word on an answer."""
    return errors.failure(response.status, response.headers, response.body, now)


def usage(headers: Mapping[str, str]) -> dict[str, int]:
    """What is used, by the venue's headers; the limit tells which rule they speak of."""
    limit, left = headers.get("x-ratelimit-limit", ""), headers.get("x-ratelimit-remaining", "")
    if not (limit.isascii() and limit.isdigit() and left.isascii() and left.isdigit()):
        return {}
    return {rule.name: max(0, rule.limit - int(left)) for rule in RATE_RULES if rule.limit == int(limit)}


def _read_page(told: Fields, name: str, read: Callable[[Fields], T]) -> tuple[list[T], str]:
    read_page = page(told, name)
    return [read(item) for item in read_page.items], read_page.cursor
