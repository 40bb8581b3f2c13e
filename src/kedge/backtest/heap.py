"""The heap while a run goes on: what was there before is not looked through again and again.

CPython looks for unreachable cycles now and then among everything that is alive: every module, function and class of the
libraries too. In a run of a third of a second one such search is a tenth of the time, and finds nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled() -> Iterator[None]:
    """Leave what exists now out of the collector's searches until the end; what is made meanwhile is searched as ever.

    Where somebody froze the heap already (a server before it forks, a run in another thread), it stays as it is.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
