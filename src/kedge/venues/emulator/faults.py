"""Faults on request: what real venues and networks do now and then, when a test says so.

A rule names a fault, where it applies (`path`: how a request's path begins, or a WebSocket request's method; `channel`:
what a stream's name contains), how often (`count` times, 0 for always; `per_mille` of the opportunities, drawn from the
seed) and the fault's own figures.

    latency       the answer leaves `ms` later                            drop_before   the request is lost
    drop_after    the request works, its answer is lost                   duplicate     the request arrives twice
    error         `status`, `code`, `message`; with `executed` the request works all the same
    rate_limit    429 with Retry-After `ms`                               ban           418 with Retry-After `ms`
    stale         for `ms` after it was accepted an order is not found    silence       a channel says nothing more
    push_latency  a message comes `ms` later                              push_duplicate  a message comes twice
    push_reorder  a message comes after the next one                      gap           a message is lost
    half_open     for `ms` connections neither speak nor hear             disconnect    connections break, now
    expire        sessions (listen keys, logons) end, now                 shutdown      the venue announces its end
    skew          the venue's clock is `ms` ahead                         maintenance   `phase`: open, cancel_only, closed
"""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from kedge.model.errors import UserError

_MILLE = 1_000


class Fault(StrEnum):
    """What can go wrong; the table is at the top of this module."""

    LATENCY = "latency"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    DUPLICATE = "duplicate"
    ERROR = "error"
    RATE_LIMIT = "rate_limit"
    BAN = "ban"
    STALE = "stale"
    SILENCE = "silence"
    PUSH_LATENCY = "push_latency"
    PUSH_DUPLICATE = "push_duplicate"
    PUSH_REORDER = "push_reorder"
    GAP = "gap"
    HALF_OPEN = "half_open"
    DISCONNECT = "disconnect"
    EXPIRE = "expire"
    SHUTDOWN = "shutdown"
    SKEW = "skew"
    MAINTENANCE = "maintenance"


#: These happen when they are asked for, and wait for no opportunity.
AT_ONCE = frozenset({Fault.DISCONNECT, Fault.HALF_OPEN, Fault.EXPIRE, Fault.SHUTDOWN, Fault.SKEW, Fault.MAINTENANCE})


class Phase(StrEnum):
    """What the venue takes: everything, cancels alone, or nothing."""

    OPEN = "open"
    CANCEL_ONLY = "cancel_only"
    CLOSED = "closed"


class Rule(Struct, forbid_unknown_fields=True):
    """One fault asked for; `hits` counts how often it happened."""

    fault: Fault
    path: str = ""
    channel: str = ""
    count: int = 1
    per_mille: int = _MILLE
    ms: int = 0
    status: int = 503
    code: int = 0
    message: str = ""
    executed: bool = False
    phase: Phase = Phase.OPEN
    hits: int = 0

    def __post_init__(self) -> None:
        if self.count < 0:
            raise UserError(f"fault {self.fault}: count is {self.count}; give how often, 0 for always")
        if not 0 <= self.per_mille <= _MILLE:
            raise UserError(f"fault {self.fault}: per_mille is {self.per_mille}; give 0 to 1000")


class Faults:
    """The rules in force, drawn from `seed`. `phase` and `skew_ns` hold until they are set anew."""

    def __init__(self, seed: int) -> None:
        self.rules: list[Rule] = []
        self.phase = Phase.OPEN
        self.skew_ns = 0
        self._dice = Random(f"kedge-faults-{seed}")  # noqa: S311  (a simulation)

    def add(self, rule: Rule) -> None:
        """From now on."""
        self.rules.append(rule)

    def clear(self) -> None:
        """Everything works again."""
        self.rules.clear()
        self.phase = Phase.OPEN
        self.skew_ns = 0

    def take(self, fault: Fault, where: str) -> Rule | None:
        """The rule by which `fault` happens to `where` now, counted; None where it does not happen."""
        for rule in self.rules:
            if rule.fault is not fault or (rule.count and rule.hits >= rule.count):
                continue
            if rule.path and not where.startswith(rule.path):
                continue
            if rule.channel and rule.channel not in where:
                continue
            if rule.per_mille < _MILLE and self._dice.randrange(_MILLE) >= rule.per_mille:
                continue
            rule.hits += 1
            return rule
        return None

    def stale_ms(self, where: str) -> int:
        """For how long after their acceptance orders are not found by `where`; counts nothing."""
        found = [
            rule.ms
            for rule in self.rules
            if rule.fault is Fault.STALE and where.startswith(rule.path) and rule.channel in where
        ]
        return max(found, default=0)


def rule_of(given: dict[str, Any]) -> Rule:
    """A rule from the control endpoint's JSON."""
    try:
        return msgspec.convert(given, Rule)
    except msgspec.ValidationError as error:
        raise UserError(f"fault {given!r}: {error}; the faults are {', '.join(Fault)}") from None
