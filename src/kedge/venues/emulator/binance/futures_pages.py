"""USD-M Futures' answers: orders, positions, the account and rules as the pages of the documentation have them.

Since July 2026 placing, cancelling and modifying answer without `avgPrice` and `cumQuote`; queries keep them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.money import ZERO
from kedge.model.order import Side
from kedge.venues.emulator.binance.fields import fixed, ms, plain
from kedge.venues.emulator.binance.futures_rules import FORCES
from kedge.venues.emulator.binance.listing import Listed
from kedge.venues.emulator.binance.margin import Margin
from kedge.venues.emulator.binance.spot_pages import signed
from kedge.venues.emulator.binance.tickets import Ticket
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.orders import Execution

MAX_ORDERS, MAX_ALGO_ORDERS = 200, 200
_ORDER_TYPES = ("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_DELIVERY_MS, _ONBOARD_MS = 4_133_404_800_000, 1_569_398_400_000


def symbol_info(listed: Listed, status: str) -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    tick, step = listed.instrument.tick_size, listed.instrument.lot_size
    most = plain(listed.max_quantity)
    return {
        "symbol": listed.symbol,
        "pair": listed.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _DELIVERY_MS,
        "onboardDate": _ONBOARD_MS,
        "status": status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": listed.base,
        "quoteAsset": listed.instrument.quote,
        "marginAsset": listed.instrument.quote,
        "pricePrecision": listed.precision[0],
        "quantityPrecision": listed.precision[1],
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": fixed(listed.up - 1, 2),
        "maxMoveOrderLimit": 10_000,
        "filters": [
            {
                "filterType": "PRICE_FILTER", "minPrice": plain(listed.min_price), "maxPrice": plain(listed.max_price),
                "tickSize": str(tick),
            },
            {"filterType": "LOT_SIZE", "minQty": str(step), "maxQty": most, "stepSize": str(step)},
            {
                "filterType": "MARKET_LOT_SIZE", "minQty": str(step), "maxQty": plain(listed.max_market_quantity),
                "stepSize": str(step),
            },
            {"filterType": "MAX_NUM_ORDERS", "limit": MAX_ORDERS},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": plain(listed.min_notional)},
            {
                "filterType": "PERCENT_PRICE", "multiplierUp": fixed(listed.up, 4),
                "multiplierDown": fixed(listed.down, 4), "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE", "notionalLimit": "0"},
        ],
        "orderTypes": list(_ORDER_TYPES),
        "timeInForce": list(FORCES),
        "permissionSets": ["GRID", "COPY"],
    }  # fmt: skip


def placed(ticket: Ticket, response: str) -> dict[str, Any]:
    """The answer to a new order. ACK tells of the order as it was accepted, RESULT of what became of it."""
    told = _figures(ticket) | {"cumQty": plain(ticket.filled)}
    if response == "ACK":
        told |= {"status": "NEW", "executedQty": "0", "cumQty": "0"}
    return told


def changed(ticket: Ticket) -> dict[str, Any]:
    """The answer to a cancel or a modification."""
    return _figures(ticket) | {"cumQty": plain(ticket.filled)}


def queried(ticket: Ticket) -> dict[str, Any]:
    """An order of a query, with its mean price."""
    average = ticket.value / ticket.filled if ticket.filled else ZERO
    return _figures(ticket) | {
        "avgPrice": fixed(average, 5), "cumQuote": fixed(ticket.value, 5), "time": ms(ticket.created)
    }  # fmt: skip


def _figures(ticket: Ticket) -> dict[str, Any]:
    return {
        "orderId": ticket.number,
        "symbol": ticket.symbol,
        "status": ticket.status,
        "clientOrderId": ticket.client_id,
        "price": plain(ticket.price),
        "origQty": plain(ticket.quantity),
        "executedQty": plain(ticket.filled),
        "timeInForce": ticket.force,
        "type": ticket.kind,
        "reduceOnly": ticket.extra["reduce_only"],
        "closePosition": False,
        "side": ticket.side,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": ticket.extra.get("origin", ticket.kind),
        "priceMatch": ticket.extra.get("price_match", "NONE"),
        "selfTradePreventionMode": ticket.stp,
        "goodTillDate": ticket.extra.get("good_till", 0),
        "updateTime": ms(ticket.updated),
    }


def user_trade(fill: Execution) -> dict[str, Any]:
    """One execution of ours."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order,
        "side": "BUY" if fill.side is Side.BUY else "SELL",
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "realizedPnl": signed(fill.realized),
        "quoteQty": plain(fill.value),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": ms(fill.ts),
        "positionSide": "BOTH",
        "buyer": fill.side is Side.BUY,
        "maker": fill.maker,
    }


def position_risk(symbol: str, exchange: Exchange, margin: Margin) -> dict[str, Any]:
    """A position as v3 tells it."""
    holding = exchange.holdings[symbol]
    liquidation = exchange.venue.liquidation_price(symbol)
    mark = exchange.mark(symbol)
    buys, sells = margin.sides(symbol)
    even = (holding.cost + holding.fees) / holding.quantity if holding.quantity else ZERO
    orders = margin.needed(symbol) - margin.of_position(symbol)
    return {
        "symbol": symbol,
        "positionSide": "BOTH",
        "positionAmt": signed(holding.quantity, 3),
        "entryPrice": plain(holding.entry.quantize(Decimal("1E-8"))),
        "breakEvenPrice": plain(even.quantize(Decimal("1E-8"))),
        "markPrice": fixed(mark),
        "unRealizedProfit": signed(exchange.unrealized(symbol)),
        "liquidationPrice": "0" if liquidation is None else plain(liquidation.quantize(Decimal("1E-8"))),
        "isolatedMargin": "0",
        "notional": signed(margin.notional(symbol)),
        "marginAsset": "USDT",
        "isolatedWallet": "0",
        "initialMargin": fixed(margin.needed(symbol)),
        "maintMargin": fixed(margin.maintenance(symbol)),
        "positionInitialMargin": fixed(margin.of_position(symbol)),
        "openOrderInitialMargin": fixed(orders),
        "adl": 2 if holding.quantity else 0,
        "bidNotional": fixed(buys * mark),
        "askNotional": fixed(sells * mark),
        "updateTime": ms(holding.updated),
    }


def totals(exchange: Exchange, margin: Margin) -> dict[str, str]:
    """The figures of the whole account."""
    positions = sum((margin.of_position(symbol) for symbol in exchange.instruments), ZERO)
    maintenance = sum((margin.maintenance(symbol) for symbol in exchange.instruments), ZERO)
    wallet, profit, initial = margin.wallet(), margin.unrealized(), margin.initial()
    return {
        "initialMargin": fixed(initial),
        "maintMargin": fixed(maintenance),
        "walletBalance": signed(wallet),
        "unrealizedProfit": signed(profit),
        "marginBalance": signed(wallet + profit),
        "positionInitialMargin": fixed(positions),
        "openOrderInitialMargin": fixed(initial - positions),
        "crossWalletBalance": signed(wallet),
        "crossUnPnl": signed(profit),
        "availableBalance": fixed(margin.available()),
        "maxWithdrawAmount": fixed(max(min(margin.available(), wallet), ZERO)),
    }
