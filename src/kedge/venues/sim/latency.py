"""Latency: the delay between our world and the exchange's.

Each direction is one connection, so what was sent first arrives first: a jitter may delay a message but never lets it
overtake (overtaking is a fault, see `faults`). Times are nanoseconds.
"""

from __future__ import annotations

from msgspec import Struct

from kedge.model.decisions import CancelRequested, Command
from kedge.model.errors import ConfigError
from kedge.venues.sim.generator import SplitMix64


class LatencyModel(Struct, frozen=True, gc=False):
    """How long orders (and queries), cancels and reports travel, and how much longer at most by chance of `seed`."""

    order_ns: int = 0
    cancel_ns: int = 0
    report_ns: int = 0
    jitter_ns: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("order_ns", "cancel_ns", "report_ns", "jitter_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"latency {name} is {getattr(self, name)}; time runs forward, give 0 or more")


NO_LATENCY = LatencyModel()


class Link:
    """The connection of one session: arrival times by a latency model, in order of sending."""

    __slots__ = ("_dice", "_model", "_to_us", "_to_venue")

    def __init__(self, model: LatencyModel = NO_LATENCY) -> None:
        self._model = model
        self._dice = SplitMix64(model.seed)
        self._to_venue = 0
        self._to_us = 0

    def to_venue(self, command: Command, sent_ns: int) -> int:
        """When a command sent at `sent_ns` reaches the venue."""
        model = self._model
        arrives = sent_ns + (model.cancel_ns if type(command) is CancelRequested else model.order_ns) + self._jitter()
        if arrives < self._to_venue:
            arrives = self._to_venue
        self._to_venue = arrives
        return arrives

    def to_us(self, made_ns: int) -> int:
        """When a report made at `made_ns` reaches us."""
        arrives = made_ns + self._model.report_ns + self._jitter()
        if arrives < self._to_us:
            arrives = self._to_us
        self._to_us = arrives
        return arrives

    def _jitter(self) -> int:
        return self._dice.below(self._model.jitter_ns + 1) if self._model.jitter_ns else 0
