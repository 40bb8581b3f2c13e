"""A strategy whose process dies once: the first that makes it takes the file away and itself with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from kedge.strategies.sma_cross import SmaCrossStrategy


class Dying:
    """Makes SMA crosses; kills the process that finds `marker`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __call__(self, **parameters: int) -> SmaCrossStrategy:
        """The strategy, or the end."""
        try:
            self.marker.unlink()
        except FileNotFoundError:
            return SmaCrossStrategy(**parameters)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def always_dying(**parameters: int) -> SmaCrossStrategy:
    """Kills every worker process; the parent, which must live, is told by the variable."""
    if os.environ.get("KEDGE_TEST_PARENT") != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    return SmaCrossStrategy(**parameters)
