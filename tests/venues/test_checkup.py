"""The check-up: a venue with something wrong is found to have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from kedge.model.facts import ClockReading
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import InstrumentStatus
from kedge.model.order import OrderStatus, OrderType, Side
from kedge.venues.answers import ErrorClass, Failed, Partial, Whole
from kedge.venues.checkup import Finding, Verdict, look
from kedge.venues.gateway import KeyPermissions, OpenOrder, RateUse
from kedge.venues.limiter import ExchangeRateLimiter, RateRule
from kedge.venues.wire.virtual import VirtualClock, run
from tests.contract.simulated import PERPETUAL, SimulatedExaminee

DOWN = Failed(ErrorClass.UNKNOWN, "HTTP 502", "bad gateway")


def answering(value: Any) -> Callable[..., Any]:
    async def answer(*asked: Any) -> Any:
        return value

    return answer


def looked(symbol: str = "BTC-USD", *, has_key: bool = True, **changed: Any) -> dict[str, Finding]:
    async def main() -> dict[str, Finding]:
        examinee = SimulatedExaminee(PERPETUAL)
        for name, value in changed.items():
            setattr(examinee.simulated, name, answering(value))
        found = await look(examinee.gateway, examinee.clock, symbol, has_key=has_key)
        return {each.what: each for each in found}

    return run(main())


def test_a_venue_without_fault_is_ok_but_for_what_it_does_not_say() -> None:
    found = looked()
    assert {what: each.verdict for what, each in found.items()} == {
        "clock": Verdict.OK,
        "instruments": Verdict.OK,
        "filters BTC-USD": Verdict.OK,
        "market BTC-USD": Verdict.OK,
        "key": Verdict.NOTE,
        "balances": Verdict.OK,
        "open orders": Verdict.OK,
        "positions": Verdict.OK,
        "margin BTC-USD": Verdict.OK,
    }
    assert "tick 0.01, lot 0.0001" in found["filters BTC-USD"].detail
    assert "49999.99 / 50000.01; answers in 0.0 ms" in found["market BTC-USD"].detail


def test_without_a_key_only_the_market_is_looked_at() -> None:
    assert list(looked(has_key=False)) == ["clock", "instruments", "filters BTC-USD", "market BTC-USD", "key"]


CLOSED = structs.replace(PERPETUAL, status=InstrumentStatus.CLOSED)
FOREIGN = OpenOrder(
    "", "7", "BTC-USD", Side.BUY, OrderType.LIMIT, PERPETUAL.lot_size, PERPETUAL.lot_size, None, OrderStatus.OPEN
)


@pytest.mark.parametrize(
    ("changed", "what", "verdict", "said"),
    [
        ({"get_clock": Whole(ClockReading(1, -1_500 * NS_PER_MS))}, "clock", Verdict.BAD, "set this machine's clock"),
        ({"get_clock": Whole(ClockReading(1, 800 * NS_PER_MS, 300 * NS_PER_MS))}, "clock", Verdict.BAD, "± 300.0 ms"),
        ({"get_clock": DOWN}, "clock", Verdict.BAD, "unknown: HTTP 502: bad gateway"),
        ({"get_instruments": DOWN}, "instruments", Verdict.BAD, "HTTP 502"),
        ({"get_instruments": Whole((CLOSED,))}, "filters BTC-USD", Verdict.BAD, "closed"),
        ({"get_instruments": Partial((PERPETUAL,), "2 are odd")}, "instruments", Verdict.NOTE, "2 are odd"),
        ({"get_order_book": DOWN}, "market BTC-USD", Verdict.BAD, "HTTP 502"),
        ({"get_key_permissions": Whole(KeyPermissions(True, True, True))}, "key", Verdict.BAD, "it may withdraw"),
        ({"get_key_permissions": Whole(KeyPermissions(True, False, False))}, "key", Verdict.BAD, "trade: no"),
        ({"get_key_permissions": Whole(KeyPermissions(True, True, False, True))}, "key", Verdict.OK, "withdraw: no"),
        ({"get_key_permissions": Whole(KeyPermissions(True, True, None))}, "key", Verdict.NOTE, "does not say"),
        ({"get_key_permissions": DOWN}, "key", Verdict.BAD, "HTTP 502"),
        ({"get_balances": DOWN}, "balances", Verdict.BAD, "HTTP 502"),
        ({"get_open_orders": Whole((FOREIGN,))}, "open orders", Verdict.NOTE, "1 of them not ours"),
        ({"get_positions": DOWN}, "positions", Verdict.BAD, "HTTP 502"),
        ({"get_margin": DOWN}, "margin BTC-USD", Verdict.BAD, "HTTP 502"),
    ],
)
def test_what_is_wrong_is_found(changed: dict[str, Any], what: str, verdict: Verdict, said: str) -> None:
    finding = looked(**changed)[what]
    assert finding.verdict is verdict
    assert said in finding.detail


def test_a_symbol_that_is_not_listed_is_looked_at_no_further() -> None:
    found = looked("DOGE-USD")
    assert "DOGE-USD is not among them" in found["instruments"].detail
    assert not any(what.startswith(("filters", "market", "margin")) for what in found)


def test_limits_say_what_is_used() -> None:
    async def main() -> tuple[RateUse, ...]:
        limiter = ExchangeRateLimiter.of_rules([RateRule("weight", 1_200, 60_000)], VirtualClock())
        await limiter.acquire(7)
        return limiter.uses()

    assert run(main()) == (RateUse("weight", 1_200, 60_000, 900, 7),)
