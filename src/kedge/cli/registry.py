"""What the command line notes in the registry of trials, and where the registry is.

It lies in `TRADING_DATA_DIR`, beside the catalogue, or else in the user's own state directory: a registry that began
anew in every folder would count nothing. A run is worth more than its line in a registry, so one that cannot be noted
is a warning on standard error and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kedge.cli import console
from kedge.model.errors import WorldError
from kedge.model.facts import StrategySpec
from kedge.storage.digest import ColumnsDigest, sha256_of
from kedge.storage.trials import FORMAT, Tally, Trial, TrialRegistry, TrialRun, data_id, trial_id

if TYPE_CHECKING:
    from kedge.backtest.engine import BacktestEngine
    from kedge.cli.config import TradingConfig
    from kedge.core.strategy.base import BaseStrategy
    from kedge.research.market import Market
    from kedge.research.sweep import SweepResult
    from kedge.research.track_record import TrackRecord


def registry_of(environment: TradingConfig) -> TrialRegistry:
    """The user's registry."""
    if environment.data_dir:
        return TrialRegistry(Path(environment.data_dir))
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return TrialRegistry((Path(state) if state else Path.home() / ".local" / "state") / "kedge")
    except RuntimeError as error:
        raise WorldError(
            f"there is no home directory for the registry of trials ({error}); set TRADING_DATA_DIR"
        ) from error


def digest_of(streams: Sequence[Any]) -> str:
    """The digest of a set of data: of the values of its streams, whatever files they are in."""
    return data_id(_digest(stream) for stream in streams)


def identity(spec: StrategySpec, settings: Mapping[str, str], period: str) -> str:
    """What makes a trial: the strategy, its code and parameters, the settings of the run, the period."""
    return trial_id(spec.source, spec.code_sha256, spec.parameters, settings, period)


def settings_of(engine: BacktestEngine) -> dict[str, str]:
    """Everything that an engine is set to, as text."""
    return {
        **engine.settings(),
        "initial_capital": str(engine.initial_capital),
        "risk": trial_id(msgspec.json.encode(engine.risk).decode()),
        "instruments": trial_id(*(msgspec.json.encode(each).decode() for each in engine.instruments.values())),
    }


def remember(
    environment: TradingConfig,
    command: str,
    data: str,
    strategy: str,
    days: int,
    trials: Iterable[tuple[str, float | None]],
) -> Tally | None:
    """Note what was tried and say what is known of these data now; `None`, after a warning, where that cannot be done.

    `trials` are identities with their Sharpe ratios of one UTC day, over `days` of them.
    """
    noted = tuple(Trial(each, "" if sharpe is None else repr(sharpe)) for each, sharpe in trials)
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    try:
        registry = registry_of(environment)
        registry.note([TrialRun(FORMAT, at, data, command, strategy, days, noted)])
        return registry.tally(data)
    except WorldError as error:
        said = f"{error}; this run is not counted, and a deflated Sharpe ratio will be too good"
        console.warn(said)
        return None


def remember_sweep(
    environment: TradingConfig,
    strategy: tuple[str, type[BaseStrategy]],
    engine: BacktestEngine,
    data: str,
    period: str,
    market: Market,
    result: SweepResult,
) -> TrackRecord | None:
    """Note every run of a sweep; its best one, judged by all that was tried. The code is hashed once for all of them."""
    from kedge.backtest.session import specs_of
    from kedge.research.evaluate import Settings, evaluate
    from kedge.research.track_record import daily, track_record

    named, found = strategy
    settings, best = settings_of(engine), result.best
    (spec,) = specs_of([found(**best.parameters)], {})
    trials = []
    for row in result.evaluations:
        own = msgspec.structs.replace(spec, source=named, parameters=row.parameters)
        trials.append((identity(own, settings, period), None if row.sharpe_ratio is None else daily(row.sharpe_ratio)))
    returns = evaluate(found, market, best.parameters, Settings.of_engine(engine)).returns
    known = remember(environment, "sweep", data, named, len(returns), trials)
    count, variance = (len(trials), None) if known is None else (known.trials, known.variance)
    return track_record(returns, max(count, len(trials)), variance)


def _digest(stream: Any) -> str:
    known: str = getattr(stream, "content_sha256", "")
    if known:
        return known
    if hasattr(stream, "blocks"):
        digest = ColumnsDigest()
        for block in stream.blocks():
            digest.update(block)
        return digest.hexdigest()
    return sha256_of(stream)
