"""Terms that somebody else gave an order of ours: counted at once, odd, and the same after a restart."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from kedge.journal.explain import explain
from kedge.model.decisions import Alert, CancelRequested, HaltState, QueryRequested, Severity, SymbolBlocked
from kedge.model.facts import AmendRejected, Fill, OperatorAction, OrderAmended
from kedge.model.limits import RiskConfig
from kedge.model.order import OrderStatus, Side
from kedge.model.signal import Signal
from tests.safety.trading import BTC, SECOND, Session, failed, verdicts

D = Decimal
FIVE = RiskConfig(position_quantity_max=D(5))


def resting(risk: RiskConfig = FIVE, quantity: int = 2) -> tuple[Session, str]:
    session = Session(risk)
    session.trade(Signal.buy(BTC, D(quantity), price=D(99)))
    return session, session.orders[0].intent.id


def amended(session: Session, order_id: str, quantity: str, price: str = "99") -> None:
    session.now += SECOND
    session.tell(OrderAmended(session.now, order_id, D(quantity), D(price)))


def test_h22_an_order_that_somebody_amended_counts_as_it_is_and_stops_its_symbol() -> None:
    """H22: another hand made our order larger: the limit counts it, the symbol is blocked, the operator is called."""
    session, order_id = resting()
    amended(session, order_id, "4.5", "99.5")
    (blocked,) = session.made(SymbolBlocked)
    assert (blocked.symbol, blocked.cause) == (BTC, "incident")
    assert "amended from 2 at 99 to 4.5 at 99.5" in blocked.reason
    assert [each.severity for each in session.made(Alert)] == [Severity.CRITICAL]
    order = session.state.orders.active[order_id]
    assert (order.quantity, order.price, order.worst_price) == (D("4.5"), D("99.5"), D("99.5"))
    (refused,) = verdicts(session.trade(Signal.buy(BTC, D(1), price=D(98))))
    assert {"position_quantity", "symbol_trust"} <= failed(refused)


def test_h22_an_amendment_to_the_terms_that_we_have_is_no_incident() -> None:
    """H22: told again, as after a reconnection, it is no news."""
    session, order_id = resting()
    amended(session, order_id, "2.0")
    session.tell(AmendRejected(session.now, order_id, "the venue does not want to"))
    assert session.made(SymbolBlocked) == []
    assert session.made(Alert) == []
    assert verdicts(session.trade(Signal.buy(BTC, D(1), price=D(98))))
    assert len(session.orders) == 2


def test_h22_an_order_that_was_whole_and_made_larger_is_asked_about() -> None:
    """H22, H12: the fills overtook the amendment; the rest that works at the venue counts, and we ask what it is."""
    session, order_id = resting()
    session.now += SECOND
    session.tell(Fill(session.now, order_id, "x1", BTC, Side.BUY, D(2), D(99)))
    assert order_id not in session.state.orders.active
    amended(session, order_id, "5")
    order = session.state.orders.active[order_id]
    assert (order.status, order.outcome_unknown) == (OrderStatus.PARTIAL, True)
    assert [each.order_id for each in session.made(QueryRequested)] == [order_id]
    assert session.made(SymbolBlocked)


def test_h22_terms_survive_a_restart() -> None:
    """H22: the journal has the amendment; the next process counts the venue's quantity, and blocks as before."""
    session, order_id = resting()
    amended(session, order_id, "4.5", "99.5")
    digest = session.state.digest()
    after = session.restart()
    order = after.state.orders.active[order_id]
    assert (order.quantity, order.price, order.amended) == (D("4.5"), D("99.5"), True)
    assert after.state.blocked[BTC].keys() == {"incident"}
    assert digest != Session(FIVE).state.digest()
    (refused,) = verdicts(after.trade(Signal.buy(BTC, D(1), price=D(98))))
    assert "position_quantity" in failed(refused)


def test_h22_flattening_ends_the_rest_of_an_order_that_was_made_larger() -> None:
    """H22: whole in our books, alive at the venue: a flatten cancels it, and is not flat before the venue says that it ended."""
    session, order_id = resting()
    session.now += SECOND
    session.tell(Fill(session.now, order_id, "x1", BTC, Side.BUY, D(2), D(99)))
    amended(session, order_id, "5")
    session.command(OperatorAction.FLATTEN)
    assert order_id in {each.order_id for each in session.made(CancelRequested)}
    assert session.halt() is HaltState.FLATTENING


def test_h22_the_journal_tells_an_amendment_among_what_became_of_an_order(tmp_path: Path) -> None:
    """H22: `explain` shows new terms and a refused amendment with the order's other reports."""
    session, order_id = resting()
    amended(session, order_id, "4.5", "99.5")
    session.tell(AmendRejected(session.now, order_id, "no"))
    session.writer.log.close()
    for name in session.disk.names():
        (tmp_path / name).write_bytes(session.disk.read(name))
    chain = explain(tmp_path, order_id)
    told = {line.kind: line.body for line in chain.lines}
    assert (told["order_amended"]["quantity"], told["order_amended"]["price"]) == ("4.5", "99.5")
    assert told["amend_rejected"]["reason"] == "no"
