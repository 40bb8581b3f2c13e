"""The account through ccxt: balances, positions, funding paid, leverage and margin mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kedge.model.facts import FundingPayment
from kedge.model.instant import NS_PER_MS
from kedge.model.instrument import InstrumentKind
from kedge.venues.answers import Answer, ErrorClass, Failed, Partial, Whole
from kedge.venues.ccxt import structures
from kedge.venues.ccxt.connection import Connection
from kedge.venues.ccxt.inquiry import Inquiry
from kedge.venues.gateway import Balance, MarginSettings, VenuePosition
from kedge.venues.shell import unsupported

PAYMENTS_MAX = 100


class Account:
    """One account. `now` is our time, UTC ns."""

    def __init__(self, connection: Connection, inquiry: Inquiry, now: Callable[[], int]) -> None:
        self._connection, self._inquiry, self._now = connection, inquiry, now

    async def balances(self) -> Answer[dict[str, Balance]]:
        """Every currency held."""
        terms = dict(self._connection.quirk.balance)
        return await self._connection.ask(
            "balances", lambda: self._connection.trading.fetch_balance(terms), structures.balances
        )

    async def nets_positions(self) -> Answer[bool]:
        """Whether a symbol has one position; Whole(True) where ccxt cannot ask, then `positions` finds out."""
        if self._connection.kind is InstrumentKind.SPOT or not self._connection.can("fetchPositionMode"):
            return Whole(True, self._now())
        trading = self._connection.trading
        return await self._connection.ask("position mode", trading.fetch_position_mode, _nets)

    async def positions(self) -> Answer[tuple[VenuePosition, ...]]:
        """What is held, in contracts."""
        if self._connection.kind is InstrumentKind.SPOT:
            return Whole((), self._now())
        if not self._connection.can("fetchPositions"):
            return unsupported(f"positions of {self._connection.venue} through ccxt")
        return await self._connection.ask(
            "positions",
            self._connection.trading.fetch_positions,
            lambda told: structures.positions(told, self._inquiry.symbol_of),
        )

    async def funding_since(self, symbol: str, since: int) -> Answer[tuple[FundingPayment, ...]]:
        """Funding paid or received, where its sign was proven."""
        if not self._connection.quirk.tells_funding:
            return unsupported(f"funding payments of {self._connection.venue} through ccxt")
        trading, begin = self._connection.trading, since // NS_PER_MS
        answer = await self._of(
            symbol,
            "funding",
            lambda market: trading.fetch_funding_history(market, begin or None, PAYMENTS_MAX),
            lambda told: tuple(structures.funding_payment(each, symbol, self._now()) for each in told),
        )
        if not isinstance(answer, Whole):
            return answer
        found = tuple(sorted((each for each in answer.value if each.ts >= begin * NS_PER_MS), key=lambda each: each.ts))
        if len(answer.value) >= PAYMENTS_MAX:
            return Partial(found, f"payments from {found[-1].ts if found else since} on", answer.at)
        return Whole(found, answer.at)

    async def margin(self, symbol: str) -> Answer[MarginSettings]:
        """What the venue has."""
        if not self._connection.quirk.sets_margin:
            return unsupported(f"margin settings of {self._connection.venue} through ccxt")
        trading = self._connection.trading
        return await self._of(symbol, "margin", trading.fetch_leverage, lambda told: structures.margin(told, symbol))

    async def set_margin(self, wanted: MarginSettings) -> Answer[MarginSettings]:
        """Mode first, then leverage, then what the venue has of both (H31)."""
        if not self._connection.quirk.sets_margin:
            return unsupported(f"margin settings of {self._connection.venue} through ccxt")
        trading, leverage = self._connection.trading, int(wanted.leverage)
        if leverage != wanted.leverage:
            return Failed(
                ErrorClass.OURS, "not sent", f"leverage of {wanted.symbol} is {wanted.leverage}, no whole number"
            )
        for name, work in (
            ("margin mode", lambda market: trading.set_margin_mode(wanted.mode.value, market)),
            ("leverage", lambda market: trading.set_leverage(leverage, market)),
        ):
            answer = await self._of(wanted.symbol, name, work, lambda _: None)
            if isinstance(answer, Failed) and answer.code != "MarginModeAlreadySet":
                return answer
        return await self.margin(wanted.symbol)

    async def _of(
        self, symbol: str, name: str, work: Callable[[str], Awaitable[Any]], read: Callable[[Any], Any]
    ) -> Answer[Any]:
        market = self._inquiry.names.get(symbol)
        if market is None:
            return Failed(ErrorClass.OURS, "not sent", f"symbol {symbol!r} is not listed by {self._connection.venue}")
        return await self._connection.ask(name, lambda: work(market), read)


def _nets(told: Any) -> bool:
    hedged = told["hedged"]
    if not isinstance(hedged, bool):
        raise TypeError("whether the account is in hedge mode is not told")
    return not hedged
