"""The compiled build (`python3 tasks.py compile`) decides as the interpreted one does: equal journals, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tools.environment import ROOT, is_current

PYTHON = ROOT / ".venv-compiled" / "bin" / "python"

RUN = """
import sys
from decimal import Decimal
from pathlib import Path
import kedge.core.step
from kedge import BacktestEngine, RiskConfig
from kedge.storage.synthetic import synthetic_candles
from kedge.strategies.library import SHIPPED
assert kedge.core.step.__file__.endswith(sys.argv[2]), kedge.core.step.__file__
D = Decimal
limits = RiskConfig(order_notional_max=D(6000), orders_open_max=4, position_notional_max=D(9000), price_collar_bps_max=D(300),
    gross_exposure_max=D(9000), leverage_max=D(2), daily_loss_max=D(300), drawdown_ratio_max=D("0.2"), strategy_loss_max=D(900),
    duplicate_window_ms_max=50, orders_per_second_max=3, executions_per_window_max=40)
for name in ("sma_cross", "mean_reversion", "breakout", "rsi", "grid"):
    strategy = SHIPPED[name].strategy()
    candles = synthetic_candles(5, 3000, strategy.required_symbols()[0])
    for number, risk in enumerate((RiskConfig(), limits)):
        where = Path(sys.argv[1]) / f"{name}-{number}"
        BacktestEngine(D(10000), D("0.001"), D(5), leverage=D(2), risk=risk, latency_ms=number * 40,
            participation=D("0.2"), journal_dir=where).run(strategy, candles)
"""


def journals(python: Path | str, into: Path, ends: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(python), "-c", RUN, str(into), ends], check=True, env=env, cwd=into)
    return {
        str(path.relative_to(into)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(into.rglob("*"))
        if path.is_file()
    }


def test_both_builds_write_the_same_journals(tmp_path: Path) -> None:
    if not is_current("compiled"):
        pytest.skip("there is no compiled build of these sources; python3 tasks.py compile makes one")
    for build in ("interpreted", "compiled"):
        (tmp_path / build).mkdir()
    interpreted = journals(sys.executable, tmp_path / "interpreted", ".py")
    compiled = journals(PYTHON, tmp_path / "compiled", ".so")
    assert len(interpreted) >= 10 * 3
    assert interpreted == compiled
