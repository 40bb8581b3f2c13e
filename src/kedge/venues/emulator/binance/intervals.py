"""Candle intervals by their names. A month is not a number of seconds: `1M` is answered as 30 days."""

from __future__ import annotations

from kedge.model.instant import NS_PER_DAY, NS_PER_S
from kedge.venues.emulator.binance.fields import Fields
from kedge.venues.emulator.binance.refused import Refused

_MINUTE = 60 * NS_PER_S
_HOUR = 60 * _MINUTE
INTERVALS = {
    "1s": NS_PER_S, "1m": _MINUTE, "3m": 3 * _MINUTE, "5m": 5 * _MINUTE, "15m": 15 * _MINUTE, "30m": 30 * _MINUTE,
    "1h": _HOUR, "2h": 2 * _HOUR, "4h": 4 * _HOUR, "6h": 6 * _HOUR, "8h": 8 * _HOUR, "12h": 12 * _HOUR,
    "1d": NS_PER_DAY, "3d": 3 * NS_PER_DAY, "1w": 7 * NS_PER_DAY, "1M": 30 * NS_PER_DAY,
}  # fmt: skip


def interval_of(fields: Fields, *, seconds: bool) -> tuple[str, int]:
    """The interval asked for; -1120 where there is none of that name."""
    name = fields.text("interval")
    if name not in INTERVALS or (name == "1s" and not seconds):
        raise Refused(-1120, "Invalid interval.")
    return name, INTERVALS[name]
