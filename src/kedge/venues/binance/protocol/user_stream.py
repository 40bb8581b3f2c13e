"""What is pushed about our own orders and account.

    spot     executionReport                       over the WebSocket API, wrapped in {"subscriptionId", "event"}
    USD-M    ORDER_TRADE_UPDATE, ALGO_UPDATE       over a connection that carries a listen key

One event has two halves. The execution type says what has just happened (`x`), the status what the order is by now
(`X`). A trade becomes a `Fill`, known by its trade id; an end carries the cumulative quantity, because it may overtake
the last fill (hazard H14). On a cancel `C` is the order's own id and `c` the cancel request's (FACTS.md 1.3).

`TRADE_LITE` tells a trade sooner and without its fee; the same trade comes whole in `ORDER_TRADE_UPDATE`, so it is
passed over. Account events become `Account` news: only what changed is in them. Whatever ends the stream (expired key,
terminated subscription, shutdown) is `ends`: a disconnection, to be followed by a new session and a reconciliation
(hazard H36).

A conditional order that is triggered becomes another order with an id of its own: `became` says which, so that its
executions can be told as those of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.facts import (
    Fill,
    Liquidity,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    VenueFact,
)
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus
from kedge.venues.binance.protocol.account import margin_mode
from kedge.venues.binance.protocol.executions import side_of
from kedge.venues.binance.protocol.instruments import Listing
from kedge.venues.binance.protocol.names import to_order_id
from kedge.venues.binance.protocol.numbers import amount, price, price_or_none, signed, when
from kedge.venues.binance.protocol.orders import CONDITIONAL
from kedge.venues.binance.protocol.reports import status_of, type_of
from kedge.venues.binance.protocol.user_events import (
    ACCOUNT_UPDATE,
    ALGO_UPDATE,
    CONFIG_UPDATE,
    EXECUTION,
    HEAD,
    MARGIN_CALL,
    ORDER_UPDATE,
    OUTBOUND,
    TRIGGER,
    Report,
)
from kedge.venues.exact import decode, shown
from kedge.venues.gateway import Balance

#: A futures listen key lives for an hour; it is renewed twice in it (FACTS.md 2.4).
LISTEN_KEY_S = 3_600
RENEW_S = 1_500

#: Kinds of event that need no answer of ours.
IGNORED = frozenset(
    {
        *("balanceUpdate", "listStatus", "externalLockUpdate", "TRADE_LITE", "USER_LIABILITY_CHANGE"),
        *("STRATEGY_UPDATE", "GRID_UPDATE", "CONDITIONAL_ORDER_TRADE_UPDATE", "RISK_LEVEL_CHANGE"),
        *("MARGIN_LEVEL_STATUS_CHANGE", "openOrderLoss", "liabilityChange"),
    }
)

#: Kinds of event after which nothing more comes.
ENDINGS = frozenset({"listenKeyExpired", "eventStreamTerminated", "serverShutdown"})

_EXECUTIONS = frozenset(
    {
        *("NEW", "CANCELED", "REPLACED", "REJECTED", "TRADE", "EXPIRED", "TRADE_PREVENTION"),
        *("CALCULATED", "AMENDMENT", "PENDING_NEW"),
    }
)

#: The order works on under other terms: futures' word, then spot's, where `C` is the id that it had before.
_AMENDED = frozenset({"AMENDMENT", "REPLACED"})

_ALGO_LIVES = frozenset({"NEW", "TRIGGERING", "TRIGGERED", "FINISHED"})


class PositionChange(Struct, frozen=True, gc=False):
    """What one position now is; `side` is LONG or SHORT in hedge mode."""

    symbol: str
    quantity: Decimal
    side: str = "BOTH"


class News(Struct, frozen=True):
    """What one event says. `client_id` and `exchange_id` name the order that its facts are about; `became` maps a
    triggered order's venue id to our id, `renamed` is the client id that an amendment gave the order. `warning` is for a
    human: a margin call, a change of leverage.
    """

    facts: tuple[VenueFact, ...] = ()
    client_id: str = ""
    exchange_id: str = ""
    symbol: str = ""
    became: tuple[str, str] | None = None
    renamed: str = ""
    balances: tuple[Balance, ...] = ()
    positions: tuple[PositionChange, ...] = ()
    reason: str = ""
    ends: str = ""
    warning: str = ""
    number: int | None = None


NOTHING = News()


class UserStream:
    """Reads the events of one account. It remembers which orders conditional ones became (`became`), and which of our ids
    were too long to be read back (`remember`); both are bounded.
    """

    REMEMBERED_MAX = 10_000

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._became: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def remember(self, order_id: str, client_id: str) -> None:
        """Know `client_id` as the order of ours that it was made from."""
        _put(self._ids, client_id, order_id, self.REMEMBERED_MAX)

    def remember_triggered(self, exchange_id: str, order_id: str) -> None:
        """Know the order with the venue's id `exchange_id` as what our conditional order has become."""
        _put(self._became, exchange_id, order_id, self.REMEMBERED_MAX)

    def order_id(self, client_id: str, exchange_id: str = "") -> str:
        """Our id of an order by what the venue calls it."""
        known = self._became.get(exchange_id) or self._ids.get(client_id)
        return known or to_order_id(client_id)

    def read(self, message: str | bytes, received: int) -> News:
        """What one message says."""
        head = decode(message, HEAD, "user event")
        inner = bytes(head.event) or bytes(head.data)
        text: str | bytes = message
        if inner:
            text = inner
            head = decode(text, HEAD, "user event")
        read = _READERS.get(head.e)
        if read is not None:
            return read(self, text, received)
        if head.e in ENDINGS:
            return News(ends=head.e)
        if head.e in IGNORED:
            return NOTHING
        raise VenueError(f"user event {shown(head.e)} is none that we know")

    def execution(self, text: str | bytes, received: int) -> News:
        """Spot's report of an order."""
        found = decode(text, EXECUTION, "executionReport")
        return self._report(found, when(found.T), received)

    def order_update(self, text: str | bytes, received: int) -> News:
        """Futures' report of an order."""
        found = decode(text, ORDER_UPDATE, "ORDER_TRADE_UPDATE")
        return self._report(found.o, when(found.o.T or found.T), received)

    def _report(self, row: Report, ts: int, received: int) -> News:
        if row.x not in _EXECUTIONS:
            raise VenueError(f"execution type {shown(row.x)} is none that we know")
        status, exchange_id = status_of(row.X), str(row.i)
        client_id = row.C or row.c
        order_id = self.order_id(client_id, exchange_id)
        symbol, side = self.listing.symbol(row.s), side_of(row.S)
        conditional = type_of(row.o) in CONDITIONAL
        last, filled = amount(row.l, "last quantity"), amount(row.z, "filled quantity")
        facts: list[VenueFact] = []
        if row.x in _AMENDED:
            quantity, limit = amount(row.q, "quantity"), price_or_none(row.p)
            facts.append(OrderAmended(ts, order_id, quantity, limit, exchange_id, received))
        renamed = row.c if row.x in _AMENDED and row.C not in {"", row.c} else ""
        if renamed:
            self.remember(order_id, renamed)
        if row.x == "NEW" and status is not OrderStatus.REJECTED:
            facts.append(OrderAccepted(ts, order_id, exchange_id, received))
        if last and row.x in {"TRADE", "CALCULATED"}:
            facts.append(
                Fill(
                    ts,
                    order_id,
                    # what the venue itself closes may come without a trade id: one that a repeat makes again
                    str(row.t) if row.t > 0 else f"{exchange_id}:{row.z}",
                    symbol,
                    side,
                    last,
                    price(row.L, "last price"),
                    signed(row.n, "commission") if row.n else ZERO,
                    row.N or "",
                    Liquidity.MAKER if row.m else Liquidity.TAKER,
                    received=received,
                )
            )
        if status is OrderStatus.CANCELLED:
            facts.append(OrderCancelled(ts, order_id, filled, _reason(row.r), received))
        elif status is OrderStatus.EXPIRED:
            facts.append(OrderExpired(ts, order_id, filled, _reason(row.r) or row.X, received))
        elif status is OrderStatus.REJECTED and conditional:
            facts.append(OrderCancelled(ts, order_id, filled, f"rejected when triggered: {_reason(row.r)}", received))
        elif status is OrderStatus.REJECTED:
            facts.append(OrderRejected(ts, order_id, _reason(row.r) or "REJECTED", received))
        elif (not facts or row.x in _AMENDED) and status is not OrderStatus.FILLED:
            facts.append(OrderReport(ts, order_id, status, filled, exchange_id, received))
        return News(tuple(facts), client_id, exchange_id, symbol, renamed=renamed)

    def algo_update(self, text: str | bytes, received: int) -> News:
        """Futures' report of a conditional order."""
        found = decode(text, ALGO_UPDATE, "ALGO_UPDATE")
        row, ts = found.o, when(found.T)
        order_id, algo_id, actual = self.order_id(row.caid), str(row.aid), str(row.ai or "")
        became = None
        if actual and actual != "0":
            self.remember_triggered(actual, order_id)
            became = (actual, order_id)
        filled = amount(row.aq or "0", "actual quantity")
        facts: tuple[VenueFact, ...]
        if row.X in {"CANCELED", "REJECTED"}:
            # it worked until it was triggered, and ends now: rejected is what never worked
            reason = f"rejected when triggered: {row.rm}" if row.X == "REJECTED" else ""
            facts = (OrderCancelled(ts, order_id, filled, reason[:80], received),)
        elif row.X == "EXPIRED":
            facts = (OrderExpired(ts, order_id, filled, row.X, received),)
        elif row.X in _ALGO_LIVES:
            facts = (OrderAccepted(ts, order_id, algo_id, received),) if row.X == "NEW" else ()
        else:
            raise VenueError(f"algo status {shown(row.X)} is none that we know")
        return News(facts, row.caid, algo_id, self.listing.symbol(row.s), became)

    def trigger_refused(self, text: str | bytes, received: int) -> News:
        """A conditional order could not be triggered."""
        found = decode(text, TRIGGER, "trigger refusal").o
        return News(
            exchange_id=str(found.i), warning=f"trigger of order {found.i} on {shown(found.s)}: {shown(found.r)}"
        )

    def outbound(self, text: str | bytes, received: int) -> News:
        """Spot balances that changed."""
        found = decode(text, OUTBOUND, "outboundAccountPosition")
        told = []
        for row in found.B:
            free = amount(row.f, "free balance")
            told.append(Balance(row.a, free + amount(row.l, "locked balance"), free))
        return News(balances=tuple(told), reason="account")

    def account_update(self, text: str | bytes, received: int) -> News:
        """Futures balances and positions that changed."""
        part = decode(text, ACCOUNT_UPDATE, "ACCOUNT_UPDATE").a
        told = tuple(
            Balance(row.a, signed(row.wb, "wallet balance"), signed(row.cw, "cross wallet balance")) for row in part.B
        )
        changed = tuple(
            PositionChange(self.listing.symbol(row.s), signed(row.pa, "position"), row.ps) for row in part.P
        )
        return News(balances=told, positions=changed, reason=part.m)

    def config_update(self, text: str | bytes, received: int) -> News:
        """Leverage or the multi-asset mode was changed, by us or by somebody else (hazard H31)."""
        found = decode(text, CONFIG_UPDATE, "ACCOUNT_CONFIG_UPDATE")
        if found.ac is not None:
            symbol = self.listing.symbol(found.ac.s)
            return News(symbol=symbol, warning=f"leverage of {symbol} is now {found.ac.l}")
        return News(warning="the multi-asset mode of the account was changed")

    def margin_call(self, text: str | bytes, received: int) -> News:
        """The venue warns that positions are close to liquidation."""
        found = decode(text, MARGIN_CALL, "MARGIN_CALL")
        names = ", ".join(f"{self.listing.symbol(row.s)} ({margin_mode(row.mt)})" for row in found.p)
        return News(warning=f"margin call on {names or 'the account'}")


def is_answer(message: str | bytes) -> bool:
    """Whether a message answers a request of ours and is no event."""
    head = decode(message, HEAD, "user message")
    return not (head.e or bytes(head.event) or bytes(head.data))


_READERS: dict[str, Callable[[UserStream, str | bytes, int], News]] = {
    "executionReport": UserStream.execution,
    "ORDER_TRADE_UPDATE": UserStream.order_update,
    "ALGO_UPDATE": UserStream.algo_update,
    "CONDITIONAL_ORDER_TRIGGER_REJECT": UserStream.trigger_refused,
    "outboundAccountPosition": UserStream.outbound,
    "ACCOUNT_UPDATE": UserStream.account_update,
    "ACCOUNT_CONFIG_UPDATE": UserStream.config_update,
    "MARGIN_CALL": UserStream.margin_call,
}


def _reason(text: str) -> str:
    return "" if text == "NONE" else text[:80]


def _put(table: dict[str, str], key: str, value: str, most: int) -> None:
    table[key] = value
    if len(table) > most:
        del table[next(iter(table))]
