"""USD-M Futures' signed endpoints for the account: balances, positions, leverage and margin type, fees, income."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.money import ZERO
from kedge.venues.emulator.binance import futures_pages as pages
from kedge.venues.emulator.binance.algo import AlgoOrders
from kedge.venues.emulator.binance.fields import Fields, fixed, ms
from kedge.venues.emulator.binance.futures_orders import FuturesOrders
from kedge.venues.emulator.binance.gate import SIGNED, Gate, Handler, Route, Weight
from kedge.venues.emulator.binance.margin import Margin
from kedge.venues.emulator.binance.refused import Refused
from kedge.venues.emulator.binance.spot_pages import signed as signed_text
from kedge.venues.emulator.exchange import Exchange

_WEEK_MS = 7 * 86_400_000
_BATCH_MAX, _BATCH_CANCEL_MAX = 5, 10
_BRACKETS = (
    (1, 125, 50_000, Decimal("0.004")),
    (2, 100, 500_000, Decimal("0.005")),
    (3, 50, 8_000_000, Decimal("0.01")),
)
_MAX_NOTIONAL = "1000000"


class FuturesAccount:
    """Answers signed requests. `on_config` hears of leverage that was set."""

    def __init__(
        self, exchange: Exchange, orders: FuturesOrders, algos: AlgoOrders, margin: Margin, gate: Gate
    ) -> None:
        self._exchange = exchange
        self._orders = orders
        self._algos = algos
        self._margin = margin
        self._gate = gate
        self.on_config: list[Callable[[str, int], None]] = []

    def routes(self) -> dict[tuple[str, str, str], Route]:
        """Every endpoint: REST method and path, WebSocket method (empty: none)."""
        return {
            ("GET", "/v3/account", "v2/account.status"): _signed(self.account, 5),
            ("GET", "/v2/account", "account.status"): _signed(self.account_v2, 5),
            ("GET", "/v3/balance", "v2/account.balance"): _signed(self.balance, 5),
            ("GET", "/v2/balance", "account.balance"): _signed(self.balance, 5),
            ("GET", "/v3/positionRisk", "v2/account.position"): _signed(self.position_risk, 5),
            ("GET", "/v2/positionRisk", "account.position"): _signed(self.position_risk_v2, 5),
            ("GET", "/v1/accountConfig", ""): _signed(self.account_config, 5),
            ("GET", "/v1/symbolConfig", ""): _signed(self.symbol_config, 5),
            ("POST", "/v1/leverage", ""): _signed(self.leverage, 1),
            ("POST", "/v1/marginType", ""): _signed(self.margin_type, 1),
            ("GET", "/v1/positionSide/dual", ""): _signed(lambda fields: {"dualSidePosition": False}, 30),
            ("POST", "/v1/positionSide/dual", ""): _signed(self.position_side, 1),
            ("GET", "/v1/multiAssetsMargin", ""): _signed(lambda fields: {"multiAssetsMargin": False}, 30),
            ("GET", "/v1/feeBurn", ""): _signed(lambda fields: {"feeBurn": False}, 30),
            ("GET", "/v1/leverageBracket", ""): _signed(self.brackets, 1),
            ("GET", "/v1/commissionRate", ""): _signed(self.commission, 20),
            ("GET", "/v1/income", ""): _signed(self.income, 30),
            ("GET", "/v1/rateLimit/order", ""): _signed(self.order_counts, 1),
        }

    def account(self, fields: Fields) -> dict[str, Any]:
        """Totals, assets, and positions that are held or have orders."""
        totals = pages.totals(self._exchange, self._margin)
        asset = {"asset": "USDT", **totals, "marginAvailable": True, "updateTime": ms(self._exchange.now)}
        told = {_total(name): value for name, value in totals.items()}
        return {**told, "assets": [asset], "positions": [_position(each) for each in self._risks(fields)]}

    def account_v2(self, fields: Fields) -> dict[str, Any]:
        """As `account`, with every symbol, and settings beside the figures."""
        told = self.account(fields)
        told["positions"] = [
            _position(pages.position_risk(symbol, self._exchange, self._margin)) | self._settings(symbol)
            for symbol in self._exchange.instruments
        ]
        return self.account_config(fields) | told

    def balance(self, fields: Fields) -> list[dict[str, Any]]:
        """Balances."""
        totals = pages.totals(self._exchange, self._margin)
        return [
            {
                "accountAlias": "SgsR", "asset": "USDT", "balance": totals["walletBalance"],
                "crossWalletBalance": totals["crossWalletBalance"], "crossUnPnl": totals["crossUnPnl"],
                "availableBalance": totals["availableBalance"], "maxWithdrawAmount": totals["maxWithdrawAmount"],
                "marginAvailable": True, "updateTime": ms(self._exchange.now),
            }
        ]  # fmt: skip

    def position_risk(self, fields: Fields) -> list[dict[str, Any]]:
        """Positions that are held or have orders."""
        return self._risks(fields)

    def position_risk_v2(self, fields: Fields) -> list[dict[str, Any]]:
        """Every symbol, with its settings."""
        symbol = fields.maybe("symbol")
        chosen = list(self._exchange.instruments) if symbol is None else [self._orders.rules(symbol).symbol]
        return [
            pages.position_risk(each, self._exchange, self._margin)
            | self._settings(each)
            | {
                "marginType": "isolated" if each in self._margin.isolated else "cross", "isAutoAddMargin": "false",
                "maxNotionalValue": _MAX_NOTIONAL,
            }
            for each in chosen
        ]  # fmt: skip

    def account_config(self, fields: Fields) -> dict[str, Any]:
        """What the account may do."""
        return {
            "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False, "dualSidePosition": False,
            "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
        }  # fmt: skip

    def symbol_config(self, fields: Fields) -> list[dict[str, Any]]:
        """Margin type and leverage of symbols."""
        symbol = fields.maybe("symbol")
        chosen = list(self._exchange.instruments) if symbol is None else [self._orders.rules(symbol).symbol]
        return [
            {
                "symbol": each, "marginType": "ISOLATED" if each in self._margin.isolated else "CROSSED",
                "isAutoAddMargin": False, "leverage": int(self._margin.leverage(each)),
                "maxNotionalValue": _MAX_NOTIONAL,
            }
            for each in chosen
        ]  # fmt: skip

    def leverage(self, fields: Fields) -> dict[str, Any]:
        """Set the leverage of a symbol."""
        symbol = self._symbol(fields)
        wanted = fields.whole("leverage")
        if not 1 <= wanted <= self._orders.rules(symbol).max_leverage:
            raise Refused(-4028, f"Leverage {wanted} is not valid")
        before = self._margin.leverage(symbol)
        self._exchange.set_leverage(symbol, Decimal(wanted))
        if self._margin.wallet() + self._margin.unrealized() < self._margin.initial():
            self._exchange.set_leverage(symbol, before)
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        for each in self.on_config:
            each(symbol, wanted)
        return {"leverage": wanted, "maxNotionalValue": _MAX_NOTIONAL, "symbol": symbol}

    def margin_type(self, fields: Fields) -> dict[str, Any]:
        """Set the margin type of a symbol."""
        symbol = self._symbol(fields)
        wanted = fields.choice("marginType", ("ISOLATED", "CROSSED"), Refused(-4044, "Invalid margin type."))
        isolated = self._margin.isolated
        if (symbol in isolated) is (wanted == "ISOLATED"):
            raise Refused(-4046, "No need to change margin type.")
        if self._orders.tickets.open(symbol) or self._algos.open(symbol):
            raise Refused(-4047, "Margin type cannot be changed if there exists open orders.")
        if self._margin.position(symbol):
            raise Refused(-4048, "Margin type cannot be changed if there exists position.")
        (isolated.add if wanted == "ISOLATED" else isolated.discard)(symbol)
        return {"code": 200, "msg": "success"}

    def position_side(self, fields: Fields) -> dict[str, Any]:
        """One-way mode is the only one that is emulated."""
        fields.text("dualSidePosition")
        if not fields.truth("dualSidePosition"):
            raise Refused(-4059, "No need to change position side.")
        raise Refused(-4084, "Method is not allowed currently. Upcoming soon.")

    def brackets(self, fields: Fields) -> Any:
        """Notional and leverage brackets; the engine's maintenance rate is that of the first."""
        symbol = fields.maybe("symbol")
        chosen = list(self._exchange.instruments) if symbol is None else [self._orders.rules(symbol).symbol]
        told = []
        for each in chosen:
            floor, cum, rate_before = 0, ZERO, Decimal(0)
            rows = []
            for number, leverage, cap, rate in _BRACKETS:
                cum += floor * (rate - rate_before) if number > 1 else ZERO
                rows.append(
                    {
                        "bracket": number, "initialLeverage": leverage, "notionalCap": cap, "notionalFloor": floor,
                        "maintMarginRatio": float(rate), "cum": float(cum),
                    }
                )  # fmt: skip
                floor, rate_before = cap, rate
            told.append({"symbol": each, "notionalCoef": 1.0, "brackets": rows})
        return told

    def commission(self, fields: Fields) -> dict[str, Any]:
        """Fees of a symbol."""
        symbol = self._symbol(fields)
        instrument = self._exchange.instruments[symbol]
        return {
            "symbol": symbol, "makerCommissionRate": fixed(instrument.maker_fee, 4),
            "takerCommissionRate": fixed(instrument.taker_fee, 4),
        }  # fmt: skip

    def income(self, fields: Fields) -> list[dict[str, Any]]:
        """Funding, commissions and realized profit."""
        symbol, kind = fields.maybe("symbol"), fields.maybe("incomeType")
        start, end = fields.maybe_whole("startTime") or 0, fields.maybe_whole("endTime")
        found = [
            each
            for each in self._exchange.incomes
            if symbol in {None, each.symbol} and kind in {None, each.kind}
            if start <= ms(each.ts) <= (ms(self._exchange.now) if end is None else end)
        ]
        return [
            {
                "symbol": each.symbol, "incomeType": each.kind, "income": signed_text(each.amount),
                "asset": each.currency, "info": each.kind, "time": ms(each.ts), "tranId": 9_000_000 + each.n,
                "tradeId": str(each.trade_id or ""),
            }
            for each in found[: fields.limit(100, 1_000)]
        ]  # fmt: skip

    def order_counts(self, fields: Fields) -> list[dict[str, Any]]:
        """The order limits."""
        limits = [each for each in self._gate.rate_limits(orders=True) if each["rateLimitType"] == "ORDERS"]
        return [{name: value for name, value in each.items() if name != "count"} for each in limits]

    # within

    def _risks(self, fields: Fields) -> list[dict[str, Any]]:
        symbol = fields.maybe("symbol")
        chosen = list(self._exchange.instruments) if symbol is None else [self._orders.rules(symbol).symbol]
        shown = [each for each in chosen if self._margin.position(each) or self._orders.tickets.open(each)]
        return [pages.position_risk(each, self._exchange, self._margin) for each in shown]

    def _settings(self, symbol: str) -> dict[str, Any]:
        return {"leverage": str(self._margin.leverage(symbol)), "isolated": symbol in self._margin.isolated}

    def _symbol(self, fields: Fields) -> str:
        return self._orders.rules(fields.text("symbol")).symbol


def _position(risk: dict[str, Any]) -> dict[str, Any]:
    """A position as the account page has it: `unrealizedProfit` with a small r."""
    names = (
        "symbol", "positionSide", "positionAmt", "isolatedMargin", "notional", "isolatedWallet", "initialMargin",
        "maintMargin", "positionInitialMargin", "openOrderInitialMargin", "entryPrice", "updateTime",
    )  # fmt: skip
    return {**{name: risk[name] for name in names}, "unrealizedProfit": risk["unRealizedProfit"]}


def _total(name: str) -> str:
    return name if name in {"availableBalance", "maxWithdrawAmount"} else f"total{name[0].upper()}{name[1:]}"


def _signed(handler: Handler, weight: Weight) -> Route:
    return Route(handler, weight, SIGNED)
