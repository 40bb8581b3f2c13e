"""Who runs in which work: Kedge's variants and the peers, the environment of each, and its fill convention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.oracle import Convention

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
ENVIRONMENTS: Final = HERE / ".venvs"
RESULTS: Final = HERE / "results"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: what is pinned in it, the module whose import is timed, and the oldest Python it takes."""

    name: str
    requirements: Path
    imports: str
    python_min: tuple[int, int] = (3, 11)
    inside: Path = ENVIRONMENTS

    @property
    def folder(self) -> Path:
        """Where it lives; git ignores it."""
        return self.inside / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def _peer(name: str, imports: str, python_min: tuple[int, int] = (3, 11)) -> Environment:
    return Environment(name, HERE / "requirements" / f"{name}.txt", imports, python_min)


KEDGE: Final = Environment("kedge", ROOT / "requirements" / "core.txt", "from kedge import BacktestEngine")
#: Kedge with the extra `fast`, which compiles sweeps.
KEDGE_FAST: Final = Environment("kedge-fast", ROOT / "requirements" / "fast.txt", "import numba")
#: Kedge as `python3 tasks.py compile` makes it: the same sources, the hot path compiled.
COMPILED: Final = replace(KEDGE, name=".venv-compiled", inside=ROOT)
BACKTESTING: Final = _peer("backtesting-0.6.6", "import backtesting")
BACKTRADER: Final = _peer("backtrader-1.9.78", "import backtrader")
NAUTILUS_OLD: Final = _peer("nautilus-1.221", "from nautilus_trader.backtest.engine import BacktestEngine")
NAUTILUS_NEW: Final = _peer("nautilus-1.231", "from nautilus_trader.backtest.engine import BacktestEngine", (3, 12))
VECTORBT: Final = _peer("vectorbt-1.2", "import vectorbt")
HFTBACKTEST: Final = _peer("hftbacktest-2.4", "import hftbacktest")
#: Kedge run from the sources of this checkout, and every environment of Kedge.
FROM_SOURCE: Final = (KEDGE, KEDGE_FAST)
OURS: Final = (*FROM_SOURCE, COMPILED)
INSTALLED: Final = (KEDGE, KEDGE_FAST, BACKTESTING, BACKTRADER, NAUTILUS_OLD, NAUTILUS_NEW, VECTORBT, HFTBACKTEST)


@dataclass(frozen=True)
class Contender:
    """One line of a table.

    `rows_max`: not run on more rows, because its cost grows faster than they do. `waits`: it waits for the disk, so
    its rate is of wall time whatever the clock.
    """

    label: str
    environment: Environment
    module: str
    variant: str = ""
    convention: Convention = Convention.NEXT_OPEN
    rows_max: int | None = None
    waits: bool = False


#: Only a market order has a convention, so only W1 states one.
CLOSE: Final = Convention.SAME_CLOSE
_OURS: Final = "benchmarks.ours"
_PEERS: Final = "benchmarks.peers"

_BACKTESTING = Contender("backtesting.py", BACKTESTING, f"{_PEERS}.backtesting_py")
_BACKTRADER = Contender("backtrader", BACKTRADER, f"{_PEERS}.backtrader_feed")
_NAUTILUS_OLD = Contender("nautilus 1.221", NAUTILUS_OLD, f"{_PEERS}.nautilus_v1")
_NAUTILUS_NEW = Contender("nautilus 1.231", NAUTILUS_NEW, f"{_PEERS}.nautilus_v1")
_NAUTILUS_V2 = Contender("nautilus 1.231, v2 core", NAUTILUS_NEW, f"{_PEERS}.nautilus_v2")
_HFTBACKTEST = Contender("hftbacktest, compiled", HFTBACKTEST, f"{_PEERS}.hft")

#: The contenders of each work, Kedge's plain run first.
WORKS: Final[dict[str, tuple[Contender, ...]]] = {
    "w0": (
        Contender("Kedge", COMPILED, f"{_OURS}.w0"),
        Contender("Kedge, interpreted", KEDGE, f"{_OURS}.w0"),
        _BACKTESTING,
        _BACKTRADER,
        _NAUTILUS_OLD,
        _NAUTILUS_NEW,
        _NAUTILUS_V2,
    ),
    "w1": (
        Contender("Kedge", COMPILED, f"{_OURS}.w1"),
        Contender("Kedge, interpreted", KEDGE, f"{_OURS}.w1"),
        Contender("Kedge, from Parquet", COMPILED, f"{_OURS}.w1", "stream"),
        Contender("Kedge, durable journal", COMPILED, f"{_OURS}.w1", "journal", waits=True),
        _BACKTESTING,
        _BACKTRADER,
        replace(_NAUTILUS_OLD, convention=CLOSE),
        replace(_NAUTILUS_NEW, convention=CLOSE, rows_max=100_000),
        replace(_NAUTILUS_NEW, label="nautilus 1.231, mended", variant="mended", convention=CLOSE, rows_max=500_000),
        replace(_NAUTILUS_V2, convention=CLOSE, rows_max=100_000),
        Contender("vectorbt numba, arrays", VECTORBT, f"{_PEERS}.vectorbt_arrays", "numba"),
        Contender("vectorbt Rust, arrays", VECTORBT, f"{_PEERS}.vectorbt_arrays", "rust"),
    ),
    "w2": (
        Contender("Kedge", KEDGE_FAST, f"{_OURS}.w2", "100"),
        Contender("vectorbt numba, arrays", VECTORBT, f"{_PEERS}.vectorbt_arrays", "numba"),
        Contender("vectorbt Rust, arrays", VECTORBT, f"{_PEERS}.vectorbt_arrays", "rust"),
        _BACKTESTING,
    ),
    "w2-10000": (Contender("Kedge", KEDGE_FAST, f"{_OURS}.w2", "10000"),),
    "w3": (
        Contender("Kedge", COMPILED, f"{_OURS}.w3"),
        Contender("Kedge, interpreted", KEDGE, f"{_OURS}.w3"),
        Contender("Kedge, all limits", COMPILED, f"{_OURS}.w3", "limits"),
        Contender("Kedge, all limits, interpreted", KEDGE, f"{_OURS}.w3", "limits"),
        Contender("Kedge, durable journal", COMPILED, f"{_OURS}.w3", "journal", waits=True),
        _BACKTESTING,
        _BACKTRADER,
        _NAUTILUS_OLD,
        _NAUTILUS_NEW,
        replace(_NAUTILUS_V2, rows_max=20_000),
        _HFTBACKTEST,
    ),
    "w4": (
        Contender("Kedge", COMPILED, f"{_OURS}.w4"),
        Contender("Kedge, interpreted", KEDGE, f"{_OURS}.w4"),
        _NAUTILUS_OLD,
        _NAUTILUS_NEW,
        _NAUTILUS_V2,
        _HFTBACKTEST,
    ),
}
