"""Every error Kedge raises on purpose, sorted by whose fault it is.

    KedgeError
    ├── OurBug                 an invariant of ours broke: halt, fix the code
    │   └── IllegalTransition  a lifecycle table has no entry for (state, event)
    ├── UserError              something the user gave is wrong; says what, its value and the remedy
    │   ├── ConfigError        a setting, an environment variable, a limit
    │   ├── DataError          a file or a market data value
    │   └── StrategyError      a strategy, its name or its parameters
    ├── VenueError             the venue broke its contract: quarantine what it said
    └── WorldError             disk, network, time: retry within a bound, or halt

A refused order is not an error: it is a value with a reason (`kedge.model.decisions.Refused`).
User errors derive from `ValueError` too, because that is what a caller of `round_price(...)` expects.
"""

from __future__ import annotations


class KedgeError(Exception):
    """Root of every error Kedge raises on purpose."""


class OurBug(KedgeError, AssertionError):
    """An invariant of Kedge itself is broken; the only safe answer is to halt."""


class IllegalTransition(OurBug):
    """A lifecycle table was asked for an entry it does not have."""


class UserError(KedgeError, ValueError):
    """Bad input: one line that names the thing, the value and the remedy."""


class ConfigError(UserError):
    """A setting, environment variable or limit is unknown, missing or out of range."""


class DataError(UserError):
    """A file or a value of market data cannot be used."""


class StrategyError(UserError):
    """A strategy cannot be found or loaded, or a parameter does not fit its declaration."""


class VenueError(KedgeError):
    """The venue said something its protocol does not allow."""


class WorldError(KedgeError):
    """Disk, network or clock failed us."""
