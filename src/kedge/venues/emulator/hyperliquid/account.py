"""The account: who may sign for it, what it is worth and what is free, as Hyperliquid's pages say it.

One balance in USDC backs perpetuals and spot alike (`userAbstraction` says `unifiedAccount`). Margin is cross: a position
takes its value at the mark price over its leverage, an order that opens takes the same at its limit, and a spot order
holds what it would pay.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kedge.model.money import CENT_OF_NANO, EXACT, ZERO
from kedge.model.order import Side
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.hyperliquid.listing import (
    COLLATERAL,
    LEVERAGE_AT_FIRST,
    PAIRS,
    PERPETUALS,
    Listed,
)
from kedge.venues.emulator.hyperliquid.numerals import ms, shown
from kedge.venues.emulator.hyperliquid.orders import HlOrder, OrderBook


class Account:
    """One master address, its agents, and its leverage by market."""

    def __init__(self, exchange: Exchange, orders: OrderBook, master: str, agents: dict[str, str]) -> None:
        self._exchange = exchange
        self._orders = orders
        self.master = master
        self.agents = agents
        self.leverage = {each.coin: min(each.max_leverage, LEVERAGE_AT_FIRST) for each in PERPETUALS}
        self.isolated: set[str] = set()

    def may_sign(self, address: str) -> bool:
        """Whether an address acts for the account."""
        return address == self.master or address in self.agents

    # money

    @property
    def equity(self) -> Decimal:
        """The wallet and the open profit of all perpetuals."""
        return self._exchange.venue.wallet + sum((self._exchange.unrealized(each.coin) for each in PERPETUALS), ZERO)

    def position(self, coin: str) -> Decimal:
        """What is held, signed."""
        return self._exchange.venue.position(coin)

    def margin(self, listed: Listed) -> Decimal:
        """What one position ties up."""
        value = abs(self.position(listed.coin)) * self._exchange.mark(listed.coin)
        return _six(EXACT.divide(value, Decimal(self.leverage[listed.coin])))

    @property
    def margin_used(self) -> Decimal:
        """What all positions tie up."""
        return sum((self.margin(each) for each in PERPETUALS), ZERO)

    @property
    def held_by_orders(self) -> Decimal:
        """What open orders tie up of the balance."""
        return sum((self._holds(order) for order in self._orders.open()), ZERO)

    @property
    def free(self) -> Decimal:
        """What a new order may use."""
        return max(self.equity - self.margin_used - self.held_by_orders, ZERO)

    def cost(self, listed: Listed, side: Side, size: Decimal, price: Decimal) -> Decimal:
        """What an order would tie up."""
        if listed.spot:
            return size * price if side is Side.BUY else ZERO
        opens = max(size - self._closes(listed.coin, side), ZERO)
        return EXACT.divide(opens * price, Decimal(self.leverage[listed.coin]))

    def spot_free(self, coin: str) -> Decimal:
        """What is left to sell of a pair's base."""
        resting = (
            order.remaining
            for order in self._orders.open()
            if order.listed.coin == coin and order.side is Side.SELL and order.trigger is None
        )
        return self.position(coin) - sum(resting, ZERO)

    def _holds(self, order: HlOrder) -> Decimal:
        if order.reduce_only or (order.trigger is not None and not order.triggered):
            return ZERO
        return self.cost(order.listed, order.side, order.remaining, order.limit)

    def _closes(self, coin: str, side: Side) -> Decimal:
        held = self.position(coin)
        return max(-held if side is Side.BUY else held, ZERO)

    # pages

    def perpetual_state(self) -> dict[str, Any]:
        """`clearinghouseState`."""
        value = sum((abs(self.position(each.coin)) * self._exchange.mark(each.coin) for each in PERPETUALS), ZERO)
        net = sum((self.position(each.coin) * self._exchange.mark(each.coin) for each in PERPETUALS), ZERO)
        summary = {
            "accountValue": shown(self.equity, 6),
            "totalNtlPos": shown(value, 6),
            "totalRawUsd": shown(self.equity - net, 6),
            "totalMarginUsed": shown(self.margin_used, 6),
        }
        return {
            "marginSummary": summary,
            "crossMarginSummary": summary,
            "crossMaintenanceMarginUsed": shown(sum((self._maintenance(each) for each in PERPETUALS), ZERO), 6),
            "withdrawable": shown(self.free, 6),
            "assetPositions": [
                {"type": "oneWay", "position": self._position(each)} for each in PERPETUALS if self.position(each.coin)
            ],
            "time": ms(self._exchange.now),
        }

    def spot_state(self) -> dict[str, Any]:
        """`spotClearinghouseState`."""
        balances = [_balance(COLLATERAL, 0, self.equity, self.equity - self.free)]
        for each in PAIRS:
            total = self.position(each.coin)
            if total:
                balances.append(_balance(each.base, each.token, total, total - self.spot_free(each.coin)))
        return {"balances": balances}

    def asset_data(self, listed: Listed) -> dict[str, Any]:
        """`activeAssetData`."""
        mark = self._exchange.mark(listed.coin)
        most = EXACT.divide(self.free * self.leverage[listed.coin], mark)
        most -= most % listed.lot
        return {
            "user": self.master,
            "coin": listed.coin,
            "leverage": self._leverage(listed),
            "maxTradeSzs": [shown(most), shown(most)],
            "availableToTrade": [shown(self.free, 6), shown(self.free, 6)],
            "markPx": shown(mark, 6),
        }

    def _leverage(self, listed: Listed) -> dict[str, Any]:
        value = self.leverage[listed.coin]
        if listed.coin in self.isolated:
            raw = self.margin(listed) - self.position(listed.coin) * self._exchange.mark(listed.coin)
            return {"type": "isolated", "value": value, "rawUsd": shown(raw, 6)}
        return {"type": "cross", "value": value}

    def _position(self, listed: Listed) -> dict[str, Any]:
        exchange, coin = self._exchange, listed.coin
        held, mark = self.position(coin), exchange.mark(coin)
        holding, margin = exchange.holdings[coin], self.margin(listed)
        profit = exchange.unrealized(coin)
        liquidation = exchange.venue.liquidation_price(coin)
        funding = -sum(
            (income.amount for income in exchange.incomes if income.kind == "FUNDING_FEE" and income.symbol == coin),
            ZERO,
        )
        return {
            "coin": coin,
            "szi": shown(held),
            "leverage": self._leverage(listed),
            "entryPx": shown(holding.entry, 6),
            "positionValue": shown(abs(held) * mark, 6),
            "unrealizedPnl": shown(profit, 6),
            "returnOnEquity": shown(EXACT.divide(profit, margin) if margin else ZERO, 8),
            "liquidationPx": None if liquidation is None or liquidation <= ZERO else shown(liquidation, 8),
            "marginUsed": shown(margin, 6),
            "maxLeverage": listed.max_leverage,
            "cumFunding": {
                "allTime": shown(funding, 6),
                "sinceOpen": shown(funding, 6),
                "sinceChange": shown(funding, 6),
            },
        }

    def _maintenance(self, listed: Listed) -> Decimal:
        value = abs(self.position(listed.coin)) * self._exchange.mark(listed.coin)
        return EXACT.divide(value, Decimal(2 * listed.max_leverage))


def _balance(coin: str, token: int, total: Decimal, hold: Decimal) -> dict[str, Any]:
    return {"coin": coin, "token": token, "total": shown(total, 8), "hold": shown(hold, 8), "entryNtl": "0.0"}


def _six(value: Decimal) -> Decimal:
    return value.quantize(CENT_OF_NANO, context=EXACT)
