"""Binance's books: recordings replayed to the last level, and every gap found, told and healed."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.core.market.books import Book
from kedge.core.strategy.base import BaseStrategy, Wishes
from kedge.model.decisions import Approved, Refused
from kedge.model.facts import StreamStatus
from kedge.model.market import BookDelta, OrderBook, Quote, Trade
from kedge.model.money import canonical
from kedge.model.signal import Signal, Wish
from kedge.venues.binance.protocol import market, streams
from kedge.venues.binance.protocol.product import SEQUENCE_RULES, Product
from kedge.venues.feed.books import BookSync, Need
from tests.safety.trading import BTC, MS, START, Session, failed
from tests.venue_vectors.binance_listing import listing_of

D = Decimal
_UPDATE = re.compile(rb'"u":(\d+)')
CAPTURES = {Product.SPOT: "raw_binance_spot_btcusdt_20240808", Product.USDM: "raw_binance_usdm_btcusdt_20240808"}


# recordings ----------------------------------------------------------------------------------------------------------


class Replay:
    """Bytes of a recording through the protocol, the resynchronization and the core's book."""

    def __init__(self, product: Product, raw: str) -> None:
        self.listing = listing_of(product, {"symbol": raw})
        self.symbol = self.listing.symbol(raw)
        self.rule = SEQUENCE_RULES[product]
        self.sync = BookSync(self.rule, holds=True)
        self.book = Book(self.rule)
        self.quotes: dict[int, Quote] = {}
        self.changes = self.applied = self.matches = self.mismatches = self.trades = 0

    def take(self, message: bytes, received: int) -> None:
        if b'"lastUpdateId"' in message[:60]:
            self.snapshot(message, received)
            return
        told = streams.parse(message, self.listing, received)
        assert not isinstance(told, streams.Notice)
        for fact in told:
            if fact.symbol != self.symbol:
                continue
            if isinstance(fact, BookDelta):
                self.changes += 1
                self.follow(self.sync.change(fact).facts)
            elif isinstance(fact, Quote):
                self.quote(int(_UPDATE.findall(message)[0]), fact)
            elif isinstance(fact, Trade):
                self.trades += 1

    def snapshot(self, message: bytes, received: int) -> None:
        step = self.sync.snapshot(market.book(message, self.symbol, received))
        assert step.need is Need.NOTHING
        assert step.up
        self.follow(step.facts)

    def follow(self, facts: Sequence[OrderBook | BookDelta]) -> None:
        for fact in facts:
            if isinstance(fact, OrderBook):
                assert self.book.reset(fact.bids, fact.asks, fact.sequence) is None
            else:
                assert self.book.apply(fact) is None
                self.applied += 1
                self.compare(self.quotes.pop(fact.sequence, None))

    def quote(self, update: int, quote: Quote) -> None:
        """The venue's own best prices as of one update: they may come before the change that leads there, or after."""
        if self.applied and update == self.book.sequence:
            self.compare(quote)
        else:
            self.quotes[update] = quote

    def compare(self, quote: Quote | None) -> None:
        if quote is not None:
            same = (self.book.best_bid, self.book.best_ask) == (
                (quote.bid, quote.bid_size),
                (quote.ask, quote.ask_size),
            )
            self.matches += same
            self.mismatches += not same

    def agrees_with(self, expected: dict[str, Any]) -> None:
        bids, asks = self.book.levels()
        assert not self.book.invalid
        assert self.book.sequence == expected["final_update_id"]
        assert (len(bids), len(asks)) == (expected["bid_levels"], expected["ask_levels"])
        for ours, theirs in ((bids, expected["top10_bids"]), (asks, expected["top10_asks"])):
            assert ours[:10] == [(D(price), D(size)) for price, size in theirs]
        assert self.applied == expected["applied_events"]
        assert self.changes - self.applied == expected["dropped_events"]
        assert (self.matches, self.mismatches) == (expected["bookticker_matches"], 0)
        text = "#".join("|".join(f"{canonical(p)}:{canonical(q)}" for p, q in side) for side in (bids, asks))
        assert hashlib.sha256(text.encode()).hexdigest() == expected["sha256"]


def expected_books(shared: Path, capture: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "data" / "expected_books.json").read_text())["captures"][capture]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("product", Product)
def test_a_recorded_book_is_exact_to_the_last_level(shared: Path, product: Product) -> None:
    replay = Replay(product, "BTCUSDT")
    with gzip.open(shared / "data" / f"{CAPTURES[product]}.txt.gz") as lines:
        for line in lines:
            stamp, _, message = line.partition(b" ")
            if message.strip():
                replay.take(message, int(stamp))
    replay.agrees_with(expected_books(shared, CAPTURES[product])[0])
    assert replay.trades > 1_000


def test_four_books_of_one_connection_are_exact(shared: Path) -> None:
    capture = "raw_cryptofeed_BINANCE"
    expected = {each["symbol"]: each for each in expected_books(shared, capture)}
    replays = {raw: Replay(Product.SPOT, raw) for raw in expected}
    everyone = listing_of(Product.SPOT, [{"symbol": raw} for raw in expected])
    messages = list(_cryptofeed(shared / "data" / f"{capture}.ws.1.0.txt.gz"))
    with gzip.open(shared / "data" / f"{capture}.http.0.0.txt.gz", "rt") as lines:
        snapshots = {
            line.partition("symbol=")[2].partition("&")[0]: line.partition(" -> ")[2].partition(": ")[2]
            for line in lines
            if "/depth?symbol=" in line
        }
    for raw, replay in replays.items():
        replay.listing, replay.symbol = everyone, everyone.symbol(raw)
        replay.snapshot(snapshots[raw].encode(), 1)
        for received, message in messages:
            replay.take(message, received)
        replay.agrees_with(expected[raw])


def _cryptofeed(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path) as lines:
        next(lines)
        for line in lines:
            stamp, _, message = line.partition(b": ")
            if message.strip() and b'"result"' not in message[:12]:
                yield int(float(stamp) * 1e9), message


# gaps ----------------------------------------------------------------------------------------------------------------


class Watcher(BaseStrategy):
    """Wants at a trade what the test says."""

    def name(self) -> str:
        return "watcher"

    def required_symbols(self) -> Sequence[str]:
        return [BTC]

    def reset(self) -> None:
        self.wants: list[Wish] = []

    def on_trade(self, trade: Trade) -> Wishes:
        wants, self.wants = self.wants, []
        return wants


@dataclass
class Venue:
    """A book at the venue that writes Binance's own messages: spot without holes in its numbers, futures with."""

    product: Product
    dice: Random
    update: int = 1_000
    bids: dict[int, int] = field(default_factory=lambda: {100 - n: 5 for n in range(1, 6)})
    asks: dict[int, int] = field(default_factory=lambda: {100 + n: 5 for n in range(1, 6)})

    def change(self, at_ms: int) -> bytes:
        previous = self.update
        first = previous + 1 + (self.dice.randrange(50) if self.product is Product.USDM else 0)
        self.update = first + self.dice.randrange(4)
        sides: dict[str, list[list[str]]] = {"b": [], "a": []}
        for name, levels, offset in (("b", self.bids, -1), ("a", self.asks, 1)):
            for _ in range(1 + self.dice.randrange(3)):
                price, size = 100 + offset * (1 + self.dice.randrange(9)), self.dice.randrange(4)
                if size or (len(levels) > 1 and price in levels):
                    levels.pop(price, None)
                    if size:
                        levels[price] = size
                    sides[name].append([str(price), str(size)])
        told = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": first, "u": self.update, **sides}
        if self.product is Product.USDM:
            told |= {"T": at_ms, "pu": previous}
        return json.dumps(told).encode()

    def snapshot(self, at_ms: int) -> bytes:
        sides = {
            "bids": [[str(p), str(self.bids[p])] for p in sorted(self.bids, reverse=True)],
            "asks": [[str(p), str(self.asks[p])] for p in sorted(self.asks)],
        }
        return json.dumps({"lastUpdateId": self.update, "E": at_ms, "T": at_ms, **sides}).encode()

    def levels(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        bids = [(D(p), D(self.bids[p])) for p in sorted(self.bids, reverse=True)]
        return bids, [(D(p), D(self.asks[p])) for p in sorted(self.asks)]


class Connected:
    """The venue's messages through our protocol and resynchronization into a trading session."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.strategy = Watcher()
        self.session = Session(strategies=[self.strategy])
        self.listing = listing_of(venue.product, {"symbol": "BTCUSDT"})
        self.sync = BookSync(SEQUENCE_RULES[venue.product], holds=True)
        self.now_ms = START // MS
        self.needs_snapshot = True
        self.took = 0

    def hear(self, message: bytes) -> None:
        told = streams.parse(message, self.listing, 0)
        assert not isinstance(told, streams.Notice)
        (delta,) = told
        assert isinstance(delta, BookDelta)
        self._step(self.sync.change(delta))

    def resynchronize(self) -> None:
        self.needs_snapshot = False
        self._step(self.sync.snapshot(market.book(self.venue.snapshot(self._tick()), BTC, 0)))

    def wants_to_buy(self) -> bool:
        """Whether an order that increases risk passes the gate now."""
        before = len(self.session.decisions)
        self.strategy.wants.append(Signal.buy(BTC, D("0.1")))
        self.session.play(Trade(self._tick() * MS, D(100), D(1), BTC, None, str(self.now_ms)))
        (verdict,) = [each for each in self.session.decisions[before:] if isinstance(each, Approved | Refused)]
        if isinstance(verdict, Refused):
            assert "symbol_trust" in failed(verdict), verdict.reason
        return isinstance(verdict, Approved)

    def _step(self, step: Any) -> None:
        if step.down:
            self.session.tell(StreamStatus(self._tick() * MS, BTC, "book", up=False, reason=step.down))
        for fact in step.facts:
            self.session.play(fact)
            self.took += 1
        if step.up:
            self.session.tell(StreamStatus(self._tick() * MS, BTC, "book", up=True))
        self.needs_snapshot = self.needs_snapshot or step.need is Need.SNAPSHOT

    def _tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def book(self) -> Book:
        record = self.session.state.market.record(BTC)
        assert record is not None
        return record.book


@pytest.mark.parametrize("product", Product)
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), lost=st.sets(st.integers(0, 24), max_size=5), patience=st.integers(0, 4))
def test_every_gap_is_found_at_once_stops_orders_and_heals(
    product: Product, seed: int, lost: set[int], patience: int
) -> None:
    venue = Venue(product, Random(seed))
    ours = Connected(venue)
    ours.resynchronize()
    behind, wait = False, 0
    for n in range(25):
        message = venue.change(ours._tick())
        if n in lost:
            behind = True
        else:
            ours.hear(message)
            assert not (behind and ours.sync.live), "a change was missing and the book was believed"
            if not behind:
                assert ours.sync.live
        if ours.needs_snapshot:
            wait += 1
            if wait > patience:
                ours.resynchronize()
                behind, wait = False, 0
        if ours.sync.live:
            if not behind:  # what is lost last shows with the next change
                assert ours.book().levels() == venue.levels()
        else:
            assert not ours.wants_to_buy()
    if not behind:
        assert ours.wants_to_buy()


def test_the_other_venues_rule_would_not_do() -> None:
    """Futures numbers have holes: spot's rule finds a gap where there is none, and futures' rule is never satisfied on spot."""
    futures = Connected(Venue(Product.USDM, Random(3)))
    futures.sync = BookSync(SEQUENCE_RULES[Product.SPOT], holds=True)
    futures.resynchronize()
    for _ in range(20):
        futures.hear(futures.venue.change(futures._tick()))
    assert not futures.sync.live
