"""USD-M Futures' user data stream: listen keys, and the events that go to the connections that hold one.

A key lives 60 minutes; asking for one again gives the same key and extends it, as keeping it alive does. When it runs out
its connections are told once (`listenKeyExpired`) and hear nothing more. There is no replay.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from kedge.model.facts import FundingPayment
from kedge.model.instant import NS_PER_S
from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator import keys
from kedge.venues.emulator.binance.algo import AlgoOrder
from kedge.venues.emulator.binance.algo import event as algo_event
from kedge.venues.emulator.binance.fields import Fields, fixed, ms, plain
from kedge.venues.emulator.binance.margin import Margin
from kedge.venues.emulator.binance.refused import Refused
from kedge.venues.emulator.binance.spot_pages import signed
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.orders import Execution
from kedge.venues.emulator.wire import Session

KEY_LIFE_S = 3_600
_KEY_LENGTH = 64


class FuturesUser:
    """Keeps the listen key and tells its connections (`FuturesReporter`)."""

    def __init__(self, exchange: Exchange, margin: Margin, seed: int, scale: int) -> None:
        self._life = KEY_LIFE_S * NS_PER_S * scale
        self._exchange = exchange
        self._margin = margin
        self._seed = seed
        self._made = 0
        self._key = ""
        self._timer = 0
        self._sessions: dict[int, tuple[Session, str, frozenset[str]]] = {}

    # listen keys

    def start(self, fields: Fields) -> dict[str, Any]:
        """`POST`: the key, new or extended."""
        if not self._key:
            self._made += 1
            self._key = keys.text(self._seed, f"listen-key-{self._made}")
        self._extend()
        return {"listenKey": self._key}

    def keep(self, fields: Fields) -> dict[str, Any]:
        """`PUT`: another hour."""
        if not self._key:
            raise Refused(-1125, "This listenKey does not exist.")
        self._extend()
        return {"listenKey": self._key}

    def stop(self, fields: Fields) -> dict[str, Any]:
        """`DELETE`."""
        self._exchange.timeline.call_off(self._timer)
        self._key = ""
        return {}

    def expire(self) -> None:
        """The key runs out, now."""
        if self._key:
            now = ms(self._exchange.now)
            self._say({"e": "listenKeyExpired", "E": now, "listenKey": self._key})
            self._exchange.timeline.call_off(self._timer)
            self._key = ""

    def _extend(self) -> None:
        self._exchange.timeline.call_off(self._timer)
        self._timer = self._exchange.timeline.after(self._life, self.expire)

    # connections

    def connect(self, session: Session, key: str, events: frozenset[str]) -> None:
        """A connection with a key; one that is not (or no more) valid is never told anything."""
        self._sessions[session.number] = (session, key, events)

    def take_key(self, session: Session, stream: str) -> bool:
        """A subscription to what looks like a listen key, on the private path."""
        is_key = session.path.startswith("/private") and stream.isalnum() and len(stream) == _KEY_LENGTH
        if is_key:
            self.connect(session, stream, frozenset())
        return is_key

    def closed(self, session: Session) -> None:
        """A connection is over."""
        self._sessions.pop(session.number, None)

    def _say(self, event: dict[str, Any]) -> None:
        for session, key, events in list(self._sessions.values()):
            if self._key and key == self._key and (not events or event["e"] in events):
                told = {"stream": key, "data": event} if session.state.get("combined") else event
                session.push(msgspec.json.encode(told).decode(), f"user/{event['e']}")

    # events

    def report(self, ticket: Ticket, kind: str, fill: Execution | None = None) -> None:
        """An ORDER_TRADE_UPDATE; with a fill TRADE_LITE before it and ACCOUNT_UPDATE after it."""
        if fill is not None and kind == "TRADE":
            self._say(self._trade_lite(ticket, fill))
        self._say(self._order_update(ticket, kind, fill))
        if fill is not None:
            self._account_update("ORDER", ticket.symbol)

    def on_algo(self, order: AlgoOrder) -> None:
        """An ALGO_UPDATE."""
        self._say(algo_event(order, ms(self._exchange.now)))

    def on_leverage(self, symbol: str, leverage: int) -> None:
        """An ACCOUNT_CONFIG_UPDATE."""
        now = ms(self._exchange.now)
        self._say({"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": symbol, "l": leverage}})

    def on_funding(self, payment: FundingPayment) -> None:
        """An ACCOUNT_UPDATE with its reason."""
        self._account_update("FUNDING_FEE", payment.symbol, payment.amount)

    def _account_update(self, reason: str, symbol: str, change: Decimal = ZERO) -> None:
        now = ms(self._exchange.now)
        wallet = signed(self._margin.wallet())
        told: dict[str, Any] = {
            "m": reason, "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": signed(change)}], "P": []
        }  # fmt: skip
        if reason == "ORDER":
            holding = self._exchange.holdings[symbol]
            realized = sum((each.amount for each in self._exchange.incomes if each.kind == "REALIZED_PNL"), ZERO)
            even = (holding.cost + holding.fees) / holding.quantity if holding.quantity else ZERO
            told["P"] = [
                {
                    "s": symbol, "pa": signed(holding.quantity, 3), "ep": plain(holding.entry.quantize(_EIGHT)),
                    "bep": plain(even.quantize(_EIGHT)), "cr": signed(realized),
                    "up": signed(self._exchange.unrealized(symbol)),
                    "mt": "isolated" if symbol in self._margin.isolated else "cross", "iw": "0", "ps": "BOTH",
                }
            ]  # fmt: skip
        self._say({"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": told})

    def _trade_lite(self, ticket: Ticket, fill: Execution) -> dict[str, Any]:
        now = ms(self._exchange.now)
        return {
            "e": "TRADE_LITE", "E": now, "T": now, "s": ticket.symbol, "q": plain(ticket.quantity),
            "p": plain(ticket.price), "m": fill.maker, "c": ticket.client_id, "S": ticket.side, "L": plain(fill.price),
            "l": plain(fill.quantity), "t": fill.trade_id, "i": ticket.number,
        }  # fmt: skip

    def _order_update(self, ticket: Ticket, kind: str, fill: Execution | None) -> dict[str, Any]:
        now = ms(self._exchange.now)
        average = ticket.value / ticket.filled if ticket.filled else ZERO
        bids = asks = ZERO
        if ticket.is_open and ticket.order is not None:
            open_value = ticket.left * (ticket.price or ZERO)
            bids, asks = (open_value, ZERO) if ticket.order.side is Side.BUY else (ZERO, open_value)
        order: dict[str, Any] = {
            "s": ticket.symbol, "c": ticket.client_id, "S": ticket.side, "o": ticket.kind, "f": ticket.force,
            "q": plain(ticket.quantity), "p": plain(ticket.price), "ap": plain(average.quantize(_EIGHT)), "sp": "0",
            "x": kind, "X": ticket.status, "i": ticket.number, "l": "0", "z": plain(ticket.filled), "L": "0",
            "n": "0", "N": "USDT", "T": now, "t": 0, "b": plain(bids), "a": plain(asks), "m": False,
            "R": ticket.extra["reduce_only"], "wt": "CONTRACT_PRICE", "ot": ticket.extra.get("origin", ticket.kind),
            "ps": "BOTH", "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": ticket.stp,
            "pm": ticket.extra.get("price_match", "NONE"), "gtd": ticket.extra.get("good_till", 0), "er": "0",
        }  # fmt: skip
        if fill is not None:
            order |= {
                "l": plain(fill.quantity), "L": plain(fill.price), "n": fixed(fill.fee), "N": fill.fee_currency,
                "t": fill.trade_id, "m": fill.maker, "rp": signed(fill.realized),
            }  # fmt: skip
        return {"e": "ORDER_TRADE_UPDATE", "E": now, "T": now, "o": order}


_EIGHT = Decimal("1E-8")
