"""ccxt's names of intervals: `1m`, `4h`, `1d`."""

from __future__ import annotations

from typing import Any

from kedge.model.errors import ConfigError
from kedge.model.instant import NS_PER_S


def timeframe(interval: int, known: dict[str, Any] | None) -> str:
    """ccxt's name of an interval in nanoseconds; `ConfigError` where the venue has none."""
    for text in known or {}:
        if seconds_of(text) * NS_PER_S == interval:
            return text
    raise ConfigError(f"candles of {interval // NS_PER_S} s; there are {', '.join(known or {})}")


def seconds_of(text: str) -> int:
    """Seconds of `1m`, `4h`, `1d`, `1w`; 0 for months and what is unknown."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}.get(text[-1:], 0)
    return int(text[:-1]) * unit if text[:-1].isdigit() else 0
