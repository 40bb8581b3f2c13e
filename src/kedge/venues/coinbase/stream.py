"""Market data over WebSocket, as facts.

A book begins with a snapshot on its own channel and goes on with absolute sizes, zero removing a level; the sides are
`bid` and `offer`. The numbers belong to the connection, so each change is chained here to the one before it of the same
book, by the numbers of their messages (`previous_sequence`). Where a number is missing, the next change of *every* book
names a predecessor that no book has: whoever folds them sees the gap, at once and by himself (`kedge.model.sequence`).

Trades come in batches, newest first, and repeat themselves in snapshots; their ids rise, so a repeat falls out. The
history in the first snapshot is passed over: it is older than our subscription.

Candles of five minutes are told while they form; one is passed on when the next begins, or some seconds after its end.

A product that is another's alias is told under the other's name, and becomes a fact for each symbol that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from kedge.model.errors import VenueError
from kedge.model.facts import Fact, InstrumentChanged
from kedge.model.instant import NS_PER_S
from kedge.model.instrument import Instrument, InstrumentStatus
from kedge.model.market import BookDelta, Candle, Level, OrderBook, Quote, of_row
from kedge.model.money import ZERO
from kedge.venues import exact
from kedge.venues.coinbase import market
from kedge.venues.coinbase.messages import (
    CANDLE_SECONDS,
    CANDLES,
    HEARTBEATS,
    LEVEL2_DATA,
    STATUS,
    SUBSCRIPTIONS,
    TICKER,
    TRADES,
    Envelope,
    Numbers,
    Refusal,
    Scope,
    envelope,
)
from kedge.venues.coinbase.products import Names
from kedge.venues.coinbase.values import Fields, number

CANDLE_NS: Final = CANDLE_SECONDS * NS_PER_S

#: How long after its end a candle may still be corrected before it is passed on.
CANDLE_GRACE_NS: Final = 5 * NS_PER_S

_book = of_row(OrderBook)
_delta = of_row(BookDelta)
_quote = of_row(Quote)


class _Update(Struct):
    side: str
    price_level: str
    new_quantity: str


class _Level2(Struct):
    type: str
    product_id: str
    updates: list[_Update]


_level2 = msgspec.json.Decoder(list[_Level2])


class _Chain(Struct):
    """A book's last number; `broken` since something was lost."""

    last: int = -1
    broken: bool = False


class Memory(Struct):
    """What outlives a connection: the highest trade id, and the candle that forms, of each product."""

    trades: dict[str, int] = {}
    forming: dict[str, Candle] = {}

    def copy(self) -> Memory:
        """For the next connection, which may overlap this one."""
        return Memory(dict(self.trades), dict(self.forming))


class MarketDecoder:
    """One connection's messages to facts: of the symbols `wanted` on each channel (its name in what comes).

    `lost` is what was wrong with the last message's number, `refusal` what the venue said no to.
    `base` is added to the numbers, so that those of a later connection are higher: its opening time in microseconds.
    """

    def __init__(
        self,
        names: Names,
        wanted: Iterable[tuple[str, str]],
        instruments: dict[str, Instrument] | None = None,
        scope: Scope = Scope.CONNECTION,
        base: int = 0,
        memory: Memory | None = None,
    ) -> None:
        self.memory = Memory() if memory is None else memory
        self.lost = ""
        self.refusal = ""
        self.subscribed: dict[str, list[str]] = {}
        self._names = names
        self._pairs = frozenset(wanted)
        self._symbols: dict[tuple[str, str], list[str]] = {}
        self._instruments = instruments or {}
        self._numbers = Numbers(scope)
        self._chains: dict[str, _Chain] = {}
        self._trades = self.memory.trades
        self._forming = self.memory.forming
        self._base = base
        self._readers: dict[str, Callable[[Envelope, int], list[Fact]]] = {
            LEVEL2_DATA: self._on_level2,
            TRADES: self._on_trades,
            TICKER: self._on_ticker,
            CANDLES: self._on_candles,
            STATUS: self._on_status,
            SUBSCRIPTIONS: self._on_subscriptions,
            HEARTBEATS: self._on_heartbeat,
        }

    def decode(self, text: str | bytes, received: int = 0) -> list[Fact]:
        """The facts in a message, oldest first; `VenueError` where it is not of this protocol."""
        message = envelope(text)
        if isinstance(message, Refusal):
            self.refusal = message.message or "refused"
            return []
        reader = self._readers.get(message.channel)
        if reader is None:
            raise VenueError(f"channel {exact.shown(message.channel)} is not known")
        self.lost = self._numbers.missing(message)
        if self.lost:
            for chain in self._chains.values():
                chain.broken = True
        closed = self._closed(message.ts) if self._forming else []
        return [*closed, *reader(message, received)]

    # channels

    def _on_level2(self, message: Envelope, received: int) -> list[Fact]:
        events = exact.decode(bytes(message.events), _level2, "l2_data")
        facts: list[Fact] = []
        number = self._base + message.sequence
        for event in _joined(events):
            bids, asks = _sides(event.updates)
            symbols = self._wanted(LEVEL2_DATA, event.product_id)
            if event.type == "snapshot":
                self._chains[event.product_id] = _Chain(number)
                shown = _falling(bids), _rising(asks)
                facts += [_book(message.ts, *shown, symbol, number, received) for symbol in symbols]
            elif event.type == "update":
                changed = tuple(bids.items()), tuple(asks.items())
                numbers = number, number, self._before(event.product_id, number)
                facts += [_delta(message.ts, *changed, symbol, *numbers, received) for symbol in symbols]
            else:
                raise VenueError(f"l2_data: event {exact.shown(event.type)} is not known")
        return facts

    def _before(self, product: str, sequence: int) -> int:
        """The number that a change follows on in its book; one that no book has where something was lost."""
        chain = self._chains.setdefault(product, _Chain(broken=True))
        before = max(sequence - 1, chain.last + 1) if chain.broken else chain.last
        chain.last = sequence
        return before

    def _on_trades(self, message: Envelope, received: int) -> list[Fact]:
        facts: list[Fact] = []
        for event in _events(message):
            history = event.text("type") == "snapshot"
            told = [(item.integer("trade_id"), item.text("product_id"), item) for item in event.items("trades")]
            passed_over = {product for _, product, _ in told if history and product not in self._trades}
            for count, product, item in sorted(told, key=lambda entry: entry[0]):
                read = [market.trade(item, symbol, received) for symbol in self._wanted(TRADES, product)]
                if count > self._trades.get(product, -1):
                    self._trades[product] = count
                    facts += read if product not in passed_over else ()
        return facts

    def _on_ticker(self, message: Envelope, received: int) -> list[Fact]:
        facts: list[Fact] = []
        for event in _events(message):
            for told in event.items("tickers"):
                bid, ask = told.not_negative("best_bid"), told.not_negative("best_ask")
                sizes = told.not_negative("best_bid_quantity"), told.not_negative("best_ask_quantity")
                if bid > ZERO and ask > ZERO:  # an empty side is written as zero
                    symbols = self._wanted(TICKER, told.text("product_id"))
                    facts += [_quote(message.ts, bid, ask, *sizes, symbol, received) for symbol in symbols]
        return facts

    def _on_candles(self, message: Envelope, received: int) -> list[Fact]:
        closed: list[Candle] = []
        for event in _events(message):
            told = [(item.text("product_id"), item) for item in event.items("candles")]
            first = {product for product, _ in told if product not in self._forming}
            for product, item in sorted(told, key=lambda pair: pair[1].moment("start")):
                candle = market.candle(item, product, CANDLE_NS, received)
                before = self._forming.get(product)
                if before is not None and candle.ts > before.ts and before.interval and product not in first:
                    closed.append(structs.replace(before, received=received))
                if before is None or candle.ts > before.ts or (candle.ts == before.ts and before.interval):
                    self._forming[product] = candle
        return self._named(closed)

    def _closed(self, now: int) -> list[Fact]:
        """Candles whose end is so far behind that nothing will change them."""
        over = [
            candle
            for candle in self._forming.values()
            if candle.interval and candle.ts + CANDLE_NS + CANDLE_GRACE_NS <= now
        ]
        for candle in over:  # an interval of zero marks what has been passed on
            self._forming[candle.symbol] = structs.replace(candle, interval=0)
        return self._named(over)

    def _named(self, candles: Iterable[Candle]) -> list[Fact]:
        return [
            structs.replace(candle, symbol=symbol)
            for candle in candles
            for symbol in self._wanted(CANDLES, candle.symbol)
        ]

    def _on_status(self, message: Envelope, received: int) -> list[Fact]:
        facts: list[Fact] = []
        for event in _events(message):
            for told in event.items("products"):
                open_ = told.text("status") == "online"
                status = InstrumentStatus.OPEN if open_ else InstrumentStatus.CLOSED
                for product in self._names.sharing(told.text("id")):
                    known = self._instruments.get(product)
                    if known is not None and known.status is not status:
                        changed = self._instruments[product] = structs.replace(known, status=status)
                        facts.append(InstrumentChanged(message.ts, changed, received))
        return facts

    def _on_subscriptions(self, message: Envelope, received: int) -> list[Fact]:
        for event in _events(message):
            told = event.object("subscriptions")
            self.subscribed = {name: [str(item) for item in told.list(name)] for name in told.names()}
        return []

    def _on_heartbeat(self, message: Envelope, received: int) -> list[Fact]:
        return []

    def _wanted(self, channel: str, product: str) -> list[str]:
        found = self._symbols.get((channel, product))
        if found is None:
            found = [name for name in self._names.sharing(product) if (channel, name) in self._pairs]
            if found:  # what nobody wants is not remembered: its names are the venue's to invent
                self._symbols[channel, product] = found
        return found


def _events(message: Envelope) -> list[Fields]:
    events: Any = exact.decode(bytes(message.events), what=message.channel)
    if not isinstance(events, list):
        raise VenueError(f"{message.channel}: events are not a list")
    return [Fields(event, message.channel) for event in events]


def _joined(events: list[_Level2]) -> list[_Level2]:
    """Changes of one book in one message are one change: they share its number."""
    if len(events) < 2:
        return events
    joined: list[_Level2] = []
    for event in events:
        before = next((other for other in joined if other.product_id == event.product_id), None)
        if before is not None and event.type == "update":
            before.updates += event.updates
        else:
            joined.append(event)
    return joined


def _price(text: str) -> Decimal:
    price = number(text, "price_level")
    if not price > ZERO:
        raise VenueError(f"l2_data: a level at {price}")
    return price


def _size(text: str) -> Decimal:
    size = number(text, "new_quantity")
    if size < ZERO:
        raise VenueError(f"l2_data: a level of {size}")
    return size


_PRICES = exact.Learned(_price)
_SIZES = exact.Learned(_size)


def _sides(updates: list[_Update]) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    """Sizes by price of both sides; of two words on one price the later counts."""
    bids: dict[Decimal, Decimal] = {}
    asks: dict[Decimal, Decimal] = {}
    for update in updates:
        price, size = _PRICES[update.price_level], _SIZES[update.new_quantity]
        if update.side == "bid":
            bids[price] = size
        elif update.side == "offer":
            asks[price] = size
        else:
            raise VenueError(f"l2_data: side {exact.shown(update.side)} is not known")
    return bids, asks


def _falling(side: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    return tuple(sorted(((price, size) for price, size in side.items() if size), reverse=True))


def _rising(side: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    return tuple(sorted((price, size) for price, size in side.items() if size))
