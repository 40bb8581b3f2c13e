"""ccxt's classes, sealed: they log nothing, and read our clock.

`verbose` and the `ccxt` loggers print requests with their headers, signatures included, and every library and user of this
process may switch them on, at any time. So they have no effect on our objects. The clock is ours so that a signature's time, our
measure of the venue's clock and a test's time are one.
"""

from __future__ import annotations

import logging
from typing import Any

from kedge.model.instant import NS_PER_MS
from kedge.venues.wire.clock import Clock

_MUTE = logging.Logger("kedge.venues.ccxt.mute", logging.CRITICAL + 1)  # of no hierarchy: nobody finds it to turn it up


def sealed(kind: type[Any], clock: Clock) -> type[Any]:
    """A class of ccxt's for one venue that says nothing and tells the time by `clock`."""

    def milliseconds(_: Any = None) -> int:
        return clock.now_ns() // NS_PER_MS

    members = {
        "verbose": property(lambda _: False, lambda _, __: None),
        "logger": property(lambda _: _MUTE, lambda _, __: None),
        "log": lambda *_: None,
        "print": lambda *_: None,
        "milliseconds": milliseconds,
        "seconds": lambda _=None: milliseconds() // 1_000,
        "microseconds": lambda _=None: milliseconds() * 1_000,
        "__repr__": lambda self: f"<ccxt {self.id}>",
    }
    return type(kind.__name__, (kind,), members)
