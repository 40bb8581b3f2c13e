"""Virtual time: an event loop whose clock stands still while anything can run, and else jumps to the next timer.

A loop waits in one place, its selector. Here the selector waits for nothing: the time it is asked to wait is added to
the clock, and every `asyncio.sleep`, time-out and timer falls due without a second passing. What runs when depends on
nothing but the program, so a run is repeated exactly. Where no timer is left and nothing can run, no more can ever
happen: that is a deadlock, and said, instead of a test that hangs.

    run(main())                     main under virtual time, from the moment START_NS on
    VirtualClock()                  the clock port over the running virtual loop
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

from kedge.model.errors import OurBug
from kedge.model.instant import NS_PER_S

T = TypeVar("T")

#: 2026-01-01T00:00:00Z.
START_NS: Final = 1_767_225_600 * NS_PER_S


class Deadlock(OurBug):
    """Every task waits and no timer is left."""


class _Jump(selectors.BaseSelector):
    """Waits by moving the clock; no file is ever ready."""

    def __init__(self) -> None:
        self.elapsed_ns = 0
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self._keys[number] = key = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("every task waits and no timer is left; what should have woken one of them?")
        if timeout > 0:
            self.elapsed_ns += max(1, round(timeout * NS_PER_S))
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop under virtual time. It has no files and no sockets; threads do not reach it."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.elapsed_ns / NS_PER_S

    def elapsed_ns(self) -> int:
        """Nanoseconds of virtual time since the loop was made."""
        return self._jump.elapsed_ns


class VirtualClock:
    """The clock port over the running `VirtualLoop`; `offset_ns` sets it off from true time, as a bad clock is."""

    def __init__(self, start_ns: int = START_NS, offset_ns: int = 0) -> None:
        self._start_ns = start_ns
        self.offset_ns = offset_ns

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""
        return self._start_ns + self.monotonic_ns() + self.offset_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds of virtual time."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise OurBug(f"a virtual clock on a {type(loop).__name__}; run under kedge.venues.wire.virtual.run")
        return loop.elapsed_ns()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of virtual time."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` under virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
