"""The panel of a track record: what was tried, what luck would show, and how the same days might have come otherwise."""

from __future__ import annotations

import numpy as np

from kedge.backtest.report.markup import Html, el
from kedge.backtest.report.tables import listing
from kedge.backtest.text.readable import NONE, number, percent
from kedge.model.instant import NS_PER_DAY
from kedge.research.report.drawing import Frame
from kedge.research.statistics.bootstrap import Bands
from kedge.research.statistics.moments import Floats
from kedge.research.track_record import CONFIDENCE, TrackRecord, annual

BANDS_NOTE = (
    "Dark: the middle half of the resampled histories, light: 90% of them. They keep what the days earned and, within "
    "blocks, their order (stationary bootstrap, {samples:,} resamples of blocks of {block:.0f} days on average, seed {seed}); "
    "a day that was never seen is in none of them."
)


def record_panel(record: TrackRecord, first_day: int, initial: float, returns: Floats) -> Html:
    """The section of a track record that begins on `first_day` (days since 1970) with `initial`."""
    note = BANDS_NOTE.format(samples=record.bands.samples, block=record.bands.mean_block, seed=record.bands.seed)
    return el(
        "section",
        el("h2", "Luck or skill"),
        el("p", record.verdict, class_="verdict"),
        el("div", record_figures(record), class_="cols"),
        el("h3", "The same days in another order"),
        banded_equity(record.bands, first_day, initial, returns),
        el("p", note, class_="note"),
        class_="record",
    )


def record_figures(record: TrackRecord) -> Html:
    """The figures of a track record, with their names."""
    found = record.moments
    needed = NONE if record.days_needed is None else f"{record.days_needed:,.0f} days; there are {record.days:,}"
    rows = [
        ("Sharpe ratio, annual", NONE if found.sharpe is None else number(annual(found.sharpe))),
        ("Skewness, kurtosis", f"{number(found.skewness)}, {number(found.kurtosis)}"),
        ("Probability that the true one is above 0", percent(record.probabilistic, 1)),
        ("Trials on these data", f"{record.trials:,}"),
        ("Best of them by luck alone, annual", number(annual(record.expected_best))),
        ("Deflated Sharpe ratio", percent(record.deflated, 1)),
        (f"Record needed for {percent(CONFIDENCE, 0)}, trials aside", needed),
    ]
    return listing(rows)


def banded_equity(bands: Bands, first_day: int, initial: float, returns: Floats) -> Html:
    """Equity by day over the bands of its resampled histories."""
    times: Floats = np.arange(first_day, first_day + len(returns) + 1, dtype=np.float64) * NS_PER_DAY
    equity: Floats = initial * np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    paths: Floats = initial * bands.paths
    low, high = min(float(paths.min()), float(equity.min())), max(float(paths.max()), float(equity.max()))
    frame = Frame((float(times[0]), float(times[-1])), (low, high), logarithmic=low > 0.0 and high > 3.0 * low)
    outer, inner, middle = (paths[0], paths[-1]), (paths[1], paths[-2]), paths[len(paths) // 2]
    ends = f"90% of resampled histories end between {paths[0, -1]:,.2f} and {paths[-1, -1]:,.2f}"
    label = f"Equity from {equity[0]:,.2f} to {equity[-1]:,.2f}; {ends}"
    return frame.sheet(
        label,
        frame.values(),
        frame.dates(),
        frame.band(times, *outer, "band"),
        frame.band(times, *inner, "band inner"),
        frame.level(initial),
        frame.curve(times, middle, "line middle"),
        frame.curve(times, equity, "line"),
    )
