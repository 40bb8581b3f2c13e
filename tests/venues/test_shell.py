"""The toolkit of the shells: what each way of going wrong becomes, and what it does to the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal

import pytest
from msgspec import structs

from kedge.model.errors import ConfigError, OurBug, UserError, VenueError, WorldError
from kedge.model.facts import CancelRejected, OrderRejected, OutcomeUnknown
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.secret import Secret
from kedge.venues import shell
from kedge.venues.answers import ErrorClass, Failed, Whole
from kedge.venues.limiter import ExchangeRateLimiter, RateRule, Urgency
from kedge.venues.shell import Call, Caller, Instruments, Recurring
from kedge.venues.timing import VenueClock
from kedge.venues.wire.http import HttpRequest, HttpResponse
from kedge.venues.wire.memory import Fault, FaultKind, MemoryNetwork
from kedge.venues.wire.virtual import VirtualClock, run

URL = "http://venue.test/order?signature=abc"
KEY = Secret("my-api-key-canary")


def classify(response: HttpResponse, now: int) -> Failed | None:
    """A venue whose refusals are HTTP 400 and whose -1 at 200 is a refusal too."""
    if response.body == b'{"code":-1}':
        return Failed(ErrorClass.REFUSED, "-1", f"no, {KEY.reveal()}")
    if response.body == b"odd":
        raise VenueError("code 'odd' is not a code")
    return None


def usage(headers: Mapping[str, str]) -> Mapping[str, int]:
    return {"weight": int(headers["x-used"])} if "x-used" in headers else {}


def read(body: bytes) -> str:
    if body == b"<html>":
        raise VenueError("answer is not JSON")
    return body.decode()


def the_request(at: int) -> HttpRequest:
    return HttpRequest("GET", f"{URL}&timestamp={at}", (("X-KEY", KEY.reveal()),))


CALL = Call("place order", the_request, read, {"weight": 1}, Urgency.ORDER, timeout_ms=1_000)


class Setting:
    """A venue behind a network in memory, and a caller of it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.network = MemoryNetwork(latency_ms=10)
        self.answer = HttpResponse(200, {}, b"fine")
        self.seen: list[HttpRequest] = []
        self.network.serve_http("venue.test", self.serve)
        self.limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 100, 60_000)], self.clock)
        self.time = VenueClock(self.clock)
        self.caller = Caller(self.network, self.limiter, self.time, classify, usage, [KEY, Secret("")])

    async def serve(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        return self.answer


def play(scene: Callable[[Setting], Awaitable[None]]) -> None:
    async def main() -> None:
        await scene(Setting())

    run(main())


def test_an_answer_is_whole_and_what_the_venue_counted_is_learned() -> None:
    async def scene(at: Setting) -> None:
        at.answer = HttpResponse(200, {"X-Used": "40"}, b"fine")
        assert await at.caller.ask(CALL) == Whole("fine", at.clock.now_ns())
        assert at.limiter.used("weight") == 40

    play(scene)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "arrived"),
    [
        (FaultKind.REFUSE, ErrorClass.RETRY_LATER, shell.NOT_SENT, 0),
        (FaultKind.DROP_BEFORE, ErrorClass.UNKNOWN, shell.NO_ANSWER, 0),
        (FaultKind.DROP_AFTER, ErrorClass.UNKNOWN, shell.NO_ANSWER, 1),
        (FaultKind.RESET_BEFORE, ErrorClass.UNKNOWN, shell.NO_ANSWER, 0),
        (FaultKind.RESET_AFTER, ErrorClass.UNKNOWN, shell.NO_ANSWER, 1),
    ],
)
def test_h01_what_may_have_left_is_unknown_and_what_did_not_is_not(
    fault: FaultKind, kind: ErrorClass, code: str, arrived: int
) -> None:
    async def scene(at: Setting) -> None:
        at.network.faults.append(Fault(fault, "/order"))
        failed = await at.caller.ask(CALL)
        assert isinstance(failed, Failed)
        assert (failed.kind, failed.code, len(at.seen)) == (kind, code, arrived)
        assert await at.caller.ask(CALL) == Whole("fine", at.clock.now_ns())  # and the next one works

    play(scene)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, b'{"code":-1}', ErrorClass.REFUSED, "-1"),
        (400, b'{"code":-1}', ErrorClass.REFUSED, "-1"),
        (400, b"what?", ErrorClass.OURS, "HTTP 400"),
        (401, b"", ErrorClass.OURS, "HTTP 401"),
        (302, b"", ErrorClass.UNKNOWN, "HTTP 302"),
        (408, b"", ErrorClass.UNKNOWN, "HTTP 408"),
        (429, b"", ErrorClass.RETRY_LATER, "HTTP 429"),
        (418, b"", ErrorClass.BANNED, "HTTP 418"),
        (500, b"", ErrorClass.UNKNOWN, "HTTP 500"),
        (503, b"", ErrorClass.UNKNOWN, "HTTP 503"),
        (200, b"<html>", ErrorClass.UNKNOWN, shell.UNREADABLE),
        (200, b"odd", ErrorClass.UNKNOWN, shell.UNREADABLE),
    ],
)
def test_what_the_venue_says_has_a_class(status: int, body: bytes, kind: ErrorClass, code: str) -> None:
    async def scene(at: Setting) -> None:
        at.answer = HttpResponse(status, {}, body)
        failed = await at.caller.ask(CALL)
        assert isinstance(failed, Failed)
        assert (failed.kind, failed.code) == (kind, code)
        assert KEY.reveal() not in failed.message
        assert at.caller.breaches == ({"place order": 1} if code == shell.UNREADABLE else {})

    play(scene)


def test_every_line_of_a_secret_is_blotted_out() -> None:
    async def scene(at: Setting) -> None:
        pem = Secret("-----BEGIN KEY-----\\nMHcCAQEEIABC\nAwEHoUQDQgAE\n-----END KEY-----\n")
        caller = Caller(at.network, at.limiter, at.time, classify, secrets=[pem, Secret("tiny")])
        assert caller.clean("MHcCAQEEIABC and AwEHoUQDQgAE, tiny") == "*** and ***, tiny"

    play(scene)


@pytest.mark.parametrize(
    ("status", "headers", "stopped_s"),
    [(429, {"Retry-After": "7"}, 7), (429, {}, 60), (418, {}, 120), (418, {"Retry-After": "259200"}, 259_200),
     (429, {"Retry-After": "soon"}, 60)],
)  # fmt: skip
def test_h37_a_429_or_418_stops_all_sending_until_the_time_given(
    status: int, headers: dict[str, str], stopped_s: int
) -> None:
    async def scene(at: Setting) -> None:
        at.answer = HttpResponse(status, headers, b"")
        failed = await at.caller.ask(CALL)
        assert isinstance(failed, Failed)
        assert failed.retry_at == at.limiter.stopped_until == at.clock.now_ns() + stopped_s * NS_PER_S
        refused = await at.caller.ask(structs.replace(CALL, urgency=Urgency.EXIT, wait_ms_max=1_000))
        assert isinstance(refused, Failed)
        assert (refused.kind, refused.code, refused.retry_at) == (
            ErrorClass.RETRY_LATER,
            shell.NOT_SENT,
            failed.retry_at,
        )
        assert len(at.seen) == 1

    play(scene)


def test_the_request_is_built_when_it_leaves_and_not_when_it_was_asked_for() -> None:
    async def scene(at: Setting) -> None:
        at.limiter.stop(at.clock.now_ns() + 30 * NS_PER_S)
        begun = at.clock.now_ns()
        await at.caller.ask(CALL)
        assert at.seen[0].url.endswith(f"timestamp={begun + 30 * NS_PER_S}")

    play(scene)


def test_what_cannot_be_built_is_our_fault_and_nothing_leaves() -> None:
    async def scene(at: Setting) -> None:
        def impossible(venue_ns: int) -> HttpRequest:
            raise UserError("price is 1E+99; it must fit twenty digits")

        failed = await at.caller.ask(structs.replace(CALL, build=impossible))
        assert failed == Failed(ErrorClass.OURS, shell.NOT_SENT, "price is 1E+99; it must fit twenty digits")
        assert at.seen == []

    play(scene)


@pytest.mark.parametrize("kind", list(ErrorClass))
def test_h01_only_unknown_leaves_an_order_open_and_no_failure_ends_one_by_itself(kind: ErrorClass) -> None:
    failed = Failed(kind, "-7", "why")
    unknown = kind is ErrorClass.UNKNOWN
    assert shell.placing(failed, "a-1-2", 5) == (OutcomeUnknown if unknown else OrderRejected)(5, "a-1-2", "-7: why")
    assert shell.cancelling(failed, "a-1-2", 5) == (OutcomeUnknown if unknown else CancelRejected)(
        5, "a-1-2", "-7: why"
    )
    assert shell.asking_about(failed, "a-1-2", 5) == OutcomeUnknown(5, "a-1-2", "-7: why")


def test_h64_what_is_no_longer_listed_is_closed_and_what_changed_is_told() -> None:
    btc, eth = (Instrument(symbol, symbol[:3], "USD") for symbol in ("BTC-USD", "ETH-USD"))
    listed = Instruments()
    assert [each.instrument for each in listed.load([btc, eth], 1)] == [btc, eth]
    assert listed.load([btc, eth], 2) == ()
    finer = structs.replace(btc, tick_size=Decimal("0.001"))
    assert [each.instrument for each in listed.load([finer], 3)] == [
        finer,
        structs.replace(eth, status=InstrumentStatus.CLOSED),
    ]
    assert listed.get("ETH-USD").status is InstrumentStatus.CLOSED
    assert listed.load([finer], 4) == ()
    with pytest.raises(ConfigError, match="symbol 'BTC-USDT' is not listed by the venue; did you mean BTC-USD"):
        listed.get("BTC-USDT")


def test_recurring_work_outlives_the_world_and_shows_a_bug() -> None:
    async def main() -> None:
        clock = VirtualClock()
        outcomes: list[Exception | None] = [None, WorldError("no network"), None, OurBug("a bug")]
        done: list[int] = []

        async def work() -> None:
            done.append(clock.monotonic_ns() // NS_PER_S)
            outcome = outcomes[len(done) - 1]
            if outcome is not None:
                raise outcome

        recurring = Recurring(clock, 60, work)
        recurring.start()
        recurring.start()
        await clock.sleep(121)
        assert (done, recurring.error) == ([60, 120], "no network")
        await clock.sleep(60)
        assert recurring.error == ""
        await clock.sleep(600)
        assert done == [60, 120, 180, 240]
        with pytest.raises(OurBug):
            await recurring.stop()
        await recurring.stop()

    run(main())


def test_recurring_work_stops_in_the_middle() -> None:
    async def main() -> None:
        clock = VirtualClock()
        recurring = Recurring(clock, 1, asyncio.Event().wait)
        recurring.start()
        await clock.sleep(5)
        await recurring.stop()

    run(main())
