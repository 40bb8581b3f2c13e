"""Market streams: subscriptions of a connection, and what is pushed when, for Spot and Futures.

A stream is `symbol@kind`. Trades and best prices go out as they happen; depth, candles, tickers and mark prices at the
period of their stream. A connection is raw (`/ws/...`) or combined (`/stream?streams=...`), which wraps each event. On
Futures a path serves only its own kinds of stream: one on the wrong path is confirmed, pinged, and never speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from kedge.model.instant import NS_PER_S
from kedge.model.market import Level
from kedge.venues.emulator.binance.fields import microseconds
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.tape import BookUpdate, PublicTrade
from kedge.venues.emulator.wire import Session

STREAMS_MAX = 1_024
_MS = 1_000_000
_FULL_PACE_MS = 500


class Words(Protocol):
    """One product's event payloads. `event` answers None where nothing is to be said."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Subscribable kinds, as patterns of what follows the `@`."""

    @property
    def all_market(self) -> tuple[str, ...]:
        """Streams without a symbol."""

    def trade(self, kind: str, trade: PublicTrade) -> dict[str, Any]:
        """A `trade` or `aggTrade` event."""

    def best(self, symbol: str, update: BookUpdate) -> dict[str, Any]:
        """A `bookTicker` event."""

    def depth(self, symbol: str, gathered: BookUpdate) -> dict[str, Any]:
        """A `depth` diff."""

    def periodic(self, symbol: str, kind: str) -> Any:
        """Anything that goes out at a period: partial books, candles, tickers, mark prices."""

    def period_ms(self, kind: str) -> int:
        """How often a kind goes out; 0 for those that go out as they happen."""

    def serves(self, path: str, kind: str) -> bool:
        """Whether a connection's path delivers a kind."""

    def in_microseconds(self, query: str) -> bool:
        """Whether a connection's address asks for times in microseconds, and gets them."""


class Streams:
    """The connections of one product's market streams."""

    def __init__(self, exchange: Exchange, words: Words, symbols: Mapping[str, str], messages_a_second: int) -> None:
        self._exchange = exchange
        self._words = words
        self._symbols = symbols  # lower case -> symbol
        self._messages_max = messages_a_second
        self._sessions: dict[int, Session] = {}
        self._gathered: dict[tuple[str, int], BookUpdate] = {}
        self._periods: dict[int, bool] = {}
        #: Takes a stream that is no market's: a listen key, on the path for it.
        self.take_key: Callable[[Session, str], bool] = _no_key
        self._last_best: dict[str, tuple[Level | None, Level | None]] = {}
        exchange.listeners.append(self)

    def connect(self, session: Session, *, combined: bool, streams: list[str]) -> None:
        """A connection begins, with the streams its address names."""
        micro = self._words.in_microseconds(session.query)
        session.state |= {"combined": combined, "streams": {}, "heard": (0, 0), "micro": micro}
        self._sessions[session.number] = session
        for stream in streams:
            if self._known(stream):
                self._subscribe(session, stream)

    def closed(self, session: Session) -> None:
        """A connection is over."""
        self._sessions.pop(session.number, None)

    def receive(self, session: Session, text: str) -> None:
        """A control message: SUBSCRIBE and its kin."""
        if not self.counts(session):
            return
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            session.push(_error(2, "Invalid JSON: expected value at line 1 column 1", None))
            return
        number = asked.get("id") if isinstance(asked, dict) else None
        if not isinstance(asked, dict) or "method" not in asked:
            session.push(_error(0, "Unknown property", number))
            return
        params = asked.get("params", [])
        if not isinstance(params, list) or not all(isinstance(each, str | bool) for each in params):
            session.push(_error(2, "Invalid request: params must be a list of strings", number))
            return
        session.push(self._control(session, str(asked["method"]), params, number))

    def counts(self, session: Session) -> bool:
        """Count a message that came in; too many in a second end the connection."""
        second, count = session.state["heard"]
        now = self._exchange.now // NS_PER_S
        heard: int = count + 1 if second == now else 1
        session.state["heard"] = (now, heard)
        if heard > self._messages_max:
            session.close(1008)
            return False
        return True

    def _control(self, session: Session, method: str, params: list[Any], number: Any) -> str:
        streams = _streams(session)
        if method == "SUBSCRIBE":
            keys = [each for each in params if self.take_key(session, str(each))]
            params = [each for each in params if each not in keys]
            wrong = [each for each in params if not self._known(str(each))]
            if wrong:
                return _error(2, f"Invalid request: unknown stream {wrong[0]}", number)
            if len(streams) + len(params) > STREAMS_MAX:
                return _error(2, f"Invalid request: more than {STREAMS_MAX} streams", number)
            for each in params:
                self._subscribe(session, str(each))
            return _said({"result": None, "id": number})
        if method == "UNSUBSCRIBE":
            for each in params:
                streams.pop(str(each), None)
            return _said({"result": None, "id": number})
        if method == "LIST_SUBSCRIPTIONS":
            return _said({"result": list(streams), "id": number})
        if method == "SET_PROPERTY":
            session.state["combined"] = bool(params[1:] and params[1])
            return _said({"result": None, "id": number})
        if method == "GET_PROPERTY":
            return _said({"result": session.state["combined"], "id": number})
        return _error(2, f"Invalid request: unknown variant {method}", number)

    def _known(self, stream: str) -> bool:
        symbol, _, kind = stream.partition("@")
        if stream.startswith("!"):
            return stream in self._words.all_market
        return symbol in self._symbols and any(re.fullmatch(each, kind) for each in self._words.kinds)

    def _subscribe(self, session: Session, stream: str) -> None:
        symbol, _, kind = ("", "", stream) if stream.startswith("!") else stream.partition("@")
        served = self._words.serves(session.path, kind)
        _streams(session)[stream] = (self._symbols.get(symbol, ""), kind, served)
        period = self._words.period_ms(kind)
        if period and period not in self._periods:
            self._periods[period] = True
            least = self._exchange.settings.pace_ms  # in a market that is hurried along nothing is said more often
            pace = period if least <= _FULL_PACE_MS else max(period, least)
            self._exchange.timeline.every(pace * _MS, self._beat(period))

    def _beat(self, period: int) -> Callable[[], None]:
        def beat() -> None:
            said: dict[str, Any] = {}
            for session in list(self._sessions.values()):
                for stream, (symbol, kind, served) in list(_streams(session).items()):
                    if served and self._words.period_ms(kind) == period:
                        if stream not in said:
                            said[stream] = self._periodic(symbol, kind, period)
                        self._push(session, stream, said[stream])
            for key in [key for key in self._gathered if key[1] == period]:
                del self._gathered[key]

        return beat

    def _periodic(self, symbol: str, kind: str, period: int) -> Any:
        if re.fullmatch(r"depth(@\d+ms)?", kind):
            gathered = self._gathered.get((symbol, period))
            return None if gathered is None else self._words.depth(symbol, gathered)
        return self._words.periodic(symbol, kind)

    # what happens (`Listener`)

    def on_trade(self, trade: PublicTrade) -> None:
        """Prints go out at once."""
        for kind in ("trade", "aggTrade"):
            self._now(trade.symbol, kind, lambda kind=kind: self._words.trade(kind, trade))  # type: ignore[misc]

    def on_book(self, update: BookUpdate) -> None:
        """Best prices go out when they change; depth is gathered until its period."""
        tape = self._exchange.tapes[update.symbol]
        best = (tape.best(asks=False), tape.best(asks=True))
        if best != self._last_best.get(update.symbol):
            self._last_best[update.symbol] = best
            self._now(update.symbol, "bookTicker", lambda: self._words.best(update.symbol, update))
        for period in self._periods:
            before = self._gathered.get((update.symbol, period))
            self._gathered[update.symbol, period] = update if before is None else merged(before, update)

    def on_order(self, order: object, change: object, execution: object) -> None:
        """Orders are not public."""

    def on_mark(self, symbol: str) -> None:
        """Mark prices go out at their period."""

    def on_funding(self, payment: object) -> None:
        """Payments are not public."""

    def say(self, event: dict[str, Any], stream: str) -> None:
        """Tell every connection."""
        for session in list(self._sessions.values()):
            self._push(session, stream, event)

    def tell(self, stream: str, event: dict[str, Any]) -> None:
        """Tell the connections that subscribed to a stream."""
        for session in list(self._sessions.values()):
            subscribed = _streams(session).get(stream)
            if subscribed is not None and subscribed[2]:
                self._push(session, stream, event)

    def _now(self, symbol: str, kind: str, event: Callable[[], dict[str, Any]]) -> None:
        stream = f"{symbol.lower()}@{kind}"
        said: dict[str, Any] | None = None
        for session in list(self._sessions.values()):
            subscribed = _streams(session).get(stream)
            if subscribed is not None and subscribed[2]:
                said = event() if said is None else said
                self._push(session, stream, said)

    def _push(self, session: Session, stream: str, event: Any) -> None:
        if event is not None:
            event = microseconds(event) if session.state["micro"] else event
            told = {"stream": stream, "data": event} if session.state["combined"] else event
            session.push(_said(told), stream)


def merged(before: BookUpdate, after: BookUpdate) -> BookUpdate:
    """Two updates as one: later sizes win."""
    return BookUpdate(
        after.ts, after.symbol, before.first, after.last, before.previous,
        tuple({**dict(before.bids), **dict(after.bids)}.items()),
        tuple({**dict(before.asks), **dict(after.asks)}.items()),
    )  # fmt: skip


def _no_key(session: Session, stream: str) -> bool:
    return False


def _streams(session: Session) -> dict[str, tuple[str, str, bool]]:
    streams = session.state["streams"]
    assert isinstance(streams, dict)
    return streams


def _said(event: Any) -> str:
    return msgspec.json.encode(event).decode()


def _error(code: int, message: str, number: Any) -> str:
    return _said({"error": {"code": code, "msg": message}, "id": number})
