"""The harness notices an engine that did other work, and its medians and ratios are those of the runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from benchmarks.contenders import WORKS
from benchmarks.harness import Measured, Table, Target, reading_faults, show, trading_faults
from benchmarks.oracle import Convention, Expected

OURS, PEER = WORKS["w1"][0], next(one for one in WORKS["w1"] if one.label == "backtesting.py")
EXPECTED = dict.fromkeys(Convention, Expected(orders=10, fills=9, pnl=Decimal("-12.34567")))


def run(**changed: Any) -> dict[str, Any]:
    return {
        "read": 100,
        "orders": 10,
        "fills": 9,
        "pnl": "-12.34567",
        "total_ticks": None,
        "version": "1",
        "load_seconds": 0.1,
        "run_seconds": 1.0,
        "cpu_seconds": 0.5,
        "cold_seconds": None,
        "peak_mb": 100.0,
    } | changed


def table(*measured: Measured, clock: str = "wall") -> Table:
    return Table("W", 100, "0" * 64, "bars", 100, measured, {}, clock)


@pytest.mark.parametrize("contender", [OURS, PEER])
@pytest.mark.parametrize("changed", [{"orders": 11}, {"fills": 8}, {"pnl": "-12.3"}])
def test_other_work_is_a_fault_in_any_run(contender: Any, changed: dict[str, Any]) -> None:
    assert trading_faults([Measured(contender, [run()])], EXPECTED) == {}
    assert contender.label in trading_faults([Measured(contender, [run(), run(**changed)])], EXPECTED)


def test_kedge_must_be_exact_where_floats_may_err() -> None:
    nearly = run(pnl="-12.345671")
    assert trading_faults([Measured(PEER, [nearly])], EXPECTED) == {}
    assert list(trading_faults([Measured(OURS, [nearly])], EXPECTED)) == ["Kedge"]


def test_each_price_is_read_once_and_only_the_first_may_be_skipped() -> None:
    prices = [5, 7, 11]
    for read, total, right in ((3, 23, True), (2, 18, True), (2, 12, False), (1, 11, False), (3, 22, False)):
        one = Measured(PEER, [run(read=read, total_ticks=total)])
        assert (reading_faults([one], prices) == {}) is right


def test_medians_and_ratios_are_of_the_chosen_clock() -> None:
    ours = Measured(OURS, [run(run_seconds=value) for value in (1.0, 2.0, 9.0)])
    peer = Measured(PEER, [run(run_seconds=6.0, cpu_seconds=1.0)])
    assert table(ours, peer).rate("Kedge") == 50.0
    assert table(ours, peer).ratio("Kedge", "backtesting.py") == 3.0
    assert table(ours, peer, clock="cpu").ratio("Kedge", "backtesting.py") == 2.0
    text = show(table(ours, peer))
    assert "3.00x" in text
    assert "400%" in text


def test_what_was_not_measured_meets_no_target() -> None:
    failed = Measured(PEER, fault="not installed")
    assert table(failed).rate("backtesting.py") is None
    assert "not installed" in show(table(failed))
    assert not Target("x", None, 1.0).met
    assert Target("x", 1.0, 1.0).met
    assert not Target("x", 1.1, 1.0, at_least=False).met
