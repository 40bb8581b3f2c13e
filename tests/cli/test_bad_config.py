"""A configuration that is wrong: every key and value is named, a misspelt one with the nearest, and no run begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from kedge.cli.config import BacktestSettings, FileConfig, TradingConfig
from kedge.model.instrument import Instrument
from kedge.model.limits import REQUIRED, RiskConfig, SymbolLimits
from kedge.model.market_limits import MarketLimits

from .shell import Shell

RISK = """[risk]
order_quantity_max = "1000"
order_notional_max = "50000"
orders_per_second_max = 5
orders_open_max = 10
price_collar_bps_max = "300"
reference_age_ms_max = 172800000
position_quantity_max = "1000"
gross_exposure_max = "50000"
daily_loss_max = "2000"
"""
RUN = ("backtest", "sma_cross", "--data", "market.csv", "--config", "k.toml", "--report", "r.html", "--journal", "j")

CONFIGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "empty": ("", ("[risk]", *REQUIRED)),
    "not TOML": ("risk: {a: 1}", ("not TOML", "line 1")),
    "a half sentence": (RISK + "x = ", ("not TOML", "end of document")),
    "a key twice": (RISK + "orders_open_max = 3\n", ("not TOML", "line 11")),
    "a section twice": (RISK + "[backtest]\n[backtest]\n", ("not TOML",)),
    "no risk": ("[backtest]\ncapital = 5\n", ("[risk]", "order_quantity_max")),
    "an unknown section": (RISK + "[bactest]\ncapital = 5\n", ("bactest", "did you mean backtest?")),
    "another unknown section": (RISK + "[zzz]\n", ("zzz", "backtest, instruments, market, risk")),
    "an unknown limit": (RISK + "order_quantitty_max = 5\n", ("risk.order_quantitty_max", "did you mean order_quantity_max?")),
    "an unknown setting": (RISK + "[backtest]\ncapitol = 5\n", ("backtest.capitol", "did you mean capital?")),
    "an unknown symbol's limit": (
        RISK + "[risk.symbols.BTC-USD]\norder_notional = 5\n",
        ("risk.symbols.BTC-USD.order_notional", "did you mean order_notional_max?"),
    ),
    "an unknown instrument's rule": (
        RISK + "[instruments.BTC-USD]\ntick = 5\n", ("instruments.BTC-USD.tick", "did you mean tick_size?")
    ),
    "a symbol in the rules": (RISK + '[instruments.BTC-USD]\nsymbol = "ETH-USD"\n', ("instruments.BTC-USD.symbol",)),
    "a text for a number": (RISK.replace('"1000"', '"many"', 1), ("risk.order_quantity_max", "'many'", "a number")),
    "a truth for a number": (RISK.replace('"1000"', "true", 1), ("risk.order_quantity_max", "True", "a number")),
    "a list for a number": (RISK.replace('"1000"', "[1, 2]", 1), ("risk.order_quantity_max", "a number")),
    "a table for a number": (RISK.replace('"1000"', "{a = 1}", 1), ("risk.order_quantity_max", "a number")),
    "a date for a number": (RISK.replace('"1000"', "2024-01-01", 1), ("risk.order_quantity_max",)),
    "a fraction for a count": (RISK.replace("= 10\n", "= 10.5\n"), ("risk.orders_open_max", "10.5", "a whole number")),
    "a negative limit": (RISK.replace('"1000"', '"-1"', 1), ("order_quantity_max", "-1", "not be below zero")),
    "a negative count": (RISK.replace("= 10\n", "= -10\n"), ("orders_open_max", "-10")),
    "a negative symbol limit": (
        RISK + '[risk.symbols.BTC-USD]\norder_notional_max = "-5"\n', ("risk.symbols.BTC-USD.order_notional_max", "-5")
    ),
    "NaN": (RISK.replace('"1000"', "nan", 1), ("risk.order_quantity_max", "finite")),
    "infinity": (RISK.replace('"1000"', "inf", 1), ("risk.order_quantity_max", "finite")),
    "NaN in quotes": (RISK.replace('"1000"', '"NaN"', 1), ("risk.order_quantity_max", "NaN", "finite")),
    "a signalling NaN": (RISK.replace('"1000"', '"sNaN"', 1), ("risk.order_quantity_max", "sNaN", "finite")),
    "minus infinity in quotes": (RISK.replace('"1000"', '"-Infinity"', 1), ("risk.order_quantity_max", "-Infinity", "finite")),
    "an absurd exponent": (RISK.replace('"1000"', "1e999999999", 1), ("risk.order_quantity_max", "1e30")),
    "an absurd exponent in quotes": (RISK.replace('"1000"', '"1e999999999"', 1), ("risk.order_quantity_max", "1e30")),
    "an absurd count": (RISK.replace("= 10\n", "= 1" + "0" * 50 + "\n"), ("risk.orders_open_max", "1e30")),
    "a number of ten thousand digits": (RISK.replace("= 10\n", "= 1" + "0" * 10_000 + "\n"), ("k.toml",)),
    "an unknown loss action": (RISK + 'loss_action = "pray"\n', ("loss_action", "pray", "halt", "flatten")),
    "a number for a text": (RISK + "loss_action = 5\n", ("risk.loss_action", "5")),
    "risk is no table": ("risk = 5\n", ("risk", "5", "table")),
    "backtest is no table": ("backtest = 5\n" + RISK, ("backtest", "5", "table")),
    "instruments is no table": ("instruments = 5\n" + RISK, ("instruments", "5", "table")),
    "an instrument is no table": (RISK + "[instruments]\nBTC-USD = 5\n", ("instruments",)),
    "symbols is no table": (RISK + "symbols = 5\n", ("risk.symbols", "5")),
    "a symbol is no table": (RISK + "[risk.symbols]\nBTC-USD = 5\n", ("risk.symbols.BTC-USD", "5")),
    "no capital": (RISK + "[backtest]\ncapital = 0\n", ("capital", "0", "> 0")),
    "negative capital": (RISK + '[backtest]\ncapital = "-5"\n', ("capital", "-5", "> 0")),
    "a fee above the price": (RISK + "[backtest]\nfee = 2\n", ("fee", "2", "<= 1")),
    "a maker fee above the price": (RISK + "[backtest]\nmaker_fee = 2\n", ("maker_fee", "2", "<= 1")),
    "no participation": (RISK + "[backtest]\nparticipation = 0\n", ("participation", "0")),
    "no leverage": (RISK + "[backtest]\nleverage = 0\n", ("leverage", "0")),
    "a latency into the past": (RISK + "[backtest]\nlatency_ms = -1\n", ("latency", "-1")),
    "a fraction of a latency": (RISK + "[backtest]\nlatency_ms = 1.5\n", ("backtest.latency_ms", "1.5")),
    "an instrument that is no symbol": (RISK + "[instruments.BTCUSD]\ntick_size = 1\n", ("instruments.BTCUSD", "BTC-USD")),
    "a tick of nothing": (RISK + "[instruments.BTC-USD]\ntick_size = 0\n", ("BTC-USD", "tick_size", "above zero")),
    "a lot of NaN": (RISK + "[instruments.BTC-USD]\nlot_size = nan\n", ("instruments.BTC-USD.lot_size", "finite")),
    "a negative least order": (RISK + '[instruments.BTC-USD]\nmin_notional = "-1"\n', ("min_notional", "-1")),
    "an unknown kind": (RISK + '[instruments.BTC-USD]\nkind = "option"\n', ("instruments.BTC-USD.kind", "option")),
    "an instrument's fee above the price": (RISK + "[instruments.BTC-USD]\ntaker_fee = 10\n", ("taker_fee", "10")),
    "an instrument nobody trades": (RISK + "[instruments.BTC-USDT]\ntick_size = 1\n", ("instruments.BTC-USDT", "BTC-USD")),
    "limits of a symbol nobody trades": (
        RISK + "[risk.symbols.BTC-USDT]\norder_notional_max = 1\n", ("risk.symbols.BTC-USDT", "BTC-USD")
    ),
    "limits of a symbol like no other": (
        RISK + "[risk.symbols.DOGE-EUR]\norder_notional_max = 1\n", ("risk.symbols.DOGE-EUR", "BTC-USD", "remove it")
    ),
    "an unknown market limit": (RISK + "[market]\njump_bps = 5\n", ("market.jump_bps", "did you mean jump_bps_max?")),
    "a market limit of nothing": (RISK + "[market]\njump_bps_max = 0\n", ("jump_bps_max", "0", "above zero")),
    "a market limit that is no number": (RISK + '[market]\nage_ms_max = "soon"\n', ("market.age_ms_max", "soon", "whole number")),
    "a market limit that must be there": (RISK + '[market]\nage_ms_max = "none"\n', ("market.age_ms_max", "none", "whole number")),
    "a market limit of NaN": (RISK + "[market]\njump_bps_max = nan\n", ("market.jump_bps_max", "finite")),
    "half a confirmation": (RISK + "[market]\njump_confirmations_min = 1.5\n", ("market.jump_confirmations_min", "1.5")),
    "market is no table": ("market = 5\n" + RISK, ("market", "5", "table")),
    "a jump of a symbol nobody trades": (
        RISK + "[market.symbols_jump_bps_max]\nBTC-USDT = 100\n", ("market.symbols_jump_bps_max.BTC-USDT", "BTC-USD")
    ),
    "a jump of a symbol that is no number": (
        RISK + '[market.symbols_jump_bps_max]\nBTC-USD = "big"\n', ("market.symbols_jump_bps_max.BTC-USD", "big")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration_is_refused(shell: Shell, name: str) -> None:
    text, words = CONFIGS[name]
    shell.write("k.toml", text)
    shell.refused(RUN, *words)


@pytest.mark.parametrize("limit", REQUIRED)
def test_c32_a_required_limit_may_not_be_missing(shell: Shell, limit: str) -> None:
    shell.write("k.toml", "".join(line for line in RISK.splitlines(keepends=True) if not line.startswith(limit)))
    shell.refused(RUN, "k.toml", limit, "must be set")


def test_a_configuration_that_is_no_text_is_refused(shell: Shell) -> None:
    shell.refused(RUN, "k.toml", "kedge init")
    shell.write("k.toml", b"\xff\xfe" + RISK.encode("utf-16-le"))
    shell.refused(RUN, "k.toml", "utf-8")
    Path("k.toml").unlink()
    Path("k.toml").mkdir()
    shell.refused(RUN, "k.toml", "cannot be read")


def test_each_field_of_the_file_can_be_set_and_is_then_in_force(shell: Shell) -> None:
    instrument = '[instruments.BTC-USD]\nkind = "perpetual"\ntick_size = 0.5\nshortable = true\nmax_leverage = "2"\n'
    shell.write("k.toml", RISK + '[backtest]\ncapital = 5000\nfee = 0.002\nslippage_bps = "7"\n' + instrument)
    out = shell.done(
        "backtest", "sma_cross", "--data", "market.csv", "--config", "k.toml", "--fee", "0.003", "--json", "-"
    )
    assert '"initial_capital": "5000"' in out
    assert '"fee_rate": "0.003"' in out
    assert '"slippage_bps": "7"' in out


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRADING_DB_URI", "x", ("TRADING_DB_URI", "did you mean TRADING_DB_URL?")),
        ("TRADING_ZZZ", "x", ("TRADING_ZZZ", "known are")),
        ("TRADING_", "x", ("TRADING_", "known are")),
    ],
)
@pytest.mark.parametrize(
    "command", ["backtest sma_cross --data market.csv", "demo", "data list", "data import market.csv"]
)
def test_an_unknown_variable_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv(name, value)
    shell.refused(command.split(), *words)


def test_a_key_file_that_cannot_be_used_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ("backtest", "sma_cross", "--data", "market.csv", "--journal", "j")
    shell.write("short.key", "abc\n")
    Path("short.key").chmod(0o600)
    monkeypatch.setenv("TRADING_JOURNAL_KEY_FILE", "short.key")
    shell.refused(run, "short.key", "64 hex digits")
    Path("short.key").chmod(0o644)
    shell.refused(run, "short.key", "chmod 600")
    shell.write("a", "")
    monkeypatch.setenv("TRADING_JOURNAL_KEY_FILE", "a/b/key")
    shell.refused(run, "a/b/key", "TRADING_JOURNAL_KEY_FILE", code=3)


def test_a_secret_of_the_environment_is_never_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_EXCHANGE_API_SECRET", "hunter2-hunter2")
    monkeypatch.setenv("TRADING_EXCHANGE_API_SECRT", "hunter3-hunter3")
    assert "hunter" not in shell.refused(["demo"], "TRADING_EXCHANGE_API_SECRT")
    monkeypatch.delenv("TRADING_EXCHANGE_API_SECRT")
    assert "hunter" not in shell.done("demo", "--bars", "150")
    assert not [name for name, content in shell.files().items() if content and b"hunter" in content]
    assert "hunter" not in repr(TradingConfig.from_environment({"TRADING_EXCHANGE_API_KEY": "hunter2"}))


def test_c29_every_section_refuses_unknown_keys() -> None:
    for kind in (FileConfig, BacktestSettings, RiskConfig, SymbolLimits, MarketLimits):
        assert kind.__struct_config__.forbid_unknown_fields, kind
    assert not Instrument.__struct_config__.forbid_unknown_fields  # so the reader of [instruments] looks itself


SECTIONS: dict[str, type[Struct]] = {
    "risk": RiskConfig,
    "backtest": BacktestSettings,
    "market": MarketLimits,
    "risk.symbols.BTC-USD": SymbolLimits,
    "instruments.BTC-USD": Instrument,
}
TYPOS = st.sampled_from([
    lambda key, at: key[:at] + key[at + 1 :],
    lambda key, at: key[:at] + key[at] + key[at:],
    lambda key, at: key[:at] + "_" + key[at:],
    lambda key, at: key[:at] + key[at].upper() + key[at + 1 :],
    lambda key, at: key + " ",
    lambda key, at: " " + key,
    lambda key, at: key.replace("_", "-"),
    lambda key, at: key[: max(at - 1, 0)] + key[max(at - 1, 0) : at + 1][::-1] + key[at + 1 :],
])  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(section=st.sampled_from(sorted(SECTIONS)), data=st.data(), typo=TYPOS)
def test_h61_a_misspelt_key_is_never_ignored(
    shell: Shell, section: str, data: st.DataObject, typo: Callable[[str, int], str]
) -> None:
    known = SECTIONS[section].__struct_fields__
    key = data.draw(st.sampled_from(known))
    misspelt = typo(key, data.draw(st.integers(0, len(key) - 1)))
    assume(misspelt not in known)
    shell.write("k.toml", RISK + ("" if section == "risk" else f"[{section}]\n") + f'"{misspelt}" = 1\n')
    shell.refused(RUN, "k.toml", f"unknown key '{section}.{misspelt}'")


def test_h61_a_misspelt_section_is_never_ignored(shell: Shell) -> None:
    for misspelt in ("Risk", "risks", "backtests", "instrument", "back_test", '"risk "', '"backtest "'):
        shell.write("k.toml", RISK + f"[{misspelt}]\n")
        shell.refused(RUN, "k.toml", misspelt.strip('" '))


_FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
LETTERS = st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="'")
VALUES = st.one_of(
    st.integers(),
    st.floats().map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text(LETTERS, max_size=12).map(lambda text: f"'{text}'"),
    st.just("[]"),
    st.just("{}"),
    st.just("2024-01-01T00:00:00Z"),
)  # fmt: skip
KINDS = (RiskConfig, BacktestSettings, SymbolLimits, Instrument)
KEYS = sorted({name for kind in KINDS for name in kind.__struct_fields__})


@_FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes_as_a_configuration_give_one_line(shell: Shell, data: bytes) -> None:
    shell.write("k.toml", data)
    shell.refused(RUN, "k.toml")


@_FUZZ
@given(
    section=st.sampled_from(
        ["risk", "backtest", "risk.symbols.BTC-USD", "instruments.BTC-USD", "instruments.X", "zzz"]
    ),
    key=st.sampled_from(KEYS),
    value=VALUES,
)
def test_any_value_of_any_key_is_taken_or_refused_with_one_line(
    shell: Shell, section: str, key: str, value: object
) -> None:
    lines = RISK
    if section == "risk":
        lines = "".join(line for line in RISK.splitlines(keepends=True) if line.split(" ")[0] != key)
    else:
        lines += f"[{section}]\n"
    shell.write("k.toml", lines + f"{key} = {value}\n")
    ran = shell("backtest", "sma_cross", "--data", "market.csv", "--config", "k.toml")
    assert ran.code in (0, 2), ran
    assert len(ran.err.splitlines()) == (1 if ran.code else 0), ran
