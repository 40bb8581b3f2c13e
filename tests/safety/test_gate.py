"""C1, C10-C13: one gate, nothing twice, nothing more than was decided, nothing against ourselves, nothing off the list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge.core.risk.manager import RiskManager
from kedge.model.decisions import Approved, CancelRequested, QueryRequested, Refused, SignalDropped, SignalRaised
from kedge.model.errors import OurBug
from kedge.model.facts import InstrumentChanged
from kedge.model.instrument import InstrumentStatus
from kedge.model.limits import RiskConfig
from kedge.model.order import Order, OrderIntent, OrderType, Side
from kedge.model.signal import Signal
from kedge.venues.sim.faults import Fault
from kedge.venues.sim.venue import SimulatedVenue
from tests.safety.trading import BTC, ETH, MS, OTHER, PERPETUAL, START, Session, failed, verdicts
from tests.simulation.world import World

D = Decimal
SRC = Path(__file__).resolve().parents[2] / "src" / "kedge"


def makers(source: str, path: str) -> Iterator[str]:
    """The places where `Approved` is called, or made from data with a type argument."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given_types = [
            getattr(each, "id", getattr(each, "attr", "")) for each in (*node.args, *(k.value for k in node.keywords))
        ]
        if called == "Approved" or (called in {"convert", "decode", "Decoder"} and "Approved" in given_types):
            yield f"{path}:{node.lineno}"


def venue_callers(source: str, path: str) -> Iterator[str]:
    """The places where a command is handed to a venue."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "submit":
            owner = ast.unparse(node.func.value)
            if "venue" in owner:
                yield f"{path}:{node.lineno}"


#: An emulator takes orders from whoever is connected, as a venue does; an import contract keeps what trades away from it.
OTHER_SIDE = "venues/emulator/"


def test_c01_only_risk_makes_an_approval() -> None:
    """C1: in all of Kedge `Approved` is constructed in core/risk and nowhere else.

    But for the emulators: there it is a venue's customer who sends, and the venue is none.
    """
    found = [
        place
        for path in sorted(SRC.rglob("*.py"))
        for place in makers(path.read_text(), path.relative_to(SRC).as_posix())
    ]
    ours = [place for place in found if not place.startswith(OTHER_SIDE)]
    assert ours
    assert all(place.startswith("core/risk/") for place in ours), ours
    assert list(makers("from kedge.model.decisions import Approved\nx = Approved(intent)", "planted.py"))
    assert list(makers("import kedge.model.decisions as d\nx = d.Approved(intent)", "planted.py"))
    assert list(makers("msgspec.convert(data, d.Approved)", "planted.py"))


def test_c01_one_place_hands_commands_to_a_venue() -> None:
    """C1: what a step decided reaches a venue through the loop, after the journal, and by no other call."""
    found = [
        place.split(":")[0]
        for path in sorted(SRC.rglob("*.py"))
        for place in venue_callers(path.read_text(), path.relative_to(SRC).as_posix())
    ]
    ours = {place for place in found if not place.startswith(OTHER_SIDE)}
    before_a_venue = {"venues/sim/faults.py", "venues/sim/gateway.py"}  # they pass on what has come through the gate
    assert ours == {"backtest/loop.py", *before_a_venue}
    assert list(venue_callers("self._venue.submit(order, 0)", "planted.py"))


@pytest.mark.parametrize(
    "thing",
    [
        OrderIntent("x", BTC, Side.BUY, OrderType.MARKET, D(1)),
        Order(BTC, Side.BUY, OrderType.MARKET, D(1)),
        Refused(OrderIntent("x", BTC, Side.BUY, OrderType.MARKET, D(1)), "no"),
        Signal.buy(BTC, D(1)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_c01_a_venue_takes_no_order_that_was_not_approved(thing: Any) -> None:
    """C1: an intent, an order, a refusal or a signal given to the venue is an error, and nothing works there."""
    venue = SimulatedVenue((PERPETUAL,), D(1000))
    with pytest.raises(KeyError):
        venue.submit(thing, START)
    assert not venue.open_orders()


@pytest.mark.interpreted
@pytest.mark.parametrize("seed", [1, 7, 13])
def test_c01_every_command_at_the_venue_stands_durable_in_the_journal_before_it(seed: int) -> None:
    """C1, I1: the auditor at the door compares each order with the journal as a power cut at that moment would leave it."""
    world = World(seed)
    world.trade()
    assert len(world.auditor.sent) > 50


def test_c10_the_same_wish_is_sent_once_within_the_window() -> None:
    """C10: a strategy that repeats itself is refused, until the window is over."""
    session = Session(RiskConfig(duplicate_window_ms_max=1_000))
    wish = Signal.buy(BTC, D(1), price=D(99))
    first, second, third = (verdicts(session.trade(wish))[0] for _ in range(3))
    assert isinstance(first, Approved)
    assert failed(second) == failed(third) == {"duplicate"}
    session.quote(100, "100.1", after_ms=900)
    assert isinstance(verdicts(session.trade(wish))[0], Approved)
    assert len(session.orders) == 2


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_REPLY])
def test_c10_a_timeout_sends_nothing_again(fault: Fault) -> None:
    """C10, H1: whether or not the order arrived, it goes out once; it is asked about under its own id."""
    session = Session(faults=[(fault, 1, 0)], latency_ms=5)
    session.trade(Signal.buy(BTC, D(1)))
    session.quote(100, "100.1", after_ms=5_000)
    assert len(session.orders) == 1
    asked = [each.order_id for each in session.sent if isinstance(each, QueryRequested)]
    assert asked
    assert set(asked) == {session.orders[0].intent.id}
    assert session.held() == session.truth() == (0 if fault is Fault.DROP_BEFORE else 1)
    assert not session.state.orders.active


@pytest.mark.interpreted
def test_c10_ids_are_the_same_in_a_second_run() -> None:
    """C10: a client id follows from instance, epoch and record; two runs agree on every one."""
    runs = []
    for _ in range(2):
        world = World(3)
        world.trade()
        runs.append(list(world.auditor.sent))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(runs[0])


MUTATIONS: dict[str, dict[str, Any]] = {
    "more": {"quantity": D(2)},
    "other symbol": {"symbol": ETH},
    "other side": {"side": Side.SELL},
    "other price": {"price": D(1000)},
    "other type": {"order_type": OrderType.MARKET, "price": None},
    "other id": {"id": "x"},
    "reduce-only": {"reduce_only": True},
}


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_c11_a_gate_that_approves_another_order_than_it_was_asked_halts_before_it_leaves(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: what goes out is held against what was decided; a router gone wrong stops the process, not the market."""
    session = Session(instruments=(PERPETUAL, OTHER))
    judge = RiskManager.judge

    def wrong(self: RiskManager, intent: OrderIntent) -> Approved | Refused:
        verdict = judge(self, intent)
        assert isinstance(verdict, Approved)
        return structs.replace(verdict, intent=structs.replace(verdict.intent, **change))

    monkeypatch.setattr(RiskManager, "judge", wrong)
    with pytest.raises(OurBug, match="another order"):
        session.trade(Signal.buy(BTC, D(1), price=D(100)))
    assert not session.orders


@settings(max_examples=25)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_c11_the_exits_of_an_entry_never_exceed_what_was_filled_of_it(fills: list[int]) -> None:
    """C11: children are made from fills: on each exit side their sum is the filled quantity, to the lot."""
    session = Session()
    whole = D(sum(fills)) + D("0.3")
    session.want(Signal.buy(BTC, whole, price=D(100), stop_loss=D(90), take_profit=D(120)))
    session.quote("100.5", "100.6")
    for part in fills:
        session.quote("99.8", "99.9", size=part)
        session.quote("100.5", "100.6")
    filled = sum((fill.quantity for fill in session.loop.fills), D(0))
    for tag in ("stop_loss", "take_profit"):
        children = sum((each.intent.quantity for each in session.orders if each.intent.tag == tag), D(0))
        assert children == filled <= whole
    raised, sent = len(session.made(SignalRaised)), len([each for each in session.orders if not each.intent.parent])
    assert sent <= raised


sides = st.sampled_from(list(Side))
wishes = st.builds(
    lambda side, quantity, ticks, market: (Signal.buy if side is Side.BUY else Signal.sell)(
        BTC, D(quantity) / 10, **({} if market else {"price": D(100) + D(ticks) / 10})
    ),
    sides, st.integers(1, 30), st.integers(-30, 30), st.booleans(),
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(wishes, min_size=2, max_size=12))
def test_c12_no_two_orders_of_ours_can_trade_with_each_other(asked: list[Signal]) -> None:
    """C12: whatever is wanted, the orders that work at the venue never cross, exits of a position aside (C15 comes first)."""
    session = Session(RiskConfig(price_collar_bps_max=D(500)))
    for wish in asked:
        session.trade(wish)
        own = {each.intent.id: each for each in session.orders}
        working = [own[report.order_id].intent for report in session.venue.open_orders()]
        exits = {name for name, each in own.items() if any(check.note.startswith("waived") for check in each.checks)}
        limits = [each for each in working if each.order_type is OrderType.LIMIT and each.id not in exits]
        bids = [each.price for each in limits if each.side is Side.BUY and each.price is not None]
        asks = [each.price for each in limits if each.side is Side.SELL and each.price is not None]
        assert not bids or not asks or max(bids) < min(asks)


def test_c13_only_listed_instruments_are_traded() -> None:
    """C13: the list is the session's; what is not on it becomes no order, however it is asked for."""
    session = Session()
    decided = session.trade(Signal.buy("DOGE-USD", D(1)), Signal.buy(BTC, D(1)))
    assert [each.symbol for each in decided if isinstance(each, SignalDropped)] == ["DOGE-USD"]
    verdict = session.desk.risk.judge(OrderIntent("x", "DOGE-USD", Side.BUY, OrderType.LIMIT, D(1), D(1)))
    assert isinstance(verdict, Refused)
    assert "instrument" in failed(verdict)
    assert [each.intent.symbol for each in session.orders] == [BTC]


@pytest.mark.parametrize("status", [InstrumentStatus.CLOSED, InstrumentStatus.CANCEL_ONLY])
def test_c13_a_market_that_stops_takes_no_new_risk_and_its_position_may_still_leave(status: InstrumentStatus) -> None:
    """C13, C15: status changes count from the moment they are told; the gate refuses entries, the exit is the venue's call."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1)))
    session.tell(InstrumentChanged(session.now, structs.replace(PERPETUAL, status=status)))
    (entry,) = verdicts(session.trade(Signal.buy(BTC, D(1))))
    assert "instrument" in failed(entry)
    (exit_,) = verdicts(session.trade(Signal.close(BTC)))
    assert isinstance(exit_, Approved)
    session.tell(InstrumentChanged(session.now + MS, PERPETUAL))
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D("0.5"))))[0], Approved)


def test_c01_cancels_pass_without_the_gate_and_name_orders_of_ours() -> None:
    """C1, C8: a cancel needs no approval, and can only be asked for an order that is in flight."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1), price=D(90)))
    assert session.desk.orders.cancel("not ours") is None
    (request,) = session.desk.orders.cancel_all("a test")
    assert isinstance(request, CancelRequested)
    assert request.order_id == session.orders[0].intent.id
