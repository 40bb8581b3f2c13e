"""H24, H25, H32, H39, H40: contracts and units, exact multiples, numbers that are none, seconds taken for milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kedge import BacktestEngine, Candle, SmaCrossStrategy
from kedge.core.market.timestamps import TimestampNormalizer
from kedge.core.step import step
from kedge.journal.errors import EncodeRefused
from kedge.model.decisions import Approved, Quarantined
from kedge.model.exchange import Exchange
from kedge.model.facts import Fill
from kedge.model.limits import RiskConfig
from kedge.model.market import BookDelta, MarketEvent, OrderBook, Quote, Trade
from kedge.model.money import EXACT, round_price_down, round_price_up, round_quantity
from kedge.model.order import Side
from kedge.model.signal import Signal
from kedge.storage.formats import open_candles
from tests.safety.trading import BTC, MS, PERPETUAL, START, Session, failed, verdicts

D = Decimal
HOUR = 3_600_000 * MS


@settings(max_examples=50)
@given(
    st.integers(-4, 6), st.sampled_from([D("0.001"), D("0.1"), D(1), D(10)]), st.integers(1, 500), st.integers(10, 99_999),
    st.sampled_from(list(Side)),
)  # fmt: skip
def test_h24_a_contract_is_worth_the_same_to_gate_book_and_venue(
    power: int, lot: Decimal, lots: int, price: int, side: Side
) -> None:
    """H24: contract sizes from 0.0001 to a million: notional, fee, cash and exposure are those of an oracle in fractions."""
    size = D(10) ** power
    instrument = structs.replace(PERPETUAL, contract_size=size, lot_size=lot, max_leverage=D(1_000))
    quantity, bid = lots * lot, D(price) / 10
    ask = bid + D("0.1")
    value = Fraction(quantity) * Fraction(size) * Fraction(ask if side is Side.BUY else bid)
    session = Session(instruments=(instrument,), cash=D(10) ** 18)
    order = Signal.buy if side is Side.BUY else Signal.sell
    session.want(order(BTC, quantity))
    session.quote(bid, ask, size=10**9)
    session.quote(bid, ask, size=10**9)
    (approved,) = verdicts(session.decisions)
    assert isinstance(approved, Approved)
    (fill,) = session.loop.fills
    assert Fraction(fill.fee) == value / 1000
    assert session.state.portfolio.cash == session.venue.wallet == EXACT.subtract(D(10) ** 18, fill.fee)
    assert session.held() == session.truth() == quantity * side.sign
    exposure = session.state.portfolio.get_total_exposure(session.state.price)
    assert Fraction(exposure) == Fraction(quantity) * Fraction(size) * Fraction(bid + ask) / 2
    for most, passes in ((value, True), (value - Fraction(1, 10**12), False)):
        limit = RiskConfig(gross_exposure_max=D(most.numerator) / D(most.denominator))
        again = Session(limit, instruments=(instrument,), cash=D(10) ** 18)
        again.want(order(BTC, quantity, price=ask if side is Side.BUY else bid))
        again.quote(bid, bid + D("0.0000001") if side is Side.SELL else ask, size=10**9)
        verdict = verdicts(again.decisions)[0]
        if side is Side.BUY:
            assert isinstance(verdict, Approved) is passes


@settings(max_examples=200)
@given(st.integers(1, 10**9), st.integers(1, 9_999), st.integers(0, 10))
def test_h25_an_exact_multiple_loses_no_step(multiple: int, digits: int, places: int) -> None:
    """H25: k steps are k steps, for every step; between the grid lines a quantity goes down, prices to their own side."""
    step = D(digits).scaleb(-places)
    exact = step * multiple
    assert round_quantity(exact, step) == round_price_down(exact, step) == round_price_up(exact, step) == exact
    between = exact + step / 3
    assert round_quantity(between, step) == round_price_down(between, step) == exact
    assert round_price_up(between, step) == exact + step


@settings(max_examples=30)
@given(st.integers(1, 5_000), st.sampled_from(["0.001", "0.002", "0.005", "0.01", "0.07", "0.3"]))
def test_h25_what_was_asked_on_the_grid_is_what_is_sent_filled_and_sold(multiple: int, lot: str) -> None:
    """H25: through sizing, gate, journal, venue and back, and out again, to the last step."""
    instrument = structs.replace(PERPETUAL, lot_size=D(lot))
    session = Session(instruments=(instrument,), cash=D(10) ** 9)
    session.trade(Signal.buy(BTC, multiple * D(lot)))
    assert session.orders[0].intent.quantity == session.held() == session.truth() == multiple * D(lot)
    session.trade(Signal.close(BTC))
    assert session.held() == session.truth() == 0


RUBBISH = [D(0), D(-1), D("NaN"), D("sNaN"), D("Infinity"), D("-Infinity")]
FIELDS = ["bid", "ask", "bid_size", "ask_size"]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=str)
@pytest.mark.parametrize("field", FIELDS)
def test_h32_rubbish_in_any_field_reaches_no_strategy_and_no_price(rubbish: Decimal, field: str) -> None:
    """H32: quarantined by name; what is known of the market and of the account's worth does not move."""
    session = Session(RiskConfig(daily_loss_max=D(10)))
    session.trade(Signal.buy(BTC, D(1)))
    seen, equity, price = len(session.strategy.seen), session.state.equity(), session.state.price(BTC)
    bad = structs.replace(Quote(session.now + MS, D(100), D("100.1"), D(5), D(5)), **{field: rubbish})
    decided = step(session.desk, bad)
    assert [type(each) for each in decided] == [Quarantined]
    assert field in decided[0].value  # type: ignore[union-attr]
    assert (len(session.strategy.seen), session.state.equity(), session.state.price(BTC)) == (seen, equity, price)
    assert session.state.performance.daily_loss < 1


@pytest.mark.parametrize("rubbish", [D(0), D(-5), D("NaN"), D("Infinity")], ids=str)
@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
def test_h32_one_bad_candle_in_a_run_changes_no_trade(rubbish: Decimal, field: str) -> None:
    """H32: the engine's result with a bad candle among good ones is the result without it."""
    good = [wave(n) for n in range(120)]
    bad = structs.replace(good[60], ts=good[60].ts, **{field: rubbish})
    clean = engine().run(SmaCrossStrategy(fast=3, slow=8), [c for n, c in enumerate(good) if n != 60])
    dirty = engine().run(SmaCrossStrategy(fast=3, slow=8), [*good[:60], bad, *good[61:]])
    assert len(clean.trades) > 4
    # Ids are numbers of records, and the run with the bad candle has one record more.
    trades = [[structs.replace(trade, order_id="") for trade in each.trades] for each in (dirty, clean)]
    assert trades[0] == trades[1]
    assert dirty.record.quarantined == 1


def test_h32_what_cannot_be_journaled_ends_a_journaled_run_and_nothing_leaves() -> None:
    """H32: a NaN has no text; a run that writes a journal stops there, by name, rather than act on what it cannot record."""
    session = Session()
    session.want(Signal.buy(BTC, D(1)))
    with pytest.raises(EncodeRefused, match="NaN"):
        session.tell(Quote(session.now + MS, D("NaN"), D(1), D(1), D(1)))
    assert not session.sent


def engine(**settings: object) -> BacktestEngine:
    return BacktestEngine(initial_capital=D(10_000), fee_rate=D("0.001"), slippage_bps=D(5), **settings)  # type: ignore[arg-type]


def wave(n: int, start: int = START, step: int = HOUR) -> Candle:
    """A price that swings, so that averages cross."""
    p = D(100 + [0, 3, 6, 8, 6, 3, 0, -3, -6, -8, -6, -3][n % 12])
    return Candle(start + n * step, p, p + 1, p - 1, p, D(10), BTC, step)


UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@pytest.mark.parametrize("unit", UNITS)
def test_h39_the_same_history_in_any_unit_is_the_same_run(unit: str, tmp_path: Path) -> None:
    """H39: seconds, milli-, micro- or nanoseconds: the file's unit is found out, and every trade has the same time."""
    rows = [wave(n) for n in range(100)]
    path = tmp_path / f"{unit}.csv"
    lines = [f"{c.ts // UNITS[unit]},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in rows]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    opened = open_candles(path, BTC)
    ours = engine().run(SmaCrossStrategy(fast=3, slow=8), getattr(opened, "columns", opened))
    direct = engine().run(SmaCrossStrategy(fast=3, slow=8), rows)
    assert len(ours.trades) > 3
    assert ours.trades == direct.trades
    assert ours.final_equity == direct.final_equity


@pytest.mark.parametrize("shift", [10**-9, 10**-6, 10**-3, 10**3, 10**6])
def test_h39_a_time_in_the_wrong_unit_is_refused_or_the_same_instant(shift: float) -> None:
    """H39: every number of a plausible time, shifted by thousands, normalizes to that instant or is refused."""
    normalizer = TimestampNormalizer()
    for exchange in Exchange:
        for raw in (START, START // 10**3, START // 10**6, START // 10**9):
            shifted = int(raw * Fraction(shift).limit_denominator(10**9))
            try:
                got = normalizer.normalize(shifted, exchange)
            except ValueError:
                continue
            assert abs(got - datetime.fromtimestamp(START // 10**9, UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize("wrong", [1_000, 1_000_000])
@pytest.mark.parametrize("kind", ["later", "earlier"])
def test_h39_a_fact_with_a_time_in_the_wrong_unit_moves_neither_clock_nor_day(wrong: int, kind: str) -> None:
    """H39, C7: a quarantined fact is not believed, and least of all its time: the loss of the day is still of this day."""
    session = Session(RiskConfig(daily_loss_max=D(50), reference_age_ms_max=60_000))
    session.trade(Signal.buy(BTC, D(10)))
    session.quote(97, "97.1")
    before, seen = session.state.now, len(session.strategy.seen)
    ts = session.now * wrong if kind == "later" else session.now // wrong
    (bad,) = step(session.desk, structs.replace(Quote(session.now, D(97), D("97.1"), D(5), D(5)), ts=ts))
    assert isinstance(bad, Quarantined)
    assert bad.rule == ("out_of_range" if kind == "later" else "out_of_order")
    assert session.state.now == before
    assert len(session.strategy.seen) == seen
    session.writer.log.append("quarantined", {}, before)  # the journal was not told of a time that it cannot hold
    session.writer.log.append("quarantined", {}, before)
    session.quote(94, "94.1")
    assert session.halt() != "running"


def test_h39_with_a_time_of_receipt_the_future_is_not_believed() -> None:
    """H39: live facts carry when they reached us; a venue time a thousand times later is a wrong unit and is refused."""
    session = Session()
    session.quote(100, "100.1")
    now = session.now + 100 * MS
    for ts, rule in ((now + 3_600_000 * MS, "in_future"), (now - 3_600_000 * MS, "out_of_order")):
        session.tell(structs.replace(Quote(now, D(100), D("100.1"), D(5), D(5), BTC, now), ts=ts))
        assert isinstance(session.decisions[-1], Quarantined)
        assert session.decisions[-1].rule == rule
        assert session.state.now <= now


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", datetime(2024, 3, 9, tzinfo=UTC)),
        ("America/New_York", datetime(2024, 11, 2, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2024, 3, 30, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2024, 10, 26, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2024, 4, 6, tzinfo=UTC)),
    ],
)
def test_h40_a_run_across_a_change_of_clocks_is_the_run_in_utc(zone: str, day: datetime, tmp_path: Path) -> None:
    """H40: three days of hours around the transition, stamped in local time: the same journal, byte for byte, as in UTC."""
    hours = [day + timedelta(hours=n) for n in range(72)]
    runs = []
    for name, stamps in (("utc", hours), ("local", [each.astimezone(ZoneInfo(zone)) for each in hours])):
        rows = [
            structs.replace(wave(n), ts=Candle(stamp, D(1), D(1), D(1), D(1), D(1)).ts)
            for n, stamp in enumerate(stamps)
        ]
        limits = RiskConfig(daily_loss_max=D(5_000), orders_per_day_max=100)
        result = engine(journal_dir=tmp_path / name, risk=limits).run(SmaCrossStrategy(fast=3, slow=8), rows)
        files = {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}
        runs.append((files, result.trades, result.final_equity))
    assert runs[0] == runs[1]
    assert len(runs[0][1]) > 3
    assert len([name for name in runs[0][0] if name.startswith("audit-")]) >= 3


def test_h40_days_of_limits_are_utc_days() -> None:
    """H40, C8: orders a day are counted anew at midnight UTC, an hour after which New York has not finished its day."""
    session = Session(RiskConfig(orders_per_day_max=1))
    session.quote(100, "100.1", after_ms=86_400_000 - 60_000)
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D("0.1"), price=D(90))))[0], Approved)
    assert failed(verdicts(session.trade(Signal.buy(BTC, D("0.1"), price=D(91))))[0]) == {"orders_per_day"}
    session.quote(100, "100.1", after_ms=60_000)
    assert isinstance(verdicts(session.trade(Signal.buy(BTC, D("0.1"), price=D(92))))[0], Approved)


def books(sequence: int, ts: int) -> tuple[MarketEvent, ...]:
    level = ((D(100), D(5)),), ((D("100.1"), D(5)),)
    return (OrderBook(ts, *level, BTC, sequence), BookDelta(ts + MS, *level, BTC, sequence + 1, sequence + 1))


def test_h32_every_kind_of_market_fact_is_judged_before_anyone_sees_it() -> None:
    """H32: trades and books too: a strategy sees what was accepted and nothing else."""
    session = Session()
    session.tell(Trade(session.now + MS, D(-1), D(1), BTC), *books(5, session.now + 2 * MS))
    session.tell(BookDelta(session.now + 9 * MS, ((D(200), D(1)),), (), BTC, 7, 7))
    assert [each.rule for each in session.made(Quarantined)] == ["negative", "crossed"]
    assert not [fact for fact in session.strategy.seen if isinstance(fact, Fill)]
    assert session.state.market.best(BTC) is None
