"""The WebSocket of this venue: one address for market data and for the user's orders.

A client subscribes within five seconds, one channel a message, and with a token for the user's own. Every message of a
connection has the next number, whatever its channel. Books are told at every change, trades every 250 ms, the batched
ticker every 5 s, candles of five minutes every second, heartbeats every second; a connection on which nothing was said
for 90 s is closed. The second name of a book is answered under the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, field

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.emulator.coinbase import listing
from kedge.venues.emulator.coinbase.desk import BrokerageOrder
from kedge.venues.emulator.coinbase.orders import order_push
from kedge.venues.emulator.coinbase.pages import Pages
from kedge.venues.emulator.coinbase.replies import candle, print_of
from kedge.venues.emulator.coinbase.text import plain, written
from kedge.venues.emulator.tape import BookUpdate, PublicTrade, Tape
from kedge.venues.emulator.wire import Session

SUBSCRIBE_S = 5
QUIET_S = 90
TRADES_MS = 250
SNAPSHOT_ORDERS = 50
_SNAPSHOT_TRADES = 50
_FIVE_MINUTES = 300 * NS_PER_S
_KNOWN = {"heartbeats", "candles", "status", "ticker", "ticker_batch", "level2", "market_trades", "user"}
_ACCOUNT_WIDE = {"heartbeats", "user"}


class Connection(Struct):
    """What one connection has asked for: channel -> products (`*`: all)."""

    session: Session
    number: int = 0
    spoke: int = 0
    asked: dict[str, set[str]] = field(default_factory=dict)
    beats: int = 0


class Channels:
    """Writes to every connection what it has asked for. `allow` says what is wrong with a token."""

    def __init__(self, pages: Pages, allow: Callable[[str], str], seed: int) -> None:
        self._pages = pages
        self._exchange = pages.exchange
        self._allow = allow
        self._seed = seed
        self.connections: dict[int, Connection] = {}
        self._prints: dict[str, list[PublicTrade]] = {}
        pages.desk.told.append(self._on_own)
        timeline = self._exchange.timeline
        timeline.every(NS_PER_S, self._second)
        timeline.every(TRADES_MS * NS_PER_MS, self._flush_trades)
        timeline.every(5 * NS_PER_S, self._batch)
        self._exchange.listeners.append(self)

    # connections

    def connect(self, session: Session) -> None:
        """A new connection, which must ask for something soon."""
        connection = Connection(session, spoke=self._exchange.now)
        self.connections[session.number] = connection
        self._exchange.timeline.after(SUBSCRIBE_S * NS_PER_S, lambda: self._idle(connection))

    def closed(self, session: Session) -> None:
        """A connection is over."""
        self.connections.pop(session.number, None)

    def receive(self, session: Session, text: str) -> None:
        """A message came in."""
        connection = self.connections[session.number]
        try:
            said = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            said = None
        if not isinstance(said, dict) or said.get("type") not in {"subscribe", "unsubscribe"}:
            _refuse(session, "failure to parse message")
            return
        channel = said.get("channel")
        products = said.get("product_ids") or []
        if not isinstance(products, list) or not isinstance(channel, str):
            _refuse(session, "failure to parse message")
            return
        if channel not in _KNOWN:
            _refuse(session, f"channel not supported: {channel}")
            return
        unknown = [each for each in products if each not in self._pages.names()]
        if unknown:
            _refuse(session, f"{unknown[0]} is not a valid product id")
            return
        token = said.get("jwt")
        if (channel == "user" and not token) or (token and self._allow(str(token))):
            _refuse(session, "authentication failure")
            session.close(1000)
            return
        books = {listing.book_of(each) if channel != "user" else each for each in products}
        self._change(connection, str(channel), books, wanted=said["type"] == "subscribe")

    def _change(self, connection: Connection, channel: str, asked: set[str], *, wanted: bool) -> None:
        every = {"*"} if channel in _ACCOUNT_WIDE or channel == "status" else set(self._exchange.instruments)
        named = asked or every
        held = connection.asked.get(channel, set())
        left = held | named if wanted else held - named
        if left:
            connection.asked[channel] = left
        else:
            connection.asked.pop(channel, None)
        shown = {name: [self._label(name, each) for each in sorted(of)] for name, of in connection.asked.items()}
        self._say(connection, "subscriptions", [{"subscriptions": shown}])
        if wanted:
            self._snapshot(connection, channel, sorted(named))

    def _label(self, channel: str, product: str) -> str:
        return channel if channel == "heartbeats" else "account" if product == "*" else product

    def _snapshot(self, connection: Connection, channel: str, products: list[str]) -> None:
        if channel == "user":
            working = [each for each in self._pages.desk.working() if "*" in products or each.product in products]
            for start in range(0, max(len(working), 1), SNAPSHOT_ORDERS):
                self._say(connection, "user", [self._orders("snapshot", working[start : start + SNAPSHOT_ORDERS])])
        elif channel == "status":
            self._say(connection, "status", [self._statuses("snapshot")])
        elif channel == "level2":
            for product in products:
                tape = self._exchange.tapes[product]
                sides = tape.levels(asks=False), tape.levels(asks=True)
                self._say(connection, "l2_data", [self._level2("snapshot", product, *sides)])
        elif channel == "market_trades":
            for product in products:
                recent = list(self._exchange.tapes[product].trades)[-_SNAPSHOT_TRADES:]
                self._say(connection, "market_trades", [_trades("snapshot", product, recent)])
        elif channel in {"ticker", "ticker_batch"}:
            for product in products:
                self._say(connection, channel, [self._ticker("snapshot", product)])
        elif channel == "candles":
            for product in products:
                self._say(connection, "candles", [self._candles("snapshot", product, 50)])

    # what happens

    def on_book(self, update: BookUpdate) -> None:
        """The shown book changed."""
        event = self._level2("update", update.symbol, update.bids, update.asks)
        self._tell("level2", update.symbol, "l2_data", event)

    def on_trade(self, trade: PublicTrade) -> None:
        """A print: the ticker at once, the trades in batches."""
        self._prints.setdefault(trade.symbol, []).append(trade)
        if any("ticker" in each.asked for each in self.connections.values()):
            self._tell("ticker", trade.symbol, "ticker", self._ticker("update", trade.symbol))

    def on_order(self, *ignored: object) -> None:
        """The desk tells of the account's orders in this venue's words."""

    def on_mark(self, symbol: str) -> None:
        """Spot has no mark price."""

    def on_funding(self, payment: object) -> None:
        """Spot has no funding."""

    def _on_own(self, order: BrokerageOrder) -> None:
        event = self._orders("update", [order])
        for connection in list(self.connections.values()):
            wanted = connection.asked.get("user", set())
            if "*" in wanted or order.product in wanted:
                self._say(connection, "user", [event])

    def status_changed(self) -> None:
        """The products' status changed."""
        for connection in list(self.connections.values()):
            if "status" in connection.asked:
                self._say(connection, "status", [self._statuses("update")])

    def expire(self) -> None:
        """Connections that were let in by a token are closed."""
        for connection in list(self.connections.values()):
            if "user" in connection.asked:
                connection.session.close(1008)

    def _second(self) -> None:
        for connection in list(self.connections.values()):
            if "heartbeats" in connection.asked:
                connection.beats += 1
                beat = {"current_time": written(self._pages.now), "heartbeat_counter": connection.beats}
                self._say(connection, "heartbeats", [beat])
            if self._exchange.now - connection.spoke > QUIET_S * NS_PER_S:
                connection.session.close(1000)
        if any("candles" in each.asked for each in self.connections.values()):
            for product in self._exchange.instruments:
                event = self._candles("update", product, 1)
                if event["candles"]:
                    self._tell("candles", product, "candles", event)

    def _flush_trades(self) -> None:
        for product, prints in self._prints.items():
            if prints:
                self._tell("market_trades", product, "market_trades", _trades("update", product, prints))
        self._prints.clear()

    def _batch(self) -> None:
        for product in self._exchange.instruments:
            self._tell("ticker_batch", product, "ticker_batch", self._ticker("update", product))

    def _idle(self, connection: Connection) -> None:
        if not connection.asked:
            connection.session.close(1000)

    # what is said

    def _tell(self, channel: str, product: str, name: str, event: dict[str, Any]) -> None:
        for connection in list(self.connections.values()):
            if product in connection.asked.get(channel, ()):
                self._say(connection, name, [event])

    def _say(self, connection: Connection, channel: str, events: list[Any]) -> None:
        message = {
            "channel": channel,
            "client_id": "",
            "timestamp": written(self._pages.now),
            "sequence_num": connection.number,
            "events": events,
        }
        connection.number += 1
        connection.spoke = self._exchange.now
        label = "" if channel == "subscriptions" else channel
        connection.session.push(msgspec.json.encode(message).decode(), label)

    def _level2(
        self, kind: str, product: str, bids: Iterable[tuple[Decimal, Decimal]], asks: Iterable[tuple[Decimal, Decimal]]
    ) -> dict[str, Any]:
        at = written(self._pages.now)
        updates = [
            {"side": side, "event_time": at, "price_level": plain(price), "new_quantity": plain(size)}
            for side, levels in (("bid", bids), ("offer", asks))
            for price, size in levels
        ]
        return {"type": kind, "product_id": product, "updates": updates}

    def _ticker(self, kind: str, product: str) -> dict[str, Any]:
        tape = self._exchange.tapes[product]
        (bid, bid_size), (ask, ask_size) = _best(tape, asks=False), _best(tape, asks=True)
        day = tape.bars.window(self._exchange.now - 86_400 * NS_PER_S)
        last = tape.last or Decimal(0)
        told = {
            "type": "ticker",
            "product_id": product,
            "price": plain(last),
            "volume_24_h": plain(sum((bar.volume for bar in day), Decimal(0))),
            "low_24_h": plain(min((bar.low for bar in day), default=last)),
            "high_24_h": plain(max((bar.high for bar in day), default=last)),
            "low_52_w": plain(last),
            "high_52_w": plain(last),
            "price_percent_chg_24_h": "0",
            "best_bid": bid,
            "best_bid_quantity": bid_size,
            "best_ask": ask,
            "best_ask_quantity": ask_size,
        }
        return {"type": kind, "tickers": [told]}

    def _candles(self, kind: str, product: str, limit: int) -> dict[str, Any]:
        now = self._exchange.now
        bars = self._exchange.tapes[product].bars.series(
            _FIVE_MINUTES, now - limit * _FIVE_MINUTES, now, limit, newest=True
        )
        return {"type": kind, "candles": [{**candle(bar), "product_id": product} for bar in reversed(bars)]}

    def _statuses(self, kind: str) -> dict[str, Any]:
        shown = [self._pages.product(each) for each in self._pages.names()]
        products = [
            {
                "product_type": "SPOT",
                "id": each["product_id"],
                "base_currency": each["base_currency_id"],
                "quote_currency": each["quote_currency_id"],
                "base_increment": each["base_increment"],
                "quote_increment": each["quote_increment"],
                "display_name": each["display_name"].replace("-", "/"),
                "status": each["status"],
                "status_message": "",
                "min_market_funds": each["quote_min_size"],
            }
            for each in shown
        ]
        return {"type": kind, "products": products}

    def _orders(self, kind: str, orders: list[BrokerageOrder]) -> dict[str, Any]:
        pushed = [order_push(each, self._pages.desk, self._seed) for each in orders]
        nothing: dict[str, list[Any]] = {"perpetual_futures_positions": [], "expiring_futures_positions": []}
        return {"type": kind, "orders": pushed, "positions": nothing}


def _best(tape: Tape, *, asks: bool) -> tuple[str, str]:
    best = tape.best(asks=asks)
    return ("0", "0") if best is None else (plain(best[0]), plain(best[1]))


def _trades(kind: str, product: str, prints: list[PublicTrade]) -> dict[str, Any]:
    """Newest first, as the venue lists them."""
    return {"type": kind, "trades": [print_of(each, product) for each in reversed(prints)]}


def _refuse(session: Session, message: str) -> None:
    session.push(msgspec.json.encode({"type": "error", "message": message}).decode())
