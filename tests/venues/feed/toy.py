"""A toy venue: a numbered book and trades over a network in memory, with the misfortunes a test asks for.

The server is the oracle: it keeps its book as a dictionary and remembers every trade, and it knows the whole book at each
update, so that what a client believes at update n can be held against what was true at n.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from kedge.core.market.books import Book
from kedge.model.facts import StreamStatus
from kedge.model.market import BookDelta, OrderBook, Trade
from kedge.venues.answers import Answer, ErrorClass, Failed, Whole
from kedge.venues.exact import decode
from kedge.venues.feed.market import MarketDataFeed
from kedge.venues.feed.talk import BookStart, Dialled, Heard, StreamRules
from kedge.venues.gateway import Subscription
from kedge.venues.wire.memory import MemoryNetwork, Peer
from kedge.venues.wire.virtual import START_NS, VirtualClock
from kedge.venues.wire.websocket import Disconnected

SYMBOL = "BTC-USD"
BOOK = Subscription("book", SYMBOL)
TRADES = Subscription("trades", SYMBOL)
URL = "ws://toy.test/ws"

RULES = StreamRules(
    session_ms=600_000,
    roll_before_ms=60_000,
    keep_alive_ms=20_000,
    idle_ms_max=45_000,
    silence_ms_max={"book": 5_000},
    book_start=BookStart.ASKED,
    overlap_ms_max=3_000,
)


class ToyTalk:
    """The toy's protocol, client side."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = subscriptions

    def opening(self, now_ns: int) -> Sequence[str]:
        return [json.dumps({"sub": [each.channel, each.symbol]}) for each in self._subscriptions]

    def hear(self, message: str | bytes, received: int) -> Heard:
        said: dict[str, Any] = decode(message)
        if "ack" in said:
            return Heard(confirmed=(Subscription(*said["ack"]),))
        if "leaving" in said:
            return Heard(leaving=said["leaving"])
        if "lost" in said:
            return Heard(lost="told so")
        if "refused" in said:
            return Heard(refused=said["refused"])
        if "ping" in said:
            return Heard(replies=(json.dumps({"pong": said["ping"]}),))
        if "trade" in said:
            n, at = said["trade"]
            return Heard((Trade(START_NS + at, Decimal(100), Decimal(1), SYMBOL, None, str(n), received),))
        if "book" in said:
            return Heard((snapshot_of(said, received),))
        first, last = said["seq"]
        bids = tuple((Decimal(p), Decimal(q)) for p, q in said["bids"])
        return Heard((BookDelta(START_NS + said["at"], bids, (), SYMBOL, first, last, -1, received),))

    def keep_alive(self, now_ns: int) -> Sequence[str]:
        return ('{"alive":1}',)

    def again(self, subscription: Subscription) -> Sequence[str]:
        return (json.dumps({"again": [subscription.channel, subscription.symbol]}),)


def snapshot_of(said: dict[str, Any], received: int) -> OrderBook:
    bids = tuple(sorted(((Decimal(p), Decimal(q)) for p, q in said["book"]), reverse=True))
    return OrderBook(START_NS + said["at"], bids, ((Decimal(10_000), Decimal(1)),), SYMBOL, said["seq"], received)


class ToyVenue:
    """The toy, server side. `tick` makes one update or trade; every connection is served its own cut of the updates."""

    def __init__(self, clock: VirtualClock, seed: int = 1) -> None:
        self.clock = clock
        self.network = MemoryNetwork(latency_ms=20)
        self.network.serve_websocket("toy.test", self._serve)
        self.levels: dict[int, int] = {}
        self.seq = 0
        self.truth: dict[int, dict[int, int]] = {0: {}}
        self.trades: list[int] = []
        self.subscribed: list[tuple[Peer, list[str]]] = []
        self.cuts: dict[int, tuple[int, dict[int, int]]] = {}
        self.snapshots_fail = 0
        self.snapshot_age = 0
        self.silent_channels: set[str] = set()
        self.heard: list[dict[str, Any]] = []
        self.refuse = ""
        self._dice = Random(seed)

    async def _serve(self, peer: Peer) -> None:
        while True:
            said = json.loads(await peer.receive())
            self.heard.append(said)
            if "sub" in said and self.refuse:
                await peer.send(json.dumps({"refused": self.refuse}))
            elif "sub" in said:
                self.subscribed.append((peer, said["sub"]))
                await peer.send(json.dumps({"ack": said["sub"]}))
            elif "again" in said:
                await peer.send(json.dumps(self._book()))

    def _book(self) -> dict[str, Any]:
        return {"book": [[str(p), str(q)] for p, q in self.levels.items()], "seq": self.seq, "at": self._at()}

    def _at(self) -> int:
        return self.clock.now_ns() - START_NS

    async def snapshot(self, symbol: str) -> Answer[OrderBook]:
        await self.clock.sleep(0.02)
        seq = max(0, self.seq - self.snapshot_age)
        said = {"book": [[str(p), str(q)] for p, q in self.truth[seq].items()], "seq": seq, "at": self._at()}
        await self.clock.sleep(0.02)
        if self.snapshots_fail:
            self.snapshots_fail -= 1
            return Failed(ErrorClass.UNKNOWN, "HTTP 502", "bad gateway")
        return Whole(snapshot_of(said, self.clock.now_ns()))

    async def update(self, *, lose: bool = False, twice: bool = False, flush: bool = False) -> None:
        """Change one to three levels. Each connection hears of it now or together with the next ones, as it happens."""
        first, bids = self.seq + 1, {}
        for _ in range(self._dice.randint(1, 3)):
            price, size = self._dice.randint(90, 99), self._dice.randint(0, 3)
            self.seq += 1
            if size:
                self.levels[price] = size
            else:
                self.levels.pop(price, None)
            bids[price] = size
            self.truth[self.seq] = dict(self.levels)
        for peer in [peer for peer, subscribed in self.subscribed if subscribed[0] == "book"]:
            number = self.network.connections.index(peer)
            if lose or "book" in self.silent_channels:
                self.cuts.pop(number, None)
                continue
            begun, before = self.cuts.pop(number, (first, {}))
            cut = begun, {**before, **bids}
            if flush or self._dice.random() < 0.6:
                await self._tell(peer, "book", self._change(*cut), twice=twice)
            else:
                self.cuts[number] = cut

    def _change(self, first: int, bids: dict[int, int]) -> dict[str, Any]:
        return {"seq": [first, self.seq], "bids": [[str(p), str(q)] for p, q in bids.items()], "at": self._at()}

    async def _tell(self, peer: Peer, channel: str, said: dict[str, Any], *, twice: bool) -> None:
        try:
            for _ in range(2 if twice else 1):
                await peer.send(json.dumps(said))
        except Disconnected:
            self.subscribed = [each for each in self.subscribed if each[0] is not peer]

    async def trade(self, *, twice: bool = False) -> None:
        self.trades.append(len(self.trades))
        said = {"trade": [self.trades[-1], self._at()]}
        for peer in [peer for peer, subscribed in self.subscribed if subscribed[0] == "trades"]:
            await self._tell(peer, "trades", said, twice=twice)

    async def say(self, text: str) -> None:
        with suppress(Disconnected):
            await self.network.connections[-1].send(text)

    async def end(self, kind: str) -> None:
        for peer in self.network.connections[-1:]:
            if kind == "close":
                await peer.close(1001)
            elif kind == "cut":
                peer.cut()
            else:
                peer.half_open()


class Client:
    """What a user of the feed knows; at every fact it is held against the venue's truth."""

    def __init__(
        self, venue: ToyVenue, rules: StreamRules = RULES, wanted: Sequence[Subscription] = (BOOK, TRADES)
    ) -> None:
        self.venue = venue
        self.book = Book()
        self.up: dict[str, bool] = {}
        self.statuses: list[StreamStatus] = []
        self.trades: list[int] = []
        self.gaps = 0

        async def dial() -> Dialled:
            return Dialled(URL, ToyTalk(wanted))

        self.feed = MarketDataFeed(
            URL, wanted, dial=dial, rules=rules, snapshot=venue.snapshot, transport=venue.network, clock=venue.clock,
            dice=Random(7),
        )  # fmt: skip
        self.feed.on_message(self.take)

    def take(self, fact: Any) -> None:
        if isinstance(fact, StreamStatus):
            self.statuses.append(fact)
            self.up[fact.channel] = fact.up
            if fact.channel == "book" and not fact.up:
                self.book.invalidate(fact.reason)
        elif isinstance(fact, OrderBook):
            assert self.book.reset(fact.bids, fact.asks, fact.sequence) is None
        elif isinstance(fact, BookDelta):
            assert self.book.apply(fact) is None, "the feed passes on nothing that does not join"
        else:
            self.trades.append(int(fact.trade_id))
        self.check()

    def check(self) -> None:
        if self.book.invalid:
            assert not self.up.get("book"), f"the book is up and {self.book.invalid}"
            return
        bids, _ = self.book.levels()
        truth = self.venue.truth[self.book.sequence]
        assert {int(p): int(q) for p, q in bids} == truth

    def is_settled(self) -> bool:
        return all(self.up.values()) and self.book.sequence == self.venue.seq


async def busy(venue: ToyVenue, seconds: float, every: float = 0.1) -> None:
    """Let the market be busy for a while."""
    for _ in range(round(seconds / every)):
        await venue.update()
        await venue.trade()
        await venue.clock.sleep(every)


async def settle(venue: ToyVenue, client: Client, seconds: float = 120) -> None:
    """Let the market go on until the client knows all, or fail."""
    deadline = venue.clock.monotonic_ns() + seconds * 10**9
    while venue.clock.monotonic_ns() < deadline:
        await busy(venue, 1)
        await venue.update(flush=True)
        await asyncio.sleep(1)
        if client.is_settled():
            return
    raise AssertionError(f"not settled: {client.up} {client.book.sequence} of {venue.seq}: {client.feed.last_error}")
