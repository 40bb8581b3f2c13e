"""What the venue says of orders and executions when it is asked or answers a request.

One `OrderState` stands for every shape in which an order comes: placed, cancelled or queried, spot, futures or
conditional. An acknowledgement without a status (`ACK`) leaves `status` at `None`: the order was taken, and nothing more
is known (hazard H5). Fields that came and went on futures (`avgPrice`, `cumQuote`) are optional everywhere.

Facts name orders by our id. On a cancel the venue repeats the order's id as `origClientOrderId` and puts the cancel
request's own under `clientOrderId`, so the former wins where it is present (FACTS.md 1.3).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct

from kedge.model.errors import VenueError
from kedge.model.facts import (
    Liquidity,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    VenueFact,
)
from kedge.model.money import ZERO
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.binance.protocol.errors import Fault
from kedge.venues.binance.protocol.executions import Execution, above_zero, side_of
from kedge.venues.binance.protocol.numbers import amount, lenient, price, price_or_none, signed, when
from kedge.venues.exact import decode, shown

_STATUS: dict[str, OrderStatus] = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.SUBMITTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    # only of orders that the venue itself makes
    "NEW_INSURANCE": OrderStatus.OPEN,
    "NEW_ADL": OrderStatus.OPEN,
    # of conditional orders: what was triggered lives on as an order of its own
    "TRIGGERING": OrderStatus.OPEN,
    "TRIGGERED": OrderStatus.OPEN,
    "FINISHED": OrderStatus.OPEN,
}

_TYPE: dict[str, OrderType] = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP,
    "STOP_MARKET": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "STOP": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT,
    "TRAILING_STOP_MARKET": OrderType.TRAILING_STOP,
}

#: Types that only the venue's own orders have.
_OTHER_TYPES = frozenset({"LIQUIDATION", "ADL"})

#: Algo statuses after which the triggered order is what must be asked about.
_TRIGGERED = frozenset({"TRIGGERING", "TRIGGERED", "FINISHED"})


class OrderState(Struct, frozen=True, gc=False):
    """What an order is, by the venue's word. `actual_id` is the order that a conditional one has become."""

    raw: str
    exchange_id: str
    client_id: str
    status: OrderStatus | None
    ts: int
    side: Side | None = None
    order_type: OrderType | None = None
    type_name: str = ""
    time_in_force: str = ""
    quantity: Decimal | None = None
    filled: Decimal = ZERO
    quote_filled: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    average_price: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False
    executions: tuple[Execution, ...] = ()
    status_name: str = ""
    algo: bool = False
    actual_id: str = ""
    list_id: int = -1

    @property
    def is_triggered(self) -> bool:
        """Whether a conditional order has become another one, which must be asked about instead."""
        return self.algo and self.status_name in _TRIGGERED


class Replacement(Struct, frozen=True, gc=False):
    """What came of cancel-and-replace: each half is a state, a fault, or was not tried (`None`)."""

    cancelled: OrderState | Fault | None
    placed: OrderState | Fault | None


class _Commission(Struct):
    price: str
    qty: str
    commission: str
    commissionAsset: str  # noqa: N815
    tradeId: int  # noqa: N815


class _Order(Struct):
    symbol: str
    orderId: int = 0  # noqa: N815
    algoId: int = 0  # noqa: N815
    clientOrderId: str = ""  # noqa: N815
    origClientOrderId: str = ""  # noqa: N815
    clientAlgoId: str = ""  # noqa: N815
    orderListId: int = -1  # noqa: N815
    transactTime: int = 0  # noqa: N815
    updateTime: int = 0  # noqa: N815
    createTime: int = 0  # noqa: N815
    time: int = 0
    status: str = ""
    algoStatus: str = ""  # noqa: N815
    side: str = ""
    type: str = ""
    orderType: str = ""  # noqa: N815
    timeInForce: str = ""  # noqa: N815
    origQty: str | None = None  # noqa: N815
    qty: str | None = None
    quantity: str | None = None
    executedQty: str = "0"  # noqa: N815
    cummulativeQuoteQty: str | None = None  # noqa: N815
    cumQuote: str | None = None  # noqa: N815
    price: str | None = None
    stopPrice: str | None = None  # noqa: N815
    triggerPrice: str | None = None  # noqa: N815
    avgPrice: str | None = None  # noqa: N815
    reduceOnly: bool = False  # noqa: N815
    fills: list[_Commission] = []
    actualOrderId: str | int | None = None  # noqa: N815
    contingencyType: str = ""  # noqa: N815
    orderReports: list[_Order] = []  # noqa: N815
    code: int | None = None
    msg: str = ""


class _Amended(Struct):
    amendedOrder: _Order  # noqa: N815
    transactTime: int  # noqa: N815


class _Half(Struct):
    code: int | None = None
    msg: str = ""
    symbol: str = ""


class _ReplaceData(Struct):
    cancelResult: str  # noqa: N815
    newOrderResult: str  # noqa: N815
    cancelResponse: msgspec.Raw = msgspec.Raw()  # noqa: N815
    newOrderResponse: msgspec.Raw = msgspec.Raw()  # noqa: N815


class _Replace(Struct):
    cancelResult: str = ""  # noqa: N815
    newOrderResult: str = ""  # noqa: N815
    cancelResponse: msgspec.Raw = msgspec.Raw()  # noqa: N815
    newOrderResponse: msgspec.Raw = msgspec.Raw()  # noqa: N815
    data: _ReplaceData | None = None


class _BatchItem(Struct):
    code: int = 0
    msg: str = ""


class _AlgoDone(Struct):
    algoId: int  # noqa: N815
    clientAlgoId: str  # noqa: N815
    code: int
    msg: str = ""


_ORDER = lenient(_Order)
_ORDERS = lenient(list[_Order])
_REPLACE = lenient(_Replace)
_AMENDED = lenient(_Amended)
_HALF = lenient(_Half)
_RAWS = lenient(list[msgspec.Raw])
_ITEM = lenient(_BatchItem)
_ALGO_DONE = lenient(_AlgoDone)


def order_state(body: bytes) -> OrderState:
    """One order: the answer to placing, cancelling, modifying or querying it."""
    return _state(decode(body, _ORDER, "order"))


def order_states(body: bytes) -> tuple[OrderState, ...]:
    """A list of orders. Order lists among them (cancelling all on spot) are opened up."""
    found: list[OrderState] = []
    for entry in decode(body, _ORDERS, "orders"):
        found.extend(map(_state, entry.orderReports if entry.contingencyType else (entry,)))
    return tuple(found)


def list_states(body: bytes) -> tuple[OrderState, ...]:
    """The orders that the answer to an order list tells of in full."""
    entry = decode(body, _ORDER, "order list")
    return tuple(map(_state, entry.orderReports))


def batch_states(body: bytes) -> tuple[OrderState | Fault, ...]:
    """The answers to a batch: a state or a fault for each order, in the order they were sent."""
    found: list[OrderState | Fault] = []
    for raw in decode(body, _RAWS, "batch"):
        item = decode(bytes(raw), _ITEM, "batch item")
        found.append(Fault(item.code, item.msg) if item.code < 0 else order_state(bytes(raw)))
    return tuple(found)


def algo_cancelled(body: bytes) -> tuple[str, str]:
    """The ids (the venue's, then the client's) of a conditional order whose cancel was taken: it does not say that the
    order has ended (hazard H15).
    """
    done = decode(body, _ALGO_DONE, "algo cancel")
    if done.code != 200:
        raise VenueError(f"algo cancel: code is {done.code}; it must be 200")
    return str(done.algoId), done.clientAlgoId


def replacement(body: bytes) -> Replacement:
    """What cancel-and-replace answers, in success and in failure."""
    found = decode(body, _REPLACE, "cancelReplace")
    told: _Replace | _ReplaceData = found.data or found
    return Replacement(_half(told.cancelResult, told.cancelResponse), _half(told.newOrderResult, told.newOrderResponse))


def amended(body: bytes) -> OrderState:
    """What spot answers to an amendment: the order as it is now, under the id that it had before."""
    found = decode(body, _AMENDED, "amendment")
    found.amendedOrder.transactTime = found.transactTime
    return _state(found.amendedOrder)


# to facts ------------------------------------------------------------------------------------------------------------


def placed(state: OrderState, order_id: str, symbol: str) -> list[VenueFact]:
    """Facts from the answer to an order that was sent."""
    if state.status is OrderStatus.REJECTED:
        return [OrderRejected(state.ts, order_id, f"Binance says {state.status_name}")]
    facts: list[VenueFact] = [OrderAccepted(state.ts, order_id, state.exchange_id)]
    facts.extend(execution.fill(order_id, symbol) for execution in state.executions)
    told = sum((execution.quantity for execution in state.executions), ZERO)
    if state.status is not None and (state.status.is_terminal or state.filled > told):
        facts.extend(ended(state, order_id))
    return facts


def ended(state: OrderState, order_id: str) -> list[VenueFact]:
    """The state as a fact: the end of the order where it has ended, else a report of what it is."""
    if state.status is OrderStatus.CANCELLED:
        return [OrderCancelled(state.ts, order_id, state.filled)]
    if state.status is OrderStatus.EXPIRED:
        return [OrderExpired(state.ts, order_id, state.filled, state.status_name)]
    return [reported(state, order_id)]


def reported(state: OrderState, order_id: str) -> OrderReport:
    """The state as the answer to a query."""
    return OrderReport(state.ts, order_id, state.status, state.filled, state.exchange_id)


def status_of(text: str) -> OrderStatus:
    """Our status of the venue's."""
    status = _STATUS.get(text)
    if status is None:
        raise VenueError(f"order status {shown(text)} is none that we know")
    return status


def type_of(text: str) -> OrderType | None:
    """Our order type of the venue's; `None` for the types of its own orders (liquidation)."""
    kind = _TYPE.get(text)
    if kind is None and text not in _OTHER_TYPES:
        raise VenueError(f"order type {shown(text)} is none that we know")
    return kind


# inside --------------------------------------------------------------------------------------------------------------


def _state(entry: _Order) -> OrderState:
    algo = bool(entry.algoId)
    if not entry.orderId and not algo:
        raise VenueError("order without an id")
    status_name = entry.algoStatus if algo else entry.status
    type_name = entry.orderType if algo else entry.type
    quantity = entry.quantity if algo else entry.origQty or entry.qty
    exchange_id = str(entry.algoId if algo else entry.orderId)
    side = side_of(entry.side) if entry.side else None
    ts = when(entry.transactTime or entry.updateTime or entry.time or entry.createTime)
    value = entry.cummulativeQuoteQty if entry.cummulativeQuoteQty is not None else entry.cumQuote
    kind = type_of(type_name) if type_name else None
    status = status_of(status_name) if status_name else None
    if algo and status is OrderStatus.REJECTED:  # it worked until it was triggered: rejected is what never worked
        status = OrderStatus.CANCELLED
    return OrderState(
        raw=entry.symbol,
        exchange_id=exchange_id,
        client_id=entry.origClientOrderId or entry.clientAlgoId or entry.clientOrderId,
        status=status,
        ts=ts,
        side=side,
        order_type=kind,
        type_name=type_name,
        time_in_force=entry.timeInForce,
        quantity=amount(quantity, "quantity") if quantity is not None else None,
        filled=amount(entry.executedQty, "executedQty"),
        quote_filled=_value(value),
        price=price_or_none(entry.price),
        stop_price=price_or_none(entry.triggerPrice if algo else entry.stopPrice, "stop price"),
        average_price=price_or_none(entry.avgPrice, "average price"),
        reduce_only=entry.reduceOnly,
        post_only=type_name == "LIMIT_MAKER" or entry.timeInForce == "GTX",
        executions=_commissions(entry, exchange_id, side, ts),
        status_name=status_name,
        algo=algo,
        actual_id=str(entry.actualOrderId or ""),
        list_id=entry.orderListId,
    )


def _value(text: str | None) -> Decimal | None:
    """Money exchanged; the venue writes a negative number where it does not know (old orders)."""
    if text is None:
        return None
    value = signed(text, "quote quantity")
    return value if value >= ZERO else None


def _commissions(entry: _Order, exchange_id: str, side: Side | None, ts: int) -> tuple[Execution, ...]:
    if not entry.fills:
        return ()
    if side is None:
        raise VenueError("fills of an order whose side is not told")
    return tuple(
        Execution(
            raw=entry.symbol,
            trade_id=str(fill.tradeId),
            exchange_id=exchange_id,
            side=side,
            quantity=above_zero(fill.qty),
            price=price(fill.price),
            fee=signed(fill.commission, "commission"),
            fee_currency=fill.commissionAsset,
            liquidity=Liquidity.TAKER,  # what fills at once has crossed the book
            ts=ts,
        )
        for fill in entry.fills
    )


def _half(result: str, body: msgspec.Raw) -> OrderState | Fault | None:
    if result == "NOT_ATTEMPTED":
        return None
    if result not in {"SUCCESS", "FAILURE"} or not bytes(body):
        raise VenueError(f"cancelReplace: result is {shown(result)}; it must be SUCCESS, FAILURE or NOT_ATTEMPTED")
    if result == "SUCCESS":
        return order_state(bytes(body))
    half = decode(bytes(body), _HALF, "cancelReplace")
    return Fault(half.code or 0, half.msg)
