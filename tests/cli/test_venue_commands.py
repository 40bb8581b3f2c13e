"""`kedge venues`, `doctor` and `download`, typed against an emulator that runs beside."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kedge.venues.registry import VENUES

from .shell import Shell, is_one_error

PROCESS = [sys.executable, "-m", "kedge", "emulator"]


@pytest.fixture(scope="module", params=["binance", "coinbase"])
def emulator(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What an emulator says of itself at its start."""
    with subprocess.Popen([*PROCESS, request.param, "--seed", "3"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.fixture
def there(shell: Shell, emulator: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose environment points at the emulator."""
    for name, key in (("REST_URL", "rest"), ("WS_URL", "ws"), ("API_KEY", "api_key"), ("API_SECRET", "api_secret")):
        monkeypatch.setenv(f"TRADING_EXCHANGE_{name}", emulator[key])
    return shell


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_venues_lists_every_gateway(shell: Shell) -> None:
    listed = json.loads(shell.done("venues", "--json", "-"))
    assert [each["name"] for each in listed] == list(VENUES)
    for each in listed:
        assert "limit" in each["order_types"]
        assert "gtc" in each["times_in_force"]
        assert 60 in each["candle_interval_seconds"]
    told = shell.done("venues")
    for each in listed:
        assert each["title"] in told


def test_the_doctor_finds_an_emulator_well(there: Shell, emulator: dict[str, Any]) -> None:
    ran = there("doctor", emulator["venue"], "--json", "-")
    found = {each["what"]: each for each in json.loads(ran.out)["findings"]}
    assert [each for each in found.values() if each["verdict"] == "bad"] == []
    assert ran.code == 0
    assert {"clock", "instruments", "filters BTC-USD", "market BTC-USD", "key", "balances", "open orders"} <= set(found)
    assert any(what.startswith("limit ") for what in found)
    assert emulator["api_secret"] not in ran.out + ran.err


def test_the_doctor_says_what_is_wrong_and_answers_no(
    there: Shell, emulator: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = there("doctor", emulator["venue"], "--symbol", "NOSUCH-USD")
    assert ran.code == 1
    assert "NOSUCH-USD is not among them" in ran.out
    monkeypatch.delenv("TRADING_EXCHANGE_API_KEY")
    assert "API_KEY" in there.refused(["doctor", emulator["venue"]], "there is an API secret and no API key")
    monkeypatch.delenv("TRADING_EXCHANGE_API_SECRET")
    ran = there("doctor", emulator["venue"])
    assert ran.code == 0
    assert "note key: none is set" in ran.out


def test_a_download_goes_on_where_it_stopped(there: Shell, emulator: dict[str, Any]) -> None:
    venue = emulator["venue"]
    told = json.loads(there.done("download", venue, "BTC-USD", "1m", "--start", hours_ago(5), "--json", "-"))
    assert told["added"] == told["candles"] == pytest.approx(300, abs=2)
    assert told["missing"] == []
    assert set(told["quality"].values()) == {0}
    again = json.loads(there.done("download", venue, "BTC-USD", "1m", "--start", hours_ago(5), "--json", "-"))
    assert again["added"] <= 2
    longer = json.loads(there.done("download", venue, "BTC-USD", "1m", "--start", hours_ago(8), "--json", "-"))
    assert longer["added"] == pytest.approx(180, abs=2)
    assert longer["candles"] == pytest.approx(480, abs=3)
    data = json.loads(there.done("data", "list", "--json", "-"))
    assert (data[0]["venue"], data[0]["symbol"], data[0]["missing"]) == (venue, "BTC-USD", 0)
    said = there.done("download", venue, "ETH-USD", "5m", "--start", hours_ago(3), "--end", hours_ago(1))
    assert re.search(rf"2[34] candles added; 2[34] of {venue} ETH-USD 5m", said)


def test_what_cannot_be_downloaded_is_said_in_one_line(
    there: Shell, emulator: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    venue, start = emulator["venue"], ["--start", "2024-01-01"]
    there.refused(["download", venue, "BTC-USDD", "1m", *start], "BTC-USDD", "did you mean BTC-USD")
    there.refused(["download", venue, "BTC-USD", "7m", *start], "no candles of 7m", "1m, ", "5m, ")
    there.refused(["download", venue, "BTC-USD", "1x", *start], "interval is '1x'", "1m, 1h or 1d")
    there.refused(["download", venue, "BTC-USD", "1m", "--start", "yesterday"], "--start 'yesterday' is not a time")
    there.refused(["download", venue, "BTC-USD", "1m", "--start", "2099-01-01"], "is not before --end")
    there.refused(["download", "binanse", "BTC-USD", "1m", *start], "venue 'binanse' is unknown; did you mean binance?")
    monkeypatch.setenv("TRADING_EXCHANGE_REST_URL", "http://127.0.0.1:1")
    there.refused(["download", venue, "BTC-USD", "1m", *start], "does not say what it lists: not sent", code=3)


def test_what_came_before_an_error_is_kept(
    there: Shell, emulator: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue breaks down in the middle, and the download after that asks for the rest alone."""
    from kedge.model.errors import WorldError
    from kedge.venues import history

    first = history.PAGE_MIN
    monkeypatch.setattr(history, "PAGE_MAX", first)
    whole = history.pages

    async def breaking(*given: Any) -> Any:
        async for page in whole(*given):
            yield page
            raise WorldError("the venue failed 7 times in a row; try again later, what came is kept")

    monkeypatch.setattr("kedge.cli.download.pages", breaking)
    ran = there("download", emulator["venue"], "BTC-USD", "1m", "--start", hours_ago(10))
    is_one_error(ran, "what came is kept", code=3)
    monkeypatch.setattr("kedge.cli.download.pages", whole)
    told = json.loads(
        there.done("download", emulator["venue"], "BTC-USD", "1m", "--start", hours_ago(10), "--json", "-")
    )
    assert told["added"] == pytest.approx(600 - first, abs=3)
    assert told["candles"] == pytest.approx(600, abs=3)


def test_help_imports_no_venue() -> None:
    code = (
        "import sys\nfrom kedge.cli.main import run\nrun(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('kedge.venues', 'aiohttp'))], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "[]\n"
