"""What USD-M Futures refuses of a new order, by code and message. A pure function of what was asked for and the market."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.venues.emulator.binance.fields import Fields, ms, plain
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.refused import Refused, missing, not_required

SIDES = ("BUY", "SELL")
FORCES = ("GTC", "IOC", "FOK", "GTX", "GTD")
ALGO_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
STP_MODES = ("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH")
PRICE_MATCHES = tuple(f"{name}{depth}" for name in ("OPPONENT", "QUEUE") for depth in ("", "_5", "_10", "_20"))
_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]+")
_ID_LENGTH = 36
_GTD_AHEAD_MS = 600_000


class FuturesAsked(Struct, frozen=True):
    """A new plain order as asked for."""

    symbol: str
    side: str
    kind: str
    force: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    stp: str
    client_id: str
    response: str
    price_match: str = "NONE"
    good_till: int = 0


def client_id_of(fields: Fields, name: str) -> str | None:
    """A client id in the venue's alphabet."""
    value = fields.maybe(name)
    if value is None:
        return None
    if not _ID.fullmatch(value):
        raise Refused(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'."
        )
    if len(value) > _ID_LENGTH:
        raise Refused(-4015, "Client order id length should be less than 36 chars")
    return value


def asked(fields: Fields, made_id: str, *, stp: str = "EXPIRE_MAKER") -> FuturesAsked:
    """Read a new order and refuse what cannot be one."""
    symbol = fields.text("symbol")
    side = fields.choice("side", SIDES, Refused(-1117, "Invalid side."))
    kind = fields.text("type")
    if kind in ALGO_TYPES:
        raise Refused(
            -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        )
    if kind not in {"LIMIT", "MARKET"}:
        raise Refused(-1116, "Invalid orderType.")
    check_position_side(fields)
    quantity = fields.number("quantity")
    match = fields.option("priceMatch", ("NONE", *PRICE_MATCHES), "NONE", Refused(-1130, "Invalid priceMatch."))
    force, price = "GTC", ZERO
    if kind == "LIMIT":
        force = fields.choice("timeInForce", FORCES, Refused(-1115, "Invalid timeInForce."))
        if match == "NONE":
            price = fields.number("price")
        elif fields.has("price"):
            raise not_required("price")
    else:
        for name in ("timeInForce", "price"):
            if fields.has(name):
                raise not_required(name)
    return FuturesAsked(
        symbol, side, kind, force, quantity, price, fields.truth("reduceOnly"),
        fields.option("selfTradePreventionMode", STP_MODES, stp, Refused(-1130, "Invalid selfTradePreventionMode.")),
        client_id_of(fields, "newClientOrderId") or made_id,
        fields.option("newOrderRespType", ("ACK", "RESULT"), "ACK", Refused(-1130, "Invalid newOrderRespType.")),
        match, _good_till(fields, force),
    )  # fmt: skip


def check_position_side(fields: Fields) -> None:
    """One-way mode takes BOTH alone."""
    if (
        fields.option("positionSide", ("BOTH", "LONG", "SHORT"), "BOTH", Refused(-1130, "Invalid positionSide."))
        != "BOTH"
    ):
        raise Refused(-4061, "Order's position side does not match user's setting.")


def _good_till(fields: Fields, force: str) -> int:
    if force != "GTD":
        return 0
    until = fields.maybe_whole("goodTillDate")
    if until is None:
        raise missing("goodTillDate")
    if until <= ms(fields.now) + _GTD_AHEAD_MS:
        raise Refused(-4208, "The good till date must be more than 600 seconds in the future.")
    return until // 1_000 * 1_000


def check_price(price: Decimal, listed: Listed) -> None:
    """Range, precision and tick."""
    if price <= ZERO:
        raise Refused(-4001, "Price less than 0.")
    if price > listed.max_price:
        raise Refused(-4002, f"Price greater than max price: {plain(listed.max_price)}.")
    if price < listed.min_price:
        raise Refused(-4013, f"Price less than min price: {plain(listed.min_price)}.")
    if places(price) > max(listed.precision[0], places(listed.instrument.tick_size)):
        raise Refused(-1111, "Precision is over the maximum defined for this asset.")
    if price % listed.instrument.tick_size:
        raise Refused(-4014, "Price not increased by tick size.")


def check_quantity(quantity: Decimal, listed: Listed, *, market: bool) -> None:
    """Range, precision and step."""
    if quantity <= ZERO:
        raise Refused(-4003, "Quantity less than or equal to zero.")
    if places(quantity) > listed.precision[1]:
        raise Refused(-1111, "Precision is over the maximum defined for this asset.")
    step = listed.instrument.lot_size
    if quantity < step:
        raise Refused(-4004, "Quantity less than min quantity.")
    most = listed.max_market_quantity if market else listed.max_quantity
    if quantity > most:
        raise Refused(-4005, "Quantity greater than max quantity.")
    if quantity % step:
        raise Refused(-4023, "Qty not increased by step size.")


def check_band(side: str, price: Decimal, mark: Decimal, listed: Listed) -> None:
    """PERCENT_PRICE: a buy not above the mark price's cap, a sell not below its floor."""
    cap, floor = mark * listed.up, mark * listed.down
    if side == "BUY" and price > cap:
        raise Refused(-4016, f"Limit price can't be higher than {plain(cap.quantize(Decimal('0.01')))}.")
    if side == "SELL" and price < floor:
        raise Refused(-4024, f"Limit price can't be lower than {plain(floor.quantize(Decimal('0.01')))}.")


def check_notional(notional: Decimal, listed: Listed) -> None:
    """-4164, for all that does not reduce only."""
    if notional < listed.min_notional:
        least = plain(listed.min_notional)
        raise Refused(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


def places(number: Decimal) -> int:
    """Decimals that matter."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
