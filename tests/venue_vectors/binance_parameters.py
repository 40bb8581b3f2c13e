"""Parameter names of futures endpoints: ours against those that the official SDK knows (its unit tests name them all).

An example "with optional params" lists every parameter of its endpoint: each name that we send must be among them. One
without lists those that must be sent: each must be among ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kedge.model.order import OrderIntent, OrderType, Side, TimeInForce
from kedge.venues.binance.protocol import calls, orders
from kedge.venues.binance.protocol.product import Product
from kedge.venues.binance.protocol.requests import Call
from tests.venue_vectors.runner import NotApplicable

_RAW, _NS, _USDM = "BTCUSDT", 10**18, Product.USDM
#: Added to every signed request.
_ALWAYS = {"recvWindow"}


def _orders() -> Iterator[Call]:
    day, price, trail = Decimal(100), Decimal(90), Decimal(1)
    everything = orders.Options("EXPIRE_MAKER", None, None, "", "LONG", "MARK_PRICE")
    matched = orders.Options(price_match="OPPONENT", working_type="MARK_PRICE")
    for kind in OrderType:
        stop = price if kind in orders.CONDITIONAL and kind is not OrderType.TRAILING_STOP else None
        limit = day if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None
        for options in (orders.PLAIN, everything, matched):
            for time in (TimeInForce.GTC, TimeInForce.GTD):
                intent = OrderIntent(
                    "k-1-1", "BTC-USD", Side.BUY, kind, Decimal(1), limit, stop,
                    trail if kind is OrderType.TRAILING_STOP else None, time, _NS, reduce_only=options is orders.PLAIN,
                )  # fmt: skip
                yield orders.place(_USDM, _RAW, intent, options, day)
    test = OrderIntent("k-1-1", "BTC-USD", Side.BUY, OrderType.LIMIT, Decimal(1), day)
    yield orders.place(_USDM, _RAW, test, orders.Options(test=True))


def _reads() -> Iterator[Call]:
    yield from (calls.server_time(_USDM), calls.exchange_info(_USDM), calls.depth(_USDM, _RAW, 10))
    yield from (calls.trades(_USDM, _RAW, 10), calls.agg_trades(_USDM, _RAW, 10), calls.book_tickers(_USDM, (_RAW,)))
    yield from (calls.candles(_USDM, _RAW, 60 * 10**9, _NS, 2 * _NS), calls.premium_index(_RAW))
    yield from (calls.funding_rates(_RAW, _NS, 2 * _NS), calls.open_orders(_USDM, _RAW), calls.open_algo_orders(_RAW))
    yield from (
        calls.all_orders(_USDM, _RAW, _NS, 10),
        calls.all_algo_orders(_RAW, _NS, 10),
        calls.fills(_USDM, _RAW, _NS, _NS + 1),
        calls.account(_USDM),
    )
    yield from (calls.fills_from(_USDM, _RAW, 1), calls.fills_of(_USDM, _RAW, "1"), calls.commission(_USDM, _RAW))
    yield from (calls.order_counts(_USDM), calls.positions(_RAW), calls.account_config(), calls.position_mode())
    yield from (calls.symbol_config(_RAW), calls.leverage_brackets(_RAW), calls.income(_RAW, "FUNDING_FEE", _NS))
    yield from (calls.set_leverage(_RAW, 5), calls.set_margin_mode(_RAW, isolated=True), calls.countdown(_RAW, 5))
    for name in (orders.named("k-1-1"), orders.named("", "5")):
        yield from (orders.query(_USDM, _RAW, name), orders.cancel(_USDM, _RAW, name))
    for name in (orders.named("k-1-1", algo=True), orders.named("", "5", algo=True)):
        yield orders.query(_USDM, _RAW, name)
    yield from (orders.cancel_all(_USDM, _RAW), orders.cancel_all_algo(_RAW), orders.cancel_batch(_RAW, ["k-1-1"]))
    limit = OrderIntent("k-1-1", "BTC-USD", Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(1))
    yield from (orders.place_batch([(_RAW, limit)]), orders.amend(_USDM, _RAW, orders.named("k-1-1"), limit))


CALLS = [*_orders(), *_reads()]


def parameters(data: dict[str, Any], *, whole: bool) -> None:
    """Hold our names against those of an example; `whole`: the example names all that there are."""
    method, path, given = data.get("http_method"), data.get("path"), data.get("params_snake_case")
    ours = [call for call in CALLS if (call.method, call.path) == (method, path)]
    if not ours:
        if whole:
            raise NotApplicable(f"Kedge does not ask for it: {path or data['test'].removeprefix('test_')}")
        return
    theirs = {_camel(name) for name in given or {}} - _ALWAYS
    for call in ours:
        if whole:
            assert set(call.params) <= theirs, f"{path}: the SDK knows no {sorted(set(call.params) - theirs)}"
        else:
            assert theirs <= set(call.params), f"{path}: {sorted(theirs - set(call.params))} must be sent"


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found.group(1).upper(), name)
