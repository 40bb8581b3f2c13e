"""Who evaluates the parameter sets of a sweep: this process, or a pool of others that may die on the way.

Work is cut into chunks. A chunk is done when its rows are back, and is given to another worker when the one that had it
dies; since a run depends on its parameters alone, doing it twice changes nothing. A pool that dies again and again
without getting a chunk done is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol, Self

from msgspec import Struct

from kedge.core.strategy.base import BaseStrategy
from kedge.model.errors import WorldError
from kedge.research.evaluate import Parameters, Settings, evaluate
from kedge.research.market import Market

if TYPE_CHECKING:
    from kedge.research.evaluate import Floats

#: A function that gives the strategy's class: for workers that cannot import it by name.
Loader = Callable[[], type[BaseStrategy]]

#: How often in a row a pool may die with nothing done before it is given up.
DEATHS_MAX = 3

Chunk = tuple[list[int], list[Parameters]]
Done = tuple[list[int], list["Row"]]


class Row(Struct, frozen=True):
    """What one run of a sweep came to; `Evaluation` without its equities. `returns` are daily, where they were kept."""

    parameters: dict[str, str]
    trades: int
    fees: Decimal
    final_equity: Decimal
    total_return: Decimal
    sharpe_ratio: float | None
    sortino_ratio: float | None
    engine: str = "event"
    note: str = ""
    returns: Any = None


class Job(Struct, frozen=True):
    """What all runs share, as it is sent to each worker once."""

    strategy: type[BaseStrategy] | Loader
    market: Market
    settings: Settings
    keep_returns: bool = False


def loaded(strategy: type[BaseStrategy] | Loader) -> type[BaseStrategy]:
    """The class itself."""
    return strategy if isinstance(strategy, type) else strategy()


def rows_of(job: Job, sets: Sequence[Parameters]) -> list[Row]:
    """Evaluate some parameter sets."""
    strategy = loaded(job.strategy)
    found = []
    for parameters in sets:
        each = evaluate(strategy, job.market, parameters, job.settings)
        returns: Floats | None = each.returns if job.keep_returns else None
        found.append(
            Row(
                each.parameters,
                each.trades,
                each.fees,
                each.final_equity,
                each.total_return,
                each.sharpe_ratio,
                each.sortino_ratio,
                each.engine,
                each.note,
                returns,
            )
        )
    return found


class Crew(Protocol):
    """Workers: `hands` of them."""

    hands: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...

    def work(self, chunks: Sequence[Chunk]) -> Iterator[Done]:
        """The rows of each chunk, as they get done."""


class Alone:
    """This process does it all."""

    hands = 1

    def __init__(self, job: Job) -> None:
        self._job = job

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        return None

    def work(self, chunks: Sequence[Chunk]) -> Iterator[Done]:
        for numbers, sets in chunks:
            yield numbers, rows_of(self._job, sets)


class Workers:
    """Processes of this machine, started afresh (spawn), so that they hold nothing of ours but the job."""

    def __init__(self, job: Job, hands: int) -> None:
        self.hands = hands
        self._job = job
        self._pool = self._hire()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def work(self, chunks: Sequence[Chunk]) -> Iterator[Done]:
        left = dict(enumerate(chunks))
        deaths = 0
        while left:
            before = len(left)
            yield from self._round(left)
            deaths = deaths + 1 if len(left) == before else 0
            if deaths >= DEATHS_MAX:
                raise WorldError(
                    f"the worker processes died {deaths} times with nothing done; is there enough memory for {self.hands}?"
                    " Try --jobs 1, which says more"
                )

    def _round(self, left: dict[int, Chunk]) -> Iterator[Done]:
        """What gets done before a worker dies; the pool is a new one then."""
        given: dict[Future[list[Row]], int] = {}
        try:
            for place, (_, sets) in left.items():
                given[self._pool.submit(_rows, sets)] = place
            for future in as_completed(given):
                rows = future.result()
                numbers, _ = left.pop(given[future])
                yield numbers, rows
        except BrokenProcessPool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = self._hire()

    def _hire(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.hands, get_context("spawn"), _begin, (self._job,))


_JOB: list[Job] = []


def _begin(job: Job) -> None:
    """The first thing a worker process does."""
    _JOB[:] = [job]


def _rows(sets: Sequence[Parameters]) -> list[Row]:
    return rows_of(_JOB[0], sets)
