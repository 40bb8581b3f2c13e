"""A real recording of Coinbase Exchange (2021) through our parser and our books, held against the venue's own tickers.

`expected_books.json` has no entry for it, so the oracle is the ticker: each tells the best prices after a match, from
another channel of the same venue. Tickers and book changes are not in step, so a ticker is held against the book before it
and against the changes of the next moments.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

from kedge.core.market.books import Book
from kedge.model.market import BookDelta, OrderBook, Trade
from kedge.model.sequence import unnumbered
from kedge.venues.coinbase import exchange

_NEAR = 40  # messages of the same product before and after a ticker


def test_the_recorded_books_agree_with_the_recorded_tickers(shared: Path) -> None:
    with gzip.open(shared / "data" / "raw_cryptofeed_COINBASE.ws.28.0.txt.gz", "rt") as file:
        lines = [line.partition(": ")[2].strip() for line in file if not line.startswith("wss://") and ": " in line]
    books: dict[str, Book] = defaultdict(lambda: Book(unnumbered))
    tops: dict[str, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    tickers: list[tuple[str, int, tuple[Decimal, Decimal]]] = []
    kinds: Counter[str] = Counter()
    for n, line in enumerate(lines):
        kind = json.loads(line)["type"]
        kinds[kind] += 1
        if kind == "ticker":
            product, bid, ask = exchange.best(line)
            tickers.append((product, len(tops[product]), (bid, ask)))
        for fact in exchange.facts(line, 1_618_677_817_000_000_000 + n):
            if isinstance(fact, OrderBook):
                assert books[fact.symbol].reset(fact.bids, fact.asks) is None
            elif isinstance(fact, BookDelta):
                assert books[fact.symbol].apply(fact) is None, "neither crossed nor without a snapshot"
            else:
                assert isinstance(fact, Trade)
                continue
            book = books[fact.symbol]
            assert book.best_bid is not None
            assert book.best_ask is not None
            tops[fact.symbol].append((book.best_bid[0], book.best_ask[0]))
    assert kinds["l2update"] > 3_000, kinds
    assert len(books) == 10
    compared = [(product, at, top) for product, at, top in tickers if at >= _NEAR]
    near = [top in tops[product][at - _NEAR : at + _NEAR] for product, at, top in compared]
    assert len(near) >= 10, "the recording has tickers"
    assert sum(near) >= len(near) * 95 // 100, f"{sum(near)} of {len(near)}"
