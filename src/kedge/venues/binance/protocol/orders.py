"""Orders of ours as the calls that place, replace, end and query them.

    core              spot                              USD-M
    market            MARKET                            MARKET
    limit             LIMIT + timeInForce               LIMIT + timeInForce
      post-only       LIMIT_MAKER                       timeInForce GTX
    stop              STOP_LOSS                         algo STOP_MARKET
    stop-limit        STOP_LOSS_LIMIT                   algo STOP
    take-profit       TAKE_PROFIT[_LIMIT]               algo TAKE_PROFIT[_MARKET]
    trailing stop     STOP_LOSS + trailingDelta         algo TRAILING_STOP_MARKET + callbackRate

Conditional orders of futures have an endpoint, ids and a list of their own since 2025-12 (`/algoOrder`); the plain
endpoint refuses them with -4120 and does not see them. On spot nothing is reduce-only: a sale cannot sell more than is
held, and a purchase cannot be marked.

Our trail is a distance in price, Binance trails by a fraction. `reference` is the price that the distance is a part of;
the fraction is rounded down, so the stop is never further away than was asked, and what falls outside the venue's
range is refused here.

Sources: FACTS.md 1.4, 2.4; the "New Order", "New Algo Order" pages of both products.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

import msgspec
from msgspec import Struct

from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_S
from kedge.model.money import EXACT, ZERO
from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.binance.protocol.names import to_client_id
from kedge.venues.binance.protocol.numbers import to_wire
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Call, Purpose, Security

CONDITIONAL = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})

_SIDE = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TIF = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK", TimeInForce.GTD: "GTD"}

_BASIS_POINT = Decimal("0.0001")
_RATE_STEP = Decimal("0.1")
_RATE_RANGE = (Decimal("0.1"), Decimal(10))

#: A futures order good till a date must live this long at least (FACTS.md 2.4).
GTD_NS_MIN = 600 * NS_PER_S


class Options(Struct, frozen=True, gc=False):
    """What the venue can do to an order beyond what the core asks for. `quote_quantity` buys or sells for so much money
    on spot in place of a quantity; `position_side` is for accounts in hedge mode.
    """

    self_trade_prevention: str = ""
    iceberg_quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price_match: str = ""
    position_side: str = ""
    working_type: str = ""
    test: bool = False


PLAIN = Options()


def place(
    product: Product,
    raw: str,
    intent: OrderIntent,
    options: Options = PLAIN,
    reference: Decimal | None = None,
) -> Call:
    """The call that places an order."""
    purpose = Purpose.EXIT if intent.reduce_only else Purpose.ORDER
    if product is Product.SPOT:
        path = "/api/v3/order/test" if options.test else "/api/v3/order"
        return Call("POST", path, _spot(raw, intent, options, reference), Security.SIGNED, 1, 1, purpose)
    if intent.order_type in CONDITIONAL:
        params = _algo(raw, intent, options, reference)
        return Call("POST", "/fapi/v1/algoOrder", params, Security.SIGNED, 1, 1, purpose)
    path = "/fapi/v1/order/test" if options.test else "/fapi/v1/order"
    return Call("POST", path, _usdm(raw, intent, options), Security.SIGNED, 1, 1, purpose)


def place_batch(raws_and_intents: Sequence[tuple[str, OrderIntent]]) -> Call:
    """Up to five futures orders in one request; their order inside it is not guaranteed."""
    if not 1 <= len(raws_and_intents) <= 5:
        raise UserError(f"a batch of {len(raws_and_intents)} orders; Binance takes 1 to 5")
    rows = [_usdm(raw, intent, PLAIN) for raw, intent in raws_and_intents]
    params = {"batchOrders": msgspec.json.encode(rows).decode()}
    return Call("POST", "/fapi/v1/batchOrders", params, Security.SIGNED, 5, len(rows), Purpose.ORDER)


def replace(product: Product, raw: str, old: Mapping[str, str], intent: OrderIntent, options: Options = PLAIN) -> Call:
    """Put an order in the place of another, which `named` identifies.

    On spot one request cancels and, only if that succeeds, places: the new order has its own id. On futures the order can
    only be modified, see `amend`.
    """
    if product is Product.SPOT:
        params = _spot(raw, intent, options, None)
        params["cancelReplaceMode"] = "STOP_ON_FAILURE"
        name = {"orderId": "cancelOrderId", "origClientOrderId": "cancelOrigClientOrderId"}
        params.update({name[key]: value for key, value in old.items()})
        return Call("POST", "/api/v3/order/cancelReplace", params, Security.SIGNED, 1, 1, Purpose.ORDER)
    return amend(product, raw, old, intent)


def amend(product: Product, raw: str, order: Mapping[str, str], intent: OrderIntent) -> Call:
    """Give an order, which `named` identifies, other terms; it keeps its id.

    On spot the quantity alone, and only downwards: it keeps its place in the queue, and counts as no order. The id is sent
    again, for the venue makes up another where none is. On futures a limit order gets price and quantity, both are sent,
    and it loses its place.
    """
    purpose = Purpose.EXIT if intent.reduce_only else Purpose.ORDER
    if intent.order_type is not OrderType.LIMIT:
        raise UserError(f"a {intent.order_type} order cannot be modified on Binance; cancel it and send another")
    if product is Product.SPOT:
        params = {"symbol": raw, **order, "newQty": _quantity(intent), "newClientOrderId": to_client_id(intent.id)}
        return Call("PUT", "/api/v3/order/amend/keepPriority", params, Security.SIGNED, 4, 0, purpose)
    params = {"symbol": raw, **order, "side": _SIDE[intent.side], "quantity": _quantity(intent)}
    params["price"] = _required(intent.price, "price", intent)
    return Call("PUT", "/fapi/v1/order", params, Security.SIGNED, 1, 1, purpose)


def named(order_id: str = "", exchange_id: str = "", *, algo: bool = False) -> dict[str, str]:
    """The parameters that name an order: by the venue's id where it is known, else by ours."""
    if exchange_id:
        return {"algoId" if algo else "orderId": exchange_id}
    return {"clientAlgoId" if algo else "origClientOrderId": to_client_id(order_id)}


def query(product: Product, raw: str, order: Mapping[str, str]) -> Call:
    """Ask what an order is."""
    if _is_algo(order):
        return Call("GET", "/fapi/v1/algoOrder", dict(order), Security.SIGNED, 1)
    path, weight = ("/api/v3/order", 4) if product is Product.SPOT else ("/fapi/v1/order", 1)
    return Call("GET", path, {"symbol": raw, **order}, Security.SIGNED, weight)


def cancel(product: Product, raw: str, order: Mapping[str, str]) -> Call:
    """Ask for an order's end."""
    if _is_algo(order):
        path, params = "/fapi/v1/algoOrder", {"symbol": raw, **order}
    else:
        path, params = "/api/v3/order" if product is Product.SPOT else "/fapi/v1/order", {"symbol": raw, **order}
    return Call("DELETE", path, params, Security.SIGNED, 1, 0, Purpose.CANCEL)


def cancel_all(product: Product, raw: str) -> Call:
    """Ask for the end of every plain order of a market."""
    path = "/api/v3/openOrders" if product is Product.SPOT else "/fapi/v1/allOpenOrders"
    return Call("DELETE", path, {"symbol": raw}, Security.SIGNED, 1, 0, Purpose.CANCEL)


def cancel_all_algo(raw: str) -> Call:
    """Ask for the end of every conditional order of a futures market: `cancel_all` leaves them alone."""
    return Call("DELETE", "/fapi/v1/algoOpenOrders", {"symbol": raw}, Security.SIGNED, 1, 0, Purpose.CANCEL)


def cancel_batch(raw: str, order_ids: Sequence[str] = (), exchange_ids: Sequence[str] = ()) -> Call:
    """Ask for the end of up to ten futures orders, by our ids or the venue's."""
    chosen = exchange_ids or order_ids
    if not 1 <= len(chosen) <= 10:
        raise UserError(f"a batch of {len(chosen)} cancels; Binance takes 1 to 10")
    if exchange_ids:
        listed = {"orderIdList": f"[{','.join(exchange_ids)}]"}
    else:
        names = [to_client_id(order_id) for order_id in order_ids]
        listed = {"origClientOrderIdList": msgspec.json.encode(names).decode()}
    return Call("DELETE", "/fapi/v1/batchOrders", {"symbol": raw, **listed}, Security.SIGNED, 1, 0, Purpose.CANCEL)


def check_offered(call: Call, order_types: Collection[str]) -> None:
    """Refuse an order of a type that the market's own list of order types does not have; an empty list says nothing."""
    kind = call.params.get("type", "")
    if order_types and kind and kind not in order_types:
        raise UserError(f"{call.params['symbol']} takes no {kind} order; it takes {', '.join(sorted(order_types))}")


def trail_fraction(trail: Decimal, reference: Decimal | None) -> Decimal:
    """A trail, a distance in price, as a part of the price."""
    if reference is None or not reference > ZERO:
        raise UserError(
            f"a trail of {trail} needs a price to be a part of; Binance trails by a fraction, and none is known"
        )
    if not trail > ZERO:
        raise UserError(f"trail is {trail}; it must be above zero")
    return EXACT.divide(trail, reference)


# inside --------------------------------------------------------------------------------------------------------------


def _is_algo(order: Mapping[str, str]) -> bool:
    return "algoId" in order or "clientAlgoId" in order


def _spot(raw: str, intent: OrderIntent, options: Options, reference: Decimal | None) -> dict[str, str]:
    kind = _spot_type(intent)
    params = {"symbol": raw, "side": _SIDE[intent.side], "type": kind}
    if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
        if intent.time_in_force is TimeInForce.GTD:
            raise UserError("Binance spot has no order that is good till a date; use gtc, ioc or fok")
        params["timeInForce"] = _TIF[intent.time_in_force]
    if options.quote_quantity is not None:
        params["quoteOrderQty"] = to_wire(options.quote_quantity)
    else:
        params["quantity"] = _quantity(intent)
    if kind.endswith("LIMIT") or kind == "LIMIT_MAKER":
        params["price"] = _required(intent.price, "price", intent)
    if intent.trail is not None:
        delta = trail_fraction(intent.trail, reference) / _BASIS_POINT
        params["trailingDelta"] = to_wire(delta.to_integral_value(ROUND_DOWN))
        if params["trailingDelta"] == "0":
            raise UserError(
                f"a trail of {intent.trail} is less than a hundredth of a percent; Binance has none so short"
            )
    if intent.stop_price is not None:
        params["stopPrice"] = to_wire(intent.stop_price)
    elif intent.trail is None and kind.startswith(("STOP", "TAKE")):
        _required(intent.stop_price, "stop_price", intent)
    if options.iceberg_quantity is not None:
        params["icebergQty"] = to_wire(options.iceberg_quantity)
    if options.self_trade_prevention:
        params["selfTradePreventionMode"] = options.self_trade_prevention
    params["newClientOrderId"] = to_client_id(intent.id)
    params["newOrderRespType"] = "FULL"
    return params


def _spot_type(intent: OrderIntent) -> str:
    kind = intent.order_type
    if kind is OrderType.LIMIT:
        return "LIMIT_MAKER" if intent.post_only else "LIMIT"
    if kind is OrderType.TAKE_PROFIT:
        return "TAKE_PROFIT" if intent.price is None else "TAKE_PROFIT_LIMIT"
    return {
        OrderType.MARKET: "MARKET",
        OrderType.STOP: "STOP_LOSS",
        OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
        OrderType.TRAILING_STOP: "STOP_LOSS",
    }[kind]


def _usdm(raw: str, intent: OrderIntent, options: Options) -> dict[str, str]:
    if intent.order_type in CONDITIONAL:
        raise UserError(
            f"a {intent.order_type} order goes to Binance's endpoint for conditional orders, not in a batch"
        )
    params = {"symbol": raw, "side": _SIDE[intent.side]}
    if options.position_side:
        params["positionSide"] = options.position_side
    params["type"] = "MARKET" if intent.order_type is OrderType.MARKET else "LIMIT"
    if intent.order_type is OrderType.LIMIT:
        params["timeInForce"] = "GTX" if intent.post_only else _TIF[intent.time_in_force]
        if options.price_match:
            params["priceMatch"] = options.price_match
        else:
            params["price"] = _required(intent.price, "price", intent)
        if intent.time_in_force is TimeInForce.GTD:
            params["goodTillDate"] = str(intent.expires_ns // NS_PER_S * 1_000)
    params["quantity"] = _quantity(intent)
    if intent.reduce_only and not options.position_side:
        params["reduceOnly"] = "true"
    if options.self_trade_prevention:
        params["selfTradePreventionMode"] = options.self_trade_prevention
    params["newClientOrderId"] = to_client_id(intent.id)
    params["newOrderRespType"] = "RESULT"
    return params


def _algo(raw: str, intent: OrderIntent, options: Options, reference: Decimal | None) -> dict[str, str]:
    kind = intent.order_type
    params = {"algoType": "CONDITIONAL", "symbol": raw, "side": _SIDE[intent.side]}
    if options.position_side:
        params["positionSide"] = options.position_side
    if kind is OrderType.TRAILING_STOP:
        params["type"] = "TRAILING_STOP_MARKET"
        params["callbackRate"] = _callback_rate(intent, reference)
    else:
        limited = intent.price is not None or bool(options.price_match)
        name = "TAKE_PROFIT" if kind is OrderType.TAKE_PROFIT else "STOP"
        params["type"] = name if limited else f"{name}_MARKET"
        params["triggerPrice"] = _required(intent.stop_price, "stop_price", intent)
        if options.price_match:
            params["priceMatch"] = options.price_match
        elif intent.price is not None:
            params["price"] = to_wire(intent.price)
        elif kind is OrderType.STOP_LIMIT:
            _required(intent.price, "price", intent)
        if limited and intent.time_in_force is not TimeInForce.GTC:
            params["timeInForce"] = _TIF[intent.time_in_force]
            if intent.time_in_force is TimeInForce.GTD:
                params["goodTillDate"] = str(intent.expires_ns // NS_PER_S * 1_000)
    params["quantity"] = _quantity(intent)
    if intent.reduce_only and not options.position_side:
        params["reduceOnly"] = "true"
    if options.working_type:
        params["workingType"] = options.working_type
    if options.self_trade_prevention:
        params["selfTradePreventionMode"] = options.self_trade_prevention
    params["clientAlgoId"] = to_client_id(intent.id)
    params["newOrderRespType"] = "RESULT"
    return params


def _callback_rate(intent: OrderIntent, reference: Decimal | None) -> str:
    if intent.trail is None:
        raise UserError(f"order {intent.id} is a trailing stop without a trail")
    percent = trail_fraction(intent.trail, reference) * 100
    rate = (percent / _RATE_STEP).to_integral_value(ROUND_DOWN) * _RATE_STEP
    least, most = _RATE_RANGE
    if not least <= rate <= most:
        raise UserError(
            f"a trail of {intent.trail} is {percent:.3f} percent of the price; Binance takes {least} to {most}"
        )
    return to_wire(rate)


def _required(value: Decimal | None, what: str, intent: OrderIntent) -> str:
    if value is None:
        raise UserError(f"order {intent.id} is a {intent.order_type} order without {what}")
    return to_wire(value)


def _quantity(intent: OrderIntent) -> str:
    if not intent.quantity > ZERO:
        raise UserError(f"order {intent.id} is for {intent.quantity}; a quantity must be above zero")
    return to_wire(intent.quantity)


def expires_soon(intent: OrderIntent, now_ns: int) -> bool:
    """Whether a date is too near for the venue to take the order."""
    return intent.time_in_force is TimeInForce.GTD and intent.expires_ns < now_ns + GTD_NS_MIN
