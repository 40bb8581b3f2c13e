"""What Spot refuses of a new order, in the order in which it is looked at: shape, precision, filters, account.

Each rule says what the documentation says, by code and message. A pure function of the order asked for and the market.
"""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from kedge.model.money import ZERO
from kedge.venues.emulator.binance.fields import Fields
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.refused import Refused, filter_failure, missing, not_required, rejected
from kedge.venues.emulator.binance.spot_pages import MAX_ICEBERG_PARTS, ORDER_TYPES, STP_MODES

SIDES = ("BUY", "SELL")
FORCES = ("GTC", "IOC", "FOK")
RESPONSES = ("ACK", "RESULT", "FULL")
_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
_STOPS = {"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
_LIMITED = {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}
_TIMED = {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}
_PLACES = 8


class Asked(Struct, frozen=True):
    """A new order as asked for; zero where a figure was not sent."""

    symbol: str
    side: str
    kind: str
    force: str
    quantity: Decimal
    quote_quantity: Decimal
    price: Decimal
    stop_price: Decimal
    trailing_delta: int
    iceberg: Decimal
    stp: str
    client_id: str
    response: str

    @property
    def is_stop(self) -> bool:
        """Whether it waits for a price."""
        return self.kind in _STOPS

    @property
    def triggers_above(self) -> bool:
        """Whether it waits for a price that rises: buy stops and sell take-profits do."""
        return self.kind.startswith("STOP") is (self.side == "BUY")


def client_id_of(fields: Fields, name: str) -> str | None:
    """A client order id in the venue's alphabet."""
    value = fields.maybe(name)
    if value is not None and not _ID.fullmatch(value):
        raise Refused(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[a-zA-Z0-9-_]{{1,36}}$'."
        )
    return value


def asked(fields: Fields, made_id: str) -> Asked:
    """Read a new order and refuse what cannot be one."""
    symbol = fields.text("symbol")
    side = fields.choice("side", SIDES, Refused(-1117, "Invalid side."))
    kind = fields.choice("type", ORDER_TYPES, Refused(-1116, "Invalid orderType."))
    if kind in _TIMED:
        force = fields.choice("timeInForce", FORCES, Refused(-1115, "Invalid timeInForce."))
    elif fields.has("timeInForce"):
        raise not_required("timeInForce")
    else:
        force = "GTC"
    quantity, quote = fields.maybe_number("quantity"), fields.maybe_number("quoteOrderQty")
    if quote is not None and kind != "MARKET":
        raise not_required("quoteOrderQty")
    if quantity is not None and quote is not None:
        raise Refused(-1106, "Parameter 'quoteOrderQty' sent when not required.")
    if quantity is None and quote is None:
        raise missing("quantity")
    price = fields.number("price") if kind in _LIMITED else ZERO
    if kind not in _LIMITED and fields.has("price"):
        raise not_required("price")
    stop, trailing = fields.maybe_number("stopPrice"), fields.maybe_whole("trailingDelta")
    if kind in _STOPS and stop is None and trailing is None:
        raise Refused(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
    if kind not in _STOPS and stop is not None:
        raise not_required("stopPrice")
    iceberg = fields.maybe_number("icebergQty")
    if iceberg is not None and (kind not in _LIMITED or force != "GTC"):
        raise not_required("icebergQty")
    default = "FULL" if kind in {"MARKET", "LIMIT"} else "ACK"
    return Asked(
        symbol, side, kind, force, quantity or ZERO, quote or ZERO, price, stop or ZERO, trailing or 0, iceberg or ZERO,
        fields.option(
            "selfTradePreventionMode", STP_MODES, "EXPIRE_MAKER", Refused(-1130, "Invalid selfTradePreventionMode.")
        ),
        client_id_of(fields, "newClientOrderId") or made_id,
        fields.option("newOrderRespType", RESPONSES, default, Refused(-1118, "New order response type was empty.")),
    )  # fmt: skip


def check_precision(wanted: Asked) -> None:
    """-1111."""
    named = (
        ("quantity", wanted.quantity), ("price", wanted.price), ("stopPrice", wanted.stop_price),
        ("quoteOrderQty", wanted.quote_quantity), ("icebergQty", wanted.iceberg),
    )  # fmt: skip
    for name, value in named:
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > _PLACES:
            raise Refused(-1111, f"Parameter '{name}' has too much precision.")


def check_filters(wanted: Asked, listed: Listed, average: Decimal) -> None:
    """-1013, the filter told by name. `average` is the mean price of the last five minutes."""
    for price in (wanted.price, wanted.stop_price):
        if price and not (listed.min_price <= price <= listed.max_price and not price % listed.instrument.tick_size):
            raise filter_failure("PRICE_FILTER")
    if wanted.price and wanted.kind in _LIMITED and not listed.down <= wanted.price / average <= listed.up:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")
    if wanted.quantity or not wanted.quote_quantity:
        _check_lot(wanted.quantity, listed)
        if wanted.kind == "MARKET" and wanted.quantity > listed.max_market_quantity:
            raise filter_failure("MARKET_LOT_SIZE")
    if wanted.iceberg:
        _check_lot(wanted.iceberg, listed)
        if -(-wanted.quantity // wanted.iceberg) > MAX_ICEBERG_PARTS:
            raise filter_failure("ICEBERG_PARTS")
    if wanted.trailing_delta and not 10 <= wanted.trailing_delta <= 2_000:
        raise filter_failure("TRAILING_DELTA")
    notional = wanted.quote_quantity or wanted.quantity * (wanted.price or wanted.stop_price or average)
    if notional < listed.min_notional or (wanted.price and notional > listed.max_notional):
        raise filter_failure("NOTIONAL")


def _check_lot(quantity: Decimal, listed: Listed) -> None:
    step = listed.instrument.lot_size
    if not step <= quantity <= listed.max_quantity or quantity % step:
        raise filter_failure("LOT_SIZE")


def check_stop(wanted: Asked, last: Decimal) -> None:
    """-2010 for a stop whose price is reached already."""
    if wanted.is_stop and wanted.stop_price:
        reached = last >= wanted.stop_price if wanted.triggers_above else last <= wanted.stop_price
        if reached:
            raise rejected("Stop price would trigger immediately.")
