"""The gateway through ccxt, against the emulators of Binance Spot and Coinbase over a socket."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kedge.model.decisions import CancelRequested, QueryRequested
from kedge.model.facts import Fill, OrderAccepted, OrderRejected, OrderReport, OutcomeUnknown, StreamStatus
from kedge.model.instant import NS_PER_S
from kedge.model.market import OrderBook, Trade
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.answers import ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt.shell import CcxtGateway
from kedge.venues.gateway import Subscription
from tests.venues.ccxt.bench import at_emulator, later, until
from tests.venues.coinbase.bench import approved

#: BTC against the venue's dollar, in ccxt's words.
SYMBOLS = {"coinbase": "BTC-USD", "binance": "BTC-USDT"}
BOTH = pytest.mark.parametrize("venue", list(SYMBOLS))


def order(venue: str, order_id: str, *given: Any, **more: Any) -> Any:
    from msgspec import structs

    made = approved(order_id, *given, **more)
    return structs.replace(made, intent=structs.replace(made.intent, symbol=SYMBOLS[venue]))


def whole(answer: Any) -> Any:
    assert isinstance(answer, Whole), answer
    return answer.value


@BOTH
async def test_the_market_and_the_account(venue: str) -> None:
    symbol = SYMBOLS[venue]
    async with at_emulator(venue) as bench:
        listed = {each.symbol: each for each in whole(await bench.gateway.get_instruments())}
        truth = next(iter(bench.front.exchange.instruments.values()))
        assert listed[symbol].tick_size == truth.tick_size
        assert listed[symbol].lot_size == truth.lot_size
        assert listed[symbol].min_notional > 0
        book = whole(await bench.gateway.get_order_book(symbol, 5))
        tape = next(iter(bench.front.exchange.tapes.values()))
        assert list(book.bids) == tape.levels(asks=False, limit=5), "to the last digit"
        assert whole(await bench.gateway.get_trades(symbol))
        minute, now = 60 * NS_PER_S, bench.front.timeline.now
        candles = whole(
            await bench.gateway.get_candles(symbol, minute, now - now % minute - 30 * minute, now - now % minute)
        )
        assert [each.ts for each in candles] == sorted(each.ts for each in candles)
        assert len(candles) == 30
        held = whole(await bench.gateway.get_balances())
        assert held["BTC"].total == bench.front.exchange.balance("BTC")
        assert whole(await bench.gateway.get_positions()) == ()
        assert isinstance(await bench.gateway.arm_dead_mans_switch(symbol, 1000), Failed)


@BOTH
async def test_the_life_of_an_order(venue: str) -> None:
    async with at_emulator(venue) as bench:
        facts: list[Any] = []
        stream = bench.gateway.user_stream(facts.append)
        await stream.start()
        (accepted,) = await bench.gateway.place_order(order(venue, "k-1-1"))
        assert isinstance(accepted, OrderAccepted), accepted

        async def ask() -> Any:
            return (await bench.gateway.query_order(QueryRequested("k-1-1", "test")))[-1]

        await later(ask, lambda fact: isinstance(fact, OrderReport) and fact.status is OrderStatus.OPEN)
        (working,) = whole(await bench.gateway.get_open_orders(SYMBOLS[venue]))
        assert (working.order_id, working.price, working.quantity) == ("k-1-1", Decimal(50000), Decimal("0.01"))
        assert list(await bench.gateway.cancel_order(CancelRequested("k-1-1", "test"))) == []
        await later(ask, lambda fact: fact.status is OrderStatus.CANCELLED)
        (sold,) = await bench.gateway.place_order(order(venue, "k-1-2", OrderType.MARKET, Side.SELL, price=None))
        assert isinstance(sold, OrderAccepted), sold
        await until(lambda: sum(fact.quantity for fact in facts if isinstance(fact, Fill)) == Decimal("0.01"))
        fill = next(fact for fact in facts if isinstance(fact, Fill))
        assert (fill.order_id, fill.side) == ("k-1-2", Side.SELL)
        assert fill.fee > 0
        await stream.stop()
        assert bench.gateway.breaches == {}


@BOTH
async def test_a_lost_answer_is_unknown_and_then_found_and_never_sent_again(venue: str) -> None:
    async with at_emulator(venue) as bench:
        bench.fault("drop_after", path="/api/v3/order" if venue == "binance" else "/api/v3/brokerage/orders")
        (lost,) = await bench.gateway.place_order(order(venue, "k-1-1"))
        assert isinstance(lost, OutcomeUnknown), lost

        async def ask() -> Any:
            return (await bench.gateway.query_order(QueryRequested("k-1-1", "test")))[-1]

        found = await later(ask, lambda fact: isinstance(fact, OrderReport))
        assert found.status is OrderStatus.OPEN
        assert len(bench.front.exchange.orders) == 1


@BOTH
async def test_refusals_and_errors(venue: str) -> None:
    async with at_emulator(venue) as bench:
        (refused,) = await bench.gateway.place_order(order(venue, "k-1-1", quantity="5000", price="20000"))
        assert isinstance(refused, OrderRejected | OutcomeUnknown), refused
        for kind in set(OrderType) - {OrderType.LIMIT, OrderType.MARKET, *bench.gateway.capabilities.order_types}:
            (not_sent,) = await bench.gateway.place_order(order(venue, "k-1-2", kind))
            assert isinstance(not_sent, OrderRejected)
            assert kind.value in not_sent.reason
        assert not bench.front.exchange.open_orders()
        answer = await bench.gateway.get_order_book("NO-SUCH")
        assert isinstance(answer, Failed)
        assert answer.kind is ErrorClass.OURS
        assert isinstance(await bench.gateway.get_fills_since("", 0), Partial | Whole)


async def test_a_market_buy_sized_in_money_is_not_sent() -> None:
    async with at_emulator("coinbase") as bench:
        (fact,) = await bench.gateway.place_order(order("coinbase", "k-1-1", OrderType.MARKET, price=None))
        assert isinstance(fact, OrderRejected)
        assert "sized in money" in fact.reason


async def test_streams_of_ccxt_pro() -> None:
    async with at_emulator("coinbase") as bench:
        facts: list[Any] = []
        stream = bench.gateway.market_stream(
            [Subscription("book", "BTC-USD"), Subscription("trades", "BTC-USD")], facts.append
        )
        for market in bench.front.exchange.markets.values():
            market.frozen = False
        await stream.start()
        await until(lambda: any(isinstance(fact, Trade) for fact in facts))
        assert any(isinstance(fact, OrderBook) for fact in facts)
        assert all(fact.up for fact in facts if isinstance(fact, StreamStatus))
        await stream.stop()


async def test_cancel_all_takes_ours_alone() -> None:
    async with at_emulator("coinbase") as bench:
        await bench.gateway.place_order(order("coinbase", "k-1-1"))
        await bench.gateway.place_order(order("coinbase", "somebody else's"))
        await later(lambda: bench.gateway.get_open_orders("BTC-USD"), lambda answer: len(whole(answer)) == 2)
        assert whole(await bench.gateway.cancel_all("BTC-USD")) == ("k-1-1",)
        left = await later(lambda: bench.gateway.get_open_orders("BTC-USD"), lambda answer: len(whole(answer)) == 1)
        assert [each.order_id for each in left.value] == [""]


def test_an_unknown_venue_is_said() -> None:
    with pytest.raises(ValueError, match="no venue 'nowhere'"):
        CcxtGateway("nowhere")


def test_what_ccxt_cannot_do_safely_is_in_the_capabilities() -> None:
    able = CcxtGateway("kraken").capabilities
    assert able.order_types == {OrderType.MARKET, OrderType.LIMIT}
    beyond = able.replace, able.dead_mans_switch, able.leverage, able.query_by_client_id, able.idempotent_place
    assert not any(beyond)


def test_secrets_are_blotted_out() -> None:
    import ccxt

    gateway = CcxtGateway("kraken", "CANARYKEY", "Q0FOQVJZU0VDUkVU")
    failed = gateway._connection.failure(ccxt.ExchangeError("bad CANARYKEY Q0FOQVJZU0VDUkVU"))
    assert "CANARY" not in failed.message
    assert "Q0FOQVJZU0VDUkVU" not in failed.message
    assert "CANARY" not in repr(vars(gateway))


def test_three_quarters_of_what_the_venue_allows_and_a_reserve_for_exits() -> None:
    import ccxt

    for venue in ("kraken", "coinbase"):
        connection = CcxtGateway(venue)._connection
        allowed = 1 / max(ccxt.kraken().rateLimit if venue == "kraken" else 100, 1)
        used = 1 / connection.trading.rateLimit + 1 / connection.exits.rateLimit
        assert used <= allowed * 0.76
        assert connection.exits.rateLimit > connection.trading.rateLimit
