"""H33, H34, H41: on a market that is not known there is no order, except to leave."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.model.decisions import Approved, Quarantined
from kedge.model.facts import StreamStatus
from kedge.model.limits import RiskConfig
from kedge.model.market import BookDelta, Candle, MarketEvent, OrderBook, Quote, Trade
from kedge.model.signal import Signal, Wish
from tests.safety.trading import BTC, MS, Session, failed, verdicts

D = Decimal
MINUTE = 60_000 * MS


class BookWatcher(BaseStrategy):
    """Wants what the test says at whatever it is shown."""

    def name(self) -> str:
        return "watcher"

    def required_symbols(self) -> Sequence[str]:
        return [BTC]

    def reset(self) -> None:
        self.wants: list[Wish] = []
        self.books: list[OrderBook] = []

    def on_book(self, book: OrderBook) -> Wishes:
        self.books.append(book)
        return self._all()

    def on_trade(self, trade: Trade) -> Wishes:
        return self._all()

    def on_candle(self, candle: Candle) -> Wishes:
        return self._all()

    def _all(self) -> list[Wish]:
        wants, self.wants = self.wants, []
        return wants


def level(price: str, size: int = 50) -> tuple[Decimal, Decimal]:
    return D(price), D(size)


class Market:
    """A book, its changes, and a strategy that wants to trade on it."""

    def __init__(self, risk: RiskConfig = RiskConfig()) -> None:  # noqa: B008  (frozen)
        self.strategy = BookWatcher()
        self.session = Session(risk, strategies=[self.strategy])
        self.sequence = 10
        self.snapshot()

    def tell(self, fact: MarketEvent) -> None:
        self.session.play(fact)

    def _next(self) -> int:
        self.session.now += MS
        return self.session.now

    def snapshot(self, bid: str = "100", ask: str = "100.1") -> None:
        self.tell(OrderBook(self._next(), (level(bid),), (level(ask),), BTC, self.sequence))

    def change(
        self, bids: Sequence[tuple[Decimal, Decimal]] = (), asks: Sequence[tuple[Decimal, Decimal]] = (), skip: int = 0
    ) -> None:
        self.sequence += 1 + skip
        self.tell(BookDelta(self._next(), tuple(bids), tuple(asks), BTC, self.sequence, self.sequence))

    def want(self, *wishes: Wish) -> list[object]:
        """What the gate says when the strategy wants this at a trade, which comes by another channel."""
        before = len(self.session.decisions)
        self.strategy.wants += wishes
        self.tell(Trade(self._next(), D("100.1"), D(1), BTC))
        return list(verdicts(self.session.decisions[before:]))


@pytest.mark.parametrize("skip", [1, 2, 50])
def test_h33_after_a_gap_no_order_is_made_on_the_book_until_a_new_snapshot(skip: int) -> None:
    """H33: a change is missing: the strategy sees no book, the gate takes no new risk, an exit passes; a snapshot heals it."""
    market = Market()
    (first,) = market.want(Signal.buy(BTC, D(1)))
    assert isinstance(first, Approved)
    market.change(bids=[level("99.9")], skip=skip)
    shown = len(market.strategy.books)
    (entry,) = market.want(Signal.buy(BTC, D(1)))
    assert failed(entry) == {"symbol_trust"}  # type: ignore[arg-type]
    market.change(bids=[level("99.8")])
    assert len(market.strategy.books) == shown
    (exit_,) = market.want(Signal.close(BTC))
    assert isinstance(exit_, Approved)
    market.snapshot()
    assert len(market.strategy.books) == shown + 1
    (entry,) = market.want(Signal.buy(BTC, D(1)))
    assert isinstance(entry, Approved)


@settings(max_examples=40)
@given(st.integers(2, 12), st.data())
def test_h33_any_lost_change_is_noticed_before_the_next_order(changes: int, data: st.DataObject) -> None:
    """H33: of any run of changes any one is lost: from the next one on nothing is opened."""
    market = Market()
    lost = data.draw(st.integers(1, changes - 1))
    for n in range(changes):
        market.change(bids=[level(str(99 - n))], skip=1 if n == lost else 0)
        (verdict,) = market.want(Signal.buy(BTC, D(1), price=D(90)))
        assert isinstance(verdict, Approved) is (n < lost)


@pytest.mark.parametrize("bid", ["100.1", "100.2", "150"])
def test_h34_on_a_locked_or_crossed_book_nothing_is_opened(bid: str) -> None:
    """H34: a level that was not removed leaves a book that cannot be; it is invalid until the next snapshot."""
    market = Market()
    market.want(Signal.buy(BTC, D(1)))
    market.change(bids=[level(bid)])
    assert market.session.made(Quarantined)[-1].rule == "crossed"
    (entry,) = market.want(Signal.buy(BTC, D(1)))
    assert failed(entry) == {"symbol_trust"}  # type: ignore[arg-type]
    (exit_,) = market.want(Signal.close(BTC))
    assert isinstance(exit_, Approved)
    market.snapshot()
    (entry,) = market.want(Signal.buy(BTC, D(1)))
    assert isinstance(entry, Approved)


def test_h34_a_size_of_zero_removes_and_does_not_cross() -> None:
    """H34: the venue removes the old bid and shows a lower ask: a good book, and one may trade on it."""
    market = Market()
    market.change(bids=[level("100", 0), level("99.8")], asks=[level("99.9")])
    assert not market.session.made(Quarantined)
    assert market.session.state.market.best(BTC) == (D("99.8"), D("99.9"))
    (entry,) = market.want(Signal.buy(BTC, D(1)))
    assert isinstance(entry, Approved)


def test_h34_a_crossed_quote_is_no_quote_and_the_price_before_it_ages() -> None:
    """H34, C4: a crossed quote is not believed; the last price counts until its age limit, then nothing is opened."""
    session = Session(RiskConfig(reference_age_ms_max=1_000))
    session.quote(100, "100.1")
    session.want(Signal.buy(BTC, D(1), price=D(99)))
    for n in range(1, 16):
        session.tell(Quote(session.now + n * 100 * MS, D("100.2"), D(100), D(5), D(5)))
    assert session.state.market.best(BTC) is None
    assert len(session.made(Quarantined)) == 15
    assert not session.sent


def candle(n: int, price: int = 100) -> Candle:
    p = D(price)
    return Candle(Session().now + n * MINUTE, p, p + 1, p - 1, p, D(5), BTC, MINUTE)


@pytest.mark.parametrize("silent", [1, 2, 3, 4, 10])
def test_h41_when_candles_stop_nothing_is_opened_and_the_exit_is_open(silent: int) -> None:
    """H41: after three intervals of silence the candles are stale; the strategy still runs on trades and may only leave."""
    strategy = BookWatcher()
    session = Session(strategies=[strategy])
    first = session.now
    for n in range(5):
        session.play(Candle(first + n * MINUTE, D(100), D(101), D(99), D(100), D(5), BTC, MINUTE))
    strategy.wants.append(Signal.buy(BTC, D(1)))
    session.play(Candle(first + 5 * MINUTE, D(100), D(101), D(99), D(100), D(5), BTC, MINUTE))
    session.play(Candle(first + 6 * MINUTE, D(100), D(101), D(99), D(100), D(5), BTC, MINUTE))
    assert session.held() == 1
    last = first + 7 * MINUTE
    strategy.wants.append(Signal.buy(BTC, D(1)))
    session.play(Trade(last + silent * MINUTE + MS, D(100), D(1), BTC))
    verdict = verdicts(session.decisions)[-1]
    assert isinstance(verdict, Approved) is (silent < 3)
    assert isinstance(verdict, Approved) or failed(verdict) == {"symbol_trust"}
    strategy.wants.append(Signal.sell(BTC, D(1), reduce_only=True))
    session.play(Trade(last + silent * MINUTE + 2 * MS, D(100), D(1), BTC))
    assert isinstance(verdicts(session.decisions)[-1], Approved)


def test_h41_old_candles_that_arrive_late_are_not_traded() -> None:
    """H41: after an outage the feed catches up with what is long over: refused as too old, and no strategy runs on it."""
    strategy = BookWatcher()
    session = Session(strategies=[strategy])
    now = session.now + 60 * MINUTE
    for n in range(5):
        strategy.wants = [Signal.buy(BTC, D(1))]
        session.tell(Candle(session.now + n * MINUTE, D(100), D(101), D(99), D(100), D(5), BTC, MINUTE, now))
        assert session.made(Quarantined)[-1].rule == "too_old"
    assert not session.sent
    assert strategy.wants


def test_h41_a_stream_that_is_down_stops_new_risk_at_once() -> None:
    """H41, H35: the connection says so itself; no bound has to pass."""
    session = Session()
    session.trade(Signal.buy(BTC, D(1)))
    session.tell(StreamStatus(session.now, BTC, "quote", False, "closed by the venue"))
    (entry,) = verdicts(session.trade(Signal.buy(BTC, D(1))))
    assert failed(entry) == {"symbol_trust"}
    session.tell(StreamStatus(session.now, BTC, "quote", True))
    (entry,) = verdicts(session.trade(Signal.buy(BTC, D(1))))
    assert isinstance(entry, Approved)
