"""Strategies and parameters that are wrong: named, with the nearest right one; in a hook, disabled and the run goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .shell import Shell

RUN = ("--data", "market.csv", "--report", "r.html", "--journal", "j", "--json", "r.json")

HEAD = """from decimal import Decimal
from typing import Annotated
from kedge import BaseStrategy, Bounds, CancelOrders, Signal

class Mine(BaseStrategy):
    symbol: str = "BTC-USD"
"""
SYMBOLS = """
    def required_symbols(self):
        return [self.symbol]
"""


def define(head: str, body: str) -> str:
    """A method of the class."""
    return f"    def {head}:\n        {body}\n"


NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "a misspelt name": ("sma_crss", ("sma_crss", "did you mean sma_cross?")),
    "an unknown name": ("zzz", ("zzz", "shipped are", "breakout")),
    "an empty name": ("", ("shipped are",)),
    "a file without a class": ("mine.py", ("mine.py:MyStrategy",)),
    "a file that is not there": ("nowhere.py:Mine", ("nowhere.py", "check the path")),
    "a folder": ("folder.py:Mine", ("folder.py",)),
    "a module that is not there": ("no_such_module:Mine", ("no_such_module", "file.py:Class")),
    "a module without the class": ("json:Mine", ("json has no Mine",)),
    "no class": ("mine.py:", ("file.py:Class",)),
    "no module": (":Mine", ("file.py:Class",)),
    "a misspelt class": ("mine.py:Mien", ("Mien", "Mine")),
    "a class that is no strategy": ("mine.py:Decimal", ("Decimal", "BaseStrategy")),
    "a thing that is no class": ("mine.py:number", ("number", "BaseStrategy")),
    "a relative module": (".x:Mine", (".x",)),
    "a module with a strange name": ("a b:Mine", ("a b",)),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_that_cannot_be_found_is_refused(shell: Shell, name: str) -> None:
    shell.write("mine.py", HEAD + SYMBOLS + "\nnumber = 5\n")
    Path("folder.py").mkdir()
    named, words = NAMES[name]
    shell.refused(["backtest", named, *RUN], *words)
    if named:
        shell.refused(["strategies", named], *words)


FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no class at all": ("x = 1\n", ("no strategy class",)),
    "an empty file": ("", ("no strategy class",)),
    "a syntax error": ("class Mine(:\n    pass\n", ("SyntaxError", "line 1")),
    "a syntax error further down": (HEAD + SYMBOLS + "\nif x\n", ("SyntaxError", "line 11")),
    "wrong indentation": ("def f():\nreturn 1\n", ("IndentationError", "line 2")),
    "an unknown import": ("import no_such_thing\n", ("no_such_thing", "line 1")),
    "an unknown name in kedge": ("from kedge import Strategie\n", ("Strategie", "line 1")),
    "an exception at import": ("x = 1\ny = 1 / 0\n", ("ZeroDivisionError", "line 2")),
    "sys.exit at import": ("import sys\nsys.exit(0)\n", ("SystemExit", "line 2")),
    "endless recursion at import": ("def f():\n    f()\nf()\n", ("RecursionError",)),
    "null bytes": ("x = '\0'\n", ("mine.py", "does not load")),
    "a float parameter": (HEAD + "    size: float = 0.5\n" + SYMBOLS, ("size", "float", "Decimal")),
    "a parameter of a strange type": (HEAD + "    size: list[int] = [1]\n" + SYMBOLS, ("size", "list")),
    "a default out of its bounds": (HEAD + "    size: Annotated[int, Bounds(1, 5)] = 9\n" + SYMBOLS, ("size", "9", "5")),
    "an annotation that is not known": (HEAD + "    size: Unknown = 9\n" + SYMBOLS, ("Unknown",)),
    "an exception at construction": (HEAD + SYMBOLS + define("reset(self)", "self.nothing.x"), ("AttributeError", "line 11")),
    "a check that refuses": (HEAD + SYMBOLS + define("check(self)", "raise ValueError('no\\nway')"), ("no way",)),
    "sys.exit at construction": (HEAD + SYMBOLS + define("reset(self)", "raise SystemExit(0)"), ("SystemExit",)),
    "an own constructor": (HEAD + SYMBOLS + define("__init__(self, x)", "pass"), ("cannot be made",)),
    "a constructor that forgets its base": (
        HEAD + SYMBOLS + define("__init__(self, **kw)", "pass") + define("reset(self)", "self.view.now"), ("cannot be made",)
    ),
    "no required_symbols": (HEAD, ("required_symbols",)),
    "an exception in required_symbols": (HEAD + define("required_symbols(self)", "return 1 / 0"), ("ZeroDivisionError", "line 8")),
    "a text for symbols": (HEAD + define("required_symbols(self)", "return 'BTC-USD'"), ("BTC-USD", "list of symbols")),
    "a set of symbols": (HEAD + define("required_symbols(self)", "return {'BTC-USD'}"), ("list of symbols",)),
    "no symbols": (HEAD + define("required_symbols(self)", "return []"), ("list of symbols",)),
    "None for symbols": (HEAD + define("required_symbols(self)", "pass"), ("None", "list of symbols")),
    "numbers for symbols": (HEAD + define("required_symbols(self)", "return [5]"), ("5", "BTC-USD")),
    "symbols without data": (HEAD + define("required_symbols(self)", "return ['ETH-USD']"), ("ETH-USD", "BTC-USD", "give data")),
    "a name that is no text": (HEAD + SYMBOLS + define("name(self)", "return 5"), ("named 5", "text")),
    "an empty name": (HEAD + SYMBOLS + define("name(self)", "return ''"), ("name()",)),
    "a name with a line end": (HEAD + SYMBOLS + define("name(self)", "return 'a\\nb'"), ("name()",)),
    "a warm-up that is no number": (HEAD + SYMBOLS + define("warmup_bars(self)", "return 'ten'"), ("warmup_bars()", "ten")),
    "a negative warm-up": (HEAD + SYMBOLS + "    warmup = -1\n", ("warmup_bars()", "-1")),
    "an exception in the warm-up": (HEAD + SYMBOLS + define("warmup_bars(self)", "return 1 / 0"), ("ZeroDivisionError",)),
    "a history that is no number": (HEAD + SYMBOLS + "    history = 'all'\n", ("history", "all")),
    "terminal codes in an error": ("raise ValueError('\\x1b[2J\\u202e gone')\n", ("\\x1b", "\\u202e")),
    "an error of a million letters": ("raise ValueError('x' * 1_000_000)\n", ("ValueError", " ... ")),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_strategy_file_that_does_not_work_is_refused_with_its_line(shell: Shell, name: str) -> None:
    text, words = FILES[name]
    shell.write("mine.py", text)
    said = shell.refused(
        ["backtest", "mine.py:Mine", *RUN], "mine.py" if "symbols without" not in name else "Mine", *words
    )
    assert said.count("\x1b") == 0
    assert len(said) < 1_200


def test_a_strategy_file_that_is_not_utf8_is_refused(shell: Shell) -> None:
    shell.write("mine.py", b"x = '\xff'\n")
    shell.refused(["backtest", "mine.py:Mine", *RUN], "mine.py", "utf-8")


def test_a_file_of_a_strategy_is_run_as_it_is_now_and_leaves_nothing_behind(shell: Shell) -> None:
    for fast in ("3", "4"):
        shell.write("mine.py", HEAD + f"    fast: int = {fast}\n" + SYMBOLS)
        assert fast in shell.done("strategies", "mine.py:Mine")
    assert list(shell.files()) == ["market.csv", "mine.py"]


BODIES: dict[str, tuple[str, str]] = {
    "raises": ("1 / 0", "ZeroDivisionError"),
    "raises with a line end": ("raise ValueError('a\\nb')", "ValueError"),
    "raises markup": ("raise ValueError('[/red] [bold]')", "[/red] [bold]"),
    "asserts": ("assert False, 'never'", "AssertionError"),
    "returns a text": ("return 'buy'", "Signal"),
    "returns a number": ("return 5", "TypeError"),
    "returns a list of texts": ("return ['buy']", "Signal"),
    "returns a list of None": ("return [None]", "Signal"),
    "returns a class": ("return [Signal]", "Signal"),
    "returns a signal outside a list": ("return Signal.buy(self.symbol)", "TypeError"),
    "recurses": ("return self.on_candle(candle)", "RecursionError"),
    "asks for what is not there": ("return self.view.nothing", "AttributeError"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_strategy_that_fails_in_a_hook_is_disabled_and_the_run_goes_on(shell: Shell, name: str) -> None:
    body, said = BODIES[name]
    shell.write("mine.py", HEAD + SYMBOLS + define("on_candle(self, candle)", body))
    ran = shell("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j", "--report", "r.html")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "disabled" in ran.out
    assert said in ran.out
    disabled = shell.done("audit", "show", "j", "--kind", "strategy_disabled")
    assert disabled.startswith("1 records")
    assert "intact" in shell.done("audit", "verify", "j")
    assert "agrees" in shell.done("audit", "replay", "j")


#: Wishes that are well formed and cannot be met: they are refused, dropped or cut, and the run is judged as any other.
WISHES: dict[str, str] = {
    "nothing": "Signal.buy(self.symbol, Decimal(0))",
    "less than nothing": "Signal.buy(self.symbol, Decimal(-1))",
    "more than there is": "Signal.buy(self.symbol, Decimal('1e20'))",
    "less than a lot": "Signal.buy(self.symbol, Decimal('1e-20'))",
    "a price below zero": "Signal.buy(self.symbol, Decimal(1), price=Decimal(-5))",
    "another symbol": "Signal.buy('DOGE-USD', Decimal(1))",
    "an empty symbol": "Signal.buy('', Decimal(1))",
    "an unknown order type": "Signal.buy(self.symbol, Decimal(1), order_type='teleport')",
    "a stop without a price": "Signal.buy(self.symbol, Decimal(1), order_type='stop')",
    "a trail below zero": "Signal.sell(self.symbol, Decimal(1), trail=Decimal(-1))",
    "a stop loss above the price": "Signal.buy(self.symbol, stop_loss=candle.close * 2, take_profit=candle.close / 2)",
    "a close of nothing": "Signal.close(self.symbol)",
    "a cancel of nothing": "CancelOrders(order_id='none')",
    "a cancel of a strange symbol": "CancelOrders('DOGE-USD')",
}


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_that_cannot_be_met_harms_nothing(shell: Shell, name: str) -> None:
    shell.write("mine.py", HEAD + SYMBOLS + define("on_candle(self, candle)", f"return [{WISHES[name]}]"))
    ran = shell("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j", "--report", "r.html")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "intact" in shell.done("audit", "verify", "j")
    assert "agrees" in shell.done("audit", "replay", "j")


#: Wishes whose values are none: the core must disable the strategy, as it does when a hook raises.
IMPOSSIBLE: dict[str, str] = {
    "a float": "Signal.buy(self.symbol, 0.5)",
    "a text": "Signal.buy(self.symbol, 'one')",
    "NaN": "Signal.buy(self.symbol, Decimal('NaN'))",
    "an infinite quantity": "Signal.buy(self.symbol, Decimal('Infinity'))",
    "a price of NaN": "Signal.buy(self.symbol, Decimal(1), price=Decimal('NaN'))",
    "a target of NaN": "Signal.to_target(self.symbol, Decimal('NaN'))",
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_strategy_that_wishes_the_impossible_is_disabled(shell: Shell, name: str) -> None:
    shell.write("mine.py", HEAD + SYMBOLS + define("on_candle(self, candle)", f"return [{IMPOSSIBLE[name]}]"))
    ran = shell("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "disabled" in ran.out
    assert "agrees" in shell.done("audit", "replay", "j")


@pytest.mark.parametrize("wish", ["Decimal('1e5000')", "Decimal(1), time_in_force='never'"])
def test_a_strategy_that_wishes_the_absurd_is_disabled(shell: Shell, wish: str) -> None:
    shell.write(
        "mine.py", HEAD + SYMBOLS + define("on_candle(self, candle)", f"return [Signal.buy(self.symbol, {wish})]")
    )
    ran = shell("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", "j")
    assert (ran.code, ran.err) == (0, ""), ran
    assert "disabled" in ran.out
    assert "agrees" in shell.done("audit", "replay", "j")


def test_a_time_in_force_may_be_given_as_text(shell: Shell) -> None:
    for text in ("'ioc'", "TimeInForce.IOC"):
        order = f"Signal.buy(self.symbol, Decimal(1), price=candle.close / 2, time_in_force={text})"
        source = (
            "from kedge import TimeInForce\n" + HEAD + SYMBOLS + define("on_candle(self, candle)", f"return [{order}]")
        )
        shell.write("mine.py", source)
        shell.done("backtest", "mine.py:Mine", "--data", "market.csv", "--journal", text)
        assert "not filled at once" in shell.done("audit", "show", text, "--kind", "order_expired"), text


def test_a_strategy_that_leaves_the_process_is_refused_and_nothing_stays(shell: Shell) -> None:
    shell.write("mine.py", HEAD + SYMBOLS + define("on_candle(self, candle)", "raise SystemExit(0)"))
    shell.refused(["backtest", "mine.py:Mine", *RUN], "mine.py:Mine", "sys.exit(0)")


def test_what_a_strategy_prints_does_not_get_into_the_json(shell: Shell) -> None:
    shell.write("mine.py", "print('import')\n" + HEAD + SYMBOLS + define("on_candle(self, candle)", "print('hook')"))
    ran = shell("backtest", "mine.py:Mine", "--data", "market.csv", "--json", "-")
    assert ran.out.startswith("{")
    assert ran.err.startswith("import\nhook\n")


PARAMETERS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "a misspelt parameter": (["fsat=3"], ("fsat", "did you mean fast?")),
    "an unknown parameter": (["zzz=3"], ("zzz", "it has")),
    "no value": (["fast"], ("fast", "name=value")),
    "no name": (["=3"], ("name=value",)),
    "an empty value": (["fast="], ("fast", "number")),
    "given twice": (["fast=3", "fast=4"], ("fast", "twice")),
    "below its bound": (["fast=0"], ("fast", "0", ">= 1")),
    "above its bound": (["slow=100000000"], ("slow", "<=")),
    "a fraction": (["fast=2.5"], ("fast", "2.5", "whole number")),
    "a text": (["fast=ten"], ("fast", "ten", "number")),
    "NaN": (["fast=nan"], ("fast", "nan", "number")),
    "infinity": (["fast=inf"], ("fast", "inf", "number")),
    "an absurd exponent": (["fast=1e999999999"], ("fast", "1e999999999")),
    "fast above slow": (["fast=30", "slow=10"], ("fast", "slow")),
    "fast as slow": (["fast=10", "slow=10"], ("fast", "slow")),
    "a symbol without data": (["symbol=ETH-USD"], ("ETH-USD", "BTC-USD")),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_wrong_parameter_is_refused(shell: Shell, name: str) -> None:
    given_, words = PARAMETERS[name]
    options = [part for each in given_ for part in ("--param", each)]
    shell.refused(["backtest", "sma_cross", *RUN, *options], *words)


@pytest.mark.parametrize(
    ("strategy", "parameter", "words"),
    [
        ("mean_reversion", "num_std=-1", ("num_std", "-1")),
        ("mean_reversion", "num_std=1e-400", ("num_std", "1e-400")),
        ("rsi", "window=0", ("window", "0")),
        ("breakout", "window=x", ("window", "x")),
        ("grid", "levels=-3", ("levels", "-3")),
        ("market_making", "bogus=maybe", ("bogus",)),
        ("pairs", "symbol=BTC-USD", ("ETH-USD",)),
    ],
)
def test_each_shipped_strategy_refuses_what_does_not_fit(
    shell: Shell, strategy: str, parameter: str, words: tuple[str, ...]
) -> None:
    shell.refused(["backtest", strategy, *RUN, "--param", parameter], *words)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(max_size=80) | st.binary(max_size=80))
def test_any_bytes_as_a_strategy_file_give_one_line(shell: Shell, text: str | bytes) -> None:
    shell.write("any.py", text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    modules = set(sys.modules)
    shell.refused(["backtest", "any.py:Mine", *RUN], "any.py")
    assert set(sys.modules) - modules <= {name for name in sys.modules if name.startswith("kedge_user_")}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_as_a_parameter_gives_one_line_or_a_run(shell: Shell, text: str) -> None:
    ran = shell("backtest", "sma_cross", "--data", "market.csv", "--param", text)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    ran = shell("backtest", "mean_reversion", "--data", "market.csv", "--param", f"num_std={text}")
    assert ran.code in (0, 2), ran
    assert len(ran.err.splitlines()) == (1 if ran.code else 0), ran
