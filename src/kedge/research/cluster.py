"""The same work on a `dask.distributed` cluster (extra `dask`), by the address of its scheduler.

The job is a task of its own, not data that was scattered: when the workers that hold it die, the scheduler makes it
again. A chunk whose worker dies is run by another, as often as `RETRIES` allows. Workers need this version of Kedge,
which is checked, and a strategy that is a file must be at the same path there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

from kedge.backtest.session import code_sha256
from kedge.model.errors import ConfigError, KedgeError, WorldError
from kedge.research.crew import Chunk, Done, Job, Row, rows_of

#: How many workers a chunk may lose before it is given up.
RETRIES = 10
CONNECT_SECONDS = 10


def connect(address: str) -> Any:
    """A client of the scheduler at `address`, under which a piece of work may lose `RETRIES` workers.

    Raises `ConfigError` where dask is not installed, `WorldError` where no scheduler answers.
    """
    if find_spec("distributed") is None:
        raise ConfigError("--dask needs dask.distributed; install the extra: pip install 'kedge[dask]'")
    import_module("dask").config.set({"distributed.scheduler.allowed-failures": RETRIES})
    try:
        return import_module("distributed").Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise WorldError(f"no dask scheduler answers at {address}: {error}; check the address") from None


class Cluster:
    """The workers of a cluster."""

    def __init__(self, job: Job, address: str) -> None:
        self._address = address
        self._client = connect(address)
        self._job = job
        self.hands = max(1, sum(self._client.nthreads().values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def work(self, chunks: Sequence[Chunk]) -> Iterator[Done]:
        distributed: Any = import_module("distributed")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a graph holds data is what makes it survive
            job = self._client.submit(_same, self._job, pure=False, retries=RETRIES)
            given = {
                self._client.submit(_rows, job, sets, code_sha256(), pure=False, retries=RETRIES): numbers
                for numbers, sets in chunks
            }
        try:
            for future in distributed.as_completed(given, loop=self._client.loop):
                rows: list[Row] = future.result()
                yield given[future], rows
        except distributed.KilledWorker as error:
            raise WorldError(f"workers of {self._address} died over a part of the sweep: {error}") from None
        except KedgeError:
            raise
        finally:
            self._client.cancel(list(given))


def _same(job: Job) -> Job:
    """The job, where it is needed."""
    return job


def _rows(job: Job, sets: Any, code: str) -> list[Row]:
    if code_sha256() != code:
        raise ConfigError("a worker of the cluster has another version of Kedge; install the same on all of them")
    return rows_of(job, sets)
