"""The feed at its edges: slow users, bugs, refusals, streams of reports, and venues that nobody knows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kedge.model.errors import ConfigError, OurBug
from kedge.model.facts import Fill, OrderAccepted, StreamStatus
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.market import Quote, Trade
from kedge.model.order import Side
from kedge.venues.feed.backoff import Backoff
from kedge.venues.feed.inbox import Full, Inbox, Overflow
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.merge import IDS_MAX, Merge
from kedge.venues.feed.status import Board
from kedge.venues.feed.talk import USER, BookStart, Dialled, Heard, StreamRules
from kedge.venues.gateway import Subscription
from kedge.venues.wire.memory import Fault, FaultKind, MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock, run
from kedge.venues.wire.websocket import Disconnected
from tests.venues.feed.toy import BOOK, RULES, TRADES, URL, Client, ToyTalk, ToyVenue, busy, settle

D = Decimal


def lasting(overflow: Overflow, messages_max: int = 10) -> StreamRules:
    return structs.replace(RULES, queue_max=messages_max, overflow=overflow)


@pytest.mark.parametrize("overflow", list(Overflow))
def test_a_user_who_is_too_slow_loses_nothing_unnoticed(overflow: Overflow) -> None:
    async def main() -> None:
        venue = ToyVenue(VirtualClock())
        await venue.update()
        client = Client(venue, lasting(overflow))
        stuck = asyncio.Event()
        stuck.set()

        async def slow(fact: Any) -> None:
            await stuck.wait()

        client.feed.on_message(slow)
        await client.feed.start()
        await settle(venue, client)
        stuck.clear()
        await busy(venue, 5)
        stuck.set()
        await settle(venue, client)
        downs = [each.reason for each in client.statuses if not each.up and "resync" not in each.reason]
        if overflow is Overflow.RESYNC:
            assert downs == ["10 messages wait, more than may"] * 2
            assert len(client.trades) < len(venue.trades)
        else:
            assert downs == []
            assert client.trades == venue.trades
        await client.feed.stop()

    run(main())


def test_a_bug_of_the_user_is_loud_and_ends_the_feed() -> None:
    async def main() -> None:
        venue = ToyVenue(VirtualClock())
        await venue.update()
        client = Client(venue)

        def buggy(fact: Any) -> None:
            if isinstance(fact, Trade):
                raise OurBug("a fold broke")

        client.feed.on_message(buggy)
        await client.feed.start()
        await busy(venue, 1)
        with pytest.raises(OurBug, match="a fold broke"):
            await client.feed.stop()
        assert client.up == {"book": False, "trade": False}
        assert len(venue.network.connections) == 1

    run(main())


def test_a_refused_subscription_is_said_and_nothing_is_up() -> None:
    async def main() -> None:
        venue = ToyVenue(VirtualClock())
        venue.refuse = "unknown symbol"
        client = Client(venue)
        starting = asyncio.create_task(client.feed.start())
        await asyncio.sleep(5)
        assert not starting.done()
        assert "refused: unknown symbol" in client.feed.last_error
        assert client.up == {}
        venue.refuse = ""
        await starting
        await settle(venue, client)
        await client.feed.stop()

    run(main())


def test_an_unreachable_venue_is_tried_again_with_growing_patience_and_stop_ends_it() -> None:
    async def main() -> None:
        venue = ToyVenue(VirtualClock())
        await venue.update()
        fault = Fault(FaultKind.REFUSE, times=10**6)
        venue.network.faults.append(fault)
        client = Client(venue)
        starting = asyncio.create_task(client.feed.start())
        await asyncio.sleep(600)
        tries = 10**6 - fault.times
        assert 20 <= tries <= 50  # about one in 15 to 30 seconds, once the bound is reached
        assert "connection refused" in client.feed.last_error
        fault.times = 0
        await starting
        await settle(venue, client)
        await client.feed.stop()
        fault.times = 10**6
        again = Client(venue)
        hopeless = asyncio.create_task(again.feed.start())
        await asyncio.sleep(60)
        await again.feed.stop()
        with pytest.raises(asyncio.CancelledError):
            await hopeless
        assert again.up == {"book": False, "trade": False}

    run(main())


def test_h37_a_venue_that_refuses_connections_for_its_limit_is_left_alone_for_a_while() -> None:
    class Limited:
        tries = 0

        async def connect(self, url: str, headers: Any = (), timeout_ms: int = 0) -> Any:
            self.tries += 1
            raise Disconnected("HTTP 429", status=429)

    async def main() -> None:
        transport = Limited()
        feed = MarketDataFeed(URL, ["x"], transport=transport, clock=VirtualClock(), dice=Random(1))
        starting = asyncio.create_task(feed.start())
        await asyncio.sleep(299)
        assert transport.tries == 5
        await feed.stop()
        starting.cancel()

    run(main())


def test_what_is_not_confirmed_in_time_is_not_up() -> None:
    async def main() -> None:
        network = MemoryNetwork()

        async def mute(peer: Peer) -> None:
            while True:
                await peer.receive()

        network.serve_websocket("toy.test", mute)

        async def dial() -> Dialled:
            return Dialled(URL, ToyTalk([TRADES]))

        feed = MarketDataFeed(URL, [TRADES], dial=dial, transport=network, clock=VirtualClock(), dice=Random(1))
        told: list[Any] = []
        feed.on_message(told.append)
        starting = asyncio.create_task(feed.start())
        await asyncio.sleep(30)
        assert feed.last_error == "not confirmed within 10000 ms: trades BTC-USD"
        assert told == []
        assert len(network.connections) >= 2
        await feed.stop()
        starting.cancel()

    run(main())


class ReportTalk:
    """A stream of reports: each message is one."""

    def opening(self, now_ns: int) -> Sequence[str]:
        return ('{"sub":["user",""]}',)

    def hear(self, message: str | bytes, received: int) -> Heard:
        said = json.loads(message)
        if "ack" in said:
            return Heard(confirmed=(USER,))
        return Heard((OrderAccepted(received, said["order"]),))

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        return ()

    def again(self, subscription: Subscription) -> Sequence[str]:
        return ()


def test_h10_h23_what_happened_meanwhile_comes_before_the_stream_is_up_and_before_what_it_tells() -> None:
    async def main() -> None:
        clock, network, peers = VirtualClock(), MemoryNetwork(latency_ms=10), []
        fill = Fill(1, "a-1-1", "7", "BTC-USD", Side.BUY, D(1), D(2))
        missed: list[list[Any]] = [[], [fill], [fill]]
        keys: list[str] = []

        async def serve(peer: Peer) -> None:
            peers.append(peer)
            await peer.receive()
            await peer.send('{"ack":1}')
            while True:
                await peer.receive()

        network.serve_websocket("toy.test", serve)

        async def dial() -> Dialled:
            keys.append(f"key-{len(keys)}")
            return Dialled(f"{URL}?listenKey={keys[-1]}", ReportTalk())

        async def before_up() -> Sequence[Any]:
            if len(peers) == 2:  # live reports reach us while we still ask
                await peers[-1].send('{"order":"live"}')
            await clock.sleep(1)
            return missed.pop(0)

        told: list[Any] = []
        feed = MarketDataFeed(
            URL, [USER], dial=dial, before_up=before_up, transport=network, clock=clock, dice=Random(1)
        )
        feed.on_message(told.append)
        await feed.start()
        assert [(each.channel, each.symbol, each.up) for each in told] == [("user", "", True)]
        peers[0].cut()
        await clock.sleep(5)
        kinds = [each.up if isinstance(each, StreamStatus) else type(each).__name__ for each in told]
        assert kinds == [True, False, "Fill", True, "OrderAccepted"]
        assert [peer.url.rpartition("=")[2] for peer in peers] == ["key-0", "key-1"]
        await feed.stop()

    run(main())


def test_a_venue_that_nobody_knows_is_heard_as_plain_data_over_a_real_socket() -> None:
    async def main() -> None:
        from aiohttp import web

        seen: list[str] = []

        async def serve(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            seen.extend([(await socket.receive()).data, (await socket.receive()).data])
            await socket.send_str('{"p":0.10,"q":"1.50"}')
            await socket.receive()
            return socket

        app = web.Application()
        app.router.add_get("/ws", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        assert runner.addresses
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
        feed = MarketDataFeed(url, ["hello", {"op": "subscribe", "args": ["a"]}])
        came = asyncio.Event()
        told: list[Any] = []

        def hear(fact: Any) -> None:
            told.append(fact)
            came.set()

        feed.on_message(hear)
        await feed.start()
        await came.wait()
        await feed.stop()
        await runner.cleanup()
        assert seen == ["hello", '{"op":"subscribe","args":["a"]}']
        assert told == [{"p": D("0.10"), "q": "1.50"}]
        assert str(told[0]["p"]) == "0.10"

    asyncio.run(main())


def test_a_feed_stops_without_having_started_and_books_need_their_snapshot() -> None:
    async def main() -> None:
        await MarketDataFeed(URL, [], clock=VirtualClock()).stop()
        asked = StreamRules(book_start=BookStart.ASKED)
        with pytest.raises(ConfigError, match="give snapshot="):
            MarketDataFeed(URL, [BOOK], rules=asked, clock=VirtualClock())

    run(main())


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="channel 'trade' is unknown; known are trades"):
        StreamRules(silence_ms_max={"trade": 1})
    with pytest.raises(ConfigError, match="it must be less than session_ms"):
        StreamRules(session_ms=1_000, roll_before_ms=1_000)


@given(st.integers(1, 5_000), st.integers(5_000, 100_000), st.integers(0, 2**32))
def test_patience_doubles_within_its_bound_and_is_never_the_same_for_all(first: int, most: int, seed: int) -> None:
    backoff = Backoff(first, most, Random(seed))
    for n in range(40):
        whole = min(most, first * 2**n)
        assert whole / 2_000 <= backoff.next_seconds() <= whole / 1_000
    backoff.reset()
    assert backoff.next_seconds() <= first / 1_000


def test_our_own_words_have_room_in_a_full_inbox_and_keep_their_place() -> None:
    async def main() -> None:
        inbox = Inbox(2, Overflow.RESYNC)
        await inbox.message("a")
        await inbox.message("b")
        with pytest.raises(Full):
            await inbox.message("c")
        inbox.word("end")
        assert [await inbox.take() for _ in range(3)] == ["a", "b", "end"]
        await inbox.message("d")
        assert len(inbox) == 1

    run(main())


def test_trades_are_told_once_and_older_quotes_not_at_all() -> None:
    merge = Merge()
    trade = Trade(1, D(1), D(1), "A-B", None, "7", 5)
    assert merge.is_fresh(trade)
    assert not merge.is_fresh(structs.replace(trade, received=9))
    assert merge.is_fresh(structs.replace(trade, symbol="C-D"))
    for n in range(IDS_MAX):
        assert merge.is_fresh(structs.replace(trade, trade_id=f"x{n}"))
    assert merge.is_fresh(trade)  # memory is bounded
    quote = Quote(5, D(1), D(2), D(1), D(1), "A-B", 6)
    assert merge.is_fresh(quote)
    assert not merge.is_fresh(structs.replace(quote, received=8))
    assert not merge.is_fresh(structs.replace(quote, ts=4))
    assert merge.is_fresh(structs.replace(quote, bid=D("1.5")))  # the same moment, another price


def test_h35_only_data_makes_a_quiet_stream_believed_again() -> None:
    key = ("trades", "A-B")
    board = Board([key, ("quotes", "A-B")], {"trades": 1_000})
    board.renewed(0)
    assert [each.up for each in board.up(key, 1)] == [True]
    assert board.up(key, 1) == []
    assert board.silent(1_000 * NS_PER_MS) == []
    ((silent, reason),) = board.silent(1_001 * NS_PER_MS)
    assert (silent, reason) == (key, "silent for 1001 ms, more than 1000")
    assert board.renewed(2 * NS_PER_S) == [("quotes", "A-B")]
    assert board.silent(2_500 * NS_PER_MS) == []
    assert len(board.silent(3_001 * NS_PER_MS)) == 1  # still nothing: said again, so that the line is renewed again
    board.seen(key, 4 * NS_PER_S)
    assert not board.is_quiet(key)
    board.seen(("unasked", "X"), 1)
    assert START_NS > 0
    assert Disconnected("x").status == 0
