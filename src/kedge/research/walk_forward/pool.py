"""Windows on several processes: each worker gets the market once, then one window after another.

Workers are spawned, not forked, so that they are the same on every system; the strategy factory must therefore be
something a fresh process can import: a class or a function of a module, not a lambda. Results come in the order of the
windows whatever the number of workers, and are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from kedge.model.errors import ConfigError, WorldError
from kedge.research.market import Market
from kedge.research.walk_forward.schedule import Window
from kedge.research.walk_forward.window import Task

T = TypeVar("T")
#: Something to do in each window: task, market, window, and what else it was given.
Work = Callable[..., T]

_held: dict[str, Any] = {}


def in_windows(
    work: Work[T], task: Task, market: Market, windows: Sequence[Window], jobs: int = 1, *more: Any
) -> Iterator[T]:
    """`work(task, market, window, *more)` for each window, in order."""
    if jobs < 1:
        raise ConfigError(f"jobs is {jobs}; it must be 1 at least")
    if jobs == 1 or len(windows) == 1:
        for window in windows:
            yield work(task, market, window, *more)
        return
    try:
        ForkingPickler.dumps((work, task, more))
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the strategy factory cannot be sent to another process ({error}); "
            "give a class or a function of a module, or jobs=1"
        ) from None
    context = get_context("spawn")
    workers = min(jobs, len(windows))
    try:
        with ProcessPoolExecutor(workers, context, _begin, (work, task, market, more)) as pool:
            yield from pool.map(_do, windows)
    except BrokenProcessPool:
        raise WorldError("a worker process died, perhaps for want of memory; give fewer jobs") from None


def _begin(work: Work[Any], task: Task, market: Market, more: tuple[Any, ...]) -> None:
    _held.update(work=work, task=task, market=market, more=more)


def _do(window: Window) -> Any:
    return _held["work"](_held["task"], _held["market"], window, *_held["more"])
