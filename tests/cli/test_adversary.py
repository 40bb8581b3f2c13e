"""What an adversary and a hurried user typed, each of which once did harm: destroyed, hung, lied or blamed the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from .shell import WAVES, Shell, candles
from .test_bad_config import RISK

RUN = ("backtest", "sma_cross", "--data", "market.csv")
HEAD = "from decimal import Decimal\nfrom kedge import *\n\n\nclass Mine(BaseStrategy):\n"
SYMBOLS = "    def required_symbols(self): return ['BTC-USD']\n"


def strategy(body: str) -> str:
    return HEAD + SYMBOLS + "".join(f"    {line}\n" for line in body.splitlines())


@pytest.mark.parametrize("option", ["--report", "--json"])
@pytest.mark.parametrize("target", ["market.csv", "k.toml", "mine.py", "./market.csv", "link", "key"])
def test_nothing_is_written_over_a_file_that_the_run_reads(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, option: str, target: str
) -> None:
    shell.write("mine.py", strategy("pass"))
    shell.write("k.toml", RISK)
    shell.write("key", "0" * 64)
    Path("key").chmod(0o600)
    monkeypatch.setenv("TRADING_JOURNAL_KEY_FILE", "key")
    Path("link").symlink_to("market.csv")
    run = ("backtest", "mine.py:Mine", "--data", "ETH-USD=market.csv", "--data", "market.csv", "--config", "k.toml")
    shell.refused([*run, option, target], option, target.removeprefix("./"), "this run reads")


def test_nothing_is_written_into_a_journal_that_is_looked_at(shell: Shell) -> None:
    shell.done(*RUN, "--journal", "j")
    for words in (("verify", "j"), ("replay", "j"), ("explain", "j", "bt-1-40"), ("show", "j")):
        for target in ("j/audit-2024-01-01.jsonl", "j/epoch", "j/new.json", "../here/j/new.json"):
            shell.refused(["audit", *words, "--json", target], "inside the journal j")


def test_data_is_not_replaced_by_what_is_found_in_it(shell: Shell) -> None:
    shell.refused(["data", "check", "market.csv", "--json", "market.csv"], "market.csv", "this run reads")
    shell.refused(
        ["data", "import", "market.csv", "--symbol", "BTC-USD", "--venue", "v", "--json", "market.csv"], "market.csv"
    )
    shell.refused(["demo", "--bars", "150", "--csv", "a", "--json", "./a"], "--csv and --json both name")


def test_an_output_that_ends_like_a_directory_is_none(shell: Shell) -> None:
    for option in ("--report", "--json"):
        shell.refused([*RUN, option, "new/"], option, "new/", "name a file")


def test_an_empty_name_of_a_configuration_is_not_no_configuration(shell: Shell) -> None:
    """`--config "$CONFIG"` with an unset variable must not run without limits."""
    shell.refused([*RUN, "--config", ""], "configuration file", "cannot be read")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 3_000 + "]" * 3_000 + "\n", ("k.toml", "nested too deeply")),
        (RISK.replace("= 10\n", "= 99999999999999999999999\n"), ("orders_open_max", "leave it out")),
        (RISK + "[market]\ntrade_silence_ms_max = 9999999999999999999\n", ("trade_silence_ms_max", "leave it out")),
        (RISK + "[backtest]\nlatency_ms = 99999999999999999999\n", ("--latency-ms", "86400000")),
        (RISK + "[instruments.btc-usd]\ntick_size = 1\n", ("instruments.btc-usd", "BTC-USD")),
        (RISK + "[instruments.BTC-USD]\nmin_quantity = 5\nmax_quantity = 1\n", ("max_quantity is 1", "min_quantity 5")),
    ],
)
def test_a_configuration_that_once_did_something_else_than_it_says(
    shell: Shell, text: str, words: tuple[str, ...]
) -> None:
    shell.write("k.toml", text)
    shell.refused([*RUN, "--config", "k.toml"], *words)


def test_a_latency_of_years_is_a_slip_of_the_pen(shell: Shell) -> None:
    shell.refused([*RUN, "--latency-ms", "86400001"], "--latency-ms", "86400001")
    shell.refused([*RUN, "--latency-ms", "60001"], "--latency-ms", "60001", "age_ms_max")
    shell.write("k.toml", RISK + "[market]\nage_ms_max = 100000\n")
    shell.done(*RUN, "--latency-ms", "60001", "--config", "k.toml")


def test_a_file_that_is_newest_first_is_refused_with_the_remedy(shell: Shell) -> None:
    head, *rows = candles(WAVES).splitlines()
    shell.write("x.csv", "\n".join([head, *reversed(rows)]) + "\n")
    run = ("backtest", "sma_cross", "--data", "x.csv", "--journal", "j", "--report", "r.html")
    shell.refused(run, "out_of_order 199", "oldest first")


def test_a_file_of_which_nothing_is_believed_is_no_result(shell: Shell) -> None:
    shell.write("x.csv", candles(WAVES, spread=-1))
    shell.refused(("backtest", "sma_cross", "--data", "x.csv"), "high_below_low 200", "kedge data check")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def on_candle(self, c): raise GeneratorExit", ("GeneratorExit", "derive it from Exception")),
        ("class Odd(BaseException): pass\ndef on_candle(self, c): raise self.Odd", ("Odd", "derive it from Exception")),
        (
            "calls = 0\ndef name(self):\n    Mine.calls += 1\n    return 'x' if Mine.calls < 4 else 1 / 0",
            ("ZeroDivisionError",),
        ),
        ("history = 10**30", ("history", "1000000 at most")),
    ],
)
def test_a_strategy_is_blamed_for_what_is_its_own(shell: Shell, body: str, words: tuple[str, ...]) -> None:
    shell.write("mine.py", strategy(body))
    shell.refused(("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j"), *words)


BUY = "Signal.buy('BTC-USD', Decimal(1), {})"
DISABLED: dict[str, tuple[str, str]] = {
    "wishes without an end": ("while True:\n        yield Signal.buy('BTC-USD', Decimal(1))", "more than 10000 wishes"),
    "a reason of a megabyte": (f"return [{BUY.format('reason=chr(120) * 1_000_000')}]", "reason"),
    "a reason nobody can write": (f"return [{BUY.format('reason=chr(0xD800)')}]", "reason"),
    "a reason that is no text": (f"return [{BUY.format('reason=object()')}]", "reason of a object"),
    "a tag that is no text": (f"return [{BUY.format('tag=3')}]", "tag of 3"),
    "a group that is no text": (f"return [{BUY.format('group=[1]')}]", "group of a list"),
    "an expiry of no clock": (f"return [{BUY.format('expires_ns=10**40')}]", "expires_ns"),
    "an expiry in fractions": (f"return [{BUY.format('expires_ns=1e18')}]", "expires_ns"),
    "post-only in words": (f"return [{BUY.format('post_only=str()')}]", "post_only"),
    "a symbol that is a number": ("return [Signal.buy(5, Decimal(1))]", "symbol of 5"),
    "a cancel of nothing": ("return [CancelOrders(5, {})]", "symbol of 5"),
    "a thing from elsewhere": ("return [object()]", "returned a object"),
    "an exception without text": ("raise type('Odd', (Exception,), {'__str__': lambda s: 1 / 0})()", "Odd: (it has no text)"),
    "an exception nobody can write": ("raise ValueError(chr(0xD800))", "ValueError"),
}  # fmt: skip


@pytest.mark.parametrize("name", DISABLED)
def test_a_strategy_that_asks_for_nonsense_is_disabled_and_the_journal_is_whole(shell: Shell, name: str) -> None:
    body, words = DISABLED[name]
    shell.write("mine.py", strategy("def on_candle(self, c):\n    " + body))
    run = ("backtest", "mine.py:Mine", "--data", "market.csv")
    for journal in ("one", "two"):
        out = shell.done(*run, "--journal", journal)
        assert "was disabled during the run" in out
        assert words in out
    assert "intact" in shell.done("audit", "verify", "one")
    assert "agrees" in shell.done("audit", "replay", "one")
    files = shell.files()
    for file in [file for file in files if file.startswith("one/audit")]:
        assert files[file] == files[file.replace("one/", "two/")], file
