"""Binance's parsers, with real messages of each kind (official examples and recordings)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedge.venues.binance.protocol import account, instruments, market, reports, streams, wsapi
from kedge.venues.binance.protocol.errors import failure
from kedge.venues.binance.protocol.executions import executions_of
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.user_stream import UserStream
from tests.fuzz_parsers.binance_messages import (
    ACCOUNTS,
    ERRORS,
    FUTURES_STREAMS,
    FUTURES_USER,
    LISTINGS,
    MARKET_ANSWERS,
    ORDERS,
    SPOT_STREAMS,
    SPOT_USER,
    TRADES,
    WS_ANSWERS,
)
from tests.fuzz_parsers.fire import Parser

NEVER_NS = 4_000_000_000_000_000_000
_LISTING = instruments.listing(Product.USDM, LISTINGS[1])
_SPOT_LISTING = instruments.listing(Product.SPOT, LISTINGS[0])


def _first_that_reads(*readers: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """All readers in turn: whatever one of them accepts must be sane."""

    def parse(message: bytes) -> Any:
        from kedge.model.errors import VenueError

        answers: list[Any] = []
        refusal: VenueError | None = None
        for read in readers:
            try:
                answers.append(read(message))
            except VenueError as error:
                refusal = error
        if not answers:
            assert refusal is not None, "there is a reader"
            raise refusal
        return answers

    return parse


def _market(product: Product) -> Callable[[bytes], Any]:
    listing = _SPOT_LISTING if product is Product.SPOT else _LISTING

    def parse(message: bytes) -> Any:
        settlements = streams.Settlements()
        answer = streams.parse(message, listing, 9, settlements)
        return [answer, *(settlements.awaited(each.instrument.symbol) for each in listing)]

    return parse


def _listing(message: bytes) -> Any:
    answers = []
    for product in Product:
        found = instruments.listing(product, message)
        answers.append([list(found.by_raw.values()), found.rate_limits])
    return answers


PARSERS = [
    Parser("binance-spot-streams", SPOT_STREAMS, _market(Product.SPOT)),
    Parser("binance-futures-streams", FUTURES_STREAMS, _market(Product.USDM)),
    Parser("binance-spot-user", SPOT_USER, lambda m: UserStream(_SPOT_LISTING).read(m, 9)),
    Parser("binance-futures-user", FUTURES_USER, lambda m: UserStream(_LISTING).read(m, 9)),
    Parser(
        "binance-orders",
        ORDERS,
        _first_that_reads(
            reports.order_state,
            reports.order_states,
            reports.batch_states,
            reports.replacement,
            reports.list_states,
            reports.amended,
        ),
    ),
    Parser("binance-executions", TRADES, executions_of),
    Parser(
        "binance-market-answers",
        MARKET_ANSWERS,
        _first_that_reads(
            lambda m: market.book(m, "BTC-USD", 9),
            lambda m: market.trades(m, "BTC-USD", 9),
            lambda m: market.agg_trades(m, "BTC-USD", 9),
            lambda m: market.candles(m, "BTC-USD", 60_000_000_000, NEVER_NS),
            lambda m: market.quotes(m, {"BTCUSDT": "BTC-USD", "LTCBTC": "LTC-BTC"}, 9),
            market.premiums,
            lambda m: market.funding(m, "BTC-USD", 9),
            market.server_time,
        ),
    ),
    Parser("binance-listing", LISTINGS, _listing),
    Parser(
        "binance-account",
        ACCOUNTS,
        _first_that_reads(
            account.balances,
            account.balance_rows,
            lambda m: account.positions(m, _LISTING),
            account.fees,
            account.brackets,
            account.incomes,
            account.config,
            lambda m: account.margin_settings(m, _LISTING, "BTC-USD"),
            account.leverage_set,
            lambda m: account.key_permissions(m, futures=True),
            account.countdown,
            account.listen_key,
        ),
    ),
    Parser("binance-errors", ERRORS, lambda m: failure(400, {"retry-after": m[:8].decode("latin-1")}, m, 9)),
    Parser("binance-ws-answers", WS_ANSWERS, lambda m: wsapi.answer(m, 9)),
]
