"""The answers of REST, page by page. What needs a token is listed as such; the twins under `/market` need none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.instant import NS_PER_MS, NS_PER_S
from kedge.model.order import Side
from kedge.venues.emulator.coinbase import listing, terms
from kedge.venues.emulator.coinbase.desk import BrokerageOrder, Desk
from kedge.venues.emulator.coinbase.orders import fill_page, order_page
from kedge.venues.emulator.coinbase.replies import (
    Query,
    answer,
    body,
    candle,
    failed,
    no_product,
    paged,
    print_of,
    refusal,
)
from kedge.venues.emulator.coinbase.terms import Refused
from kedge.venues.emulator.coinbase.text import parsed, plain, read_time, uuid, written
from kedge.venues.emulator.faults import Faults, Phase
from kedge.venues.emulator.wire import Reply, Request

API = "/api/v3/brokerage"
CANDLES_MAX = 350
CANCELS_MAX = 100
_PAGE = 100
_PAGE_MAX = 1_000
_GRANULARITIES = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1_800,
    "ONE_HOUR": 3_600,
    "TWO_HOUR": 7_200,
    "FOUR_HOUR": 14_400,
    "SIX_HOUR": 21_600,
    "ONE_DAY": 86_400,
}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


class Pages:
    """Answers requests that were let through."""

    def __init__(self, desk: Desk, faults: Faults, seed: int) -> None:
        self.desk = desk
        self.exchange = desk.exchange
        self.faults = faults
        self._seed = seed
        #: Method and path below the API -> its answer; `*` stands for one part of the path.
        self.routes: dict[tuple[str, str], Callable[[Request, Query, str], Reply]] = {
            ("GET", "time"): self._time,
            ("GET", "products"): self._products,
            ("GET", "products/*"): self._product,
            ("GET", "products/*/candles"): self._candles,
            ("GET", "products/*/ticker"): self._ticker,
            ("GET", "product_book"): self._book,
            ("GET", "best_bid_ask"): self._best,
            ("GET", "accounts"): self._accounts,
            ("GET", "accounts/*"): self._account,
            ("GET", "transaction_summary"): self._fees,
            ("GET", "key_permissions"): self._permissions,
            ("GET", "portfolios"): self._portfolios,
            ("GET", "cfm/positions"): lambda *_: answer({"positions": []}),
            ("GET", "orders/historical/batch"): self._orders,
            ("GET", "orders/historical/fills"): self._fills,
            ("GET", "orders/historical/*"): self._order,
            ("POST", "orders"): self._place,
            ("POST", "orders/preview"): self._preview,
            ("POST", "orders/batch_cancel"): self._cancel,
            ("POST", "orders/edit"): self._edit,
            ("POST", "orders/edit_preview"): self._edit_preview,
        }

    @property
    def now(self) -> int:
        """The venue's clock, a skew that was asked for included."""
        return self.exchange.now + self.faults.skew_ns

    # the market

    def _time(self, request: Request, query: Query, name: str) -> Reply:
        seconds, ms = self.now // NS_PER_S, self.now // NS_PER_MS
        return answer({"iso": written(self.now), "epochSeconds": str(seconds), "epochMillis": str(ms)})

    def names(self) -> list[str]:
        """Every product's name, second names included."""
        return [*self.exchange.instruments, *listing.ALIASES]

    def product(self, name: str) -> dict[str, Any]:
        """One product, as shown."""
        book = listing.book_of(name)
        return listing.shown(name, self.exchange.instruments[book], self.exchange.tapes[book], self.faults.phase)

    def _products(self, request: Request, query: Query, name: str) -> Reply:
        wanted = query.all("product_ids") or set(self.names())
        spot = query.one("product_type") in {"", "SPOT", "UNKNOWN_PRODUCT_TYPE"}
        shown = [self.product(each) for each in self.names() if each in wanted and spot]
        return answer({"products": shown, "num_products": len(shown), "pagination": None})

    def _product(self, request: Request, query: Query, name: str) -> Reply:
        return answer(self.product(name)) if name in self.names() else no_product()

    def _candles(self, request: Request, query: Query, name: str) -> Reply:
        seconds = _GRANULARITIES.get(query.one("granularity"))
        start, end = query.one("start"), query.one("end")
        if name not in self.names():
            return no_product()
        if seconds is None or not start.isdigit() or not end.isdigit():
            return failed(400, "INVALID_ARGUMENT", "start, end and granularity are required")
        if (int(end) - int(start)) // seconds > CANDLES_MAX:
            return failed(400, "INVALID_ARGUMENT", f"number of candles requested should be less than {CANDLES_MAX}")
        bars = self.exchange.tapes[listing.book_of(name)].bars.series(
            seconds * NS_PER_S,
            int(start) * NS_PER_S,
            int(end) * NS_PER_S,
            query.limit(CANDLES_MAX, CANDLES_MAX),
            newest=True,
        )
        return answer({"candles": [candle(bar) for bar in reversed(bars)]})

    def _ticker(self, request: Request, query: Query, name: str) -> Reply:
        if name not in self.names():
            return no_product()
        tape = self.exchange.tapes[listing.book_of(name)]
        trades = list(tape.trades)[-query.limit(_PAGE, _PAGE_MAX) :]
        shown = [{**print_of(each, name), "bid": "", "ask": "", "exchange": "coinbase"} for each in reversed(trades)]
        bid, ask = tape.best(asks=False), tape.best(asks=True)
        best = {"best_bid": plain(bid[0]) if bid else "", "best_ask": plain(ask[0]) if ask else ""}
        return answer({"trades": shown, **best})

    def _book(self, request: Request, query: Query, name: str) -> Reply:
        product = query.one("product_id")
        if product not in self.names():
            return no_product()
        book = self._pricebook(product, query.limit(_PAGE, _PAGE_MAX))
        middle = self.exchange.tapes[listing.book_of(product)].middle or Decimal(0)
        return answer({"pricebook": book, "last": plain(middle), "mid_market": plain(middle)})

    def _best(self, request: Request, query: Query, name: str) -> Reply:
        wanted = query.all("product_ids") or set(self.names())
        return answer({"pricebooks": [self._pricebook(each, 1) for each in self.names() if each in wanted]})

    def _pricebook(self, product: str, limit: int) -> dict[str, Any]:
        tape = self.exchange.tapes[listing.book_of(product)]
        sides = {
            side: [{"price": plain(price), "size": plain(size)} for price, size in tape.levels(asks=asks, limit=limit)]
            for side, asks in (("bids", False), ("asks", True))
        }
        return {"product_id": product, **sides, "time": written(self.now)}

    # the account

    def currencies(self) -> list[str]:
        """What is held or could be."""
        held = self.exchange.venue.balances()
        return sorted({*held, "USD", *(each.base for each in self.exchange.instruments.values())})

    def _wallet(self, currency: str) -> dict[str, Any]:
        made = written(self.exchange.timeline.now)
        return {
            "uuid": uuid(self._seed, "account", currency),
            "name": f"{currency} Wallet",
            "currency": currency,
            "available_balance": {"value": plain(self.desk.available(currency)), "currency": currency},
            "default": currency == "USD",
            "active": True,
            "created_at": made,
            "updated_at": made,
            "deleted_at": None,
            "type": "ACCOUNT_TYPE_FIAT" if currency == "USD" else "ACCOUNT_TYPE_CRYPTO",
            "ready": True,
            "hold": {"value": plain(self.desk.held(currency)), "currency": currency},
            "retail_portfolio_id": uuid(self._seed, "portfolio"),
        }

    def _accounts(self, request: Request, query: Query, name: str) -> Reply:
        page, cursor = paged(self.currencies(), query, 250)
        wallets = [self._wallet(each) for each in page]
        return answer({"accounts": wallets, "has_next": bool(cursor), "cursor": cursor, "size": len(wallets)})

    def _account(self, request: Request, query: Query, name: str) -> Reply:
        found = next((each for each in map(self._wallet, self.currencies()) if each["uuid"] == name), None)
        return answer({"account": found}) if found else failed(404, "NOT_FOUND", "account not found")

    def _fees(self, request: Request, query: Query, name: str) -> Reply:
        tier = {
            "pricing_tier": "Intro 1",
            "usd_from": "",
            "usd_to": "",
            "taker_fee_rate": plain(listing.TAKER_FEE),
            "maker_fee_rate": plain(listing.MAKER_FEE),
            "aop_from": "0",
            "aop_to": "1000000",
        }
        value = sum((each.value for each in self.exchange.executions), Decimal(0))
        fees = sum((each.fee for each in self.exchange.executions), Decimal(0))
        return answer({"total_volume": float(value), "total_fees": float(fees), "fee_tier": tier})

    def _permissions(self, request: Request, query: Query, name: str) -> Reply:
        portfolio = {"portfolio_uuid": uuid(self._seed, "portfolio"), "portfolio_type": "DEFAULT"}
        return answer({"can_view": True, "can_trade": True, "can_transfer": False, **portfolio})

    def _portfolios(self, request: Request, query: Query, name: str) -> Reply:
        mine = {"name": "Default", "uuid": uuid(self._seed, "portfolio"), "type": "DEFAULT", "deleted": False}
        return answer({"portfolios": [mine]})

    # orders

    def _found(self, request: Request) -> list[BrokerageOrder]:
        """Orders as this request may see them, the newest first: those too young are not there yet (`stale`)."""
        oldest = self.exchange.now - self.faults.stale_ms(request.path) * NS_PER_MS
        young = self.faults.stale_ms(request.path) > 0
        return [each for each in reversed(self.desk.orders.values()) if not young or each.created <= oldest]

    def _orders(self, request: Request, query: Query, name: str) -> Reply:
        wanted, states = query.all("product_ids", "product_id"), query.all("order_status")
        ids, since, until = query.all("order_ids"), query.one("start_date"), query.one("end_date")
        first, last = read_time(since) if since else 0, read_time(until) if until else 2**63
        if first is None or last is None:
            return failed(400, "INVALID_ARGUMENT", "start_date and end_date are RFC 3339 times")
        found = [
            each
            for each in self._found(request)
            if (not wanted or each.product in wanted)
            and (not states or each.status in states)
            and (not ids or each.id in ids)
            and first <= each.created <= last
        ]
        page, cursor = paged(found, query, _PAGE)
        shown = [order_page(each, self.desk, self._seed) for each in page]
        return answer({"orders": shown, "sequence": "0", "has_next": bool(cursor), "cursor": cursor})

    def _order(self, request: Request, query: Query, name: str) -> Reply:
        found = next((each for each in self._found(request) if each.id == name), None)
        if found is None:
            return failed(404, "NOT_FOUND", f"order {name} not found")
        return answer({"order": order_page(found, self.desk, self._seed)})

    def _fills(self, request: Request, query: Query, name: str) -> Reply:
        ids, wanted = query.all("order_ids", "order_id"), query.all("product_ids", "product_id")
        bounds = [query.one(f"{name}_sequence_timestamp") for name in ("start", "end")]
        first, last = (read_time(said) if said else 0 for said in bounds)
        if first is None or last is None:
            return failed(400, "INVALID_ARGUMENT", "a sequence timestamp is an RFC 3339 time")
        shown = [
            (each.ts, fill_page(order, each, self._seed))
            for order in self._found(request)
            if (not ids or order.id in ids) and (not wanted or order.product in wanted)
            for each in order.fills
            if each.ts >= first and (not last or each.ts < last)
        ]
        newest = [page for _, page in sorted(shown, key=lambda pair: (pair[0], pair[1]["trade_id"]), reverse=True)]
        page, cursor = paged(newest, query, _PAGE)
        return answer({"fills": page, "cursor": cursor})

    def _place(self, request: Request, query: Query, name: str) -> Reply:
        asked = body(request)
        product, side = asked.get("product_id"), _SIDES.get(str(asked.get("side")))
        configuration = asked.get("order_configuration")
        if self.faults.phase is not Phase.OPEN:
            return refusal(Refused("PRODUCT_TRADING_HALTED", "trading is halted"), configuration)
        if not isinstance(product, str) or product not in self.names():
            return refusal(Refused("INVALID_PRODUCT_ID", "product not found"), configuration)
        if side is None:
            return refusal(Refused("INVALID_SIDE", "side is BUY or SELL"), configuration)
        wish = terms.read(configuration, side)
        if isinstance(wish, Refused):
            return refusal(wish, configuration)
        placed = self.desk.place(
            str(asked.get("client_order_id") or ""), product, side, wish, dict(configuration or {})
        )
        if isinstance(placed, Refused):
            return refusal(placed, configuration)
        taken = {
            "order_id": placed.id,
            "product_id": placed.product,
            "side": placed.side.value.upper(),
            "client_order_id": placed.client_id,
        }
        return answer(
            {
                "success": True,
                "failure_reason": "UNKNOWN_FAILURE_REASON",
                "order_id": placed.id,
                "success_response": taken,
                "order_configuration": placed.configuration,
            }
        )

    def _preview(self, request: Request, query: Query, name: str) -> Reply:
        asked = body(request)
        product, side = asked.get("product_id"), _SIDES.get(str(asked.get("side")))
        if not isinstance(product, str) or product not in self.names() or side is None:
            return failed(400, "INVALID_ARGUMENT", "product_id or side is wrong")
        wish = terms.read(asked.get("order_configuration"), side)
        refused = wish if isinstance(wish, Refused) else self.desk.judge(product, side, wish)
        shown = {"errs": [refused.preview] if refused else [], "warning": [], "is_max": False}
        tape = self.exchange.tapes[listing.book_of(product)]
        bid, ask = tape.best(asks=False), tape.best(asks=True)
        return answer({**shown, "best_bid": plain(bid[0]) if bid else "", "best_ask": plain(ask[0]) if ask else ""})

    def _cancel(self, request: Request, query: Query, name: str) -> Reply:
        ids = body(request).get("order_ids")
        if not isinstance(ids, list) or not ids or len(ids) > CANCELS_MAX:
            return failed(400, "INVALID_ARGUMENT", f"give 1 to {CANCELS_MAX} order_ids")
        results = []
        for each in ids:
            reason = self.desk.cancel(str(each))
            said = {"success": not reason, "failure_reason": reason or "UNKNOWN_CANCEL_FAILURE_REASON"}
            results.append({**said, "order_id": str(each)})
        return answer({"results": results})

    def _edit(self, request: Request, query: Query, name: str) -> Reply:
        asked = body(request)
        price, size = parsed(asked.get("price")), parsed(asked.get("size"))
        if price is None or size is None:
            return failed(400, "INVALID_ARGUMENT", "price and size are required")
        reason = self.desk.edit(str(asked.get("order_id")), price, size)
        return answer({"success": not reason, "errors": _edit_errors(reason)})

    def _edit_preview(self, request: Request, query: Query, name: str) -> Reply:
        asked = body(request)
        price, size = parsed(asked.get("price")), parsed(asked.get("size"))
        if price is None or size is None:
            return failed(400, "INVALID_ARGUMENT", "price and size are required")
        reason = self.desk.judge_edit(self.desk.orders.get(str(asked.get("order_id"))), price, size)
        return answer({"errors": _edit_errors(reason), "slippage": "0"})


def _edit_errors(reason: str) -> list[dict[str, str]]:
    """Why an edit was refused, in the one field or the other; an empty list where it was not."""
    if not reason:
        return []
    previewed = reason.startswith("PREVIEW")
    return [
        {
            "edit_failure_reason": "UNKNOWN_EDIT_ORDER_FAILURE_REASON" if previewed else reason,
            "preview_failure_reason": reason if previewed else "UNKNOWN_PREVIEW_FAILURE_REASON",
        }
    ]
