"""Records that an earlier version wrote are read as today's values."""

from __future__ import annotations

from decimal import Decimal

from kedge.backtest.recording import codec
from kedge.journal.canonical import canonical_json
from kedge.journal.record import Record
from kedge.model.decisions import Approved, CheckResult, Refused

D = Decimal
INTENT = {"id": "k-1-9", "order_type": "limit", "price": "99.50", "quantity": "2", "side": "buy", "symbol": "BTC-USD"}
ROWS = [
    ["instrument", True, "0", None, ""],
    ["order_quantity", False, "2", "1", ""],
    ["halt", False, "0", None, "the system is halted"],
]


def record(kind: str, **values: object) -> Record:
    body = canonical_json({"checks": ROWS, "intent": INTENT, **values})
    return Record(n=9, at=1, cause=8, epoch=1, kind=kind, schema=1, body=body, sha="")


def test_a_verdict_of_version_1_has_its_checks_as_columns() -> None:
    refused = codec().decode(record("refused", reason="order_quantity: 2 against 1"))
    assert isinstance(refused, Refused)
    assert list(refused.checks) == [
        CheckResult("instrument", True, D(0), None, ""),
        CheckResult("order_quantity", False, D(2), D(1), ""),
        CheckResult("halt", False, D(0), None, "the system is halted"),
    ]
    assert refused.reason == "order_quantity: 2 against 1"
    assert refused.intent.price == D("99.50")


def test_an_approval_of_version_1_keeps_its_worst_price() -> None:
    approved = codec().decode(record("approved", worst_price="99.50"))
    assert isinstance(approved, Approved)
    assert (approved.worst_price, len(approved.checks)) == (D("99.50"), 3)
