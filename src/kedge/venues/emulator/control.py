"""The control endpoint, `/_emulator/...`: not the venue's, but the tester's hand.

GET    /_emulator           what the start line said, the time, the rules in force
POST   /_emulator/faults    add a rule (`faults`); DELETE: everything works again
POST   /_emulator/time      {"advance_ms": 1000}
POST   /_emulator/market    {"symbol", "price"}: trade through to a price; {"symbol", "mark"}: pin the mark price, null
                            lets it go; {"symbol", "funding_rate"}; {"symbol", "frozen": true}: the crowd holds still
POST   /_emulator/account   {"currency", "amount"}: deposit, or withdraw where negative
GET    /_emulator/account   the truth: balances, positions, open orders, executions
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import msgspec

from kedge.model.errors import UserError
from kedge.model.instant import NS_PER_MS
from kedge.model.money import decimal
from kedge.venues.emulator.faults import rule_of
from kedge.venues.emulator.front import Front
from kedge.venues.emulator.wire import Reply, Request

PREFIX = "/_emulator"
#: A year in one step: enough for any test, and a slip of the pen does not hang the process for hours.
ADVANCE_MS_MAX = 366 * 86_400_000


@runtime_checkable
class Controlled(Protocol):
    """A dialect with requests of its own at the control endpoint."""

    def control(self, what: tuple[str, str], given: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a method and path; None: not known."""


class Control:
    """Answers the tester. `started` is what the start line says."""

    def __init__(self, front: Front, started: dict[str, Any]) -> None:
        self._front = front
        self.started = started

    def serve(self, request: Request) -> Reply:
        """Answer one request of the control endpoint."""
        what = (request.method, request.path.removeprefix(PREFIX).strip("/"))
        try:
            given = msgspec.json.decode(request.body) if request.body else {}
            if not isinstance(given, dict):
                raise UserError(f"the body is {type(given).__name__}; give a JSON object")
            answer = self._answer(what, given)
        except (UserError, msgspec.DecodeError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, answer) if answer is not None else _json(404, {"error": f"there is no {what[0]} {what[1]!r}"})

    def _answer(self, what: tuple[str, str], given: dict[str, Any]) -> dict[str, Any] | None:
        if what == ("GET", ""):
            return self._state()
        if what == ("POST", "faults"):
            self._front.cause(rule_of(given))
            return self._state()
        if what == ("DELETE", "faults"):
            self._front.faults.clear()
            return self._state()
        if what == ("POST", "time"):
            self._front.advance(self._front.timeline.now + _advance(given) * NS_PER_MS)
            return self._state()
        if what == ("POST", "market"):
            self._market(given)
            return self._state()
        if what == ("POST", "account"):
            amount = decimal(given.get("amount", ""), "amount")
            self._front.exchange.venue.deposit(str(given.get("currency", "")), amount)
            return self._account()
        if what == ("GET", "account"):
            return self._account()
        dialect = self._front.dialect
        return dialect.control(what, given) if isinstance(dialect, Controlled) else None

    def _market(self, given: dict[str, Any]) -> None:
        exchange = self._front.exchange
        symbol = str(given.get("symbol", ""))
        if symbol not in exchange.markets:
            raise UserError(f"symbol is {symbol!r}; the markets are {', '.join(exchange.markets)}")
        known = {"symbol", "price", "mark", "funding_rate", "frozen"}
        if set(given) - known:
            raise UserError(f"unknown {min(set(given) - known)!r}; give {', '.join(sorted(known))}")
        if "frozen" in given:
            exchange.markets[symbol].frozen = bool(given["frozen"])
        if "funding_rate" in given:
            exchange.funding_rates[symbol] = decimal(given["funding_rate"], "funding_rate")
        if "price" in given:
            self._front.push_price(symbol, _positive(given["price"], "price"))
        if "mark" in given:
            if given["mark"] is None:
                exchange.pinned_marks.pop(symbol, None)
            else:
                exchange.pinned_marks[symbol] = mark = _positive(given["mark"], "mark")
                exchange.set_mark(symbol, mark)

    def _state(self) -> dict[str, Any]:
        return {
            **self.started,
            "time_ms": self._front.timeline.now // NS_PER_MS,
            "phase": self._front.faults.phase,
            "skew_ms": self._front.faults.skew_ns // NS_PER_MS,
            "faults": self._front.faults.rules,
            "connections": len(self._front.sessions),
        }

    def _account(self) -> dict[str, Any]:
        exchange = self._front.exchange
        return {
            "balances": {name: str(amount) for name, amount in exchange.venue.balances().items()},
            "positions": {name: str(amount) for name, amount in exchange.venue.positions().items()},
            "open_orders": [_order(order) for order in exchange.open_orders()],
            "executions": [msgspec.to_builtins(each) for each in exchange.executions],
        }


def _order(order: Any) -> dict[str, Any]:
    return {
        "number": order.number,
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": str(order.quantity),
        "price": None if order.price is None else str(order.price),
        "filled": str(order.filled),
    }


def _advance(given: dict[str, Any]) -> int:
    step = given.get("advance_ms")
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= ADVANCE_MS_MAX:
        raise UserError(f"advance_ms is {step!r}; give whole milliseconds, 0 to {ADVANCE_MS_MAX}")
    return step


def _positive(value: Any, name: str) -> Decimal:
    number = decimal(value, name)
    if number <= 0:
        raise UserError(f"{name} is {value}; it must be above zero")
    return number


def _json(status: int, answer: dict[str, Any]) -> Reply:
    return Reply(status, msgspec.json.encode(answer), {"content-type": "application/json"})
