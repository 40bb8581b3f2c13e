"""The WebSocket: subscriptions, pings, posted requests, and what is pushed when.

A book is always whole, twenty levels a side, pushed when it changed but not twice within half a second; the best bid and
ask and the trades at once. The account's streams begin with a snapshot of what was before. A connection on which nothing
was sent for a minute is closed: a client pings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kedge.model.facts import FundingPayment
from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.hyperliquid.account import Account
from kedge.venues.emulator.hyperliquid.listing import BY_COIN, PAIRS
from kedge.venues.emulator.hyperliquid.numerals import ms
from kedge.venues.emulator.hyperliquid.orders import HlFill, HlOrder, OrderBook
from kedge.venues.emulator.hyperliquid.questions import INTERVALS, Questions, trade_json
from kedge.venues.emulator.orders import Change, EmulatedOrder, Execution
from kedge.venues.emulator.tape import BookUpdate, PublicTrade
from kedge.venues.emulator.wire import Session

GREETING = "Websocket connection established."
SILENCE_NS = 60 * NS_PER_S
BOOK_EVERY_NS = 500 * NS_PER_MS
SUBSCRIPTIONS_MAX = 1_000
MESSAGES_A_MINUTE = 2_000
SNAPSHOT_ROWS = 2_000
_OF_MARKET = {"l2Book", "trades", "bbo", "activeAssetCtx", "candle"}
_OF_ACCOUNT = {"orderUpdates", "userFills", "userFundings", "userEvents", "userNonFundingLedgerUpdates", "notification"}
_OF_ACCOUNT |= {"userHistoricalOrders", "userTwapSliceFills", "userTwapHistory"}

Posted = Callable[[str, Any], dict[str, Any]]


class Streams:
    """Keeps who listens to what. `posted` carries out a request that came over a stream; `scale`
    stretches the minute of silence where venue time runs faster than the client's.
    """

    def __init__(
        self, exchange: Exchange, book: OrderBook, account: Account, questions: Questions, posted: Posted, scale: int
    ) -> None:
        self._exchange = exchange
        self._book = book
        self._account = account
        self._questions = questions
        self._posted = posted
        self._silence_ns = SILENCE_NS * scale
        self._listening: dict[int, tuple[Session, dict[str, dict[str, Any]]]] = {}
        self._heard: dict[int, int] = {}
        self._changed: set[str] = set()
        exchange.listeners.append(self)
        exchange.timeline.every(BOOK_EVERY_NS, self._show_books)
        exchange.timeline.every(NS_PER_S, self._each_second)

    # connections

    def connect(self, session: Session) -> None:
        """A client is there."""
        self._listening[session.number] = (session, {})
        self._said(session, GREETING)

    def closed(self, session: Session) -> None:
        """A client is gone."""
        self._listening.pop(session.number, None)
        self._heard.pop(session.number, None)

    def receive(self, session: Session, text: str) -> None:
        """A message came in."""
        try:
            message = json.loads(text)
            method = message["method"]
        except (ValueError, KeyError, TypeError):
            self._error(session, f"Error parsing JSON into valid websocket request: {text[:200]}")
            return
        if method == "ping":
            self._say(session, "pong", None)
        elif method == "subscribe":
            self._subscribe(session, message.get("subscription"), text)
        elif method == "unsubscribe":
            self._unsubscribe(session, message.get("subscription"), text)
        elif method == "post":
            self._post(session, message, text)
        else:
            self._error(session, f"Error parsing JSON into valid websocket request: {text[:200]}")

    def _subscribe(self, session: Session, wanted: Any, text: str) -> None:
        if not self._known(wanted):
            self._error(session, f"Invalid subscription {text[:200]}")
            return
        streams = self._listening[session.number][1]
        key = _key(wanted)
        if key in streams:
            self._error(session, f"Already subscribed: {json.dumps(wanted)}")
            return
        if len(streams) >= SUBSCRIPTIONS_MAX:
            self._error(session, f"Cannot track more than {SUBSCRIPTIONS_MAX} subscriptions")
            return
        streams[key] = wanted
        echo = {"nSigFigs": None, "mantissa": None} | wanted if wanted["type"] == "l2Book" else wanted
        self._say(session, "subscriptionResponse", {"method": "subscribe", "subscription": echo})
        self._first(session, wanted)

    def _unsubscribe(self, session: Session, wanted: Any, text: str) -> None:
        streams = self._listening[session.number][1]
        if not self._known(wanted) or _key(wanted) not in streams:
            self._error(session, f"Already unsubscribed: {text[:200]}")
            return
        del streams[_key(wanted)]
        self._say(session, "subscriptionResponse", {"method": "unsubscribe", "subscription": wanted})

    def _post(self, session: Session, message: dict[str, Any], text: str) -> None:
        request = message.get("request")
        if not isinstance(request, dict) or type(message.get("id")) is not int:
            self._error(session, f"Error parsing JSON into valid websocket request: {text[:200]}")
            return
        response = self._posted(str(request.get("type")), request.get("payload"))
        self._say(session, "post", {"id": message["id"], "response": response})

    def _known(self, wanted: Any) -> bool:
        if not isinstance(wanted, dict):
            return False
        kind = wanted.get("type")
        if kind == "allMids":
            return True
        if kind in _OF_MARKET:
            listed = wanted.get("coin") in BY_COIN
            return listed and (kind != "candle" or wanted.get("interval") in INTERVALS)
        return kind in _OF_ACCOUNT and isinstance(wanted.get("user"), str)

    def _first(self, session: Session, wanted: dict[str, Any]) -> None:
        """What a subscriber is told at once."""
        kind, coin = wanted["type"], wanted.get("coin", "")
        if kind in _OF_ACCOUNT:
            self._snapshot(session, kind, wanted["user"])
        elif kind == "l2Book":
            self._say(session, kind, self._book_of(wanted), f"{kind}@{coin}")
        elif kind == "trades":
            trades = [trade_json(trade) for trade in list(self._exchange.tapes[coin].trades)[-10:]]
            self._say(session, kind, trades, f"{kind}@{coin}")
        elif kind == "allMids":
            self._say(session, kind, {"mids": self._questions.mids()}, kind)
        elif kind == "bbo":
            self._say(session, kind, self._questions.best(coin), f"{kind}@{coin}")
        elif kind == "activeAssetCtx":
            self._context(session, coin)

    def _snapshot(self, session: Session, kind: str, user: str) -> None:
        mine = user.lower() == self._account.master
        rows: dict[str, tuple[str, list[Any]]] = {
            "userFills": ("fills", [fill.json() for fill in self._book.fills[-SNAPSHOT_ROWS:]]),
            "userFundings": ("fundings", self._questions.funding),
            "userNonFundingLedgerUpdates": ("nonFundingLedgerUpdates", []),
            "userTwapSliceFills": ("twapSliceFills", []),
        }
        if kind in rows:
            name, told = rows[kind]
            data = {"isSnapshot": True, "user": user, name: told if mine else []}
            self._say(session, kind, data, kind)

    # what is pushed

    def on_order(self, order: EmulatedOrder, change: Change, execution: Execution | None) -> None:
        """The account's own keeper tells of orders."""

    def tell_order(self, order: HlOrder) -> None:
        """An order has a new status."""
        entry = {
            "order": order.basic(order.size_at_status),
            "status": order.status,
            "statusTimestamp": ms(order.status_at),
        }
        self._to_account("orderUpdates", [entry])

    def tell_fill(self, fill: HlFill) -> None:
        """An order has filled."""
        self._to_account("userFills", {"user": self._account.master, "fills": [fill.json()]})
        self._to_account("userEvents", {"fills": [fill.json()]}, channel="user")

    def on_funding(self, payment: FundingPayment) -> None:
        """Funding was paid."""
        paid = self._questions.funding[-1]
        self._to_account("userFundings", {"user": self._account.master, "fundings": [paid]})
        self._to_account("userEvents", {"funding": paid}, channel="user")

    def on_trade(self, trade: PublicTrade) -> None:
        """A print: the tape, and the candles that it is in."""
        for session, _ in self._of("trades", trade.symbol):
            self._say(session, "trades", [trade_json(trade)], f"trades@{trade.symbol}")
        for session, wanted in self._of("candle", trade.symbol):
            candle = self._questions.candle(trade.symbol, wanted["interval"])
            self._say(session, "candle", candle, f"candle@{trade.symbol}")

    def on_book(self, update: BookUpdate) -> None:
        """The book changed."""
        self._changed.add(update.symbol)
        for session, _ in self._of("bbo", update.symbol):
            self._say(session, "bbo", self._questions.best(update.symbol), f"bbo@{update.symbol}")

    def on_mark(self, symbol: str) -> None:
        """The mark price was set."""
        for session, _ in self._of("activeAssetCtx", symbol):
            self._context(session, symbol)

    def _show_books(self) -> None:
        for coin in sorted(self._changed):
            for session, wanted in self._of("l2Book", coin):
                self._say(session, "l2Book", self._book_of(wanted), f"l2Book@{coin}")
        self._changed.clear()

    def _each_second(self) -> None:
        now = self._exchange.now
        for session, _ in list(self._listening.values()):
            if now - self._heard.get(session.number, session.opened) >= self._silence_ns:
                session.close(1000)
        for pair in PAIRS:  # perpetuals have theirs with each mark price
            self.on_mark(pair.coin)
        for session, streams in list(self._listening.values()):
            if any(wanted["type"] == "allMids" for wanted in streams.values()):
                self._say(session, "allMids", {"mids": self._questions.mids()}, "allMids")

    def _context(self, session: Session, coin: str) -> None:
        listed = BY_COIN[coin]
        context = self._questions.spot_context(listed) if listed.spot else self._questions.perpetual_context(listed)
        channel = "activeSpotAssetCtx" if listed.spot else "activeAssetCtx"
        self._say(session, channel, {"coin": coin, "ctx": context}, f"{channel}@{coin}")

    def _book_of(self, wanted: dict[str, Any]) -> dict[str, Any]:
        levels = 5 if wanted.get("fast") else 20
        return self._questions.book(wanted["coin"], levels, wanted.get("nSigFigs"))

    def _of(self, kind: str, coin: str) -> list[tuple[Session, dict[str, Any]]]:
        return [
            (session, wanted)
            for session, streams in self._listening.values()
            for wanted in streams.values()
            if wanted["type"] == kind and wanted.get("coin") == coin
        ]

    def _to_account(self, kind: str, data: Any, channel: str = "") -> None:
        for session, streams in list(self._listening.values()):
            for wanted in list(streams.values()):
                if wanted["type"] == kind and wanted["user"].lower() == self._account.master:
                    self._say(session, channel or kind, data, channel or kind)

    def _error(self, session: Session, what: str) -> None:
        self._say(session, "error", what)

    def _say(self, session: Session, channel: str, data: Any, where: str = "") -> None:
        message = {"channel": channel} if data is None else {"channel": channel, "data": data}
        self._said(session, json.dumps(message, separators=(",", ":")), where)

    def _said(self, session: Session, text: str, where: str = "") -> None:
        self._heard[session.number] = self._exchange.now
        session.push(text, where)


def _key(wanted: dict[str, Any]) -> str:
    parts = {name: value for name, value in wanted.items() if value is not None}
    return json.dumps(
        {name: str(value).lower() if name == "user" else value for name, value in parts.items()}, sort_keys=True
    )
