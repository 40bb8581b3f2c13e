"""What is set for the account: leverage and margin mode, and the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kedge.model.instant import NS_PER_MS
from kedge.venues.emulator.exchange import Exchange
from kedge.venues.emulator.hyperliquid.account import Account
from kedge.venues.emulator.hyperliquid.answering import Answer, err, ok
from kedge.venues.emulator.hyperliquid.listing import BY_NUMBER
from kedge.venues.emulator.hyperliquid.numerals import ms
from kedge.venues.emulator.hyperliquid.rules import Malformed
from kedge.venues.emulator.pace import Pace

SCHEDULE_AHEAD_MS = 5_000
SCHEDULED_A_DAY = 10
_DAY_MS = 86_400_000


class AccountSettings:
    """Carries out the actions that set something; `fire` is what the dead man's switch does.

    Its time may be by the venue's clock or, where that runs at another speed, by the wall clock.
    """

    def __init__(self, exchange: Exchange, account: Account, pace: Pace) -> None:
        self._exchange = exchange
        self._account = account
        self._pace = pace
        self.fire: Callable[[], None] = _nothing
        self._scheduled = 0
        self._scheduled_action = 0
        self._fired: list[int] = []

    def update_leverage(self, action: dict[str, Any]) -> Answer:
        """Leverage and margin mode of one perpetual."""
        listed, leverage, cross = BY_NUMBER.get(action["asset"]), action["leverage"], action["isCross"]
        if type(leverage) is not int or type(cross) is not bool:
            raise Malformed
        if listed is None or listed.spot or not 1 <= leverage <= listed.max_leverage:
            return err("Invalid leverage value")
        coin = listed.coin
        before = self._account.leverage[coin]
        self._account.leverage[coin] = leverage
        if leverage < before and self._account.margin_used > self._account.equity:
            self._account.leverage[coin] = before
            return err(f"Cannot decrease leverage with open position. asset={listed.number}")
        self._exchange.set_leverage(coin, Decimal(leverage))
        (self._account.isolated.discard if cross else self._account.isolated.add)(coin)
        return ok("default")

    def update_isolated_margin(self, action: dict[str, Any]) -> Answer:
        """Margin of one position alone, which the engine does not know."""
        listed = BY_NUMBER.get(action["asset"])
        if type(action["ntli"]) is not int:
            raise Malformed
        if listed is None or listed.coin not in self._account.isolated or not self._account.position(listed.coin):
            return err("Cannot update margin of a position that is not isolated")
        return err("Margin of one position alone is not emulated")

    def schedule_cancel(self, action: dict[str, Any]) -> Answer:
        """Arm the dead man's switch, or take it off."""
        at = action.get("time")
        if at is None:
            self._drop_schedule()
            return ok("default")
        if type(at) is not int:
            raise Malformed
        now = ms(self._exchange.now)
        wall = self._pace.wall_at(self._exchange.now)
        ahead = at - now
        if ahead < SCHEDULE_AHEAD_MS and wall is not None:
            ahead = (at - ms(wall)) * self._pace.scale
        if ahead < SCHEDULE_AHEAD_MS:
            return err("Scheduled cancel time must be at least 5 seconds in the future")
        today = [fired for fired in self._fired if fired // _DAY_MS == now // _DAY_MS]
        if len(today) >= SCHEDULED_A_DAY:
            return err(f"Scheduled cancel was triggered {SCHEDULED_A_DAY} times today")
        self._drop_schedule()
        self._scheduled = at
        self._scheduled_action = self._exchange.timeline.after(ahead * NS_PER_MS, self._scheduled_cancel)
        return ok("default")

    def _drop_schedule(self) -> None:
        if self._scheduled:
            self._exchange.timeline.call_off(self._scheduled_action)
            self._scheduled = 0

    def _scheduled_cancel(self) -> None:
        self._scheduled = 0
        self._fired.append(ms(self._exchange.now))
        self.fire()


def _nothing() -> None:
    """Nobody is asked yet."""
