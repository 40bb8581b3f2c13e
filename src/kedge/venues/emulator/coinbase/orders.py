"""Orders and fills as the account's pages show them."""

from __future__ import annotations

from typing import Any

from kedge.model.order import TimeInForce
from kedge.venues.emulator.coinbase.desk import ENDED, BrokerageOrder, Desk, Status
from kedge.venues.emulator.coinbase.terms import Kind
from kedge.venues.emulator.coinbase.text import plain, uuid, written
from kedge.venues.emulator.orders import Execution

_FORCES = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.GTD: "GOOD_UNTIL_DATE_TIME",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}


def order_page(order: BrokerageOrder, desk: Desk, seed: int) -> dict[str, Any]:
    """One order over REST."""
    return {
        "order_id": order.id,
        "product_id": order.product,
        "user_id": uuid(seed, "user"),
        "order_configuration": order.configuration,
        "side": order.side.value.upper(),
        "client_order_id": order.client_id,
        "status": order.status.value,
        "time_in_force": _FORCES[order.wish.force],
        "created_time": written(order.created),
        "completion_percentage": _completion(order),
        "filled_size": plain(order.filled),
        "average_filled_price": plain(order.average),
        "fee": "",
        "number_of_fills": str(len(order.fills)),
        "filled_value": plain(order.value),
        "pending_cancel": order.status is Status.CANCEL_QUEUED,
        "size_in_quote": order.wish.quote is not None,
        "total_fees": plain(order.fees),
        "size_inclusive_of_fees": order.wish.quote is not None,
        "total_value_after_fees": plain(order.value + order.side.sign * order.fees),
        "trigger_status": _trigger(order),
        "order_type": order.wish.kind.value,
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.status is Status.FILLED,
        "product_type": "SPOT",
        "reject_message": order.reject,
        "cancel_message": order.cancel_message,
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": plain(desk.hold(order)[1]),
        "is_liquidation": False,
        "last_fill_time": written(order.fills[-1].ts) if order.fills else None,
        "edit_history": [
            {"price": plain(price), "size": plain(size), "replace_accept_timestamp": written(at)}
            for at, price, size in order.edits
        ],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": uuid(seed, "portfolio"),
        "originating_order_id": "",
        "attached_order_id": "",
    }


def fill_page(order: BrokerageOrder, execution: Execution, seed: int) -> dict[str, Any]:
    """One fill over REST; sizes are in base units here."""
    return {
        "entry_id": uuid(seed, "entry", execution.trade_id),
        "trade_id": uuid(seed, "trade", execution.trade_id),
        "order_id": order.id,
        "trade_time": written(execution.ts),
        "trade_type": "FILL",
        "price": plain(execution.price),
        "size": plain(execution.quantity),
        "commission": plain(execution.fee),
        "product_id": order.product,
        "sequence_timestamp": written(execution.ts),
        "liquidity_indicator": "MAKER" if execution.maker else "TAKER",
        "size_in_quote": False,
        "user_id": uuid(seed, "user"),
        "side": order.side.value.upper(),
        "retail_portfolio_id": uuid(seed, "portfolio"),
    }


def order_push(order: BrokerageOrder, desk: Desk, seed: int) -> dict[str, Any]:
    """One order over the user channel: sums only, no single fill."""
    never = "0001-01-01T00:00:00Z"
    return {
        "avg_price": plain(order.average),
        "cancel_reason": order.cancel_message,
        "client_order_id": order.client_id,
        "completion_percentage": _completion(order),
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": plain(order.filled),
        "filled_value": plain(order.value),
        "leaves_quantity": "0" if order.status in ENDED else plain(order.left),
        "limit_price": plain(order.wish.price) if order.wish.price is not None else "0",
        "number_of_fills": str(len(order.fills)),
        "order_id": order.id,
        "order_side": order.side.value.upper(),
        "order_type": {Kind.MARKET: "Market", Kind.LIMIT: "Limit", Kind.STOP_LIMIT: "Stop Limit"}.get(
            order.wish.kind, "Bracket"
        ),
        "outstanding_hold_amount": plain(desk.hold(order)[1]),
        "post_only": "true" if order.wish.post_only else "false",
        "product_id": order.product,
        "product_type": "SPOT",
        "reject_reason": order.reject,
        "retail_portfolio_id": uuid(seed, "portfolio"),
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "status": order.status.value,
        "stop_price": plain(order.wish.stop) if order.wish.stop is not None else "",
        "time_in_force": _FORCES[order.wish.force],
        "total_fees": plain(order.fees),
        "total_value_after_fees": plain(order.value + order.side.sign * order.fees),
        "trigger_status": _trigger(order),
        "creation_time": written(order.created),
        "end_time": written(order.wish.expires_ns) if order.wish.expires_ns else never,
        "start_time": never,
    }


def _completion(order: BrokerageOrder) -> str:
    return f"{order.filled / order.size * 100:.2f}" if order.size else "0"


def _trigger(order: BrokerageOrder) -> str:
    if order.wish.stop is None:
        return "INVALID_ORDER_TYPE"
    return "STOP_PENDING" if order.waits else "STOP_TRIGGERED"
