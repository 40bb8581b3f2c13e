"""Loss against the start of the UTC day and against the highest equity.

Folded from equity marks, which are themselves folded from journaled facts: a restart forgets nothing (hazard:
a daily loss that is a number in memory).
"""

from __future__ import annotations

from decimal import Decimal

from kedge.model.instant import NS_PER_DAY
from kedge.model.money import ZERO


class Performance:
    """Equity at the start of the day, the highest and the latest."""

    __slots__ = ("day", "day_start", "last", "peak")

    def __init__(self, equity: Decimal = ZERO) -> None:
        self.day = -1
        self.day_start = equity
        self.peak = equity
        self.last = equity

    def mark(self, now: int, equity: Decimal) -> bool:
        """Fold the equity at `now`; the first mark of a UTC day measures from the last one of the day before.

        Returns whether what losses are measured from has moved.
        """
        day = now // NS_PER_DAY
        moved = day != self.day
        if moved:
            self.day, self.day_start = day, self.last
        self.last = equity
        if equity > self.peak:
            self.peak = equity
            return True
        return moved

    def floor(self, daily_loss_max: Decimal | None, drawdown_ratio_max: Decimal | None) -> Decimal | None:
        """The equity at which a loss limit breaks, as of today and this peak; `None` without limits."""
        floors = []
        if daily_loss_max is not None:
            floors.append(self.day_start - daily_loss_max)
        if drawdown_ratio_max is not None:
            floors.append(self.peak - self.peak * drawdown_ratio_max)
        return max(floors, default=None)

    @property
    def daily_loss(self) -> Decimal:
        """What was lost since the day began, realized and unrealized, fees and funding; never below zero."""
        loss = self.day_start - self.last
        return loss if loss > ZERO else ZERO

    @property
    def drawdown(self) -> Decimal:
        """Fall from the highest equity, as a fraction of it."""
        fall = self.peak - self.last
        return fall / self.peak if fall > ZERO and self.peak > ZERO else ZERO

    def snapshot(self) -> dict[str, object]:
        """Plain data that two equal folds agree on."""
        return {"day": self.day, "day_start": self.day_start, "peak": self.peak, "last": self.last}
