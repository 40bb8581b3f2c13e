"""What every indicator is: a value that updates move on, and a way to forget.

`value` is a plain attribute, written by `update`, because it is read on every candle.

Two contexts, whatever the caller's is: `kedge.model.money.EXACT` for what must not be rounded, `ROUNDED` for what
cannot be exact (quotients, roots, averages that remember for ever).
"""

from __future__ import annotations

from decimal import Context, DivisionByZero, InvalidOperation, Overflow
from typing import Generic, TypeVar

from kedge.model.errors import StrategyError

V = TypeVar("V")

#: 28 digits: far beyond any price, and a third cheaper than the 60 of `EXACT`.
ROUNDED = Context(prec=28, traps=[InvalidOperation, DivisionByZero, Overflow])


class Indicator(Generic[V]):
    """Base of the indicators; a subclass keeps its state in `reset`, which the constructor calls."""

    __slots__ = ("value",)

    value: V | None

    def __init__(self) -> None:
        self.reset()

    @property
    def ready(self) -> bool:
        """Whether enough was seen for a value."""
        return self.value is not None

    def reset(self) -> None:
        """Forget everything seen."""
        self.value = None


def checked_window(window: object, what: str, least: int = 1) -> int:
    """`window` if it is a whole number of at least `least`; else a `StrategyError` that names it."""
    if isinstance(window, bool) or not isinstance(window, int) or window < least:
        raise StrategyError(f"the window of {what} is {window!r}; give a whole number >= {least}")
    return window
