"""Spot's answers: tickets, executions, rules and balances as the pages of the documentation have them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.bars import Bar
from kedge.venues.emulator.binance.fields import fixed, ms
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.orders import Execution
from kedge.venues.emulator.tape import PublicTrade, Tape

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
STP_MODES = ("NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH")
MAX_ORDERS, MAX_ALGO_ORDERS, MAX_ICEBERG_PARTS, MAX_AMENDS = 200, 5, 10, 10


def symbol_info(listed: Listed, status: str) -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    instrument = listed.instrument
    return {
        "symbol": listed.symbol,
        "status": status,
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(listed),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }


def filters(listed: Listed) -> list[dict[str, Any]]:
    """The filters of a symbol."""
    tick, step = listed.instrument.tick_size, listed.instrument.lot_size
    percent = {"MultiplierUp": fixed(listed.up, 0), "MultiplierDown": fixed(listed.down, 1)}
    return [
        {
            "filterType": "PRICE_FILTER", "minPrice": fixed(listed.min_price), "maxPrice": fixed(listed.max_price),
            "tickSize": fixed(tick),
        },
        {
            "filterType": "LOT_SIZE", "minQty": fixed(step), "maxQty": fixed(listed.max_quantity),
            "stepSize": fixed(step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": MAX_ICEBERG_PARTS},
        {
            "filterType": "MARKET_LOT_SIZE", "minQty": fixed(ZERO), "maxQty": fixed(listed.max_market_quantity),
            "stepSize": fixed(ZERO),
        },
        {
            "filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE", **{f"bid{name}": value for name, value in percent.items()},
            **{f"ask{name}": value for name, value in percent.items()}, "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL", "minNotional": fixed(listed.min_notional), "applyMinToMarket": True,
            "maxNotional": fixed(listed.max_notional), "applyMaxToMarket": False, "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MAX_ALGO_ORDERS},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": MAX_AMENDS},
    ]  # fmt: skip


def placed(ticket: Ticket, response: str) -> dict[str, Any]:
    """The answer to a new order: ACK, RESULT or FULL."""
    told: dict[str, Any] = {
        "symbol": ticket.symbol,
        "orderId": ticket.number,
        "orderListId": ticket.list_id,
        "clientOrderId": ticket.client_id,
        "transactTime": ms(ticket.updated),
    }
    if response == "ACK":
        return told
    told |= _figures(ticket) | {"workingTime": _working_time(ticket)} | _stp(ticket)
    if response == "FULL":
        told["fills"] = [
            {
                "price": fixed(fill.price), "qty": fixed(fill.quantity), "commission": fixed(fill.fee),
                "commissionAsset": fill.fee_currency, "tradeId": fill.trade_id,
            }
            for fill in ticket.fills
        ]  # fmt: skip
    return told


def cancelled(ticket: Ticket, request_id: str) -> dict[str, Any]:
    """The answer to a cancel: `clientOrderId` is the cancel request's, the order's own is `origClientOrderId`."""
    return {
        "symbol": ticket.symbol,
        "origClientOrderId": ticket.client_id,
        "orderId": ticket.number,
        "orderListId": ticket.list_id,
        "clientOrderId": request_id,
        "transactTime": ms(ticket.updated),
        **_figures(ticket),
        **_stp(ticket),
    }


def queried(ticket: Ticket) -> dict[str, Any]:
    """An order of openOrders, allOrders and the query."""
    return {
        "symbol": ticket.symbol,
        "orderId": ticket.number,
        "orderListId": ticket.list_id,
        "clientOrderId": ticket.client_id,
        **_figures(ticket),
        "stopPrice": fixed(ticket.stop_price),
        "icebergQty": fixed(ticket.iceberg),
        "time": ms(ticket.created),
        "updateTime": ms(ticket.updated),
        "isWorking": ticket.order is not None,
        "workingTime": _working_time(ticket),
        **_stp(ticket),
    }


def _figures(ticket: Ticket) -> dict[str, Any]:
    told: dict[str, Any] = {
        "price": fixed(ticket.price),
        "origQty": fixed(ticket.quantity),
        "executedQty": fixed(ticket.filled),
        "origQuoteOrderQty": fixed(ticket.quote_quantity),
        "cummulativeQuoteQty": fixed(ticket.value),
        "status": ticket.status,
        "timeInForce": ticket.force,
        "type": ticket.kind,
        "side": ticket.side,
    }
    if ticket.stop_price:
        told["stopPrice"] = fixed(ticket.stop_price)
    if ticket.trailing_delta:
        told["trailingDelta"] = ticket.trailing_delta
    if ticket.iceberg:
        told["icebergQty"] = fixed(ticket.iceberg)
    return told


def _stp(ticket: Ticket) -> dict[str, Any]:
    return {"selfTradePreventionMode": ticket.stp}


def _working_time(ticket: Ticket) -> int:
    return ms(ticket.working_time) if ticket.working_time > 0 else -1


def my_trade(fill: Execution, list_id: int) -> dict[str, Any]:
    """One execution of ours."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order,
        "orderListId": list_id,
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.value),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": ms(fill.ts),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def public_trade(trade: PublicTrade) -> dict[str, Any]:
    """One print."""
    return {
        "id": trade.id,
        "price": fixed(trade.price),
        "qty": fixed(trade.quantity),
        "quoteQty": fixed(trade.price * trade.quantity),
        "time": ms(trade.ts),
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate(trade: PublicTrade) -> dict[str, Any]:
    """One print as an aggregate of itself: the emulator does not put prints together."""
    return {
        "a": trade.id, "p": fixed(trade.price), "q": fixed(trade.quantity), "f": trade.id, "l": trade.id,
        "T": ms(trade.ts), "m": trade.buyer_is_maker, "M": True,
    }  # fmt: skip


def kline(bar: Bar, interval: int) -> list[Any]:
    """One candle as an array of twelve."""
    return [
        ms(bar.ts), fixed(bar.open), fixed(bar.high), fixed(bar.low), fixed(bar.close), fixed(bar.volume),
        ms(bar.ts + interval) - 1, fixed(bar.value), bar.trades, fixed(bar.bought), fixed(bar.bought_value), "0",
    ]  # fmt: skip


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Price levels as pairs of text."""
    return [[fixed(price), fixed(size)] for price, size in side]


def book_ticker(tape: Tape) -> dict[str, Any]:
    """The best of both sides."""
    bid, ask = tape.best(asks=False) or (ZERO, ZERO), tape.best(asks=True) or (ZERO, ZERO)
    return {
        "symbol": tape.symbol, "bidPrice": fixed(bid[0]), "bidQty": fixed(bid[1]), "askPrice": fixed(ask[0]),
        "askQty": fixed(ask[1]),
    }  # fmt: skip


def day(tape: Tape, now: int) -> dict[str, Any]:
    """The figures of the last 24 hours, as decimals for who writes them."""
    bars = tape.bars.window(now - 86_400_000_000_000)
    last = tape.last or ZERO
    opened = bars[0].open if bars else last
    volume = sum((bar.volume for bar in bars), ZERO)
    value = sum((bar.value for bar in bars), ZERO)
    return {
        "open": opened,
        "high": max((bar.high for bar in bars), default=last),
        "low": min((bar.low for bar in bars), default=last),
        "last": last,
        "change": last - opened,
        "percent": (last - opened) / opened * 100 if opened else ZERO,
        "average": value / volume if volume else last,
        "volume": volume,
        "value": value,
        "trades": sum(bar.trades for bar in bars),
        "first_id": next((bar.first_id for bar in bars if bar.first_id >= 0), -1),
        "last_id": max((bar.last_id for bar in bars), default=-1),
        "last_quantity": tape.trades[-1].quantity if tape.trades else ZERO,
    }


def day_ticker(tape: Tape, now: int) -> dict[str, Any]:
    """The 24-hour ticker."""
    told = day(tape, now)
    best = book_ticker(tape)
    return {
        "symbol": tape.symbol,
        "priceChange": signed(told["change"]),
        "priceChangePercent": signed(told["percent"], 3),
        "weightedAvgPrice": fixed(told["average"]),
        "prevClosePrice": fixed(told["open"]),
        "lastPrice": fixed(told["last"]),
        "lastQty": fixed(told["last_quantity"]),
        **{name: value for name, value in best.items() if name != "symbol"},
        "openPrice": fixed(told["open"]),
        "highPrice": fixed(told["high"]),
        "lowPrice": fixed(told["low"]),
        "volume": fixed(told["volume"]),
        "quoteVolume": fixed(told["value"]),
        "openTime": ms(now) - 86_400_000,
        "closeTime": ms(now),
        "firstId": told["first_id"],
        "lastId": told["last_id"],
        "count": told["trades"],
    }


def signed(number: Decimal, places: int = 8) -> str:
    """A number that may be below zero."""
    return ("-" if number < ZERO else "") + fixed(abs(number), places)
