"""Latency: the delays between our world and the exchange's.

The loop of a run asks once for every message how long it travels: an order, cancel or query to the venue, a report
back, a market fact. Under jitter one message may overtake another, as it may where a venue answers on several
connections; the core is built for that. Times are nanoseconds.
"""

from __future__ import annotations

from kedge.model.errors import ConfigError
from kedge.venues.sim.generator import SplitMix64


class FixedLatency:
    """Every message of a kind travels equally long; reports and market data as long as orders unless told otherwise."""

    __slots__ = ("_feed_ns", "_order_ns", "_report_ns")

    def __init__(self, order_ns: int, report_ns: int | None = None, feed_ns: int | None = None) -> None:
        self._order_ns = _delay(order_ns, "order_ns")
        self._report_ns = _delay(order_ns if report_ns is None else report_ns, "report_ns")
        self._feed_ns = _delay(order_ns if feed_ns is None else feed_ns, "feed_ns")

    def order_ns(self) -> int:
        """From us to the venue."""
        return self._order_ns

    def report_ns(self) -> int:
        """From the venue to us."""
        return self._report_ns

    def feed_ns(self) -> int:
        """Market data from the venue to us."""
        return self._feed_ns


class JitteredLatency:
    """A fixed latency and, on top for each message, 0 to `jitter_ns` drawn evenly from `seed`."""

    __slots__ = ("_dice", "_fixed", "_jitter_ns")

    def __init__(self, fixed: FixedLatency, jitter_ns: int, seed: int) -> None:
        self._fixed = fixed
        self._jitter_ns = _delay(jitter_ns, "jitter_ns")
        self._dice = SplitMix64(seed)

    def order_ns(self) -> int:
        """From us to the venue."""
        return self._fixed.order_ns() + self._dice.below(self._jitter_ns + 1)

    def report_ns(self) -> int:
        """From the venue to us."""
        return self._fixed.report_ns() + self._dice.below(self._jitter_ns + 1)

    def feed_ns(self) -> int:
        """Market data from the venue to us."""
        return self._fixed.feed_ns() + self._dice.below(self._jitter_ns + 1)


def _delay(value: int, name: str) -> int:
    if value < 0:
        raise ConfigError(f"latency {name} is {value}; time runs forward, give 0 or more")
    return value
