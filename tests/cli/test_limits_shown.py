"""H61: what limits a run was under is said, those that are not set by name: a limit that is missing can be seen to be."""

from __future__ import annotations

import json

from kedge.backtest.record import limits_of
from kedge.model.limits import RiskConfig
from kedge.model.market_limits import MarketLimits

from .shell import Shell
from .test_bad_config import RISK

RUN = ("backtest", "sma_cross", "--data", "market.csv")
SYMBOLS = (
    '[risk.symbols.BTC-USD]\norder_quantity_max = "7"\n[market]\njump_bps_max = "none"\ntrade_silence_ms_max = 5000\n'
    '[market.symbols_jump_bps_max]\nBTC-USD = "900"\n'
)


def said(out: str) -> dict[str, list[str]]:
    """The lines about limits, each as what it names."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        whose, colon, limits = line.partition(": ")
        if colon and " limits" in whose:
            found[whose] = limits.split(", ")
    return found


def test_h61_every_limit_is_printed_either_with_its_value_or_as_not_set(shell: Shell) -> None:
    told: dict[str, list[str]] = {}
    for config in ("", RISK + SYMBOLS):
        options = ("--config", shell.write("k.toml", config)) if config else ()
        told = said(shell.done(*RUN, *options))
        for section, kind in (("risk", RiskConfig), ("market", MarketLimits)):
            named = [each.split(" ")[0] for each in told[f"{section} limits"]]
            named += told[f"{section} limits not set"]
            names = [name for name in kind.__struct_fields__ if not name.startswith("symbols")]
            assert sorted(named) == sorted(names), section
    assert told["risk limits of BTC-USD"] == ["order_quantity_max 7"]
    assert told["market limits of BTC-USD"] == ["jump_bps_max 900"]
    assert "order_notional_max 50000" in told["risk limits"]
    assert "jump_bps_max" in told["market limits not set"]
    assert "trade_silence_ms_max 5000" in told["market limits"]


def test_h61_machines_get_them_too_null_where_not_set(shell: Shell) -> None:
    shell.write("k.toml", RISK + SYMBOLS)
    limits = json.loads(shell.done(*RUN, "--config", "k.toml", "--json", "-"))["limits"]
    assert limits.keys() == {"risk", "market"}
    assert limits["risk"].keys() == set(RiskConfig.__struct_fields__)
    assert limits["risk"]["order_quantity_max"] == "1000"
    assert limits["risk"]["net_exposure_max"] is None
    assert limits["risk"]["symbols"] == {"BTC-USD": {"order_quantity_max": "7"}}
    assert limits["market"]["jump_bps_max"] is None
    assert limits["market"]["symbols_jump_bps_max"] == {"BTC-USD": "900"}


def test_a_run_without_limits_says_that_none_is_set(shell: Shell) -> None:
    told = said(shell.done(*RUN))
    assert "order_quantity_max" in told["risk limits not set"]
    assert "gross_exposure_max" in told["risk limits not set"]
    assert "risk limits of BTC-USD" not in told
    limits = json.loads(shell.done(*RUN, "--json", "-"))["limits"]
    assert limits == json.loads(json.dumps(limits_of(RiskConfig(), MarketLimits())))
