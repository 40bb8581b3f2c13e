"""C25, C36, H59, H60: from the journal alone, whole or not at all, and nothing happens that it does not hold."""

from __future__ import annotations

import errno
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge import BacktestEngine, SmaCrossStrategy
from kedge.backtest.recording import codec
from kedge.backtest.replay import replay
from kedge.journal import AuditLogger, JournalCorrupt, JournalDead, JournalError, SigningKey, read
from kedge.journal.disk import OsDisk
from kedge.journal.explain import explain
from kedge.journal.memory import Fault as DiskFault
from kedge.journal.memory import MemoryDisk
from kedge.journal.verify import verify
from kedge.model.decisions import Approved, Refused
from kedge.model.limits import RiskConfig
from kedge.model.order import Side
from kedge.model.signal import Signal
from tests.journal.journals import KEY
from tests.safety.test_units import wave
from tests.safety.trading import BTC, Session
from tests.simulation.evidence import Durable
from tests.simulation.world import World, folded

D = Decimal


def recorded(directory: Path, bars: int = 150, limits: RiskConfig | None = None) -> Any:
    """A run with its journal in `directory`."""
    engine = BacktestEngine(
        initial_capital=D(10_000), fee_rate=D("0.001"), slippage_bps=D(5), journal_dir=directory, journal_key=KEY,
        risk=limits or RiskConfig(orders_per_day_max=3, daily_loss_max=D(9_000)),
    )  # fmt: skip
    return engine.run(SmaCrossStrategy(fast=3, slow=8), [wave(n) for n in range(bars)])


def test_c25_every_order_is_explained_from_the_journal_alone(tmp_path: Path) -> None:
    """C25: for each order: the candle, the signal, the sizing, each check with its figure, the reports, the fill, the money;
    who ran which code under which limits stands in the manifest before it.
    """
    result = recorded(tmp_path / "j")
    records = list(read(tmp_path / "j"))
    start = msgspec.json.decode(records[0].body)
    (spec,) = start["strategies"]
    assert len(start["code_sha256"]) == len(spec["code_sha256"]) == 64
    assert (start["risk"]["orders_per_day_max"], spec["name"]) == (3, "SmaCrossStrategy")
    assert spec["parameters"] == {**spec["parameters"], "fast": "3", "slow": "8"}
    assert start["interpreter"]
    trades = {trade.order_id: trade for trade in result.trades}
    assert len(trades) > 5
    cash = D(10_000)
    for order_id, trade in trades.items():
        chain = explain(tmp_path / "j", order_id)
        kinds = [line.kind for line in chain.lines]
        assert kinds == ["candle", "signal", "sized", "approved", "order_accepted", "fill", "booked"]
        assert [line.n for line in chain.lines] == sorted(line.n for line in chain.lines)
        body = {line.kind: line.body for line in chain.lines}
        intent = body["approved"]["intent"]
        assert intent["strategy"] == spec["name"]
        assert intent["signal_n"] == next(line.n for line in chain.lines if line.kind == "signal")
        assert order_id.rsplit("-", 1)[1] == str(next(line.n for line in chain.lines if line.kind == "approved"))
        checks = body["approved"]["checks"]
        figures = {name: (figure, limit) for name, figure, limit in zip(
            checks["names"], checks["figures"], checks["limits"], strict=True)}  # fmt: skip
        assert {"orders_per_day", "daily_loss", "margin", "reference_price", "lot"} <= figures.keys()
        assert D(figures["orders_per_day"][1]) == 3
        assert (D(body["fill"]["quantity"]), D(body["fill"]["price"])) == (trade.quantity, trade.price)
        cash += D(body["booked"]["realized"]) - D(body["booked"]["fee"])
        assert D(body["booked"]["cash"]) == cash


def test_c25_a_refused_order_is_explained_with_the_limit_and_the_figure(tmp_path: Path) -> None:
    """C25: what was not sent has its chain too, and the reason names limit and figure."""
    recorded(tmp_path / "j", limits=RiskConfig(order_notional_max=D(5)))
    refusals = [codec().decode(record) for record in read(tmp_path / "j") if record.kind == "refused"]
    assert refusals
    chain = explain(tmp_path / "j", refusals[0].intent.id)
    assert (chain.verdict, [line.kind for line in chain.lines]) == ("refused", ["candle", "signal", "sized", "refused"])
    assert "order_notional:" in chain.lines[-1].body["reason"]
    assert "against 5" in chain.lines[-1].body["reason"]


@pytest.mark.interpreted
def test_c25_an_order_under_faults_is_explained_with_all_that_was_asked_and_answered(tmp_path: Path) -> None:
    """C25: unknown outcome, question, answer, cancel, refusal: each line of the story is in the chain."""
    world = World(7)
    world.trade()
    world.writer.log.close()
    for name in world.disk.names():
        (tmp_path / name).write_bytes(world.disk.read(name))
    seen: Counter[str] = Counter()
    for order_id in list(world.auditor.sent)[:40]:
        chain = explain(tmp_path, order_id)
        assert chain.verdict == "approved"
        kinds = [line.kind for line in chain.lines]
        seen.update(set(kinds))
        assert kinds.count("fill") >= kinds.count("booked")
    assert {"outcome_unknown", "query_requested", "order_report", "cancel_requested", "fill", "booked"} <= seen.keys()


def test_c36_the_record_is_complete_and_in_order(tmp_path: Path) -> None:
    """C36: every fact and decision of the run is a record, dense, each with its cause, in time; a replay decides the same."""
    result = recorded(tmp_path / "j")
    records = list(read(tmp_path / "j"))
    assert [record.n for record in records] == list(range(1, len(records) + 1))
    assert all(record.cause < record.n for record in records)
    assert [record.at for record in records] == sorted(record.at for record in records)
    kinds = Counter(record.kind for record in records)
    assert kinds["candle"] == result.record.bars == 150
    assert kinds["fill"] == kinds["booked"] == len(result.trades)
    assert kinds["approved"] == result.record.orders
    assert kinds["refused"] == result.record.refused
    assert (records[0].kind, records[-1].kind) == ("start", "stop")
    again = replay(tmp_path / "j", lambda spec: SmaCrossStrategy(**spec.parameters))
    assert again.ok, again.differences
    assert verify(tmp_path / "j", KEY.public).ok


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run's journal."""
    directory = tmp_path_factory.mktemp("audit") / "j"
    recorded(directory)
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def disk_of(files: dict[str, bytes]) -> MemoryDisk:
    disk = MemoryDisk()
    for name, data in files.items():
        disk.put(name, data)
    return disk


def segment(files: dict[str, bytes]) -> str:
    return max((name for name in files if name.startswith("audit-")), key=lambda name: len(files[name]))


@settings(max_examples=80)
@given(st.data())
def test_c36_any_change_to_the_record_of_a_run_is_found_and_named(
    journal: dict[str, bytes], data: st.DataObject
) -> None:
    """C36: one byte flipped, one line removed, doubled or moved, the end cut anywhere: found, with file and record."""
    names = sorted(name for name in journal if name.startswith("audit-"))
    name = data.draw(st.sampled_from(names))
    text, lines = journal[name], journal[name].splitlines(keepends=True)
    how = data.draw(st.sampled_from(["flip", "remove", "double", "swap", "cut"]))
    at = data.draw(st.integers(0, len(lines) - 1))
    if how == "flip":
        place = data.draw(st.integers(0, len(text) - 1))
        changed = text[:place] + bytes([text[place] ^ data.draw(st.integers(1, 255))]) + text[place + 1 :]
    elif how == "remove":
        changed = b"".join(lines[:at] + lines[at + 1 :])
    elif how == "double":
        changed = b"".join(lines[: at + 1] + lines[at:])
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[at], lines[other] = lines[other], lines[at]
        changed = b"".join(lines)
    else:
        changed = text[: data.draw(st.integers(0, len(text) - 1))]
    report = verify(disk_of({**journal, name: changed}), KEY.public)
    assert report.ok is (changed == text)
    if changed != text:
        assert report.problems[0].file
        assert report.problems[0].n or report.problems[0].line or report.problems[0].kind


@pytest.mark.parametrize("how", ["zero file", "empty file", "missing file", "bit flip", "old copy", "zeros inside"])
def test_h59_a_damaged_history_is_not_traded_on(journal: dict[str, bytes], how: str) -> None:
    """H59: emptied, gone, flipped or replaced by an older copy: opening it to trade is refused, by name, and nothing is
    overwritten.
    """
    name = segment(journal)
    files, text = dict(journal), journal[name]
    half = text.rfind(b"\n", 0, len(text) // 2) + 1
    files[name] = {
        "zero file": bytes(len(text)),
        "empty file": b"",
        "missing file": b"",
        "bit flip": text[:half] + bytes([text[half] ^ 1]) + text[half + 1 :],
        "old copy": text[:half],
        "zeros inside": text[:half] + bytes(100) + text[half + 100 :],
    }[how]
    if how == "missing file":
        del files[name]
    disk = disk_of(files)
    with pytest.raises(JournalCorrupt):
        AuditLogger(disk=disk, key=KEY)
    assert {each: disk.read(each) for each in disk.names()} == files
    with pytest.raises(JournalError):
        AuditLogger(disk=disk, key=SigningKey(bytes(32)))


def test_h59_a_torn_last_write_loses_no_intact_record_and_trading_goes_on() -> None:
    """H59: power fails in the middle of a write, at every byte: what was durable is folded, and the next session goes on."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1)), Signal.buy(BTC, D(1), price=D(99)))
    durable = session.writer.log.commit()
    state = folded(session.disk)
    session.writer.log.append("quote", {}, session.now)
    session.writer.log._write_segment(b"".join(session.writer.log._buffer))  # synced, then torn below
    name = next(each for each in session.disk.names() if each.startswith("audit-"))
    whole = session.disk.read(name)
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    files = {each: session.disk.read(each) for each in session.disk.names()}
    for cut in range(last, len(whole)):
        disk = disk_of({**files, name: whole[:cut]})
        log = AuditLogger(disk=disk, key=SigningKey(bytes(range(32))))
        assert log.n >= durable
        log.close()
        assert folded(disk).snapshot()["portfolio"] == state.snapshot()["portfolio"]
        assert folded(disk).snapshot()["orders"] == state.snapshot()["orders"]


@pytest.mark.parametrize("op", ["sync", "write"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_h60_the_first_failed_write_is_the_last_thing_that_happens(op: str, code: int) -> None:
    """H60: at each write or sync in turn the disk fails once: the run ends there, and no order left that is not durable."""
    ended = 0
    for nth in range(1, 40):
        disk = MemoryDisk(DiskFault(op, nth, code))
        try:
            session = Session(disk=disk)
        except JournalDead:
            ended += 1
            continue
        try:
            for n in range(6):
                session.trade(Signal.buy(BTC, D("0.1"), price=D(90) + n))
            break
        except JournalDead:
            ended += 1
        durable = Durable(disk)
        for order in session.orders:
            assert durable.approval(order.intent.id) is not None
        before = len(session.sent)
        for _ in range(3):  # the disk is well again; the journal is not, and nothing leaves
            with pytest.raises(JournalDead):
                session.trade(Signal.buy(BTC, D("0.1"), price=D(80)))
        assert len(session.sent) == before
        calls = disk.calls["sync"], disk.calls["write"]
        with pytest.raises(JournalDead):
            session.writer.log.commit()
        assert (disk.calls["sync"], disk.calls["write"]) == calls
    assert ended > 5


def test_h60_what_left_is_what_the_next_process_knows() -> None:
    """H60, I1: after the failed sync the machine dies too: every order at the venue is in the state that is folded anew."""
    for nth in range(4, 20):
        disk = MemoryDisk(DiskFault("sync", nth, errno.EIO))
        session = Session(disk=disk)
        with pytest.raises(JournalDead):
            trade_on(session)
        after = disk.crash()
        state = folded(after)
        assert {report.order_id for report in session.venue.open_orders()} <= set(state.orders.active)


def trade_on(session: Session) -> None:
    for n in range(30):
        session.trade(Signal.buy(BTC, D("0.1"), price=D(90) + D(n) / 10))


def test_c36_refusals_are_kept_with_every_check(tmp_path: Path) -> None:
    """C36: allow and deny both, with all figures; a verdict without its checks cannot be written by the gate."""
    session = Session(RiskConfig(order_quantity_max=D(1)))
    session.trade(Signal.buy(BTC, D(1)), Signal.buy(BTC, D(2)))
    kept = [codec().decode(record) for record in read(session.disk) if record.kind in ("approved", "refused")]
    assert [type(each) for each in kept] == [Approved, Refused]
    assert [len(each.checks) for each in kept] == [len(kept[0].checks)] * 2
    assert kept[0].intent.side is Side.BUY
    assert isinstance(OsDisk(tmp_path).names(), list)
