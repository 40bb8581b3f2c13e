"""Reading a query and writing an answer: what all pages share."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from kedge.model.instant import NS_PER_S
from kedge.venues.emulator.bars import Bar
from kedge.venues.emulator.coinbase.terms import Refused
from kedge.venues.emulator.coinbase.text import plain, written
from kedge.venues.emulator.tape import PublicTrade
from kedge.venues.emulator.wire import Reply, Request

T = TypeVar("T")

_PAGE_MAX = 1_000


class Query:
    """A query string: names may repeat."""

    def __init__(self, text: str) -> None:
        self._pairs = parse_qsl(text, keep_blank_values=True)

    def one(self, *names: str) -> str:
        """The first value of any of the names; empty where there is none."""
        return next((value for name, value in self._pairs if name in names and value), "")

    def all(self, *names: str) -> set[str]:
        """Every value of the names, also where several stand in one, between commas."""
        return {part for name, value in self._pairs if name in names for part in value.split(",") if part}

    def limit(self, default: int, most: int) -> int:
        """`limit`, within bounds."""
        said = self.one("limit")
        return min(int(said), most) if said.isascii() and said.isdigit() and int(said) else default


def answer(told: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, msgspec.json.encode(told), {"content-type": "application/json"})


def failed(status: int, error: str, message: str) -> Reply:
    """An answer that is an error."""
    return answer({"error": error, "error_details": message, "message": message}, status)


def body(request: Request) -> dict[str, Any]:
    """A request's JSON object; empty where it is none."""
    try:
        told = msgspec.json.decode(request.body) if request.body else {}
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return told if isinstance(told, dict) else {}


def candle(bar: Bar) -> dict[str, str]:
    """A bar as a candle."""
    prices = {name: plain(getattr(bar, name)) for name in ("low", "high", "open", "close", "volume")}
    return {"start": str(bar.ts // NS_PER_S), **prices}


def print_of(trade: PublicTrade, product: str) -> dict[str, Any]:
    """A trade of the tape. The side is the maker's."""
    return {
        "trade_id": str(trade.id),
        "product_id": product,
        "price": plain(trade.price),
        "size": plain(trade.quantity),
        "time": written(trade.ts),
        "side": "BUY" if trade.buyer_is_maker else "SELL",
    }


def refusal(why: Refused, configuration: Any) -> Reply:
    """HTTP 200: only `success` tells."""
    told = {
        "error": why.reason,
        "message": why.message,
        "error_details": "",
        "preview_failure_reason": why.preview,
        "new_order_failure_reason": why.reason,
    }
    return answer(
        {
            "success": False,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": "",
            "error_response": told,
            "order_configuration": configuration,
        }
    )


def no_product() -> Reply:
    """There is no such product."""
    return failed(404, "NOT_FOUND", "product not found")


def paged(found: list[T], query: Query, default: int) -> tuple[list[T], str]:
    """A page, and the cursor of the next; empty where there is none."""
    said = query.one("cursor")
    start = int(said) if said.isascii() and said.isdigit() else 0
    limit = query.limit(default, _PAGE_MAX)
    more = len(found) > start + limit
    return found[start : start + limit], str(start + limit) if more else ""
