"""The gateway against the emulator: each call of the port, and what the venue's words become."""

from __future__ import annotations

import asyncio
import json

import pytest

from kedge.model.errors import ConfigError, UserError, WorldError
from kedge.model.facts import (
    CancelRejected,
    Fill,
    FundingPayment,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
)
from kedge.model.instant import NS_PER_S
from kedge.model.order import OrderStatus, OrderType, Side, TimeInForce
from kedge.model.secret import Secret
from kedge.venues.answers import ErrorClass, Failed, Partial, Whole
from kedge.venues.emulator.faults import Fault
from kedge.venues.emulator.front import Front
from kedge.venues.gateway import MarginMode, MarginSettings
from kedge.venues.hyperliquid.shell import HyperliquidGateway
from kedge.venues.wire.virtual import START_NS
from tests.venues.hyperliquid.world import BTC, HYPE_SPOT, IOC, World, cancel, d, listening, order, play, query, whole

MINUTE = 60 * NS_PER_S


def test_the_market() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        listed = {each.symbol: each for each in whole(await gateway.get_instruments())}
        assert set(listed) == {"BTC-USD", "ETH-USD", "SOL-USD", "HYPE-USD", "PURR-USDC", "HYPE-USDC"}
        bitcoin = listed[BTC]
        assert (bitcoin.tick_size, bitcoin.lot_size, bitcoin.max_leverage) == (d(1), d("0.00001"), d(40))
        assert (bitcoin.quote, bitcoin.settle, bitcoin.min_notional, bitcoin.taker_fee) == (
            "USDC",
            "USDC",
            d(10),
            d("0.00045"),
        )
        assert listed[HYPE_SPOT].tick_size == d("0.001")
        world.freeze()
        book = whole(await gateway.get_order_book(BTC, 5))
        assert (len(book.bids), len(book.asks)) == (5, 5)
        assert book.asks[0][0] == world.best("BTC", asks=True)
        trades = whole(await gateway.get_trades(BTC))
        assert [trade.ts for trade in trades] == sorted(trade.ts for trade in trades)
        mark = whole(await gateway.get_mark_price(BTC))
        assert mark.price == world.venue.exchange.mark("BTC")
        assert whole(await gateway.get_mark_price(HYPE_SPOT)).symbol == HYPE_SPOT
        clock = whole(await gateway.get_clock())
        assert abs(clock.offset_ns) <= clock.uncertainty_ns

    play(scene)


def test_candles_are_those_that_opened_in_the_span_and_have_closed() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        start = START_NS - 10 * MINUTE
        bars = whole(await gateway.get_candles(BTC, MINUTE, start + 1, START_NS + MINUTE))
        assert [bar.ts for bar in bars] == [START_NS - n * MINUTE for n in range(9, 0, -1)]
        assert all(bar.interval == MINUTE for bar in bars)
        assert whole(await gateway.get_candles(BTC, MINUTE, START_NS, START_NS + MINUTE)) == ()
        failed = await gateway.get_candles(BTC, 7, 0, 1)
        assert isinstance(failed, Failed)
        assert failed.kind is ErrorClass.OURS

    play(scene)


def test_an_order_rests_is_found_and_ends() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        price = world.best("BTC", asks=False) - 1000
        (accepted,) = await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", price))
        assert isinstance(accepted, OrderAccepted)
        (reported,) = await gateway.query_order(query("kedge-1-1"))
        assert isinstance(reported, OrderReport)
        assert (reported.status, reported.filled, reported.exchange_id) == (
            OrderStatus.OPEN,
            d(0),
            accepted.exchange_id,
        )
        (found,) = whole(await gateway.get_open_orders(BTC))
        assert (found.order_id, found.price, found.quantity, found.side) == ("kedge-1-1", price, d("0.01"), Side.BUY)
        assert whole(await gateway.get_open_orders("ETH-USD")) == ()
        (ended,) = await gateway.cancel_order(cancel("kedge-1-1"))
        assert isinstance(ended, OrderCancelled)
        assert ended.filled == 0
        (again,) = await gateway.cancel_order(cancel("kedge-1-1"))
        assert isinstance(again, CancelRejected)
        (reported,) = await gateway.query_order(query("kedge-1-1"))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.CANCELLED

    play(scene)


def test_a_gateway_that_remembers_nothing_finds_and_ends_our_orders() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        long_id = "a-very-long-instance-name-of-somebody-1-35"
        for order_id in ("kedge-1-1", long_id):
            await gateway.place_order(order(order_id, Side.BUY, "0.01", world.best("BTC", asks=False) - 1000))
        other = world.gateway()
        await other.open()
        names = [each.order_id for each in whole(await other.get_open_orders())]
        assert sorted(names) == ["", "kedge-1-1"]  # a hashed id is known once the journal has named the order
        (reported,) = await other.query_order(query(long_id))
        assert isinstance(reported, OrderReport)
        assert reported.status is OrderStatus.OPEN
        assert sorted(each.order_id for each in whole(await other.get_open_orders())) == [long_id, "kedge-1-1"]
        (ended,) = await other.cancel_order(cancel("kedge-1-1"))
        assert isinstance(ended, OrderCancelled)
        await other._watch.stop()

    play(scene)


def test_a_market_order_is_bounded_and_comes_with_its_fills() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("BTC", asks=True)
        facts = await gateway.place_order(order("kedge-1-1", Side.BUY, "2", worst=ask))
        assert isinstance(facts[0], OrderAccepted)
        fills = [fact for fact in facts if isinstance(fact, Fill)]
        assert len(facts) == 1 + len(fills)
        assert sum(fill.quantity for fill in fills) == 2
        assert len({fill.trade_id for fill in fills}) == len(fills) > 1
        assert all(fill.fee == (fill.quantity * fill.price * d("0.00045")).quantize(d("1E-8")) for fill in fills)
        since = whole(await gateway.get_fills_since(BTC, 0))
        assert {fill.trade_id for fill in since} == {fill.trade_id for fill in fills}
        assert whole(await gateway.get_fills_since(BTC, since[-1].ts + 1)) == ()
        (position,) = whole(await gateway.get_positions())
        assert (position.symbol, position.quantity, position.leverage) == (BTC, d(2), d(20))
        (reported, *_rest) = [
            fact for fact in await gateway.query_order(query("kedge-1-1")) if isinstance(fact, OrderReport)
        ]
        assert (reported.status, reported.filled) == (OrderStatus.FILLED, d(2))

    play(scene)


def test_orders_of_one_moment_have_nonces_of_their_own() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        price = world.best("BTC", asks=False) - 1000
        placed = await asyncio.gather(
            *(gateway.place_order(order(f"kedge-1-{n}", Side.BUY, "0.01", price)) for n in range(5))
        )
        assert [type(fact) for (fact,) in placed] == [OrderAccepted] * 5

    play(scene)


@pytest.mark.parametrize("more", [0, 1])
def test_h14_what_was_matched_counts_although_its_fills_are_not_told(more: int) -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("ETH", asks=True)
        size = world.venue.exchange.tapes["ETH"].asks[ask]
        world.fault(Fault.ERROR, path="/info", status=503)
        facts = await gateway.place_order(order("kedge-1-1", Side.BUY, size + more, ask, symbol="ETH-USD"))
        accepted, reported = facts
        assert isinstance(accepted, OrderAccepted)
        assert isinstance(reported, OrderReport)
        wanted = OrderStatus.PARTIAL if more else OrderStatus.FILLED
        assert (reported.status, reported.filled) == (wanted, size)

    play(scene)


def test_immediate_orders_end_with_what_they_got() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("BTC", asks=True)
        (refused,) = await gateway.place_order(order("kedge-1-1", Side.BUY, "1", ask - 1, time_in_force=IOC))
        assert isinstance(refused, OrderRejected)
        assert "could not immediately match" in refused.reason
        facts = await gateway.place_order(order("kedge-1-2", Side.BUY, "20", ask, time_in_force=IOC, reduce_only=False))
        assert isinstance(facts[-1], OrderExpired | OrderRejected)

    play(scene)


def test_an_order_larger_than_what_is_there_expires_with_its_part() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("ETH", asks=True)
        size = world.venue.exchange.tapes["ETH"].asks[ask]
        facts = await gateway.place_order(
            order("kedge-1-1", Side.BUY, size + 1, ask, symbol="ETH-USD", time_in_force=IOC)
        )
        last = facts[-1]
        assert isinstance(last, OrderExpired)
        assert last.filled == size
        assert sum(fact.quantity for fact in facts if isinstance(fact, Fill)) == size
        rest = await gateway.place_order(order("kedge-1-2", Side.BUY, 2, ask + d("0.1"), symbol="ETH-USD"))
        assert not isinstance(rest[-1], OrderExpired)

    play(scene)


@pytest.mark.parametrize(
    ("placed", "reason"),
    [
        (order("i-1-1", Side.BUY, "0.0001", 50000), "minimum value"),
        (order("i-1-1", Side.BUY, "1000", 50000), "Insufficient margin"),
        (order("i-1-1", Side.BUY, "0.01", 5000), "80% away"),
        (order("i-1-1", Side.BUY, "0.01", 70000, post_only=True), "immediately matched"),
        (order("i-1-1", Side.SELL, "0.01", 70000, reduce_only=True), "Reduce only"),
        (order("i-1-1", Side.SELL, "1000", "40", symbol=HYPE_SPOT), "Insufficient spot balance"),
        (order("i-1-1", Side.SELL, "0.01", order_type=OrderType.STOP, stop_price=d(70000)), "Invalid TP/SL"),
        (order("i-1-1", Side.BUY, "0.01", 50000, symbol="DOGE-USD"), "not listed"),
        (order("i-1-1", Side.BUY, "0.01", 50000, time_in_force=TimeInForce.FOK), "no fok"),
    ],
)
def test_refusals_are_rejections_in_the_venues_words(placed: object, reason: str) -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        (refused,) = await gateway.place_order(placed)  # type: ignore[arg-type]
        assert isinstance(refused, OrderRejected)
        assert reason in refused.reason

    play(scene)


def test_native_stops_protect_without_us() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        ask = world.best("BTC", asks=True)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.1", worst=ask))
        stop = order("kedge-1-2", Side.SELL, "0.1", order_type=OrderType.STOP, stop_price=ask - 1000, reduce_only=True)
        target = order(
            "kedge-1-3",
            Side.SELL,
            "0.1",
            ask + 2000,
            order_type=OrderType.TAKE_PROFIT,
            stop_price=ask + 1000,
            reduce_only=True,
        )
        for each in (stop, target):
            (accepted,) = await gateway.place_order(each)
            assert isinstance(accepted, OrderAccepted)
        by_id = {each.order_id: each for each in whole(await gateway.get_open_orders())}
        assert (by_id["kedge-1-2"].order_type, by_id["kedge-1-2"].stop_price) == (OrderType.STOP, ask - 1000)
        assert by_id["kedge-1-3"].order_type is OrderType.TAKE_PROFIT
        assert all(each.reduce_only for each in by_id.values())
        world.push("BTC", ask - 1100)
        await asyncio.sleep(3)
        assert whole(await gateway.get_positions()) == ()
        facts = await gateway.query_order(query("kedge-1-2"))
        assert isinstance(facts[-1], OrderReport)
        assert facts[-1].status is OrderStatus.FILLED

    play(scene)


def test_an_order_takes_the_place_of_another() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", bid - 1000))
        old, new = await gateway.replace_order("kedge-1-1", order("kedge-1-2", Side.BUY, "0.02", bid - 900))
        assert isinstance(old, OrderReport)
        assert (old.order_id, old.status) == ("kedge-1-1", OrderStatus.CANCELLED)
        assert isinstance(new, OrderAccepted)
        (found,) = whole(await gateway.get_open_orders())
        assert (found.order_id, found.quantity) == ("kedge-1-2", d("0.02"))
        facts = await gateway.replace_order("kedge-1-1", order("kedge-1-3", Side.BUY, "0.02", bid - 900))
        assert isinstance(facts[-1], OrderRejected)

    play(scene)


def test_all_orders_of_ours_end_and_no_other() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        bid = world.best("BTC", asks=False)
        assert whole(await gateway.cancel_all()) == ()
        for n in range(3):
            await gateway.place_order(order(f"kedge-1-{n}", Side.BUY, "0.01", bid - 1000 - n))
        await gateway.place_order(order("kedge-1-9", Side.SELL, "5", 40, symbol=HYPE_SPOT))
        other = {"a": 0, "b": True, "p": "50000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Gtc"}}}
        world.venue.trading.act({"type": "order", "orders": [other], "grouping": "na"})
        concerned = whole(await gateway.cancel_all(BTC))
        assert sorted(concerned) == [f"kedge-1-{n}" for n in range(3)]
        left = whole(await gateway.get_open_orders())
        assert sorted(each.order_id for each in left) == ["", "kedge-1-9"]

    play(scene)


def test_spot_is_paid_in_what_was_bought() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        before = whole(await gateway.get_balances())
        ask = world.best("@1", asks=True)
        facts = await gateway.place_order(order("kedge-1-1", Side.BUY, "10", worst=ask, symbol=HYPE_SPOT))
        (fill,) = [fact for fact in facts if isinstance(fact, Fill)]
        assert (fill.fee_currency, fill.fee) == ("HYPE", d("0.007"))
        after = whole(await gateway.get_balances())
        assert after["HYPE"].total == before["HYPE"].total + 10 - d("0.007")
        assert after["USDC"].total == before["USDC"].total - 10 * ask
        assert whole(await gateway.get_positions()) == ()
        assert whole(await gateway.get_funding_rates(HYPE_SPOT, 0, START_NS * 2)) == ()

    play(scene)


def test_funding_is_hourly() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.freeze()
        stream = await listening(world, gateway)
        await gateway.place_order(order("kedge-1-1", Side.SELL, "1", worst=world.best("BTC", asks=False)))
        await asyncio.sleep(3600 + 10)
        (rate,) = whole(await gateway.get_funding_rates(BTC, START_NS, START_NS + 3 * 3600 * NS_PER_S))
        assert (rate.ts - START_NS, rate.rate) == (3600 * NS_PER_S, d("0.0000125"))
        (paid,) = whole(await gateway.get_funding_since(BTC, START_NS))
        assert (paid.position, paid.ts) == (d(-1), rate.ts)
        assert paid.amount == (world.venue.exchange.tapes["BTC"].funding[0].mark * rate.rate).quantize(d("1E-6"))
        assert whole(await gateway.get_funding_since("ETH-USD", START_NS)) == ()
        (told,) = [fact for fact in world.facts if isinstance(fact, FundingPayment)]
        assert (told.symbol, told.position, told.rate, told.amount) == (BTC, d(-1), paid.rate, paid.amount)
        await stream.stop()

    play(scene)


def test_leverage_and_mode_are_read_back() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        wanted = MarginSettings(BTC, d(7), MarginMode.ISOLATED)
        assert whole(await gateway.set_margin(wanted)) == wanted
        assert whole(await gateway.get_margin(BTC)) == wanted
        for bad in (MarginSettings(BTC, d("2.5"), MarginMode.CROSS), MarginSettings(BTC, d(41), MarginMode.CROSS)):
            failed = await gateway.set_margin(bad)
            assert isinstance(failed, Failed)
            assert failed.code == "unsupported"
        assert isinstance(await gateway.get_margin(HYPE_SPOT), Failed)
        assert whole(await gateway.get_margin(BTC)) == wanted

    play(scene)


def test_the_dead_mans_switch_ends_every_order() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        bid = world.best("BTC", asks=False)
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", bid - 2000))
        fires = whole(await gateway.arm_dead_mans_switch("", 10_000))
        assert fires == world.clock.now_ns() + 10 * NS_PER_S - 20 * 10**6
        await asyncio.sleep(8)
        whole(await gateway.arm_dead_mans_switch("", 10_000))
        await asyncio.sleep(5)
        assert len(whole(await gateway.get_open_orders())) == 1
        assert whole(await gateway.arm_dead_mans_switch("", 0)) == 0
        await asyncio.sleep(20)
        assert len(whole(await gateway.get_open_orders())) == 1
        whole(await gateway.arm_dead_mans_switch("", 6_000))
        await asyncio.sleep(7)
        assert whole(await gateway.get_open_orders()) == ()
        failed = await gateway.arm_dead_mans_switch("", 5_999)
        assert isinstance(failed, Failed)

    play(scene)


def test_keys_and_what_they_may() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        agent = whole(await gateway.get_key_permissions())
        assert (agent.trade, agent.withdraw) == (True, False)
        master = whole(await world.gateway("private_key").get_key_permissions())
        assert (master.trade, master.withdraw) == (True, True)
        vault = world.gateway(vault_address="0x" + "22" * 20)
        assert whole(await vault.get_key_permissions()) == agent
        assert whole(await vault.get_positions()) == ()
        stranger = HyperliquidGateway(
            "http://hl.test",
            world.keys["wallet_address"],
            Secret("0x" + "11" * 32),
            http=world.network,
            clock=world.clock,
        )
        nobody = whole(await stranger.get_key_permissions())
        assert (nobody.trade, nobody.withdraw) == (False, False)
        failed = await stranger.arm_dead_mans_switch("", 10_000)
        assert isinstance(failed, Failed)
        assert (failed.kind, failed.code) == (ErrorClass.OURS, "err")
        assert "does not exist" in failed.message

    play(scene)


def test_what_is_asked_of_an_unknown_symbol_is_said() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        with pytest.raises(UserError, match="DOGE-USD"):
            await gateway.get_order_book("DOGE-USD")

    play(scene)


def test_opening_says_what_it_could_not_read() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        world.fault(Fault.ERROR, path="/info", count=0, status=502)
        with pytest.raises(WorldError, match="the clock"):
            await gateway.open()
        with pytest.raises(ConfigError, match="account"):
            HyperliquidGateway("http://hl.test", "0x12", Secret("0x" + "11" * 32))

    play(scene, opened=False)


def test_h18_an_error_is_no_empty_list() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        calls = (
            gateway.get_open_orders, gateway.get_positions, gateway.get_balances, gateway.get_instruments,
            lambda: gateway.get_fills_since("", 0), lambda: gateway.get_funding_since("", 0), gateway.cancel_all,
        )  # fmt: skip
        world.fault(Fault.ERROR, path="/info", count=0, status=503)
        for call in calls:
            failed = await call()
            assert isinstance(failed, Failed)
            assert failed.kind is ErrorClass.UNKNOWN
        world.front.faults.clear()
        world.fault(Fault.RATE_LIMIT, path="/info", count=1)
        failed = await gateway.get_positions()
        assert isinstance(failed, Failed)
        assert failed.kind is ErrorClass.RETRY_LATER
        assert isinstance(await gateway.get_balances(), Whole | Failed | Partial)

    play(scene)


def test_the_secret_is_nowhere() -> None:
    async def scene(world: World, gateway: HyperliquidGateway) -> None:
        await gateway.place_order(order("kedge-1-1", Side.BUY, "0.01", 50000))
        secret = world.keys["api_secret"].removeprefix("0x")
        for request in world.requests:
            assert secret not in request.body.decode()
            assert secret not in repr(request)
        for part in (gateway, gateway._desk, gateway._signer, gateway._desk.sender, gateway._names.know("kedge-1-1")):
            assert secret not in repr(part)

    play(scene)


def test_two_seeds_two_markets_one_seed_one() -> None:
    texts = []
    for seed in (1, 1, 2):
        world: list[str] = []

        async def scene(at: World, gateway: HyperliquidGateway, found: list[str] = world) -> None:
            await asyncio.sleep(5)
            found.append(json.dumps(at.venue.questions.book("BTC")))
            assert isinstance(at.front, Front)

        play(scene, seed)
        texts += world
    assert texts[0] == texts[1] != texts[2]
