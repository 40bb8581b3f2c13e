"""Writes `golden.json`: daily equities and what empyrical-reloaded says of them.

That package pulls 300 MB, so it is no dependency of the tests. Run in an environment that has it, from the repository:

    python -m venv /tmp/empyrical && /tmp/empyrical/bin/pip install "empyrical-reloaded==0.7.1"
    /tmp/empyrical/bin/python tests/golden/metrics/generate.py
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

INITIAL = "10000"
FIRST_DAY = 18_993  # 2022-01-01


def closes(seed: int, days: int, drift: float, deviation: float) -> list[str]:
    """A seeded walk of daily equities, in cents."""
    chance = random.Random(seed)
    equity, found = float(INITIAL), []
    for _ in range(days):
        equity *= 1 + chance.gauss(drift, deviation)
        found.append(f"{equity:.2f}")
    return found


def judged(series: list[str]) -> dict[str, Any]:
    """The figures of empyrical for a series that begins with the initial capital the day before."""
    import empyrical
    import pandas as pd

    dates = pd.date_range(pd.Timestamp(FIRST_DAY - 1, unit="D"), periods=len(series) + 1, freq="D")
    returns = pd.Series([float(INITIAL), *map(float, series)], dates).pct_change().dropna()
    year = {"annualization": 365}
    monthly = empyrical.aggregate_returns(returns, "monthly")
    return {
        "cagr": empyrical.annual_return(returns, **year),
        "volatility": empyrical.annual_volatility(returns, **year),
        "sharpe_ratio": empyrical.sharpe_ratio(returns, **year),
        "sortino_ratio": empyrical.sortino_ratio(returns, **year),
        "max_drawdown": -empyrical.max_drawdown(returns),
        "calmar_ratio": empyrical.calmar_ratio(returns, **year),
        "total_return": empyrical.cum_returns_final(returns),
        "monthly": [[int(year), int(month), float(value)] for (year, month), value in monthly.items()],
    }


def main() -> None:
    """Write the file beside this one."""
    series = {
        "rising": closes(1, 400, 0.002, 0.02),
        "falling": closes(2, 300, -0.003, 0.03),
        "calm": closes(3, 90, 0.0005, 0.002),
        "wild": closes(4, 730, 0.001, 0.08),
        "two days": closes(5, 2, 0.0, 0.05),
    }
    golden = {
        "initial": INITIAL,
        "first_day": FIRST_DAY,
        "series": [{"name": name, "closes": days, "empyrical": judged(days)} for name, days in series.items()],
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
