"""Orders and executions as the venue tells them, and its answers to placing, editing and cancelling.

Placing: `success: true` means taken in, not resting. The order is `PENDING` at first and may be `FAILED` a moment later,
which therefore ends an accepted order and does not reject it (decision 0031). Cancelling: `success: true` means that the
wish was heard; `CANCEL_QUEUED` is an order that works and may fill.

Status                                                  here
    PENDING, OPEN, QUEUED, CANCEL_QUEUED, EDIT_QUEUED   open, partial once something has filled
    FILLED                                              filled
    CANCELLED, FAILED                                   cancelled
    EXPIRED                                             expired
    UNKNOWN_ORDER_STATUS, or none                       nothing is known (hazard H5)

Executions carry the price and the fee of each; the user channel only sums them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.facts import Fill, Liquidity, OrderCancelled, OrderExpired, OrderReport, VenueFact
from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.model.order import OrderStatus, Side
from kedge.venues.answers import Failed
from kedge.venues.coinbase.configuration import EDITABLE, Terms, terms
from kedge.venues.coinbase.errors import refusal
from kedge.venues.coinbase.values import Fields
from kedge.venues.gateway import OpenOrder

SIDES: Mapping[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL}

_UNKNOWN = "UNKNOWN_ORDER_STATUS"
STATUSES: Mapping[str, OrderStatus | None] = {
    "PENDING": OrderStatus.OPEN,
    "OPEN": OrderStatus.OPEN,
    "QUEUED": OrderStatus.OPEN,
    "CANCEL_QUEUED": OrderStatus.OPEN,
    "EDIT_QUEUED": OrderStatus.OPEN,
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "FAILED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    _UNKNOWN: None,
}

_LIQUIDITY: Mapping[str, Liquidity] = {
    "MAKER": Liquidity.MAKER,
    "TAKER": Liquidity.TAKER,
    "UNKNOWN_LIQUIDITY_INDICATOR": Liquidity.TAKER,  # the dearer of the two
}


class Accepted(Struct, frozen=True, gc=False):
    """The venue took the order in, or had it already."""

    exchange_id: str
    client_id: str


class Standing(Struct, frozen=True, gc=False):
    """Where an order stands: the same from REST and from the user channel. `filled` is cumulative, `word` the venue's own
    name of the status, `quantity` and `price` the terms of a limit order where they are told.
    """

    exchange_id: str
    client_id: str
    product: str
    status: OrderStatus | None
    filled: Decimal
    reason: str = ""
    word: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None

    @property
    def is_ended(self) -> bool:
        """Whether the venue's last word was said."""
        return self.status is not None and self.status.is_terminal

    def report(self, ts: int, order_id: str, received: int = 0) -> OrderReport:
        """The answer to a query."""
        return OrderReport(ts, order_id, self.status, self.filled, self.exchange_id, received)

    def told(self, ts: int, order_id: str, received: int = 0) -> VenueFact:
        """What the venue says of the order by itself: its end with the reason, or where it stands."""
        if self.status is OrderStatus.CANCELLED:
            return OrderCancelled(ts, order_id, self.filled, self.reason, received)
        if self.status is OrderStatus.EXPIRED:
            return OrderExpired(ts, order_id, self.filled, self.reason, received)
        return self.report(ts, order_id, received)


class Execution(Struct, frozen=True, gc=False):
    """One execution of an order, by the venue's id of it."""

    exchange_id: str
    trade_id: str
    product: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity
    ts: int

    def fill(self, order_id: str, symbol: str, received: int = 0) -> Fill:
        """The fact; the fee is in the quote currency."""
        return Fill(
            self.ts,
            order_id,
            self.trade_id,
            symbol,
            self.side,
            self.quantity,
            self.price,
            self.fee,
            "",
            self.liquidity,
            received=received,
        )


class Page(Struct, frozen=True):
    """A part of a list; `cursor` asks for the next, empty: there is none."""

    items: tuple[Fields, ...]
    cursor: str


def placed(told: Fields) -> Accepted | Failed:
    """The answer to placing."""
    if not told.flag("success"):
        return refusal(told)
    taken = told.object("success_response")
    return Accepted(taken.text("order_id"), taken.text("client_order_id", ""))


def edited(told: Fields) -> Failed | None:
    """The answer to an edit; None: it was taken in."""
    if told.flag("success"):
        return None
    listed = told.items("errors") if told.has("errors") else []
    return refusal(listed[0] if listed else told)


def cancels(told: Fields) -> dict[str, str]:
    """The answer to cancelling, by the venue's ids: why it was refused, empty where it was heard."""
    return {
        result.text("order_id"): "" if result.flag("success") else result.text("failure_reason", "no reason given")
        for result in told.items("results")
    }


def page(told: Fields, name: str) -> Page:
    """A page of a list. One that says that more follows but not where is broken."""
    cursor = told.text("cursor", "")
    more = told.flag("has_next", default=bool(cursor))
    if more and not cursor:
        raise VenueError(f"{told.what} says that more follows, and not where")
    return Page(tuple(told.items(name)), cursor if more else "")


def standing(order: Fields) -> Standing:
    """Where an order stands, from REST."""
    return Standing(
        order.text("order_id"),
        order.text("client_order_id", ""),
        order.text("product_id", ""),
        status_of(order, order.not_negative("filled_size", ZERO)),
        order.not_negative("filled_size", ZERO),
        reason_of(order, order.text("cancel_message", "")),
        order.text("status", ""),
        *edited_terms(order),
    )


def edited_terms(order: Fields) -> tuple[Decimal | None, Decimal | None]:
    """Size and price of an order of the one kind that can be edited: those of its latest edit, else those it was placed on.

    No source says whether an edit changes what is told of the placing, so the edits themselves are believed.
    """
    if not order.has("order_configuration") or not order.object("order_configuration").has(EDITABLE):
        return None, None
    placed_on = order.object("order_configuration").object(EDITABLE)
    size, price = placed_on.number("base_size", ZERO), placed_on.number("limit_price", ZERO)
    latest = max(_edits(order), key=lambda edit: edit.moment("replace_accept_timestamp"), default=None)
    if latest is not None:
        size, price = latest.number("size", ZERO) or size, latest.number("price", ZERO) or price
    return size if size > ZERO else None, price if price > ZERO else None


def _edits(order: Fields) -> list[Fields]:
    return order.items("edit_history") if order.has("edit_history") else []


def status_of(order: Fields, filled: Decimal) -> OrderStatus | None:
    """The status in our words; `VenueError` where the venue uses one we do not know."""
    status = order.word("status", STATUSES, _UNKNOWN)
    return OrderStatus.PARTIAL if status is OrderStatus.OPEN and filled > ZERO else status


def reason_of(order: Fields, cancelled: str) -> str:
    """Why an order ended, where the venue says."""
    rejected = order.text("reject_message", "") or order.text("reject_reason", "")
    if order.text("status", "") == "FAILED":
        return f"failed: {rejected or 'no reason given'}"
    return cancelled


def open_order(order: Fields, symbol: str, order_id: str) -> OpenOrder:
    """An order as listed among those that work. `order_id` is ours, empty where the order is not."""
    side = order.word("side", SIDES)
    asked = terms(order.object("order_configuration"), side)
    where = standing(order)
    if where.status is None:
        raise VenueError(f"order {where.exchange_id} has no status")
    return OpenOrder(
        order_id,
        where.exchange_id,
        symbol,
        side,
        asked.order_type,
        where.quantity or _quantity(asked, where.filled, order),
        where.filled,
        where.price or asked.price,
        where.status,
        where.client_id,
        asked.stop_price,
        ts=order.moment("created_time"),
    )


def _quantity(asked: Terms, filled: Decimal, order: Fields) -> Decimal:
    """What was asked for in base units. One that was sized in money is at most what its limit price buys of it."""
    if asked.quantity is not None:
        return asked.quantity
    if asked.quote_quantity is None:
        raise VenueError(f"{order.what} has no size")
    price = asked.price or order.number("average_filled_price", ZERO)
    if not price > ZERO:
        return filled
    return max(filled, _divided(asked.quote_quantity, price))


def execution(fill: Fields) -> Execution:
    """One execution. Corrections and reversals are for a human: they undo what was booked."""
    kind = fill.text("trade_type", "FILL")
    if kind != "FILL":
        raise VenueError(f"{fill.what} {fill.text('trade_id', '')} is a {kind}; a human must look at the account")
    price, size = fill.positive("price"), fill.positive("size")
    return Execution(
        fill.text("order_id"),
        fill.text("trade_id"),
        fill.text("product_id"),
        fill.word("side", SIDES),
        _divided(size, price) if fill.flag("size_in_quote", default=False) else size,
        price,
        fill.number("commission", ZERO),
        fill.word("liquidity_indicator", _LIQUIDITY, "UNKNOWN_LIQUIDITY_INDICATOR"),
        fill.moment("trade_time"),
    )


def _divided(value: Decimal, price: Decimal) -> Decimal:
    """Money in base units, cut to 1e-12, half to even."""
    return EXACT.divide(value, price).quantize(CENT_OF_NANO, context=EXACT).normalize(EXACT)
