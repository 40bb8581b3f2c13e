"""What the shells of all venues share: a toolkit that a shell calls, never a framework that calls the shell.

A *call* is one question to the venue as its pure protocol builds it. Asking it is always the same:

    room under the rate limits → the request, built with the venue's time of that moment and signed → sent
        → whatever happened, as an `Answer`

    no room in time, no connection       Failed(retry_later, "not sent")     nothing happened
    what cannot be asked like that       Failed(ours, "not sent")            nothing happened
    no whole answer                      Failed(unknown, "no answer")        it may have happened
    the venue says no                    what the protocol's classifier says, else what the HTTP status says
    429, 418, banned                     the same, and nothing more is sent until the time given
    an answer that cannot be read        Failed(unknown, "unreadable"), counted: the venue broke its contract

The request is built after the wait, because a signature carries a time and is good for seconds only.

`Failed` speaks of a request; what it means for an order is `placing`, `cancelling` and `asking_about`. Secrets are
blotted out of everything that is said, wherever a venue may quote them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct, structs

from kedge.model.errors import ConfigError, UserError, VenueError, WorldError
from kedge.model.facts import CancelRejected, InstrumentChanged, OrderRejected, OutcomeUnknown
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.secret import Secret
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.exact import shown
from kedge.venues.limiter import ExchangeRateLimiter, RateLimited, Urgency
from kedge.venues.timing import VenueClock
from kedge.venues.wire.clock import Clock
from kedge.venues.wire.http import HttpRequest, HttpResponse, HttpTransport, NoAnswer, NotSent

T = TypeVar("T")

NOT_SENT: Final = "not sent"
NO_ANSWER: Final = "no answer"
UNREADABLE: Final = "unreadable"

#: How long nothing is sent after a 429 and a 418 that do not say: a window of a minute, the shortest ban known.
PAUSE_S: Final = 60
BAN_S: Final = 120

#: A text shorter than this is no secret, and stands in too many others.
BLOT_MIN: Final = 6

#: Names of calls whose breaches are counted apart.
NAMES_MAX: Final = 200

#: The protocol's word on an answer: how it failed, or `None` where it did not. Gets our time, UTC ns.
Classify = Callable[[HttpResponse, int], Failed | None]
#: What the venue's headers say is used, by rule.
Usage = Callable[[Mapping[str, str]], Mapping[str, int]]


class Call(Struct, Generic[T], frozen=True):
    """One question: `build` gets the venue's time (UTC ns) and makes the signed request, `read` the body of its answer.

    `costs` and `urgency` are for the limiter; with `wait_ms_max` it is given up rather than sent late. `answers` are
    statuses beside success whose body is an answer all the same, to be read and not classified.
    """

    name: str
    build: Callable[[int], HttpRequest]
    read: Callable[[bytes], T]
    costs: Mapping[str, int]
    urgency: Urgency = Urgency.TRUST
    timeout_ms: int = 10_000
    wait_ms_max: int | None = None
    answers: frozenset[int] = frozenset()


class Caller:
    """Asks calls of one venue. `breaches` counts the answers that could not be read, by the name of the call."""

    def __init__(
        self,
        transport: HttpTransport,
        limiter: ExchangeRateLimiter,
        clock: VenueClock,
        classify: Classify,
        usage: Usage | None = None,
        secrets: Iterable[Secret] = (),
    ) -> None:
        self.transport = transport
        self.limiter = limiter
        self.clock = clock
        self.breaches: dict[str, int] = {}
        self._classify = classify
        self._usage = usage
        self._blots = tuple(dict.fromkeys(blot for secret in secrets for blot in _blots(secret)))

    async def ask(self, call: Call[T]) -> Answer[T]:
        """The venue's answer; nothing that the world or the venue does is an exception."""
        try:
            await self.limiter.acquire(call.costs, call.urgency, call.wait_ms_max)
            response = await self.transport.send(call.build(self.clock.venue_ns()), call.timeout_ms)
        except UserError as error:
            return Failed(ErrorClass.OURS, NOT_SENT, self.clean(str(error)))
        except RateLimited as error:
            return Failed(ErrorClass.RETRY_LATER, NOT_SENT, str(error), error.retry_at)
        except NotSent as error:
            return Failed(ErrorClass.RETRY_LATER, NOT_SENT, self.clean(str(error)))
        except NoAnswer as error:
            return Failed(ErrorClass.UNKNOWN, NO_ANSWER, self.clean(str(error)))
        now = self.clock.now_ns()
        for rule, used in self._usage(response.headers).items() if self._usage else ():
            self.limiter.learn(rule, used)
        try:
            failed = None
            if response.status not in call.answers:
                failed = self._classify(response, now) or by_status(response, now)
            if failed is None:
                return Whole(call.read(response.body), now)
        except VenueError as error:
            return self._breach(call.name, str(error))
        if failed.kind is ErrorClass.BANNED or response.status in {418, 429}:
            failed = structs.replace(failed, retry_at=failed.retry_at or retry_at(response, now))
            self.limiter.stop(failed.retry_at)
        return structs.replace(failed, code=self.clean(failed.code), message=self.clean(failed.message))

    def clean(self, text: str) -> str:
        """`text` without our secrets, whoever put them there."""
        for blot in self._blots:
            text = text.replace(blot, "***")
        return text

    def _breach(self, name: str, what: str) -> Failed:
        known = name if name in self.breaches or len(self.breaches) < NAMES_MAX else "other"
        self.breaches[known] = self.breaches.get(known, 0) + 1
        return Failed(ErrorClass.UNKNOWN, UNREADABLE, self.clean(f"{name}: {what}"))


def _blots(secret: Secret) -> list[str]:
    """What must not be seen of a secret: the whole, and of one with several lines (PEM) each line that tells something."""
    lines = [line.strip() for line in secret.reveal().replace("\\n", "\n").splitlines()]
    return [text for text in (secret.reveal(), *lines) if len(text) >= BLOT_MIN and not text.startswith("-----")]


def by_status(response: HttpResponse, now: int) -> Failed | None:
    """What an HTTP status says where the venue's own code says nothing; a 5xx never says that nothing happened."""
    status = response.status
    if 200 <= status < 300:
        return None
    code, message = f"HTTP {status}", shown(response.body[:200].decode("utf-8", "replace"))
    if status == 418:
        return Failed(ErrorClass.BANNED, code, message, retry_at(response, now))
    if status == 429:
        return Failed(ErrorClass.RETRY_LATER, code, message, retry_at(response, now))
    if status >= 500 or status == 408 or status < 400:
        return Failed(ErrorClass.UNKNOWN, code, message)
    return Failed(ErrorClass.OURS, code, message)


def retry_at(response: HttpResponse, now: int) -> int:
    """When the venue may be asked again after a 429 or a 418 (UTC ns): by `Retry-After`, in seconds, or else a guess
    on the safe side.
    """
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 8:
        return now + int(said) * NS_PER_S
    return now + (BAN_S if response.status == 418 else PAUSE_S) * NS_PER_S


def placing(failed: Failed, order_id: str, now: int) -> OrderRejected | OutcomeUnknown:
    """What a failed placing means for the order: unknown is not rejected (H1)."""
    reason = f"{failed.code}: {failed.message}"
    if failed.kind is ErrorClass.UNKNOWN:
        return OutcomeUnknown(now, order_id, reason)
    return OrderRejected(now, order_id, reason)


def cancelling(failed: Failed, order_id: str, now: int) -> CancelRejected | OutcomeUnknown:
    """What a failed cancel means: the order lives until the venue says otherwise (H13)."""
    reason = f"{failed.code}: {failed.message}"
    if failed.kind is ErrorClass.UNKNOWN:
        return OutcomeUnknown(now, order_id, reason)
    return CancelRejected(now, order_id, reason)


def asking_about(failed: Failed, order_id: str, now: int) -> OutcomeUnknown:
    """What a failed question about an order means: nothing (H2)."""
    return OutcomeUnknown(now, order_id, f"{failed.code}: {failed.message}")


def unsupported(what: str) -> Failed:
    """The answer to what a venue cannot do."""
    return Failed(ErrorClass.OURS, "unsupported", what)


class Instruments:
    """What a venue lists, as last loaded, by canonical symbol."""

    def __init__(self) -> None:
        self._known: dict[str, Instrument] = {}

    def load(self, listed: Iterable[Instrument], now: int) -> tuple[InstrumentChanged, ...]:
        """Take the venue's list; returns what is new or different. What is gone stays, closed (H64)."""
        fresh = {instrument.symbol: instrument for instrument in listed}
        for symbol, before in self._known.items():
            if symbol not in fresh:
                fresh[symbol] = structs.replace(before, status=InstrumentStatus.CLOSED)
        changed = [each for symbol, each in fresh.items() if each != self._known.get(symbol)]
        self._known = fresh
        return tuple(InstrumentChanged(now, instrument) for instrument in changed)

    def get(self, symbol: str) -> Instrument:
        """The instrument; an unknown symbol is a `ConfigError` that names the nearest."""
        found = self._known.get(symbol)
        if found is None:
            near = get_close_matches(symbol, list(self._known), 1)
            hint = f"did you mean {near[0]}?" if near else f"{len(self._known)} symbols are"
            raise ConfigError(f"symbol {symbol!r} is not listed by the venue; {hint}")
        return found

    def all(self) -> tuple[Instrument, ...]:
        """Everything listed."""
        return tuple(self._known.values())

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._known

    def __len__(self) -> int:
        return len(self._known)


class Recurring:
    """Work that is done every `seconds` until it is stopped.

    What the world or the venue does to it is kept in `error` and it goes on; anything else ends it, and `stop` raises
    it again.
    """

    def __init__(self, clock: Clock, seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
        self.error = ""
        self._clock = clock
        self._seconds = seconds
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, the first time after `seconds`; a second start does nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End it, wherever it stands."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(self._seconds)
            try:
                await self._work()
                self.error = ""
            except (WorldError, VenueError) as error:
                self.error = str(error)


def until_ms(retry_at_ns: int, now: int) -> int:
    """Milliseconds from `now` until a failure may be tried again, never below zero."""
    return max(0, -(-(retry_at_ns - now) // NS_PER_MS))
