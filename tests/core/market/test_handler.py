"""Every rule alone, every field with every kind of rubbish, and two oracles: exact fractions and the cold path."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.core.market import succession
from kedge.core.market.handler import FOLDS, MarketDataHandler
from kedge.core.market.rules import Rule
from kedge.model.errors import ConfigError
from kedge.model.facts import StreamStatus
from kedge.model.market import Candle, MarketEvent, Quote, Trade
from kedge.model.market_limits import MarketLimits
from kedge.model.order import Side
from tests.core.market import market_facts as made
from tests.core.market.market_facts import MINUTE, SECOND, START, SYMBOL, D, changed


def fresh(**limits: Any) -> MarketDataHandler:
    return MarketDataHandler([SYMBOL], MarketLimits(**limits))


def rule_of(handler: MarketDataHandler, fact: MarketEvent) -> str:
    refused = handler.fold(fact)
    return "" if refused is None else refused.rule


# every good fact is accepted ------------------------------------------------------------------------------------------


@given(made.facts)
def test_a_good_fact_is_accepted(fact: MarketEvent) -> None:
    assert fresh().fold(fact) is None


@given(st.lists(made.facts, max_size=12))
def test_good_facts_in_order_are_all_accepted(facts: list[MarketEvent]) -> None:
    handler = fresh()
    for n, fact in enumerate(facts):
        numbered = {"sequence": n} if hasattr(fact, "sequence") else {}
        assert handler.fold(changed(fact, ts=START + n * MINUTE, **numbered)) is None


def test_every_kind_of_market_fact_has_a_fold() -> None:
    assert set(FOLDS) == set(MarketEvent.__args__)


# each rule alone

GOOD: list[MarketEvent] = [
    made.candle(START),
    made.trade(START),
    made.quote(START),
    made.book(START),
    made.mark(START),
    made.funding(START),
]
NAN, INF = D("NaN"), D("Infinity")
LEVEL = (D(99), D(1))
CROSSING = {"bids": (LEVEL, (D(98), D(1))), "asks": ((D(99), D(1)),)}

ONE_DEFECT: list[tuple[MarketEvent, dict[str, Any], Rule]] = [
    *((fact, {"symbol": "ETH-USD"}, Rule.UNKNOWN_SYMBOL) for fact in GOOD),
    *((fact, {"symbol": None}, Rule.UNKNOWN_SYMBOL) for fact in GOOD),
    *((fact, {"ts": -1}, Rule.OUT_OF_RANGE) for fact in GOOD),
    *((fact, {"received": START + 10 * MINUTE}, Rule.TOO_OLD) for fact in GOOD),
    *((fact, {"received": START - 10 * MINUTE}, Rule.IN_FUTURE) for fact in GOOD),
    *(
        (made.candle(START), {field: value}, rule)
        for field in ("open", "high", "low", "close")
        for value, rule in (
            (NAN, Rule.NON_FINITE),
            (INF, Rule.NON_FINITE),
            (D("sNaN"), Rule.NON_FINITE),
            (float("nan"), Rule.NON_FINITE),
            (D(0), Rule.ZERO),
            (D(-5), Rule.NEGATIVE),
            (None, Rule.MISSING),
            (100.0, Rule.WRONG_TYPE),
            (D("1E+30"), Rule.OUT_OF_RANGE),
        )
    ),
    (made.candle(START), {"volume": D(-1)}, Rule.NEGATIVE),
    (made.candle(START), {"volume": NAN}, Rule.NON_FINITE),
    (made.candle(START), {"interval": -1}, Rule.OUT_OF_RANGE),
    (made.candle(START), {"high": D(98)}, Rule.HIGH_BELOW_LOW),
    (made.candle(START), {"open": D(102)}, Rule.OPEN_CLOSE_OUTSIDE),
    (made.candle(START), {"open": D(98)}, Rule.OPEN_CLOSE_OUTSIDE),
    (made.candle(START), {"close": D(102)}, Rule.OPEN_CLOSE_OUTSIDE),
    (made.candle(START), {"close": D(98)}, Rule.OPEN_CLOSE_OUTSIDE),
    (made.trade(START), {"price": NAN}, Rule.NON_FINITE),
    (made.trade(START), {"quantity": D(0)}, Rule.ZERO),
    (made.trade(START), {"trade_id": ["1"]}, Rule.WRONG_TYPE),
    (made.quote(START), {"bid": D(101)}, Rule.CROSSED),
    (made.quote(START), {"bid": D(102)}, Rule.CROSSED),
    (made.quote(START), {"bid_size": D(0)}, Rule.ZERO),
    (made.quote(START), {"ask_size": INF}, Rule.NON_FINITE),
    (made.book(START), CROSSING, Rule.CROSSED),
    (made.book(START), {"bids": ((D(98), D(1)), LEVEL)}, Rule.UNSORTED),
    (made.book(START), {"bids": (LEVEL, LEVEL)}, Rule.UNSORTED),
    (made.book(START), {"asks": ((D(102), D(1)), (D(101), D(1)))}, Rule.UNSORTED),
    (made.book(START), {"bids": ((D(99), D(0)),)}, Rule.ZERO),
    (made.book(START), {"bids": ((NAN, D(1)),)}, Rule.NON_FINITE),
    (made.book(START), {"bids": ((D(99),),)}, Rule.WRONG_TYPE),
    (made.book(START), {"bids": None}, Rule.MISSING),
    (made.book(START), {"sequence": -1}, Rule.OUT_OF_RANGE),
    (made.mark(START), {"price": D(-1)}, Rule.NEGATIVE),
    (made.funding(START), {"rate": NAN}, Rule.NON_FINITE),
    (made.funding(START), {"rate": D(3)}, Rule.OUT_OF_RANGE),
]


@pytest.mark.parametrize(("good", "defect", "rule"), ONE_DEFECT)
def test_a_fact_with_one_defect_is_quarantined_by_that_rule(
    good: MarketEvent, defect: dict[str, Any], rule: Rule
) -> None:
    handler = fresh()
    refused = handler.fold(changed(good, **defect))
    assert refused is not None
    assert (refused.fact, refused.rule) == (type(good).__struct_config__.tag, rule)
    assert handler.reference(SYMBOL) is None
    assert handler.fold(good) is None, "what was refused left something behind"


@given(made.facts, st.integers(1, 10**6))
def test_a_fact_before_the_last_is_out_of_order_and_the_same_again_a_duplicate(fact: MarketEvent, back: int) -> None:
    handler = fresh()
    handler.fold(fact)
    before = handler.snapshot()
    assert rule_of(handler, changed(fact, received=fact.ts + 61 * SECOND)) == Rule.DUPLICATE
    if getattr(fact, "sequence", 0):
        assert rule_of(handler, changed(fact, sequence=fact.sequence - 1)) == Rule.OUT_OF_ORDER  # type: ignore[union-attr]
    else:
        assert rule_of(handler, changed(fact, ts=fact.ts - back)) == Rule.OUT_OF_ORDER
    assert handler.snapshot() == before


def test_candles_of_one_interval_may_not_overlap_those_of_another_may() -> None:
    handler = fresh()
    assert rule_of(handler, made.candle(START)) == ""
    assert rule_of(handler, made.candle(START + MINUTE - 1)) == Rule.OUT_OF_ORDER
    assert rule_of(handler, made.candle(START, interval=5 * MINUTE)) == ""
    assert rule_of(handler, made.candle(START + MINUTE)) == ""
    assert rule_of(handler, made.candle(START, interval=5 * MINUTE)) == Rule.DUPLICATE
    assert rule_of(handler, made.candle(START + 5 * MINUTE, interval=5 * MINUTE)) == ""


def test_candles_without_interval_need_only_a_later_time() -> None:
    handler = fresh()
    assert rule_of(handler, made.candle(START, interval=0)) == ""
    assert rule_of(handler, made.candle(START, interval=0)) == Rule.DUPLICATE
    assert rule_of(handler, made.candle(START, D(99), interval=0)) == Rule.OUT_OF_ORDER
    assert rule_of(handler, made.candle(START + 1, interval=0)) == ""


def test_intervals_of_one_symbol_are_bounded() -> None:
    handler = fresh()
    rules = [rule_of(handler, made.candle(START, interval=n)) for n in range(1, 100)]
    assert rules.count(Rule.OUT_OF_RANGE) == 99 - succession.INTERVALS_MAX - 1


def test_trades_of_one_instant_are_told_apart_by_id() -> None:
    handler = fresh()
    assert [rule_of(handler, made.trade(START, trade_id=name)) for name in "abcbad"] == [
        *("", "", "", Rule.DUPLICATE, Rule.DUPLICATE, ""),
    ]
    assert rule_of(handler, made.trade(START + 1, trade_id="a")) == "", "ids are remembered for one instant only"


def test_trade_ids_of_one_instant_are_bounded() -> None:
    handler = fresh()
    for n in range(succession.TRADE_IDS_MAX + 10):
        assert handler.trade(made.trade(START, trade_id=f"t{n}")) is None
    record = handler.record(SYMBOL)
    assert record is not None
    assert record.trade_ids is not None
    assert len(record.trade_ids) == succession.TRADE_IDS_MAX


def test_a_trade_without_id_is_a_duplicate_only_of_the_trade_before_it() -> None:
    handler = fresh()
    assert rule_of(handler, made.trade(START, D(100))) == ""
    assert rule_of(handler, made.trade(START, D(100))) == Rule.DUPLICATE
    assert rule_of(handler, made.trade(START, D(101))) == ""
    assert rule_of(handler, made.trade(START, D(100))) == ""


# H32: no value whatever raises, and none but a good one gets through

RUBBISH: dict[str, list[Any]] = {
    **dict.fromkeys(("open", "high", "low", "close", "price", "bid", "ask"), made.NOT_A_PRICE),
    **dict.fromkeys(("quantity", "bid_size", "ask_size"), made.NOT_A_PRICE),
    **dict.fromkeys(("ts", "received", "interval", "sequence"), made.NOT_A_TIME),
    **dict.fromkeys(("bids", "asks"), made.NOT_LEVELS),
    "volume": made.NOT_A_VOLUME,
    "symbol": [None, "", "ETH-USD", 1, ["BTC-USD"], b"BTC-USD"],
    "rate": [None, NAN, INF, D("sNaN"), D(2), 0.1, "0.1"],
}


@pytest.mark.parametrize("warm", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("good", GOOD, ids=lambda fact: type(fact).__name__)
def test_h32_each_field_with_each_kind_of_rubbish_is_quarantined(good: MarketEvent, warm: bool) -> None:
    for field in good.__struct_fields__:
        for value in RUBBISH.get(field, ()):
            handler = fresh()
            if warm:
                assert handler.fold(changed(good, ts=START - MINUTE)) is None
            before = handler.reference(SYMBOL)
            assert handler.fold(changed(good, **{field: value})) is not None, (field, value)
            assert handler.reference(SYMBOL) == before


rubbish = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.lists(st.one_of(st.none(), st.tuples(st.decimals(), st.decimals())), max_size=3),
    st.just(D("sNaN")),
)


@given(st.lists(made.facts, max_size=3), made.facts, st.data())
def test_h32_no_value_in_any_field_raises_or_reaches_a_price(
    past: list[MarketEvent], fact: Any, data: st.DataObject
) -> None:
    handler = fresh()
    for n, earlier in enumerate(past):
        handler.fold(changed(earlier, ts=START - (9 - n) * MINUTE))
    fields = data.draw(st.sets(st.sampled_from(fact.__struct_fields__), min_size=1))
    refused = handler.fold(changed(fact, **{name: data.draw(rubbish) for name in sorted(fields)}))
    assert refused is None or refused.rule in set(Rule)
    reference = handler.reference(SYMBOL)
    assert reference is None or (type(reference[0]) is Decimal and reference[0].is_finite() and reference[0] > 0)
    handler.snapshot()
    handler.distrust(SYMBOL, START)


# jumps ----------------------------------------------------------------------------------------------------------------


def test_a_lone_bad_tick_is_quarantined_and_the_next_good_one_ends_the_doubt() -> None:
    handler = fresh()
    assert rule_of(handler, made.trade(START, D(100))) == ""
    assert rule_of(handler, made.trade(START + 1, D(1000))) == Rule.JUMP
    assert "jump" in handler.distrust(SYMBOL, START + 1)
    assert handler.best(SYMBOL) is None
    assert handler.last_price(SYMBOL) == 100
    assert rule_of(handler, made.trade(START + 2, D(101))) == ""
    assert handler.distrust(SYMBOL, START + 2) == ""


def test_a_jump_confirmed_often_enough_becomes_the_price() -> None:
    handler = fresh(jump_confirmations_min=4)
    handler.fold(made.trade(START, D(100)))
    prices = [D(200), D(210), D(190), D(205), D(206)]
    rules = [rule_of(handler, made.trade(START + 1 + n, price)) for n, price in enumerate(prices)]
    assert rules == [Rule.JUMP, Rule.JUMP, Rule.JUMP, "", ""]
    assert handler.reference(SYMBOL) == (D(206), START + 5)
    assert handler.distrust(SYMBOL, START + 5) == ""


def test_confirmations_must_agree_with_the_jump_and_come_later() -> None:
    handler = fresh()
    handler.fold(made.trade(START, D(100)))
    for n in range(20):
        price = D(1000) if n % 2 else D(10)
        assert rule_of(handler, made.trade(START + 1 + n, price)) == Rule.JUMP, "two that contradict confirm nothing"
    for n in range(20):
        assert rule_of(handler, made.trade(START + 30, D(1000), trade_id=str(n))) == Rule.JUMP, (
            "one instant confirms once"
        )


def test_a_price_in_between_starts_the_count_again() -> None:
    handler = fresh()
    prices = [D(100), D(1000), D(1000), D(100), D(1000), D(1000), D(1000)]
    rules = [rule_of(handler, made.trade(START + n, price)) for n, price in enumerate(prices)]
    assert rules == ["", Rule.JUMP, Rule.JUMP, "", Rule.JUMP, Rule.JUMP, ""]


def test_every_kind_that_carries_a_price_is_held_against_the_limit() -> None:
    far = [
        made.candle(START + MINUTE, D(1000)),
        changed(made.candle(START + MINUTE), high=D(1000)),
        changed(made.candle(START + MINUTE), low=D(1)),
        made.quote(START + 1, D(999), D(1001)),
        changed(made.quote(START + 1), ask=D(1001)),
        made.mark(START + 1, D(1000)),
        changed(made.book(START + 1), bids=((D(999), D(1)),), asks=((D(1001), D(1)),)),
    ]
    for fact in far:
        handler = fresh()
        handler.fold(made.trade(START, D(100)))
        assert rule_of(handler, fact) == Rule.JUMP
        assert handler.reference(SYMBOL) == (D(100), START)


def test_the_limit_is_per_symbol_where_one_is_given_and_may_be_off() -> None:
    def rules(limits: MarketLimits, symbol: str) -> list[str]:
        handler = MarketDataHandler(["BTC-USD", "ETH-USD"], limits)
        return [
            rule_of(handler, made.trade(START + n, price, symbol=symbol)) for n, price in enumerate((D(100), D(103)))
        ]

    tight = MarketLimits(jump_bps_max=D(1000), symbols_jump_bps_max={"ETH-USD": D(200)})
    assert rules(tight, "BTC-USD") == ["", ""]
    assert rules(tight, "ETH-USD") == ["", Rule.JUMP]
    free = MarketDataHandler([SYMBOL], MarketLimits(jump_bps_max=None))
    assert [rule_of(free, made.trade(START + n, price)) for n, price in enumerate((D(100), D("0.01"), D(10**9)))] == [
        ""
    ] * 3


class ExactJumps:
    """The rule of jumps as its definition says it, in fractions and without a band."""

    def __init__(self, limit: Fraction, confirmations: int) -> None:
        self.limit, self.confirmations = limit, confirmations
        self.price: Fraction | None = None
        self.jump: Fraction | None = None
        self.seen = 0

    def accepts(self, price: Fraction) -> bool:
        if self.price is None or abs(price - self.price) <= self.limit * self.price:
            self.price, self.seen = price, 0
            return True
        if self.seen and self.jump is not None and abs(price - self.jump) <= self.limit * self.jump:
            self.seen += 1
        else:
            self.seen, self.jump = 1, price
        if self.seen >= self.confirmations:
            self.price, self.seen = price, 0
            return True
        return False


@given(
    st.lists(st.one_of(st.integers(1, 400), st.integers(95, 105)), max_size=60),
    st.sampled_from([1, 33, 100, 1000, 5000, 20_000]),
    st.integers(1, 4),
)
def test_jumps_agree_with_the_exact_definition(prices: list[int], bps: int, confirmations: int) -> None:
    handler = fresh(jump_bps_max=D(bps), jump_confirmations_min=confirmations)
    oracle = ExactJumps(Fraction(bps, 10_000), confirmations)
    for n, price in enumerate(prices):
        accepted = handler.trade(made.trade(START + n, D(price))) is None
        assert accepted == oracle.accepts(Fraction(price)), (n, price)


# the hot path and the cold path agree

steps = st.lists(
    st.tuples(
        st.sampled_from(["candle", "trade", "quote"]),
        st.sampled_from([0, 0, 1, 30, 60]),
        st.one_of(PRICES := st.integers(90, 110), st.sampled_from([1, 1000, 0, -5])),
        st.sampled_from([0, 0, -5, 3, 100]),
        st.sampled_from(["", "", "a", "b"]),
    ),
    max_size=40,
)


@given(steps)
def test_hot_and_cold_path_give_the_same_verdicts_and_the_same_state(
    walk: list[tuple[str, int, int, int, str]],
) -> None:
    hot, cold = fresh(), fresh()
    now = START
    for kind, seconds, cents, delay, name in walk:
        now += seconds * SECOND
        price = D(cents)
        known = now + MINUTE if kind == "candle" else now
        received = known + delay * SECOND if delay else 0
        fact: Candle | Trade | Quote
        if kind == "candle":
            fact = made.candle(now, price, received=received)
            verdicts = hot.candle(fact), cold._judge_candle(fact)
        elif kind == "trade":
            fact = made.trade(now, price, name, received)
            verdicts = hot.trade(fact), cold._judge_trade(fact)
        else:
            fact = made.quote(now, price - 1, price + 1, received)
            verdicts = hot.quote(fact), cold._judge_quote(fact)
        assert verdicts[0] == verdicts[1]
        assert hot.snapshot() == cold.snapshot()
        assert hot.reference(SYMBOL) == cold.reference(SYMBOL)


@given(steps)
def test_two_folds_of_the_same_facts_agree(walk: list[tuple[str, int, int, int, str]]) -> None:
    one, other = fresh(), fresh()
    now = count(START, SECOND)
    for _, _, cents, _, name in walk:
        fact = made.trade(next(now), D(cents), name)
        one.fold(fact)
        one.last_price(SYMBOL)  # asking changes nothing
        other.fold(fact)
    assert one.snapshot() == other.snapshot()


# the questions --------------------------------------------------------------------------------------------------------


def test_the_reference_is_the_freshest_of_all_sources() -> None:
    handler = fresh()
    assert handler.reference(SYMBOL) is None
    assert handler.age_ns(SYMBOL, START) is None
    handler.fold(made.candle(START, D(100)))
    assert handler.reference(SYMBOL) == (D(100), START + MINUTE), "a candle is known when it is over"
    handler.fold(made.trade(START + MINUTE - 1, D(90)))
    assert handler.reference(SYMBOL) == (D(100), START + MINUTE), "an older trade does not replace it"
    handler.fold(made.quote(START + MINUTE + 1, D(102), D(103)))
    assert handler.reference(SYMBOL) == (D("102.5"), START + MINUTE + 1)
    handler.fold(made.mark(START + MINUTE + 2, D(104)))
    assert handler.last_price(SYMBOL) == 104
    handler.fold(made.book(START + MINUTE + 3))
    assert handler.last_price(SYMBOL) == 100
    handler.fold(made.funding(START + MINUTE + 4))
    assert handler.reference(SYMBOL) == (D(100), START + MINUTE + 3), "a funding rate is no price"
    assert handler.age_ns(SYMBOL, START + MINUTE + 10) == 7


def test_the_age_of_a_price_is_never_understated() -> None:
    slow, ahead = fresh(), fresh()
    slow.fold(made.trade(START, received=START + 5 * SECOND))
    assert slow.reference(SYMBOL) == (D(100), START), "five seconds on the way count"
    ahead.fold(made.trade(START, received=START - 5 * SECOND))
    assert ahead.reference(SYMBOL) == (D(100), START - 5 * SECOND), "a venue's fast clock makes nothing fresher"


def test_an_older_quote_does_not_replace_the_mid_of_the_one_that_made_the_price() -> None:
    handler = fresh()
    handler.fold(made.quote(START, D(99), D(101)))
    handler.fold(made.quote(START + 1, D(109), D(111), received=START - 3 * SECOND))
    assert handler.reference(SYMBOL) == (D(100), START)


def test_worst_price_of_a_quote_needs_the_size() -> None:
    handler = fresh()
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None
    handler.fold(made.quote(START))
    assert handler.worst_price(SYMBOL, Side.BUY, D(4)) == 101
    assert handler.worst_price(SYMBOL, Side.BUY, D("4.1")) is None
    assert handler.worst_price(SYMBOL, Side.SELL, D(3)) == 99
    assert handler.worst_price(SYMBOL, Side.SELL, D("3.1")) is None
    assert handler.worst_price(SYMBOL, Side.SELL, NAN) is None
    assert handler.worst_price("ETH-USD", Side.SELL, D(1)) is None
    assert handler.best(SYMBOL) == (D(99), D(101))


def test_worst_price_of_a_book_and_of_the_worse_of_both() -> None:
    handler = fresh()
    handler.fold(made.book(START))
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) == 101
    assert handler.worst_price(SYMBOL, Side.BUY, D(2)) == 102
    assert handler.worst_price(SYMBOL, Side.BUY, D(4)) is None
    assert handler.worst_price(SYMBOL, Side.SELL, D(3)) == 98
    handler.fold(made.quote(START + 1, D(97), D(105)))
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) == 105
    assert handler.worst_price(SYMBOL, Side.SELL, D(1)) == 97
    assert handler.best(SYMBOL) == (D(97), D(105))
    handler.fold(made.book(START + 2))
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) == 101, "an older quote no longer counts"
    assert handler.best(SYMBOL) == (D(99), D(101))


def test_h34_a_crossed_quote_ends_the_quote_before_it() -> None:
    handler = fresh()
    handler.fold(made.quote(START))
    assert rule_of(handler, made.quote(START + 1, D(102), D(101))) == Rule.CROSSED
    assert handler.best(SYMBOL) is None
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None
    assert handler.reference(SYMBOL) == (D(100), START), "the last price stays and grows old"


# books ----------------------------------------------------------------------------------------------------------------


def test_h33_a_gap_makes_the_book_useless_until_the_next_snapshot() -> None:
    handler = fresh()
    assert rule_of(handler, made.delta(START, 9)) == Rule.NO_SNAPSHOT
    handler.fold(made.book(START, 10))
    assert rule_of(handler, made.delta(START + 1, 11)) == ""
    assert handler.worst_price(SYMBOL, Side.SELL, D(3)) == 99
    assert rule_of(handler, made.delta(START + 2, 13)) == Rule.SEQUENCE_GAP
    assert handler.worst_price(SYMBOL, Side.SELL, D(1)) is None
    assert "book is invalid" in handler.distrust(SYMBOL, START + 2)
    assert rule_of(handler, made.delta(START + 3, 14)) == Rule.NO_SNAPSHOT
    assert rule_of(handler, made.book(START + 4, 14)) == ""
    assert handler.distrust(SYMBOL, START + 4) == ""
    assert rule_of(handler, made.delta(START + 5, 14)) == Rule.OUT_OF_ORDER, "an old change is passed over, not a gap"
    assert handler.worst_price(SYMBOL, Side.SELL, D(1)) == 99


def test_h34_a_change_that_crosses_the_book_makes_it_useless() -> None:
    for price in (D(101), D("101.5")):
        handler = fresh()
        handler.fold(made.book(START, 10))
        crossing = changed(made.delta(START + 1, 11), bids=((price, D(1)),))
        assert rule_of(handler, crossing) == Rule.CROSSED
        assert handler.best(SYMBOL) is None
        assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None


@pytest.mark.parametrize(
    "defect", [{"bids": ((NAN, D(1)),)}, {"bids": ((D(99), D(-1)),)}, {"received": START + 10 * MINUTE}]
)
def test_a_change_that_is_not_believed_leaves_a_hole_so_the_book_is_invalid(defect: dict[str, Any]) -> None:
    handler = fresh()
    handler.fold(made.book(START, 10))
    assert handler.fold(changed(made.delta(START + 1, 11), **defect)) is not None
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None


def test_a_jump_of_the_top_is_folded_but_not_believed_until_confirmed() -> None:
    handler = fresh()
    handler.fold(made.book(START, 10))
    away = ((D(99), D(0)), (D(98), D(0)), (D(10), D(1)))
    assert rule_of(handler, changed(made.delta(START + 1, 11), bids=away)) == Rule.JUMP
    assert handler.last_price(SYMBOL) == 100
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None
    assert rule_of(handler, changed(made.delta(START + 2, 12), bids=((D(99), D(1)),))) == ""
    assert handler.worst_price(SYMBOL, Side.SELL, D(1)) == 99


def test_a_book_with_one_side_has_no_price_but_a_known_depth() -> None:
    handler = fresh()
    assert handler.fold(changed(made.book(START), asks=())) is None
    assert handler.reference(SYMBOL) is None
    assert handler.worst_price(SYMBOL, Side.SELL, D(1)) == 99
    assert handler.worst_price(SYMBOL, Side.BUY, D(1)) is None


# streams --------------------------------------------------------------------------------------------------------------


def status(channel: str, up: bool, ts: int = START, symbol: str = SYMBOL) -> StreamStatus:
    return StreamStatus(ts, symbol, channel, up, "test")


def test_h35_a_stream_that_is_down_stops_new_risk_until_it_is_up() -> None:
    handler = fresh()
    handler.fold(made.trade(START))
    assert handler.distrust(SYMBOL, START) == ""
    assert handler.stream(status("trade", up=False)) is None
    assert "stream trade is down" in handler.distrust(SYMBOL, START)
    handler.stream(status("trade", up=True))
    assert handler.distrust(SYMBOL, START) == ""


def test_h35_one_silent_channel_is_found_while_the_others_go_on() -> None:
    handler = fresh(quote_silence_ms_max=1_000)
    handler.fold(made.quote(START))
    for n in range(1, 30):
        handler.fold(made.trade(START + n * SECOND // 10))
        assert bool(handler.distrust(SYMBOL, START + n * SECOND // 10)) == (n > 10), n
    stale = handler.distrust(SYMBOL, START + 29 * SECOND // 10)
    assert "stream quote is silent for 2900 ms, more than 1000 ms" in stale


def test_h41_candles_that_stop_are_stale_after_three_intervals() -> None:
    handler = fresh()
    handler.fold(made.candle(START))
    closed = START + MINUTE
    assert handler.distrust(SYMBOL, closed + 3 * MINUTE) == ""
    assert "stream candle is silent" in handler.distrust(SYMBOL, closed + 3 * MINUTE + 1)
    handler.fold(made.candle(START + 4 * MINUTE))
    assert handler.distrust(SYMBOL, closed + 4 * MINUTE) == ""


def test_h41_a_stream_of_rubbish_is_as_good_as_silent() -> None:
    handler = fresh(trade_silence_ms_max=1_000)
    handler.fold(made.trade(START))
    for n in range(1, 5):
        assert handler.fold(changed(made.trade(START + n * SECOND), price=NAN)) is not None
    assert "silent" in handler.distrust(SYMBOL, START + 4 * SECOND)


def test_book_and_quote_need_a_fresh_start_after_their_stream_was_down() -> None:
    handler = fresh()
    handler.fold(made.book(START, 10))
    handler.fold(made.quote(START))
    handler.stream(status("", up=False, symbol=""))
    handler.stream(status("", up=True, symbol=""))
    assert handler.best(SYMBOL) is None
    assert rule_of(handler, made.delta(START + 1, 11)) == Rule.NO_SNAPSHOT
    handler.fold(made.book(START + 2, 5))
    assert handler.best(SYMBOL) == (D(99), D(101))


def test_an_unknown_symbol_is_never_trusted() -> None:
    handler = fresh()
    assert "unknown" in handler.distrust("ETH-USD", START)
    refused = handler.stream(status("trade", up=True, symbol="ETH-USD"))
    assert refused is not None
    assert refused.rule == Rule.UNKNOWN_SYMBOL
    assert handler.last_price("ETH-USD") is None
    assert handler.best("ETH-USD") is None


def test_adding_a_symbol_again_forgets_nothing() -> None:
    handler = fresh()
    handler.fold(made.trade(START))
    handler.add_symbol(SYMBOL)
    assert handler.last_price(SYMBOL) == 100


def test_limits_that_are_not_above_zero_are_refused() -> None:
    for wrong in (
        {"jump_bps_max": D(0)},
        {"age_ms_max": 0},
        {"jump_confirmations_min": -1},
        {"symbols_jump_bps_max": {SYMBOL: NAN}},
    ):
        with pytest.raises(ConfigError, match="above zero"):
            fresh(**wrong)
