"""`ExchangeRateLimiter`: how much may be asked of a venue, and who goes first.

A venue publishes rules: so much weight in so many seconds, for an address or an account. A request has a cost in some of
them. It leaves when each rule has room for it, counted over a *sliding* window, so that no window of the venue's, however
it is laid, holds more than the budget:

    limit                                      the venue's figure
    budget = limit x (1 - headroom)            what we use: 25% are left for others behind our address and for jitter
    room for new orders = budget x (1 - reserve)       the rest is for exits alone

**Who goes first.** Whoever must wait does so in the order of `Urgency`, first come first served within one; a request that
cannot go yet keeps those behind it from the rules that it needs, so that a heavy one is not starved by light ones, and
exits wait for nobody. Nothing sleeps while it holds anything: there is no lock, only a queue and one timer.

**Learning.** The venue's own word on what is used (`learn`) counts where it is more than ours: then somebody else uses
our address. Less is not believed, because the venue's window begins anew at moments that ours does not know.

**Stopping.** After a 429 or a 418 nothing leaves at all until the time given (`stop`), whatever its urgency: a venue that
is asked during a ban makes the ban longer. A longer stop is never shortened by a shorter one.

A request that would have to wait too long is better refused (`wait_ms_max`): a stale order is worse than none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import IntEnum
from heapq import heappush
from typing import Final

from msgspec import Struct

from kedge.model.errors import ConfigError, OurBug, WorldError
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.money import ONE, ZERO
from kedge.venues.gateway import RateUse
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.system import SystemClock

#: A window is remembered in so many parts: memory is bounded, and a part is given back when its youngest request is.
PARTS: Final = 256

#: The rule of a limiter that has one.
REQUESTS: Final = "requests"


class Urgency(IntEnum):
    """Who goes first. Exits alone may use the reserve."""

    EXIT = 0  # cancels, reduce-only orders, the dead man's switch
    TRUST = 1  # what an order, a position, a balance is: without it nothing may be opened
    ORDER = 2  # new orders
    MARKET = 3  # market data, history


class RateLimited(WorldError):
    """The request was not sent: it would have had to wait too long. `retry_at` is when it may be tried (UTC ns)."""

    def __init__(self, reason: str, retry_at: int) -> None:
        super().__init__(reason)
        self.retry_at = retry_at


class RateRule(Struct, frozen=True):
    """One limit of a venue: at most `limit` in `window_ms`; `headroom` and `reserve` are fractions, see above."""

    name: str
    limit: int
    window_ms: int
    headroom: Decimal = Decimal("0.25")
    reserve: Decimal = Decimal("0.2")

    def __post_init__(self) -> None:
        if self.limit < 1 or self.window_ms < 1:
            raise ConfigError(f"rate rule {self.name}: {self.limit} in {self.window_ms} ms; both must be above zero")
        for name in ("headroom", "reserve"):
            if not ZERO <= getattr(self, name) < ONE:
                raise ConfigError(f"rate rule {self.name}: {name} is {getattr(self, name)}; it must be >= 0 and < 1")

    @property
    def budget(self) -> int:
        """What we use of the limit at most, in any window."""
        return max(1, int(self.limit * (ONE - self.headroom)))

    @property
    def open_budget(self) -> int:
        """What anything but an exit may use; the reserve takes nothing from a budget of one."""
        return max(1, int(self.budget * (ONE - self.reserve)))


class _Window:
    """What left under one rule in the last window: (time of the youngest, weight) by parts, oldest first."""

    __slots__ = ("_begun", "_part_ns", "_parts", "_window_ns", "rule", "used")

    def __init__(self, rule: RateRule) -> None:
        self.rule = rule
        self.used = 0
        self._window_ns = rule.window_ms * NS_PER_MS
        self._part_ns = self._window_ns // PARTS
        self._parts: deque[list[int]] = deque()
        self._begun = 0

    def forget(self, now: int) -> None:
        parts, gone = self._parts, now - self._window_ns
        while parts and parts[0][0] <= gone:
            self.used -= parts.popleft()[1]

    def add(self, weight: int, now: int) -> None:
        self.used += weight
        if self._parts and now - self._begun < self._part_ns:
            self._parts[-1][0] = now
            self._parts[-1][1] += weight
        else:
            self._parts.append([now, weight])
            self._begun = now

    def wait_ns(self, weight: int, urgent: bool, now: int) -> int:
        """How long until `weight` has room, if nothing else leaves until then."""
        self.forget(now)
        over = self.used + weight - (self.rule.budget if urgent else self.rule.open_budget)
        if over <= 0:
            return 0
        for youngest, part in self._parts:
            over -= part
            if over <= 0:
                return youngest + self._window_ns - now
        return self._window_ns  # the rule became too small for it: it waits until its patience ends


class _Waiter(Struct, order=True, eq=True):
    urgency: int
    n: int
    costs: tuple[tuple[str, int], ...]
    granted: asyncio.Future[None]


class ExchangeRateLimiter:
    """Admits requests to one venue, for one account behind one address.

    `ExchangeRateLimiter(100, 60)` has one rule without a reserve; `of_rules` takes the venue's. The limiter belongs to
    the event loop that it is first used on.
    """

    def __init__(
        self,
        max_requests: int,
        window_seconds: float | Decimal,
        *,
        headroom: Decimal = Decimal("0.25"),
        reserve: Decimal = ZERO,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._windows: dict[str, _Window] = {}
        self._waiting: list[_Waiter] = []
        self._n = 0
        self._stopped_until = 0
        self._timer: asyncio.TimerHandle | None = None
        self.set_rule(RateRule(REQUESTS, max_requests, int(window_seconds * 1000), headroom, reserve))

    @classmethod
    def of_rules(cls, rules: Iterable[RateRule], clock: Clock | None = None) -> ExchangeRateLimiter:
        """A limiter under several rules at once."""
        limiter = cls(1, 1, clock=clock)
        limiter._windows.clear()
        for rule in rules:
            limiter.set_rule(rule)
        return limiter

    def set_rule(self, rule: RateRule) -> None:
        """Take a rule, or the new figures of one, as the venue publishes them; what is used stays counted."""
        window = _Window(rule)
        before = self._windows.get(rule.name)
        if before is not None:
            window.add(before.used, self._clock.monotonic_ns())
        self._windows[rule.name] = window
        self._serve()

    @property
    def rules(self) -> tuple[RateRule, ...]:
        """The rules in force."""
        return tuple(window.rule for window in self._windows.values())

    async def acquire(
        self,
        weight: int | Mapping[str, int] = 1,
        urgency: Urgency = Urgency.ORDER,
        wait_ms_max: int | None = None,
    ) -> None:
        """Return when the request may leave; it counts from then on.

        `weight` is the cost by rule, or a number: the cost in every rule. `RateLimited` where it would have to wait
        longer than `wait_ms_max`. Rules that the limiter does not have are an error, and so is a cost that no window
        can hold.
        """
        costs = self._costs(weight, urgency)
        now = self._clock.monotonic_ns()
        if not self._waiting and not self._wait_ns(costs, urgency, now):
            self._take(costs, now)
            return
        self._refuse_long_wait(costs, urgency, wait_ms_max, now)
        loop = asyncio.get_running_loop()
        self._n += 1
        waiter = _Waiter(urgency, self._n, costs, loop.create_future())
        heappush(self._waiting, waiter)
        self._serve()
        try:
            async with asyncio.timeout(None if wait_ms_max is None else wait_ms_max / 1000):
                await waiter.granted
        except TimeoutError:
            retry_at = self._clock.now_ns() + self._wait_ns(costs, urgency, self._clock.monotonic_ns())
            raise RateLimited(f"not sent: others went first for {wait_ms_max} ms", retry_at) from None
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                self._serve()

    def learn(self, rule: str, used: int) -> None:
        """The venue says that `used` of `rule` is used in its present window."""
        window = self._windows.get(rule)
        if window is None:
            return
        now = self._clock.monotonic_ns()
        window.forget(now)
        if used > window.used:
            window.add(used - window.used, now)

    def stop(self, until_ns: int) -> None:
        """Let nothing leave before `until_ns` (UTC)."""
        wait = until_ns - self._clock.now_ns()
        self._stopped_until = max(self._stopped_until, self._clock.monotonic_ns() + wait)
        self._serve()

    @property
    def stopped_until(self) -> int:
        """When sending goes on, UTC ns; 0 where it is not stopped."""
        left = self._stopped_until - self._clock.monotonic_ns()
        return self._clock.now_ns() + left if left > 0 else 0

    def used(self, rule: str = REQUESTS) -> int:
        """What is counted in the present window of a rule."""
        window = self._windows[rule]
        window.forget(self._clock.monotonic_ns())
        return window.used

    def uses(self) -> tuple[RateUse, ...]:
        """Every rule, and what is used of it."""
        return tuple(
            RateUse(rule.name, rule.limit, rule.window_ms, rule.budget, self.used(rule.name)) for rule in self.rules
        )

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    # inside

    def _costs(self, weight: int | Mapping[str, int], urgency: Urgency) -> tuple[tuple[str, int], ...]:
        given = dict.fromkeys(self._windows, weight) if isinstance(weight, int) else weight
        for name, cost in given.items():
            if name not in self._windows:
                raise OurBug(f"a request costs {cost} of the rule {name!r}; known are {', '.join(self._windows)}")
            rule = self._windows[name].rule
            most = rule.budget if urgency is Urgency.EXIT else rule.open_budget
            if not 0 <= cost <= most:
                raise ConfigError(f"a request costs {cost} of rule {name}; at most {most} can ever be admitted")
        return tuple((name, cost) for name, cost in given.items() if cost)

    def _wait_ns(self, costs: tuple[tuple[str, int], ...], urgency: int, now: int) -> int:
        urgent = urgency == Urgency.EXIT
        waits = [self._windows[name].wait_ns(cost, urgent, now) for name, cost in costs]
        return max(0, self._stopped_until - now, *waits)

    def _take(self, costs: tuple[tuple[str, int], ...], now: int) -> None:
        for name, cost in costs:
            self._windows[name].add(cost, now)

    def _refuse_long_wait(
        self, costs: tuple[tuple[str, int], ...], urgency: int, wait_ms_max: int | None, now: int
    ) -> None:
        wait = self._wait_ns(costs, urgency, now)
        if wait_ms_max is not None and wait > wait_ms_max * NS_PER_MS:
            what = "the venue stopped us" if self._stopped_until - now == wait else "the rate limit is used up"
            raise RateLimited(f"not sent: {what} for {wait // NS_PER_MS} ms more", self._clock.now_ns() + wait)

    def _serve(self) -> None:
        """Let go who may go; wake up when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        now = self._clock.monotonic_ns()
        kept: list[_Waiter] = []
        held: dict[str, None] = {}
        soonest = -1
        for waiter in sorted(self._waiting):
            if waiter.granted.done():
                continue
            wait = self._wait_ns(waiter.costs, waiter.urgency, now)
            if wait or any(name in held for name, _ in waiter.costs):
                kept.append(waiter)
                held.update(dict.fromkeys(name for name, _ in waiter.costs))
                soonest = wait if wait and (soonest < 0 or wait < soonest) else soonest
            else:
                self._take(waiter.costs, now)
                waiter.granted.set_result(None)
        self._waiting = kept
        if kept:
            assert soonest > 0, "whoever waits waits for a moment"
            self._timer = asyncio.get_running_loop().call_later(soonest / NS_PER_S, self._serve)
