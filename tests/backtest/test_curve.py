"""The curve against a plain ledger that values the account point by point in `Fraction`."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.backtest import curve as curve_module
from kedge.backtest import curve_block, curve_columns
from kedge.backtest.curve import CurveRecorder, EquityCurve
from kedge.backtest.curve_account import Holding
from kedge.model.errors import OurBug
from kedge.model.instant import NS_PER_DAY, NS_PER_S, to_datetime

D = Decimal
MINUTE = 60 * NS_PER_S


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=None), min_size=1, max_size=30))
def test_packed_prices_are_the_prices_whatever_their_form(numbers: list[Decimal]) -> None:
    check_prices(numbers)


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 9)), min_size=1, max_size=30))
def test_packed_prices_of_mixed_scales_are_the_prices(numbers: list[tuple[int, int]]) -> None:
    check_prices([D(digits).scaleb(-scale) for digits, scale in numbers])


def check_prices(numbers: list[Decimal]) -> None:
    prices = curve_columns.Prices(list(numbers)).pack()
    assert len(prices) == len(numbers)
    assert list(prices) == numbers == [prices[place] for place in range(len(numbers))]
    assert prices.floats(0, len(numbers)) == pytest.approx([float(number) for number in numbers], rel=1e-15)


def test_prices_near_each_other_take_four_bytes_and_far_ones_eight() -> None:
    prices = curve_columns.Prices([D("100.01"), D("99.50"), D(7)]).pack()
    assert (prices._low, prices._ticks.tolist(), prices._ticks.itemsize) == (700, [9301, 9250, 0], 4)
    assert prices._numbers is None
    far = curve_columns.Prices([D("0.01"), D(10**9)]).pack()
    assert (far._low, far._ticks.tolist(), far._ticks.itemsize) == (0, [1, 10**11], 8)


@given(st.integers(0, 2**60), st.integers(0, 2**30), st.integers(0, 50), st.booleans())
def test_packed_times_are_the_times(first: int, step: int, count: int, odd: bool) -> None:
    moments = [first + place * step for place in range(count)]
    if odd and count > 3:
        moments[-1] += 1
    times = curve_columns.Times(array("q", moments))
    times.pack()
    assert len(times) == count
    assert times.all().tolist() == moments == [times[place] for place in range(count)]
    assert (times._moments is None) is (count >= 3 and not (odd and count > 3))


class Ledger:
    """What the recorder is told, and the equity of every point by the definition, slowly."""

    def __init__(self, initial: Decimal) -> None:
        self.initial = initial
        self.cash = initial
        self.held: tuple[Holding, ...] = ()
        self.marks: dict[int, Decimal] = {}
        self.points: list[tuple[int, Fraction]] = []
        self.in_market: list[bool] = []

    def point(self, time: int, symbol: int, price: Decimal) -> None:
        self.marks[symbol] = price
        equity = Fraction(self.cash)
        for held, quantity, multiplier, cost in self.held:
            if held in self.marks:
                worth = Fraction(quantity) * Fraction(multiplier) * Fraction(self.marks[held])
                equity += worth - (0 if cost is None else Fraction(cost))
        if self.points and time <= self.points[-1][0]:
            time = self.points.pop()[0]
            self.in_market.pop()
        self.points.append((time, equity))
        self.in_market.append(any(quantity for _, quantity, _, _ in self.held))

    def max_drawdown(self) -> Fraction:
        peak, worst = Fraction(self.initial), Fraction(0)
        for _, equity in self.points:
            peak = max(peak, equity)
            worst = max(worst, (peak - equity) / peak)
        return worst

    def longest(self) -> int:
        peak, top, longest = Fraction(self.initial), self.points[0][0], 0
        below = False
        for time, equity in self.points:
            if equity >= peak:
                longest = max(longest, time - top) if below else longest
                peak, top, below = equity, time, False
            else:
                below = True
        return max(longest, self.points[-1][0] - top) if below else longest

    def exposure(self) -> Fraction:
        times = [time for time, _ in self.points]
        steps = [later - time for time, later in pairwise(times)]
        steps.insert(0, steps[0] if steps else 1)
        return Fraction(sum(s for s, held in zip(steps, self.in_market, strict=True) if held), sum(steps))


def money(low: int, high: int, places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: D(n).scaleb(-places))


@st.composite
def runs(draw: st.DrawFn, symbols: int = 1) -> tuple[Ledger, CurveRecorder]:
    """A run of up to 60 points with account changes anywhere, told to both sides."""
    ledger = Ledger(D(1000))
    recorder = CurveRecorder(D(1000), ("A", "B", "C")[:symbols])
    if symbols > 1:
        for symbol in range(symbols):
            price = draw(money(1, 10**6))
            recorder.mark(symbol, price)
            ledger.marks[symbol] = price
    time = draw(st.integers(0, 10**18))
    for _ in range(draw(st.integers(1, 40))):
        if draw(st.booleans()):
            ledger.cash = draw(money(-(10**8), 10**8))
            ledger.held = tuple(
                (symbol, draw(money(-(10**6), 10**6)), draw(money(1, 10**4)), draw(st.none() | money(-(10**8), 10**8)))
                for symbol in range(symbols)
                if draw(st.booleans())
            )
            recorder.changed(len(recorder.times), ledger.cash, ledger.held)
        time += draw(st.sampled_from([0, 1, MINUTE, NS_PER_DAY, -MINUTE] if symbols > 1 else [1, MINUTE, NS_PER_DAY]))
        symbol = draw(st.integers(0, symbols - 1))
        price = draw(money(1, 10**6))
        recorder.times.append(time)
        recorder.prices.append(price)
        if symbols > 1:
            recorder.symbols.append(symbol)
        ledger.point(time, symbol, price)
    return ledger, recorder


def check(curve: EquityCurve, ledger: Ledger) -> None:
    expected = [(to_datetime(time), equity) for time, equity in ledger.points]
    assert [(time, Fraction(equity)) for time, equity in curve] == expected
    assert [(time, Fraction(equity)) for time, equity in curve[:]] == expected
    assert [Fraction(curve.equity_at(n)) for n in range(len(curve))] == [equity for _, equity in ledger.points]
    times, equity = curve.vectors()
    assert times.tolist() == [time for time, _ in ledger.points]
    assert equity == pytest.approx([float(worth) for _, worth in ledger.points], rel=1e-9, abs=1e-4)
    check_figures(curve, ledger)


def check_figures(curve: EquityCurve, ledger: Ledger) -> None:
    worst = ledger.max_drawdown()
    assert Fraction(curve.max_drawdown()) == Fraction(curve_fold_ratio(worst))
    assert curve.final == curve.equity_at(-1)
    closes = {(time - 1) // NS_PER_DAY: equity for time, equity in ledger.points}
    assert [(day, Fraction(equity)) for day, equity in curve.daily()] == sorted(closes.items())
    assert curve.exposure() == pytest.approx(float(ledger.exposure()))
    assert curve.max_drawdown_duration() == timedelta(microseconds=ledger.longest() // 1000)


def curve_fold_ratio(fraction: Fraction) -> Decimal:
    """28 digits, half even: what `ratio` promises of any quotient."""
    return Context(prec=28).divide(D(fraction.numerator), D(fraction.denominator))


@settings(max_examples=60)
@given(runs())
def test_one_symbol_is_the_ledger(run: tuple[Ledger, CurveRecorder]) -> None:
    ledger, recorder = run
    check(recorder.curve(), ledger)


@settings(max_examples=60)
@given(runs(symbols=3))
def test_several_symbols_are_the_ledger(run: tuple[Ledger, CurveRecorder]) -> None:
    ledger, recorder = run
    check(recorder.curve(), ledger)


@pytest.mark.parametrize("symbols", [1, 3])
def test_chunks_and_blocks_join_without_a_seam(symbols: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_block, "CHUNK", 4)
    monkeypatch.setattr(curve_module, "BLOCK", 7)

    @settings(max_examples=40)
    @given(runs(symbols=symbols))
    def examine(run: tuple[Ledger, CurveRecorder]) -> None:
        check(run[1].curve(), run[0])

    examine()


def walk(recorder: CurveRecorder, ledger: Ledger, points: int, symbols: int, seed: int) -> None:
    """A long seeded walk told to both sides; the recorder folds when it likes."""
    random = np.random.default_rng(seed)
    prices = [D(100 + symbol) for symbol in range(symbols)]
    time = 1_600_000_000 * NS_PER_S
    for number in range(points):
        if random.random() < 0.05:
            ledger.cash += D(int(random.integers(-50, 50))) / 8
            ledger.held = tuple(
                (symbol, D(int(random.integers(-3, 4))), D(1), ledger.marks.get(symbol, prices[symbol]))
                for symbol in range(symbols)
                if random.random() < 0.7
            )
            recorder.changed(len(recorder.times), ledger.cash, ledger.held)
        symbol = number % symbols
        time += 0 if symbol else 10 * MINUTE
        prices[symbol] += D(int(random.integers(-8, 9))) / 16
        recorder.times.append(time)
        recorder.prices.append(prices[symbol])
        if symbols > 1:
            recorder.symbols.append(symbol)
        ledger.point(time, symbol, prices[symbol])
        if number % 97 == 0:
            recorder.fold()


@pytest.mark.parametrize("symbols", [1, 2])
def test_folding_keeps_every_figure_exact_and_memory_flat(symbols: int) -> None:
    ledger = Ledger(D(10_000))
    recorder = CurveRecorder(D(10_000), ("A", "B"), points_max=200)
    append = recorder.times.append
    walk(recorder, ledger, 6000, symbols, seed=symbols)
    assert recorder.times.append == append
    assert len(recorder.times) < 50 + 97 + symbols
    curve = recorder.curve()
    assert curve.is_thinned
    assert len(curve) <= 200 + 200 + 50 + 97
    assert curve.points == len(ledger.points)
    check_figures(curve, ledger)
    equities = dict(ledger.points)
    assert all(Fraction(equity) == equities[curve.time_at(n)] for n, (_, equity) in enumerate(curve))
    kept = [Fraction(equity) for _, equity in curve]
    assert (min(kept), max(kept)) == (min(equities.values()), max(equities.values()))


def test_drawdown_is_exact_where_floats_cannot_tell() -> None:
    """Two falls that differ in the 25th digit: float sees one number."""
    recorder = CurveRecorder(D(1))
    recorder.changed(0, D(0), ((0, D(1), D(1), None),))
    deeper = D("0.5") - D("1e-25")
    for number, price in enumerate([D(1), D("0.5"), D(1), deeper, D(1), D("0.5")]):
        recorder.times.append(number)
        recorder.prices.append(price)
    curve = recorder.curve()
    assert curve.max_drawdown() == D("0.5") + D("1e-25")
    drawdown = curve.drawdown()
    assert drawdown is not None
    assert (drawdown.peak_ns, drawdown.trough_ns) == (2, 3)


def test_the_peak_starts_with_the_initial_capital() -> None:
    curve = EquityCurve.of_points(D(100), [(0, D(90)), (1, D(95))])
    assert curve.max_drawdown() == D("0.1")


def test_a_loss_beyond_everything_is_more_than_whole() -> None:
    curve = EquityCurve.of_points(D(100), [(0, D(-50))])
    assert curve.max_drawdown() == D("1.5")


def test_a_run_without_trades_is_flat_and_has_no_drawdown() -> None:
    recorder = CurveRecorder(D("12345.678"))
    for number in range(10):
        recorder.times.append(number * MINUTE)
        recorder.prices.append(D(number + 1))
    curve = recorder.curve()
    assert curve.final == D("12345.678")
    assert curve.max_drawdown() == D(0)
    assert (curve.max_drawdown_duration(), curve.exposure()) == (timedelta(0), 0.0)
    assert curve[0] == (datetime(1970, 1, 1, tzinfo=UTC), D("12345.678"))


def test_an_empty_run_keeps_its_capital() -> None:
    curve = CurveRecorder(D(7)).curve()
    assert list(curve) == []
    assert (curve.final, curve.max_drawdown(), curve.daily()) == (D(7), D(0), [])
    with pytest.raises(IndexError, match="point 0 of an equity curve of 0"):
        curve[0]


def test_a_change_after_the_last_point_shows_in_it() -> None:
    recorder = CurveRecorder(D(100), ("A",))
    recorder.times.append(1)
    recorder.prices.append(D(10))
    recorder.changed(1, D(99), ((0, D(1), D(1), D(8)),))
    curve = recorder.curve()
    assert curve.final == D(101)
    assert curve.last_prices() == {"A": D(10)}


def test_spot_without_a_price_is_a_bug_and_a_contract_adds_nothing() -> None:
    held: tuple[Holding, ...] = ((1, D(1), D(1), D(5)),)
    for cost, fails in ((D(5), False), (None, True)):
        recorder = CurveRecorder(D(100), ("A", "B"))
        recorder.changed(0, D(50), ((*held[0][:3], cost),))
        recorder.times.append(1)
        recorder.prices.append(D(10))
        recorder.symbols.append(0)
        if fails:
            with pytest.raises(OurBug, match="has no price"):
                recorder.curve().max_drawdown()
        else:
            curve = recorder.curve()
            assert curve.final == D(50)
            assert curve.vectors()[1].tolist() == [50.0]
            assert curve.max_drawdown() == D("0.5")


def test_columns_that_disagree_and_changes_that_go_back_are_bugs() -> None:
    recorder = CurveRecorder(D(1))
    recorder.times.append(1)
    with pytest.raises(OurBug, match="1 times, 0 prices"):
        recorder.curve()
    with pytest.raises(OurBug, match="given its curve already"):
        recorder.curve()
    other = CurveRecorder(D(1))
    with pytest.raises(OurBug, match="at point 1, beyond the 0"):
        other.changed(1, D(1), ())
    other.times.extend((1, 2))
    other.changed(2, D(1), ())
    with pytest.raises(OurBug, match="after a change at 2"):
        other.changed(1, D(1), ())
    with pytest.raises(OurBug, match="rising times"):
        EquityCurve.of_points(D(1), [(1, D(1)), (1, D(1))])
