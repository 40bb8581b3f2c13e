"""Who does the work of the windows: this process, processes of this machine, or a dask cluster.

Each worker gets the task and the market once, then one window after another. Results come in the order of the windows and
are the same whoever made them; what a worker that died was doing is given to another, since doing it twice changes
nothing. Workers that die again and again with nothing done are given up.

Local workers are spawned, not forked, so that they are the same on every system: the strategy factory must be something
that a fresh process can import, a class or a function of a module, not a lambda.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from typing import Any, Protocol, Self

from msgspec import Struct

from kedge.model.errors import ConfigError, WorldError
from kedge.research.cluster import RETRIES, connect
from kedge.research.crew import DEATHS_MAX
from kedge.research.market import Market
from kedge.research.walk_forward.schedule import Window
from kedge.research.walk_forward.window import Task

#: Something to do in each window: task, market, window, and what else it was given.
Work = Callable[..., Any]
#: The place of a window, and what came of it.
Done = tuple[int, Any]


class Hands(Struct, frozen=True):
    """`jobs` processes of this machine, or the workers of the cluster whose scheduler is at `dask`."""

    jobs: int = 1
    dask: str = ""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ConfigError(f"jobs is {self.jobs}; it must be 1 at least")
        if self.dask and self.jobs > 1:
            raise ConfigError("jobs and dask are two ways to share the work; give one")

    def hire(self, task: Task, market: Market) -> Crew:
        """Those who do the work of one walk; to be used as a context."""
        if not self.dask and self.jobs == 1:
            return Alone(task, market)
        try:
            ForkingPickler.dumps(task)
        except (AttributeError, TypeError, ValueError) as error:
            raise ConfigError(
                f"the strategy factory cannot be sent to another process ({error}); "
                "give a class or a function of a module, or jobs=1"
            ) from None
        return Cluster(self.dask, task, market) if self.dask else Workers(self.jobs, task, market)


class Crew(Protocol):
    """Who works, for as long as the context lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...

    def in_windows(self, work: Work, windows: Sequence[Window], *more: Any) -> Iterator[Any]:
        """`work(task, market, window, *more)` for each window, in order."""


class Alone:
    """This process."""

    def __init__(self, task: Task, market: Market) -> None:
        self._held = (task, market)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        return None

    def in_windows(self, work: Work, windows: Sequence[Window], *more: Any) -> Iterator[Any]:
        return (work(*self._held, window, *more) for window in windows)


class Workers:
    """Processes of this machine; a pool that lost one is made anew."""

    def __init__(self, jobs: int, task: Task, market: Market) -> None:
        self._jobs = jobs
        self._held = (task, market)
        self._pool = self._made()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def in_windows(self, work: Work, windows: Sequence[Window], *more: Any) -> Iterator[Any]:
        return _in_order(self._done(work, windows, more), len(windows))

    def _done(self, work: Work, windows: Sequence[Window], more: tuple[Any, ...]) -> Iterator[Done]:
        left = dict(enumerate(windows))
        deaths = 0
        while left:
            before = len(left)
            yield from self._until_a_death(work, left, more)
            deaths = deaths + 1 if len(left) == before else 0
            if deaths >= DEATHS_MAX:
                raise WorldError(
                    f"the worker processes died {deaths} times with nothing done; is there enough memory for {self._jobs}? "
                    "Try one job, which says more"
                )

    def _until_a_death(self, work: Work, left: dict[int, Window], more: tuple[Any, ...]) -> Iterator[Done]:
        """What gets done before a worker dies; it is taken out of what is left."""
        try:
            given = {self._pool.submit(_do, work, window, more): place for place, window in left.items()}
            for future in as_completed(given):
                found = future.result()
                place = given[future]
                del left[place]
                yield place, found
        except BrokenProcessPool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = self._made()

    def _made(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._jobs, get_context("spawn"), _begin, self._held)


class Cluster:
    """The workers of a `dask.distributed` cluster (extra `dask`).

    What they share is a task of its own: when the workers that hold it die, the scheduler makes it again.
    """

    def __init__(self, address: str, task: Task, market: Market) -> None:
        self._address = address
        self._client = connect(address)
        self._distributed: Any = import_module("distributed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a graph holds data is what makes it survive
            self._held = self._client.submit(_same, task, market, pure=False, retries=RETRIES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def in_windows(self, work: Work, windows: Sequence[Window], *more: Any) -> Iterator[Any]:
        return _in_order(self._done(work, windows, more), len(windows))

    def _done(self, work: Work, windows: Sequence[Window], more: tuple[Any, ...]) -> Iterator[Done]:
        given = {
            self._client.submit(_there, self._held, work, window, more, pure=False, retries=RETRIES): place
            for place, window in enumerate(windows)
        }
        try:
            for future in self._distributed.as_completed(given, loop=self._client.loop):
                yield given[future], future.result()
        except self._distributed.KilledWorker as error:
            raise WorldError(f"workers of {self._address} died over a window: {error}") from None


def _in_order(done: Iterator[Done], count: int) -> Iterator[Any]:
    """What is done, in order of place, as soon as it is its turn."""
    waiting: dict[int, Any] = {}
    turn = 0
    for place, found in done:
        waiting[place] = found
        while turn in waiting:
            yield waiting.pop(turn)
            turn += 1
    assert turn == count, "every window was done once"


_held: list[tuple[Task, Market]] = []


def _begin(task: Task, market: Market) -> None:
    """The first thing a worker process does."""
    _held[:] = [(task, market)]


def _do(work: Work, window: Window, more: tuple[Any, ...]) -> Any:
    return work(*_held[0], window, *more)


def _same(task: Task, market: Market) -> tuple[Task, Market]:
    """What all windows share, where it is needed."""
    return task, market


def _there(held: tuple[Task, Market], work: Work, window: Window, more: Any) -> Any:
    return work(*held, window, *more)
