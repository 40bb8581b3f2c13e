"""The front: each fault, and the control endpoint, before a dialect that only counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kedge.model.errors import UserError
from kedge.venues.emulator.control import Control
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Fault, Faults, Phase, Rule, rule_of
from kedge.venues.emulator.front import Addresses, Front
from kedge.venues.emulator.wire import FRAMES_MAX, Reply, Request, Session
from tests.venues.emulator.world import MS, SPOT, d, exchange


class Counting:
    """A dialect of no venue: it counts, and repeats what it hears."""

    def __init__(self) -> None:
        self.exchange: Exchange = exchange()[0]
        self.faults = Faults(7)
        self.requests = 0
        self.happened: list[Fault] = []
        self.over: list[int] = []
        self.on_request: Callable[[], None] = lambda: None

    def http(self, request: Request) -> Reply:
        self.requests += 1
        self.on_request()
        return Reply(200, str(self.requests).encode())

    def failure(self, rule: Rule, request: Request) -> Reply:
        return Reply({Fault.RATE_LIMIT: 429, Fault.BAN: 418}.get(rule.fault, rule.status), rule.message.encode())

    def connect(self, session: Session) -> Reply | None:
        return Reply(404) if session.path == "/nowhere" else None

    def receive(self, session: Session, text: str) -> None:
        session.push(f"heard {text}")

    def heard(self, session: Session, payload: bytes) -> None:
        session.state["heard"] = payload

    def closed(self, session: Session) -> None:
        self.over.append(session.number)

    def happen(self, rule: Rule) -> None:
        self.happened.append(rule.fault)

    def describe(self, addresses: Addresses) -> dict[str, Any]:
        return {}


@pytest.fixture
def dialect() -> Counting:
    return Counting()


@pytest.fixture
def front(dialect: Counting) -> Front:
    return Front(dialect)


def texts(session: Session) -> list[str]:
    said = [payload.decode() for kind, payload in session.frames if kind == "text"]
    session.frames.clear()
    return said


def opened(front: Front, path: str = "/ws") -> Session:
    session = front.open(path, "", {})
    assert isinstance(session, Session)
    return session


ORDER = Request("POST", "/order")


@pytest.mark.parametrize(
    ("rule", "answer", "executed"),
    [
        (Rule(Fault.DROP_BEFORE), None, 0),
        (Rule(Fault.DROP_AFTER), None, 1),
        (Rule(Fault.DUPLICATE), 200, 2),
        (Rule(Fault.ERROR, status=503), 503, 0),
        (Rule(Fault.ERROR, status=504, executed=True), 504, 1),
        (Rule(Fault.RATE_LIMIT), 429, 0),
        (Rule(Fault.BAN), 418, 0),
        (Rule(Fault.DROP_BEFORE, path="/other"), 200, 1),
        (Rule(Fault.DROP_BEFORE, per_mille=0), 200, 1),
    ],
    ids=lambda value: value.fault.value if isinstance(value, Rule) else str(value),
)
def test_what_happens_to_a_request_and_whether_it_works(
    front: Front, dialect: Counting, rule: Rule, answer: int | None, executed: int
) -> None:
    front.cause(rule)
    served = front.serve(ORDER)
    assert (served.reply.status if served.reply else None) == answer
    assert dialect.requests == executed
    assert front.serve(ORDER).reply == Reply(200, str(executed + 1).encode()), "a rule with count 1 happens once"


def test_latency_is_venue_time(front: Front) -> None:
    front.cause(Rule(Fault.LATENCY, ms=250))
    assert front.serve(ORDER).at == front.timeline.now + 250 * MS


def test_a_rule_happens_as_often_as_it_says(front: Front, dialect: Counting) -> None:
    front.cause(Rule(Fault.DROP_BEFORE, count=3))
    assert [front.serve(ORDER).reply is None for _ in range(5)] == [True, True, True, False, False]
    front.cause(Rule(Fault.DROP_BEFORE, count=0))
    assert all(front.serve(ORDER).reply is None for _ in range(20))
    front.faults.clear()
    assert front.serve(ORDER).reply is not None


def test_chance_comes_from_the_seed() -> None:
    drawn = []
    for _ in range(2):
        front = Front(Counting())
        front.cause(Rule(Fault.DROP_BEFORE, count=0, per_mille=300))
        drawn.append([front.serve(ORDER).reply is None for _ in range(200)])
    assert drawn[0] == drawn[1]
    assert 30 < sum(drawn[0]) < 90


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.SILENCE, ["2", "3"]),
        (Fault.GAP, ["2", "3"]),
        (Fault.PUSH_DUPLICATE, ["1", "1", "2", "3"]),
        (Fault.PUSH_REORDER, ["2", "1", "3"]),
        (Fault.PUSH_LATENCY, ["2", "3", "1"]),
    ],
)
def test_what_happens_to_a_stream(front: Front, fault: Fault, said: list[str]) -> None:
    session = opened(front)
    front.cause(Rule(fault, channel="depth", ms=5))
    session.push("0", "trade")
    session.push("answer")
    for n in (1, 2, 3):
        session.push(str(n), "btc@depth")
    front.advance(front.timeline.now + 10 * MS)
    assert texts(session) == ["0", "answer", *said]


def test_half_open_neither_speaks_nor_hears_for_a_while(front: Front) -> None:
    session = opened(front)
    front.cause(Rule(Fault.HALF_OPEN, ms=100))
    front.receive(session, "hello")
    session.push("news", "trade")
    front.heard(session, b"x", ping=True)
    session.ping(b"theirs")
    assert not session.frames
    front.advance(front.timeline.now + 101 * MS)
    front.receive(session, "hello")
    front.heard(session, b"x", ping=True)
    assert list(session.frames) == [("text", b"heard hello"), ("pong", b"x")]
    assert session.state["heard"] == b"x"


def test_disconnect_breaks_the_connections_of_a_path(front: Front, dialect: Counting) -> None:
    one, other = opened(front, "/ws/a"), opened(front, "/stream")
    front.cause(Rule(Fault.DISCONNECT, path="/ws"))
    assert (one.closed, other.closed) == (1006, None)
    front.hang_up(one)
    front.hang_up(one)
    assert dialect.over == [one.number]


def test_a_reader_who_does_not_read_is_hung_up_on(front: Front) -> None:
    session = opened(front)
    for n in range(FRAMES_MAX + 1):
        session.push(str(n), "trade")
    assert session.closed == 1008


def test_a_path_that_is_refused_is_no_session(front: Front) -> None:
    assert front.open("/nowhere", "", {}) == Reply(404)
    assert not front.sessions


def test_skew_maintenance_and_expiry_reach_the_dialect(front: Front, dialect: Counting) -> None:
    for rule in (Rule(Fault.SKEW, ms=-900), Rule(Fault.MAINTENANCE, phase=Phase.CANCEL_ONLY), Rule(Fault.EXPIRE)):
        front.cause(rule)
    assert dialect.happened == [Fault.SKEW, Fault.MAINTENANCE, Fault.EXPIRE]
    assert (front.faults.skew_ns, front.faults.phase) == (-900 * MS, Phase.CANCEL_ONLY)


def test_stale_reads_are_asked_for_by_the_dialect() -> None:
    faults = Faults(1)
    faults.add(Rule(Fault.STALE, path="/api/v3/order", ms=1_500))
    assert faults.stale_ms("/api/v3/order") == 1_500
    assert faults.stale_ms("/fapi") == 0


@pytest.mark.parametrize(
    "given", [{}, {"fault": "earthquake"}, {"fault": "gap", "often": 1}, {"fault": "gap", "count": -1}]
)
def test_a_bad_rule_is_refused_in_one_line(given: dict[str, Any]) -> None:
    with pytest.raises(UserError) as told:
        rule_of(given)
    assert "\n" not in str(told.value)


# ------------------------------------------------------------------------------------------------------------ control
def asked(front: Front, method: str, what: str, body: Any = None) -> tuple[int, Any]:
    reply = Control(front, {"venue": "none"}).serve(
        Request(method, f"/_emulator/{what}".rstrip("/"), body=b"" if body is None else msgspec.json.encode(body))
    )
    return reply.status, msgspec.json.decode(reply.body)


def test_control_steps_time_and_tells_it(front: Front) -> None:
    before = front.timeline.now
    status, told = asked(front, "POST", "time", {"advance_ms": 1_500})
    assert status == 200
    assert told["time_ms"] * MS == before + 1_500 * MS == front.timeline.now


def test_control_pushes_a_market(front: Front) -> None:
    assert asked(front, "POST", "market", {"symbol": SPOT, "price": "61000"})[0] == 200
    bid = front.exchange.tapes[SPOT].best(asks=False)
    assert bid is not None
    assert d(60_990) < bid[0] < d(61_000)


def test_control_sets_and_clears_faults(front: Front) -> None:
    status, told = asked(front, "POST", "faults", {"fault": "latency", "ms": 10, "path": "/order"})
    assert (status, told["faults"][0]["ms"]) == (200, 10)
    assert asked(front, "DELETE", "faults")[1]["faults"] == []


def test_control_moves_money_and_tells_the_truth(front: Front) -> None:
    before = front.exchange.balance("USDT")
    assert asked(front, "POST", "account", {"currency": "USDT", "amount": "-1.5"})[0] == 200
    assert asked(front, "GET", "account")[1]["balances"]["USDT"] == str(before - d("1.5"))


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("POST", "time", {}),
        ("POST", "time", {"advance_ms": -1}),
        ("POST", "time", {"advance_ms": True}),
        ("POST", "market", {"symbol": "NONE", "price": "1"}),
        ("POST", "market", {"symbol": SPOT, "price": "0"}),
        ("POST", "market", {"symbol": SPOT, "prize": "1"}),
        ("POST", "faults", {"fault": "earthquake"}),
        ("POST", "faults", [1]),
        ("POST", "account", {"currency": "USDT", "amount": "NaN"}),
        ("GET", "nothing", None),
    ],
)
def test_what_control_cannot_do_it_says(front: Front, method: str, what: str, body: Any) -> None:
    status, told = asked(front, method, what, body)
    assert status in {400, 404}
    assert told["error"]
