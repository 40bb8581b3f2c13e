"""Questions to `/info`. A question about an address that is not the account is answered as for an empty account: an
agent's address has none, which is how clients that ask for it see nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from kedge.model.instant import NS_PER_MS
from kedge.model.market import Level
from kedge.venues.emulator.bars import MINUTE, Bar, opening
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.faults import Faults
from kedge.venues.emulator.hyperliquid.account import Account
from kedge.venues.emulator.hyperliquid.limits import Limits
from kedge.venues.emulator.hyperliquid.listing import (
    ALL,
    BY_COIN,
    PAIRS,
    PERPETUAL_MAKER,
    PERPETUAL_TAKER,
    PERPETUALS,
    SPOT_MAKER,
    SPOT_TAKER,
    Listed,
    meta,
    spot_meta,
)
from kedge.venues.emulator.hyperliquid.numerals import ms, shown
from kedge.venues.emulator.hyperliquid.orders import HlOrder, OrderBook
from kedge.venues.emulator.hyperliquid.rules import Malformed
from kedge.venues.emulator.tape import PublicTrade, Tape

LEVELS = 20
CANDLES_MAX = 5_000
ROWS_MAX = 2_000
FUNDING_ROWS_MAX = 500
INTERVALS = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "2h": 120 * MINUTE,
    "4h": 240 * MINUTE,
    "8h": 480 * MINUTE,
    "12h": 720 * MINUTE,
    "1d": 1_440 * MINUTE,
    "3d": 4_320 * MINUTE,
    "1w": 10_080 * MINUTE,
}
NOBODY = "0x" + "0" * 40


class Questions:
    """Answers what is asked."""

    def __init__(self, exchange: Exchange, book: OrderBook, account: Account, limits: Limits, faults: Faults) -> None:
        self._exchange = exchange
        self._book = book
        self._account = account
        self._limits = limits
        self._faults = faults
        about_all: dict[str, Callable[[], Any]] = {
            "allPerpMetas": lambda: [meta()],
            "metaAndAssetCtxs": lambda: [meta(), [self.perpetual_context(each) for each in PERPETUALS]],
            "spotMeta": spot_meta,
            "spotMetaAndAssetCtxs": lambda: [spot_meta(), [self.spot_context(each) for each in PAIRS]],
            "perpDexs": lambda: [None],
            "exchangeStatus": lambda: {"specialStatuses": None, "time": ms(exchange.now + faults.skew_ns)},
            "allMids": self.mids,
            "predictedFundings": list,
            "outcomeMeta": lambda: {"outcomes": [], "questions": []},
        }
        about_market: dict[str, Callable[[dict[str, Any]], Any]] = {
            "meta": lambda asked: meta() if not asked.get("dex") else {"universe": [], "marginTables": []},
            "l2Book": self._l2_book,
            "recentTrades": lambda asked: [trade_json(each) for each in list(self._tape(asked).trades)[-10:]][::-1],
            "candleSnapshot": self._candles,
            "fundingHistory": self._funding_history,
        }
        about_account: dict[str, Callable[[dict[str, Any]], Any]] = {
            "openOrders": lambda asked: [order.basic(order.remaining) for order in self._found()],
            "frontendOpenOrders": lambda asked: [order.full(order.remaining) for order in self._found()],
            "orderStatus": self._order_status,
            "historicalOrders": lambda asked: [
                update(order) for order in list(book.orders.values())[: -ROWS_MAX - 1 : -1]
            ],
            "userFills": lambda asked: [fill.json() for fill in book.fills[: -ROWS_MAX - 1 : -1]],
            "userFillsByTime": self._fills_by_time,
            "clearinghouseState": lambda asked: account.perpetual_state(),
            "spotClearinghouseState": lambda asked: account.spot_state(),
            "activeAssetData": lambda asked: account.asset_data(self._perpetual(asked)),
            "userFunding": self._funding_paid,
            "userFees": lambda asked: _fees(),
            "userRateLimit": lambda asked: limits.state(),
            "userAbstraction": lambda asked: "unifiedAccount",
            "extraAgents": lambda asked: [
                {"name": name, "address": address, "validUntil": ms(exchange.now) + 180 * 86_400_000}
                for address, name in account.agents.items()
            ],
            "maxBuilderFee": lambda asked: 0,
            "subAccounts": lambda asked: None,
            "userNonFundingLedgerUpdates": lambda asked: [],
            "userTwapSliceFills": lambda asked: [],
            "portfolio": lambda asked: [],
        }
        self._about_all, self._about_market, self._about_account = about_all, about_market, about_account
        self._empty = _empty(exchange)

    def answer(self, asked: dict[str, Any]) -> Any:
        """The answer to one question; `Malformed` where it is none."""
        kind = asked.get("type")
        if not isinstance(kind, str):
            raise Malformed
        if kind in self._about_all:
            return self._about_all[kind]()
        try:
            if kind in self._about_market:
                return self._about_market[kind](asked)
            if kind == "userRole":
                return self._role(asked["user"].lower())
            if kind in self._about_account:
                if asked["user"].lower() != self._account.master:
                    return self._empty[kind]() if kind in self._empty else []
                return self._about_account[kind](asked)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Malformed from None
        raise Malformed

    # the market

    def mids(self) -> dict[str, str]:
        """`allMids`."""
        found = {each.coin: self._exchange.tapes[each.coin].middle for each in ALL}
        return {coin: shown(middle) for coin, middle in found.items() if middle is not None}

    def perpetual_context(self, listed: Listed) -> dict[str, Any]:
        """Mark, oracle, funding and volume of a perpetual."""
        mark, tape = self._exchange.mark(listed.coin), self._exchange.tapes[listed.coin]
        bid, ask = tape.best(asks=False), tape.best(asks=True)
        return {
            "funding": shown(self._exchange.funding_rates[listed.coin]),
            "openInterest": shown(abs(self._account.position(listed.coin))),
            **self._day(listed),
            "premium": "0.0",
            "oraclePx": shown(mark),
            "markPx": shown(mark),
            "midPx": None if tape.middle is None else shown(tape.middle),
            "impactPxs": None if bid is None or ask is None else [shown(bid[0]), shown(ask[0])],
        }

    def spot_context(self, listed: Listed) -> dict[str, Any]:
        """Mark and volume of a pair."""
        mark, tape = self._exchange.mark(listed.coin), self._exchange.tapes[listed.coin]
        return {
            **self._day(listed),
            "markPx": shown(mark),
            "midPx": None if tape.middle is None else shown(tape.middle),
            "circulatingSupply": "1000000000.0",
            "coin": listed.coin,
            "totalSupply": "1000000000.0",
        }

    def book(self, coin: str, levels: int = LEVELS, figures: int | None = None) -> dict[str, Any]:
        """`l2Book`."""
        tape = self._exchange.tapes[coin]
        sides = [_grouped(tape.levels(asks=asks), figures, asks)[:levels] for asks in (False, True)]
        return {
            "coin": coin,
            "time": ms(self._exchange.now),
            "levels": [[_level(each) for each in side] for side in sides],
        }

    def best(self, coin: str) -> dict[str, Any]:
        """`bbo`."""
        tape = self._exchange.tapes[coin]
        bests = [tape.best(asks=asks) for asks in (False, True)]
        return {
            "coin": coin,
            "time": ms(self._exchange.now),
            "bbo": [None if best is None else _level(best) for best in bests],
        }

    def candle(self, coin: str, interval: str) -> dict[str, Any] | None:
        """The candle that is open now."""
        bar = self._exchange.tapes[coin].bars.current(INTERVALS[interval], self._exchange.now)
        return None if bar is None else _bar(bar, coin, interval)

    def _day(self, listed: Listed) -> dict[str, str]:
        bars = self._exchange.tapes[listed.coin].bars.window(self._exchange.now - 1_440 * MINUTE)
        first = bars[0].open if bars else self._exchange.mark(listed.coin)
        return {
            "prevDayPx": shown(first),
            "dayNtlVlm": shown(sum((bar.value for bar in bars), Decimal(0)), 6),
            "dayBaseVlm": shown(sum((bar.volume for bar in bars), Decimal(0))),
        }

    def _tape(self, asked: dict[str, Any]) -> Tape:
        return self._exchange.tapes[asked["coin"]]

    def _l2_book(self, asked: dict[str, Any]) -> Any:
        if asked["coin"] not in BY_COIN:
            return None
        figures = asked.get("nSigFigs")
        if figures is not None and figures not in {2, 3, 4, 5}:
            raise Malformed
        return self.book(asked["coin"], figures=figures)

    def _candles(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        req = asked["req"]
        coin, name = req["coin"], req["interval"]
        interval = INTERVALS[name]
        end = req.get("endTime") or ms(self._exchange.now)
        first = opening(int(req["startTime"]) * NS_PER_MS, interval)
        bars = self._exchange.tapes[coin].bars.series(interval, first, int(end) * NS_PER_MS, CANDLES_MAX, newest=True)
        return [_bar(bar, coin, name) for bar in bars]

    def _funding_history(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = _span(asked)
        settled = [each for each in self._tape(asked).funding if start <= ms(each.ts) <= end]
        return [
            {"coin": each.symbol, "fundingRate": shown(each.rate), "premium": "0.0", "time": ms(each.ts)}
            for each in settled[:FUNDING_ROWS_MAX]
        ]

    # the account

    def _found(self) -> list[HlOrder]:
        return [order for order in self._book.open() if not self._stale(order, "openOrders")]

    def _stale(self, order: HlOrder, where: str) -> bool:
        return self._exchange.now - order.created < self._faults.stale_ms(f"/info {where}") * NS_PER_MS

    def _order_status(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["oid"]
        if not isinstance(name, int | str):
            raise Malformed
        order = self._book.find(name)
        if order is None or self._stale(order, "orderStatus"):
            return {"status": "unknownOid"}
        return {"status": "order", "order": update(order)}

    def _fills_by_time(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = _span(asked)
        found = [fill for fill in self._book.fills if start <= ms(fill.execution.ts) <= end]
        return [fill.json() for fill in found[:ROWS_MAX]]

    def _funding_paid(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = _span(asked)
        paid = [each for each in self.funding if start <= each["time"] <= end]
        return [
            {"time": each["time"], "hash": "0x" + "0" * 64, "delta": _delta(each)} for each in paid[:FUNDING_ROWS_MAX]
        ]

    @property
    def funding(self) -> list[dict[str, Any]]:
        """What the account paid and received, as the stream says it."""
        rates = {
            (record.ts, coin): record.rate for coin, tape in self._exchange.tapes.items() for record in tape.funding
        }
        return [
            {
                "time": ms(each.ts),
                "coin": each.symbol,
                "usdc": shown(each.amount, 6),
                "szi": shown(self._position_at(each.symbol, each.ts)),
                "fundingRate": shown(rates[each.ts, each.symbol]),
                "nSamples": None,
            }
            for each in self._exchange.incomes
            if each.kind == "FUNDING_FEE"
        ]

    def _position_at(self, coin: str, ts: int) -> Decimal:
        """What was held at a time, by the fills until then."""
        fills = (fill.execution for fill in self._book.fills if fill.coin == coin and fill.execution.ts <= ts)
        return sum((fill.quantity * fill.side.sign for fill in fills), Decimal(0))

    def _role(self, user: str) -> dict[str, Any]:
        if user == self._account.master:
            return {"role": "user"}
        if user in self._account.agents:
            return {"role": "agent", "data": {"user": self._account.master}}
        return {"role": "missing"}

    def _perpetual(self, asked: dict[str, Any]) -> Listed:
        listed = BY_COIN[asked["coin"]]
        if listed.spot:
            raise Malformed
        return listed


def update(order: HlOrder) -> dict[str, Any]:
    """An order's status as `orderStatus` and `historicalOrders` say it: `sz` as it was when the status began."""
    return {
        "order": order.full(order.size_at_status),
        "status": order.status,
        "statusTimestamp": ms(order.status_at),
    }


def trade_json(trade: PublicTrade) -> dict[str, Any]:
    """A trade as the tape says it; the aggressor's side."""
    return {
        "coin": trade.symbol,
        "side": "A" if trade.buyer_is_maker else "B",
        "px": shown(trade.price),
        "sz": shown(trade.quantity),
        "time": ms(trade.ts),
        "hash": "0x" + "0" * 64,
        "tid": trade.id,
        "users": [NOBODY, NOBODY],
    }


def _bar(bar: Bar, coin: str, interval: str) -> dict[str, Any]:
    return {
        "t": ms(bar.ts),
        "T": ms(bar.ts + INTERVALS[interval]) - 1,
        "s": coin,
        "i": interval,
        "o": shown(bar.open),
        "c": shown(bar.close),
        "h": shown(bar.high),
        "l": shown(bar.low),
        "v": shown(bar.volume),
        "n": bar.trades,
    }


def _level(level: Level) -> dict[str, Any]:
    return {"px": shown(level[0]), "sz": shown(level[1]), "n": 1}


def _grouped(levels: list[Level], figures: int | None, asks: bool) -> list[Level]:
    """Levels put together on so many significant figures, away from the middle."""
    if figures is None:
        return levels
    found: dict[Decimal, Decimal] = {}
    for price, size in levels:
        step = Decimal(1).scaleb(price.adjusted() + 1 - figures)
        place = (price / step).to_integral_value(ROUND_CEILING if asks else ROUND_FLOOR) * step
        found[place] = found.get(place, Decimal(0)) + size
    return list(found.items())


def _span(asked: dict[str, Any]) -> tuple[int, int]:
    end = asked.get("endTime")
    return int(asked["startTime"]), 2**63 if end is None else int(end)


def _delta(paid: dict[str, Any]) -> dict[str, Any]:
    return {"type": "funding", **{name: value for name, value in paid.items() if name != "time"}}


def _fees() -> dict[str, Any]:
    return {
        "userCrossRate": shown(PERPETUAL_TAKER),
        "userAddRate": shown(PERPETUAL_MAKER),
        "userSpotCrossRate": shown(SPOT_TAKER),
        "userSpotAddRate": shown(SPOT_MAKER),
        "activeReferralDiscount": "0.0",
        "dailyUserVlm": [],
    }


def _empty(exchange: Exchange) -> dict[str, Callable[[], Any]]:
    """What an address without an account is told, where that is not an empty list."""
    nothing = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}
    return {
        "orderStatus": lambda: {"status": "unknownOid"},
        "clearinghouseState": lambda: {
            "marginSummary": nothing,
            "crossMarginSummary": nothing,
            "crossMaintenanceMarginUsed": "0.0",
            "withdrawable": "0.0",
            "assetPositions": [],
            "time": ms(exchange.now),
        },
        "spotClearinghouseState": lambda: {"balances": []},
        "userFees": _fees,
        "userRateLimit": lambda: {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000},
        "userAbstraction": lambda: "default",
        "maxBuilderFee": lambda: 0,
        "subAccounts": lambda: None,
        "activeAssetData": lambda: None,
    }
