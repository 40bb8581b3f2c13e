"""Commands, options and places to write to that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .shell import Shell

RUN = ("backtest", "sma_cross", "--data", "market.csv", "--report", "r.html", "--journal", "j", "--json", "r.json")

USAGE: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "a misspelt command": (["bactest"], ("bactest", "did you mean backtest?")),
    "an unknown command": (["zzz"], ("zzz", "demo, backtest")),
    "an unknown option of kedge": (["--zzz"], ("--zzz", "kedge --help")),
    "a misspelt data command": (["data", "chekc"], ("chekc", "did you mean check?")),
    "a misspelt audit command": (["audit", "verfy", "j"], ("verfy", "did you mean verify?")),
    "an unknown audit command": (["audit", "zzz"], ("zzz", "explain, replay, show, verify")),
    "a misspelt option": (["backtest", "sma_cross", "--dta", "x"], ("--dta", "--data")),
    "an unknown option": (["demo", "--zzz"], ("--zzz",)),
    "an option without its value": (["backtest", "sma_cross", "--data"], ("--data", "requires an argument", "--help")),
    "no strategy": (["backtest", "--data", "market.csv"], ("STRATEGY", "kedge backtest --help")),
    "no data": (["backtest", "sma_cross"], ("--data", "kedge backtest --help")),
    "one argument too many": (["backtest", "sma_cross", "more", "--data", "market.csv"], ("more", "kedge backtest --help")),
    "no directory": (["audit", "verify"], ("DIR", "kedge audit verify --help")),
    "no order": (["audit", "explain", "j"], ("ORDER_ID",)),
    "no file": (["data", "check"], ("FILE", "kedge data check --help")),
    "no folder": (["init"], ("DIR",)),
    "too few bars": (["demo", "--bars", "5"], ("--bars", "100")),
    "bars that are no number": (["demo", "--bars", "many"], ("--bars", "many")),
    "a seed that is no number": (["demo", "--seed", "x"], ("--seed", "x")),
    "a gap of nothing": (["data", "check", "market.csv", "--max-gap-seconds", "0"], ("--max-gap-seconds",)),
    "no deviation": (["data", "check", "market.csv", "--outlier-std", "0"], ("--outlier-std", "above zero")),
    "deviations that are no number": (["data", "check", "market.csv", "--outlier-std", "x"], ("--outlier-std", "x")),
    "deviations of NaN": (["data", "check", "market.csv", "--outlier-std", "nan"], ("--outlier-std", "nan")),
    "no records": (["audit", "show", "j", "--limit", "0"], ("--limit",)),
    "a venue that names no folder": (["data", "import", "market.csv", "--venue", "../x"], ("../x", "letters")),
    "a symbol that names no folder": (["data", "import", "market.csv", "--symbol", "a/b"], ("a/b", "letters")),
    "a catalogue that is a file": (["data", "list", "--catalogue", "market.csv"], ("market.csv", "not a directory")),
}  # fmt: skip

OPTIONS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no capital": (["--capital", "0"], ("--capital", "0", "> 0")),
    "negative capital": (["--capital", "-5"], ("--capital", "-5", "> 0")),
    "capital of NaN": (["--capital", "nan"], ("--capital", "nan", "finite")),
    "endless capital": (["--capital", "inf"], ("--capital", "inf", "finite")),
    "capital in words": (["--capital", "a lot"], ("--capital", "a lot", "decimal number")),
    "capital with a thousands mark": (["--capital", "10,000"], ("--capital", "10,000", "decimal number")),
    "capital of nothing": (["--capital", ""], ("--capital", "decimal number")),
    "absurd capital": (["--capital", "1e999999999"], ("--capital", "1e30")),
    "a fee above the price": (["--fee", "1.5"], ("--fee", "1.5", "<= 1")),
    "a fee in percent": (["--fee", "0.1%"], ("--fee", "0.1%", "decimal number")),
    "a fee of NaN": (["--fee", "NaN"], ("--fee", "NaN", "finite")),
    "negative slippage": (["--slippage-bps", "-1"], ("--slippage-bps", "-1", ">= 0")),
    "slippage above the price": (["--slippage-bps", "10001"], ("--slippage-bps", "10001")),
    "slippage in words": (["--slippage-bps", "some"], ("--slippage-bps", "some")),
    "no leverage": (["--leverage", "0"], ("--leverage", "0", "> 0")),
    "negative leverage": (["--leverage", "-3"], ("--leverage", "-3", "> 0")),
    "leverage in words": (["--leverage", "10x"], ("--leverage", "10x")),
    "latency into the past": (["--latency-ms", "-1"], ("--latency-ms", "-1")),
    "a fraction of latency": (["--latency-ms", "1.5"], ("--latency-ms", "1.5")),
    "a start that is no time": (["--start", "soon"], ("--start", "soon", "2024-01-31")),
    "a start that does not exist": (["--start", "2024-02-30"], ("--start", "2024-02-30")),
    "an end that is no time": (["--end", "31.12.2024"], ("--end", "31.12.2024", "2024-01-31")),
    "a start after the end": (["--start", "2024-01-05", "--end", "2024-01-02"], ("--start 2024-01-05", "--end 2024-01-02")),
    "a start at the end": (["--start", "2024-01-05", "--end", "2024-01-05"], ("--start 2024-01-05",)),
    "a period after the data": (["--start", "2030-01-01"], ("start", "another period")),
    "a period before the data": (["--end", "2000-01-01"], ("end", "another period")),
    "a year of other calendars": (["--start", "0001-01-01"], ("--start", "0001-01-01")),
    "the same symbol twice": (["--data", "market.csv"], ("BTC-USD twice", "--data ETH-USD=FILE")),
    "the same name twice": (["--data", "BTC-USD=market.csv"], ("BTC-USD twice",)),
    "a symbol of nothing": (["--data", "=market.csv"], ("=market.csv", "ETH-USD=FILE")),
    "a symbol without a file": (["--data", "ETH-USD="], ("no file", "check the path")),
    "a symbol with a space": (["--data", "ETH USD=market.csv"], ("'ETH USD'", "ETH-USD")),
    "a configuration that is not there": (["--config", "nowhere.toml"], ("nowhere.toml", "kedge init")),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_refused(shell: Shell, name: str) -> None:
    arguments, words = USAGE[name]
    shell.refused(arguments, *words)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_of_a_backtest_is_refused(shell: Shell, name: str) -> None:
    arguments, words = OPTIONS[name]
    shell.refused([*RUN, *arguments], *words)


PLACES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "a report nowhere": (["--report", "no/where/r.html"], ("--report", "no/where", "create it first")),
    "a report onto a folder": (["--report", "folder"], ("--report", "folder", "name a file")),
    "a report under a file": (["--report", "market.csv/r.html"], ("--report", "market.csv")),
    "a report onto a device": (["--report", "/dev/null"], ("--report", "/dev/null", "name a file")),
    "a JSON nowhere": (["--json", "no/where/r.json"], ("--json", "no/where", "create it first")),
    "a JSON onto a folder": (["--json", "folder"], ("--json", "folder", "name a file")),
    "a journal onto a file": (["--journal", "market.csv"], ("--journal", "market.csv", "not a directory")),
    "a journal under a file": (["--journal", "market.csv/j"], ("--journal", "market.csv")),
    "a journal that is there": (["--journal", "full"], ("--journal", "full", "not empty")),
    "one file for two things": (["--report", "x", "--json", "./x"], ("--report", "--json", "two files")),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_be_written_is_refused_before_the_run(shell: Shell, name: str) -> None:
    Path("folder").mkdir()
    shell.write("full/note.txt", "mine")
    arguments, words = PLACES[name]
    shell.refused(["backtest", "sma_cross", "--data", "market.csv", *arguments], *words)


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--json", "no/where.json"],
        ["demo", "--csv", "no/where.csv"],
        ["demo", "--out", "market.csv"],
        ["demo", "--out", "market.csv/demo"],
        ["strategies", "--json", "no/where.json"],
        ["data", "check", "market.csv", "--json", "no/where.json"],
        ["data", "import", "market.csv", "--json", "no/where.json"],
        ["data", "list", "--json", "no/where.json"],
        ["audit", "verify", "j", "--json", "no/where.json"],
        ["audit", "replay", "j", "--json", "no/where.json"],
        ["audit", "explain", "j", "x", "--json", "no/where.json"],
        ["audit", "show", "j", "--json", "no/where.json"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_place_it_cannot_write_to(shell: Shell, arguments: list[str]) -> None:
    shell.refused(arguments, "market.csv" if arguments[1] == "--out" else "no")


def test_a_demo_does_not_touch_what_no_demo_wrote(shell: Shell) -> None:
    shell.write("notes/todo.txt", "mine")
    shell.refused(["demo", "--out", "notes"], "notes", "todo.txt", "another directory")
    shell.done("demo", "--bars", "150")
    shell.write("kedge-demo/notes.txt", "mine")
    shell.refused(["demo", "--bars", "150"], "kedge-demo", "notes.txt")
    Path("kedge-demo/notes.txt").unlink()
    shell.write("kedge-demo/journal/notes.txt", "mine")
    shell.refused(["demo", "--bars", "150"], "kedge-demo", "notes.txt")
    Path("kedge-demo/journal/notes.txt").unlink()
    Path("kedge-demo/.kedge-demo").unlink()
    shell.refused(["demo", "--bars", "150"], "kedge-demo")


def test_a_project_is_not_started_over_another(shell: Shell) -> None:
    shell.refused(["init", "."], "not empty", "nothing is overwritten")
    shell.refused(["init", "market.csv"], "market.csv", "not a directory")
    shell.refused(["init", "market.csv/mine"], "market.csv")
    shell.done("init", "mine")
    shell.refused(["init", "mine"], "mine", "not empty")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: no disk is always full")
def test_a_full_disk_leaves_nothing_behind(shell: Shell) -> None:
    run = ("backtest", "sma_cross", "--data", "market.csv", "--report", "r.html", "--journal", "a/b/j")
    shell.refused([*run, "--json", "/dev/full"], "No space left", code=3)
    shell.refused(["demo", "--bars", "150", "--json", "/dev/full"], "No space left", code=3)


def test_a_device_is_written_to_and_not_replaced(shell: Shell) -> None:
    before = Path("/dev/null").stat()
    shell.done("strategies", "--json", "/dev/null")
    assert Path("/dev/null").stat() == before


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(shell: Shell) -> None:
    shell.write("real.json", "old")
    Path("link.json").symlink_to("real.json")
    shell.done("strategies", "--json", "link.json")
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text().startswith("[")


def test_a_report_that_was_there_survives_a_run_that_fails(shell: Shell) -> None:
    shell.write("r.html", "old")
    shell.write("stop.py", "from kedge import BaseStrategy\nclass Stop(BaseStrategy):\n"
        "    def required_symbols(self):\n        return ['BTC-USD']\n"
        "    def on_candle(self, candle):\n        raise SystemExit\n")  # fmt: skip
    Path("j").mkdir()
    shell.refused(
        ["backtest", "stop.py:Stop", "--data", "market.csv", "--report", "r.html", "--journal", "j"], "sys.exit"
    )
    assert Path("r.html").read_text() == "old"


VALUED = [
    "--capital",
    "--fee",
    "--slippage-bps",
    "--leverage",
    "--latency-ms",
    "--start",
    "--end",
    "--data",
    "--config",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    option=st.sampled_from(VALUED),
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
)
def test_any_text_as_an_option_gives_one_line_or_a_run(shell: Shell, option: str, text: str) -> None:
    ran = shell("backtest", "sma_cross", "--data", "market.csv", f"{option}={text}", "--journal", "j")
    assert ran.code in (0, 2), ran
    assert len(ran.err.splitlines()) == (1 if ran.code else 0), ran
    assert Path("j").exists() is (ran.code == 0)
    for path in sorted(Path().glob("j*/*")):
        path.unlink()
    if Path("j").exists():
        Path("j").rmdir()


def decimals(low: str, high: str) -> st.SearchStrategy[str]:
    return st.decimals(low, high, allow_nan=False, allow_infinity=False, places=28).map(str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    capital=decimals("1e-28", "1e28"),
    fee=decimals("-1", "1"),
    slippage=decimals("0", "10000"),
    leverage=decimals("1e-9", "1e9"),
    latency=st.integers(0, 60_000),
)
def test_any_numbers_within_their_bounds_give_a_run(
    shell: Shell, capital: str, fee: str, slippage: str, leverage: str, latency: int
) -> None:
    numbers = {"capital": capital, "fee": fee, "slippage-bps": slippage, "leverage": leverage, "latency-ms": latency}
    options = [f"--{name}={value}" for name, value in numbers.items()]
    ran = shell("backtest", "sma_cross", "--data", "market.csv", *options, "--report", "r.html", "--json", "-")
    assert (ran.code, ran.err) == (0, ""), ran
